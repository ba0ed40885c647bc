// The command `parley verify`, as an operator runs it.
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'

import { decodeKey } from '../../server/storage/level/keys.ts'
import { runProgram } from '../helpers/program.ts'
import { root } from '../helpers/root.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'
import { filesEnding, flipBit, putRow, rowsIn } from '../server/storage/store-folder.ts'

interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

async function parley(...args: readonly string[]): Promise<Outcome> {
  const program = runProgram([join(root, 'dist/server/main.js'), ...args])
  onTestFinished(async () => void (await program.kill()))
  const { code } = await program.ended
  return { code, stdout: program.stdout(), stderr: program.stderr() }
}

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-test-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** A stopped server with a message in a conversation. */
async function stoppedServer(): Promise<{ readonly server: ServerProcess; readonly conversation: string }> {
  const server = await startServerProcess()
  onTestFinished(() => server.dispose())
  const conversation = await server.createConversation('ann', 'bob')
  const message = { role: 'user', content: 'a secret word' }
  expect((await server.rest('ann', 'POST', `/api/conversations/${conversation}/messages`, message)).status).toBe(201)
  await server.stop()
  return { server, conversation }
}

describe('parley verify', () => {
  test('[STORE8] no damage: one line, exit code 0, and the server starts on it as before', async () => {
    const { server } = await stoppedServer()
    const names = await readdir(server.dataDir)
    expect(await parley('verify', '--data', server.dataDir)).toEqual({
      code: 0,
      stdout: '1 conversations, 1 messages, no damage\n',
      stderr: '',
    })
    expect(await readdir(server.dataDir)).toEqual(names)
    await server.start()
    expect((await server.rest('ann', 'GET', '/api/conversations')).status).toBe(200)
  })

  test('[STORE8] damage: a line for each, with its conversation and no content, and exit code 1', async () => {
    const { server, conversation } = await stoppedServer()
    const store = join(server.dataDir, 'store')
    for (const row of await rowsIn(store)) {
      if (decodeKey(row.key)?.kind === 'message') await putRow(store, { key: row.key, value: row.value.subarray(1) })
    }
    const { code, stdout } = await parley('verify', '--data', server.dataDir)
    expect([code, stdout]).toEqual([
      1,
      `conversation ${conversation}: a message row of conversation ${conversation} is damaged\n` +
        '1 conversations, 0 messages, 1 problem\n',
    ])
    const json = await parley('verify', '--data', server.dataDir, '--json')
    expect(
      json.stdout
        .trim()
        .split('\n')
        .map((line): unknown => JSON.parse(line)),
    ).toEqual([
      { kind: 'problem', conversation, text: `a message row of conversation ${conversation} is damaged` },
      { kind: 'summary', conversations: 1, messages: 0, problems: 1 },
    ])
    expect(json.code).toBe(1)
  })

  test('[STORE8] a damaged table ends neither it nor the server without a word', async () => {
    const { server } = await stoppedServer()
    // Opening moves the log into a table.
    await server.start()
    await server.stop()
    const [table = ''] = await filesEnding(join(server.dataDir, 'store'), '.ldb')
    // Somewhere in the index: LevelDB would end the process.
    await flipBit(table, -60)
    const { code, stdout } = await parley('verify', '--data', server.dataDir)
    expect(code).toBe(1)
    expect(stdout).toMatch(/^store: table \S+: .* damaged\nstore: the rows .* not looked through\n0 conversations/)
    const start = await parley('serve', '--data', server.dataDir, '--port', '0')
    expect([start.code, start.stdout]).toEqual([1, ''])
    expect(start.stderr).toMatch(/^Parley cannot start: .* table .* damaged \(damaged\)\n$/)
  })

  test('[STORE8][STORE4] a running server, and a folder without a store: one line, and exit code 2', async () => {
    const server = await startServerProcess()
    onTestFinished(() => server.dispose())
    expect(await parley('verify', '--data', server.dataDir)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^Cannot verify: .* open in another process \(locked\)\n$/) as string,
    })
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200)
    const nowhere = join(folder, 'nowhere')
    expect(await parley('verify', '--data', nowhere)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no store') as string,
    })
    expect(await readdir(folder)).toEqual([])
  })
})

describe('parley', () => {
  test('[CONF1] a command that is none, and flags that are none: what there is, and exit code 2', async () => {
    const unknown = await parley('verfiy', '--data', folder)
    expect([unknown.code, unknown.stdout]).toEqual([2, ''])
    expect(unknown.stderr).toContain('there is no command "verfiy"')
    expect(unknown.stderr).toContain('Usage: parley [command] [options]')
    const wrong = await parley('verify', '--colour', 'blue')
    expect([wrong.code, wrong.stdout]).toEqual([2, ''])
    expect(wrong.stderr).toContain('--colour')
    expect(wrong.stderr).toContain('Usage: parley verify')
    expect(await parley('toString')).toMatchObject({ code: 2 })
    const empty = await parley('verify', '--data=')
    expect([empty.code, empty.stderr.split('\n')[0]]).toEqual([2, '--data: its value is missing.'])
    expect((await parley('help', 'verify')).stdout).toBe((await parley('verify', '--help')).stdout)
    expect((await parley('--help')).stdout).toMatch(/parley verify.*parley restore/)
    for (const args of [['help'], ['help', 'restore'], ['verify', '--help'], ['serve', '--help'], ['--help']]) {
      const { code, stdout, stderr } = await parley(...args)
      expect([args, code, stderr]).toEqual([args, 0, ''])
      expect(stdout).toContain('Usage: parley')
    }
  })
})
