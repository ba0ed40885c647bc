import { once } from 'node:events'
import { chmod, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { v7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'

import { type Ending, type Program, runProgram, serverArgs } from '../helpers/program.ts'
import { RawSocket } from '../helpers/raw-socket.ts'
import { root } from '../helpers/root.ts'
import { announcedRandom } from '../helpers/seeded-random.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'
import { StockClient } from '../helpers/stock-client.ts'
import { CrashRounds } from './crash-rounds.ts'

const testMs = 120_000

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-test-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** Runs a program that has to end by itself. */
async function outcomeOf(program: Program): Promise<Ending & { stdout: string; stderr: string }> {
  onTestFinished(async () => void (await program.kill()))
  const ending = await program.ended
  return { ...ending, stdout: program.stdout(), stderr: program.stderr() }
}

async function startServer(): Promise<ServerProcess> {
  const server = await startServerProcess()
  onTestFinished(() => server.dispose())
  return server
}

/** An empty program of Node takes so long on a machine with two cores that does nothing else; measured. */
const leastBareMs = 120
/** 3 s, told in empty programs: on a machine that does other things both take longer. */
const mostTimes = 3000 / leastBareMs

async function timeOf(act: () => Promise<unknown>): Promise<number> {
  const begin = performance.now()
  await act()
  return performance.now() - begin
}

describe('starting', () => {
  test(
    '[PROC1] `npm start` says one line on stdout, where it listens, and says it within 3 s when nothing is stale',
    { timeout: testMs },
    async () => {
      const starts: { readonly ms: number; readonly times: number }[] = []
      // The first one may have something to build; of the others the best counts, for the machine does other things too.
      const isQuick = (): boolean => starts.slice(1).some(({ times }) => times < mostTimes)
      while (starts.length < 4 && !isQuick()) {
        const bareMs = await timeOf(() => runProgram(['--eval', '0']).ended)
        const program = runProgram([join(root, 'server/start.mjs'), '--port', '0', '--data', folder])
        onTestFinished(async () => void (await program.kill()))
        const ms = await timeOf(() => program.firstLine)
        starts.push({ ms, times: ms / Math.max(bareMs, leastBareMs) })
        const line = await program.firstLine
        const url = /^Parley listening on (http:\/\/127\.0\.0\.1:\d+)$/.exec(line)?.[1]
        expect(url).toBeDefined()
        expect((await fetch(`${url}/health/ready`)).status).toBe(200)
        expect(await (await fetch(`${url}/`)).text()).toContain('<title>Parley</title>')
        program.child.kill('SIGTERM')
        expect(await program.ended).toEqual({ code: 0, signal: null })
        expect(program.stdout()).toBe(`${line}\n`)
        expect(program.stderr()).toContain('Demo mode')
      }
      const shown = starts.map(({ ms, times }) => `${Math.round(ms)} ms (${times.toFixed(1)} × an empty program)`)
      console.log(`npm start listens after ${shown.join(', ')}`)
      expect(isQuick()).toBe(true)
    },
  )

  test('[CONF1] a wrong configuration: everything that is wrong with it, on stderr, and exit code 2', async () => {
    const flags = ['--port', 'x', '--host', '0.0.0.0', '--log-level', 'loud', '--colour', 'blue']
    const args = [join(root, 'dist/server/main.js'), ...flags, '--data', folder]
    const { code, stdout, stderr } = await outcomeOf(runProgram(args, { env: { PARLEY_ORIGINS: 'nowhere' } }))
    expect(code).toBe(2)
    expect(stdout).toBe('')
    for (const part of [
      '--port "x"',
      '--log-level "loud"',
      '--colour',
      '"blue"',
      'PARLEY_ORIGINS "nowhere"',
      '0.0.0.0',
    ]) {
      expect(stderr).toContain(part)
    }
    expect(stderr.trim().split('\n')).toHaveLength(7)
    expect(await readdir(folder)).toEqual([])
  })

  test('[AUTH3] demo mode starts on no address but this machine’s own', async () => {
    for (const host of ['0.0.0.0', '::', 'example.com']) {
      const { code, stdout, stderr } = await outcomeOf(runProgram(serverArgs('--host', host, '--data', folder)))
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toContain('PARLEY_JWT_SECRET')
    }
    // With a secret the same address is taken: it is the demo mode that is refused.
    const program = runProgram(serverArgs('--host', '0.0.0.0', '--data', folder), {
      env: { PARLEY_JWT_SECRET: 'x'.repeat(32) },
    })
    onTestFinished(async () => void (await program.kill()))
    expect(await program.firstLine).toContain('http://0.0.0.0:')
    expect(program.stderr()).not.toContain('Demo mode')
  })

  test('[AUTH3] the demo key is its owner’s alone, and its tokens survive a restart', async () => {
    const server = await startServer()
    const path = join(server.dataDir, 'demo-key')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const token = await server.token('ann')
    const ask = (url: string): Promise<number> =>
      fetch(`${url}/api/conversations`, { headers: { authorization: `Bearer ${token}` } }).then(({ status }) => status)
    expect(await ask(server.url)).toBe(200)
    await chmod(path, 0o644)
    await server.restart()
    expect(await ask(server.url)).toBe(200)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await ask((await startServer()).url)).toBe(401)
  })
})

describe('a store that cannot be opened', () => {
  /** A stopped server's data, with a message in it. */
  async function filledStore(): Promise<ServerProcess> {
    const server = await startServer()
    const id = await server.createConversation('ann')
    const { status } = await server.rest('ann', 'POST', `/api/conversations/${id}/messages`, {
      role: 'user',
      content: 'Hello',
    })
    expect(status).toBe(201)
    return server
  }

  /** What a server says that is started on this data: one line, and it ends. */
  async function refusal(dataDir: string): Promise<string> {
    const { code, stdout, stderr } = await outcomeOf(runProgram(serverArgs('--data', dataDir)))
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr.trim().split('\n')).toHaveLength(1)
    return stderr
  }

  test('[PROC3][STORE4] locked by another server, which does not notice', async () => {
    const server = await filledStore()
    expect(await refusal(server.dataDir)).toMatch(/^Parley cannot start: .* open in another process \(locked\)\n$/)
    expect((await server.rest('ann', 'GET', '/api/conversations')).status).toBe(200)
  })

  test.each(['CURRENT', 'MANIFEST', '.log'])('[PROC3][STORE4] without its %s: it is lost, not new', async (file) => {
    const server = await filledStore()
    await server.stop()
    const store = join(server.dataDir, 'store')
    const name = (await readdir(store)).find((one) => one.includes(file))
    await rm(join(store, name ?? ''))
    expect(await refusal(server.dataDir)).toMatch(/^Parley cannot start: .* \(damaged\)\n$/)
  })

  test('[PROC3][STORE3] with one byte of it changed', async () => {
    const server = await filledStore()
    await server.stop()
    const store = join(server.dataDir, 'store')
    const logs = (await readdir(store)).filter((name) => name.endsWith('.log'))
    expect(logs).toHaveLength(1)
    const file = await open(join(store, logs[0] ?? ''), 'r+')
    const byte = Buffer.alloc(1)
    await file.read(byte, 0, 1, 20)
    await file.write(Buffer.of((byte[0] ?? 0) ^ 1), 0, 1, 20)
    await file.close()
    expect(await refusal(server.dataDir)).toMatch(/^Parley cannot start: .* \(damaged\)\n$/)
  })

  test('[PROC3] where the data folder should be, there is a file', async () => {
    await writeFile(join(folder, 'file'), '')
    expect(await refusal(join(folder, 'file'))).toMatch(/^Parley cannot start: .*file/)
  })

  test('[PROC3] a port that is taken ends it as clearly, and the store is not locked afterwards', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const bound = server.address()
    const port = typeof bound === 'object' && bound !== null ? String(bound.port) : ''
    const args = [join(root, 'dist/server/main.js'), '--port', port, '--data', folder]
    const { code, stdout, stderr } = await outcomeOf(runProgram(args))
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^Parley cannot start: .*EADDRINUSE/m)
    const second = runProgram(serverArgs('--data', folder))
    onTestFinished(async () => void (await second.kill()))
    await second.firstLine
  })
})

/** What a client makes of a connection that ended without a close frame. */
const noAnswer = 1006

describe('SIGTERM', () => {
  test(
    '[PROC2] finishes the commit in flight, closes sockets with 1012 and exits 0; what was shown as sent is there',
    { timeout: testMs },
    async () => {
      const crash = await CrashRounds.start(join(folder, 'witness'), announcedRandom('sigterm'))
      onTestFinished(() => crash.close())
      await crash.begin()
      for (let round = 1; round <= 5; round++) {
        const endings: unknown[] = []
        const end = async (): Promise<void> => void endings.push(await crash.server.stop())
        const { inFlight, unanswered } = await crash.round({ end })
        expect(endings).toEqual([{ code: 0, signal: null }])
        // It was hard at work, and no commit was left half done.
        expect(unanswered).toBeGreaterThan(0)
        expect(inFlight).toBe(false)
        expect(crash.damages).toEqual([])
        // Whoever comes back before it has ended is told the same once more, or does not get in.
        const told = crash.closes().filter(({ code }) => code !== noAnswer)
        expect(told.length).toBeGreaterThanOrEqual(4 * round)
        for (const close of told) expect(close).toEqual({ code: 1012, reason: 'restart' })
      }
      await crash.settle()
      expect(crash.damages).toEqual([])
    },
  )

  test('[PROC2] SIGINT does the same, and is not held up by connections that ask nothing', async () => {
    const program = runProgram(serverArgs('--data', folder))
    onTestFinished(async () => void (await program.kill()))
    const { port, origin } = new URL((await program.firstLine).replace('Parley listening on ', ''))
    // A browser's spare connection, one that has been answered, and a socket that does not answer the server's close.
    const spare = connect(Number(port), '127.0.0.1')
    onTestFinished(() => void spare.destroy())
    spare.on('error', () => undefined)
    await once(spare, 'connect')
    await (await fetch(`${origin}/health/live`)).text()
    const deaf = connect(Number(port), '127.0.0.1')
    onTestFinished(() => void deaf.destroy())
    deaf.on('error', () => undefined)
    deaf.write(upgradeRequest(v7()))
    await once(deaf, 'data')
    deaf.pause()
    const begin = performance.now()
    program.child.kill('SIGINT')
    expect(await program.ended).toEqual({ code: 0, signal: null })
    expect(performance.now() - begin).toBeLessThan(5000)
  })
})

/** The head of a request for a socket of the stock protocol. */
function upgradeRequest(room: string): string {
  const lines = [`GET /sync/${room} HTTP/1.1`, 'Host: localhost', 'Connection: Upgrade', 'Upgrade: websocket']
  return [...lines, 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', '', ''].join('\r\n')
}

describe('the log', () => {
  test(
    '[CONF2] neither contents nor tokens nor tickets nor keys are in it, at the most talkative level',
    { timeout: testMs },
    async () => {
      const marker = (name: string): string => `marker-${name}-${v7()}`
      const program = runProgram(serverArgs('--data', folder, '--log-level', 'trace'))
      onTestFinished(async () => void (await program.kill()))
      const url = (await program.firstLine).replace('Parley listening on ', '')
      const hidden = [(await readFile(join(folder, 'demo-key'), 'utf8')).trim()]
      const hide = (text: string): string => {
        hidden.push(text)
        return text
      }
      const call = async (user: string | undefined, method: string, path: string, body?: string): Promise<unknown> => {
        const answer = await fetch(url + path, {
          method,
          headers: {
            'content-type': 'application/json',
            ...(user === undefined ? {} : { authorization: `Bearer ${tokens.get(user) ?? user}` }),
          },
          ...(body === undefined ? {} : { body }),
        })
        return answer.json().catch(() => undefined)
      }
      const tokens = new Map<string, string>()
      for (const user of ['ann', 'rita']) {
        const { token } = (await call(undefined, 'POST', '/api/demo/token', JSON.stringify({ user }))) as Tokened
        tokens.set(user, token)
        hidden.push(...token.split('.').slice(1))
      }
      const title = hide(marker('title'))
      const members = [{ user: 'rita', access: 'reader' }]
      const { id } = (await call('ann', 'POST', '/api/conversations', JSON.stringify({ title, members }))) as Made
      const path = `/api/conversations/${id}/messages`
      await call('ann', 'POST', path, JSON.stringify({ role: 'user', content: hide(marker('rest')) }))
      await call('ann', 'POST', path, JSON.stringify({ role: 'nobody', content: hide(marker('refused')) }))
      await call('ann', 'POST', path, `{"content":"${hide(marker('malformed'))}`)
      await call(hide(marker('garbage')), 'GET', '/api/conversations')
      await call('ann', 'GET', `/api/conversations?cursor=${hide(marker('query'))}`)

      const { ticket } = (await call('ann', 'POST', '/api/tickets')) as { ticket: string }
      hide(ticket)
      const ann = new StockClient({ url, conversation: id, user: 'ann', token: '', params: { ticket } })
      onTestFinished(() => ann.destroy())
      ann.say(hide(marker('socket')))
      await ann.sent()
      const rita = new StockClient({ url, conversation: id, user: 'rita', token: tokens.get('rita') ?? '' })
      onTestFinished(() => rita.destroy())
      rita.say(hide(marker('void')))
      await rita.sent()
      const broken = new RawSocket({ url, room: id, token: tokens.get('ann') })
      await broken.opened()
      broken.send(Buffer.from(hide(marker('broken'))))
      expect((await broken.closed).code).toBe(4400)
      const stranger = new RawSocket({ url, room: id, token: hide(marker('bearer')) })
      expect((await stranger.closed).code).toBe(4401)
      const spent = new RawSocket({ url, room: `${id}?ticket=${hide(marker('ticket'))}` })
      expect((await spent.closed).code).toBe(4502)

      program.child.kill('SIGTERM')
      await program.ended
      const log = program.stderr()
      expect(hidden.filter((text) => log.includes(text))).toEqual([])
      expect(log).not.toContain('marker')
      // Or the lines would prove nothing.
      const lines = log.split('\n').filter((line) => line.startsWith('{'))
      expect(lines.length).toBeGreaterThan(8)
      expect(log).toContain('/api/conversations/:id/messages')
      expect(hidden).toHaveLength(17)
    },
  )
})

interface Tokened {
  readonly token: string
}

interface Made {
  readonly id: string
}
