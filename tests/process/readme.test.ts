// The README's programs are run as they are printed; only the address is another.
import { execFile } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'

import { childEnv } from '../helpers/coverage-env.ts'
import { root } from '../helpers/root.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'

const run = promisify(execFile)
const readme = readFileSync(join(root, 'README.md'), 'utf8')
/** Inside the package, so that it can import itself by name. */
const program = join(root, 'dist/readme-program.mjs')
let server: ServerProcess | undefined

beforeAll(async () => {
  server = await startServerProcess()
})
afterAll(async () => {
  await server?.dispose()
  rmSync(program, { force: true })
})

/** The code block of `language` that contains `marker`, with `to` in the place of `from`. */
function block(language: string, marker: string, from: string, to: string | undefined): string {
  const blocks = readme.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))
  const found = [...blocks].map(([, code = '']) => code).find((code) => code.includes(marker))
  if (found === undefined || to === undefined) throw new Error(`no block with ${marker}`)
  expect(found).toContain(from)
  return found.replaceAll(from, to)
}

/** The same, pointed at the running server. */
function blockOnline(language: string, marker: string): string {
  return block(language, marker, 'http://127.0.0.1:8787', server?.url)
}

test('[HOUSE3] the SDK program has at most 15 lines, and its message is sent', async () => {
  const code = blockOnline('ts', 'createChatClient')
  expect(
    code
      .trim()
      .split('\n')
      .filter((line) => line.trim() !== '').length,
  ).toBeLessThanOrEqual(15)
  // It would go on for ever, as a chat does.
  const ending =
    "\nchat.messages.subscribe(() => chat.messages.getSnapshot()[0]?.delivery.state === 'sent' && client.close())\n"
  writeFileSync(program, code + ending)
  const { stdout } = await run(process.execPath, [program], { cwd: server?.folder, env: childEnv(), timeout: 40_000 })
  expect(stdout).toContain('ann Are you hungry? pending')
  expect(stdout).toContain('ann Are you hungry? sent')
})

test('[HOUSE3] the curl example answers with the message', async () => {
  const { stdout } = await run('bash', ['-e', '-c', blockOnline('sh', 'curl')], { env: childEnv(), timeout: 40_000 })
  expect(JSON.parse(stdout)).toMatchObject({ user_id: 'ann', role: 'user', content: 'Hello', seq: 0 })
})

test('[HOUSE3] the data of a stopped server is verified and restored', async () => {
  const stopped = await startServerProcess()
  onTestFinished(() => stopped.dispose())
  await stopped.createConversation('ann')
  await stopped.stop()
  const commands = block('sh', 'npm start -- verify', './data', stopped.dataDir)
  const { stdout } = await run('bash', ['-e', '-c', commands], { cwd: root, env: childEnv(), timeout: 40_000 })
  expect(stdout).toContain('1 conversations, 0 messages, no damage\n')
  expect(stdout).toContain(`Restored ${join(stopped.dataDir, 'store')}, generation `)
})
