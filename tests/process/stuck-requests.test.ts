// Requests that never end do not keep the server from ending.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'

import { runProgram, serverArgs } from '../helpers/program.ts'

/** Opens a connection that sends this and nothing more. */
async function stuck(port: number, text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => undefined)
  socket.resume()
  await once(socket, 'connect')
  await new Promise<void>((resolve) => socket.write(text, () => resolve()))
  return socket
}

const body = ['Content-Type: application/json', 'Content-Length: 10', '', '{'].join('\r\n')

test.each([
  ['a request line', 'GET / HT'],
  ['headers', 'GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Ha'],
  ['a body that needs no token', `POST /api/demo/token HTTP/1.1\r\nHost: localhost\r\n${body}`],
  ['an upgrade', 'GET /sync/x HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'],
])('[PROC2] SIGTERM with half of %s open: it ends with 0 within a few seconds', async (_what, text) => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-test-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const program = runProgram(serverArgs('--data', folder))
  onTestFinished(async () => void (await program.kill()))
  const { port, origin } = new URL((await program.firstLine).replace('Parley listening on ', ''))
  const socket = await stuck(Number(port), text)
  // Answered behind the half request: the server has that in hand.
  for (let each = 0; each < 3; each++) await (await fetch(`${origin}/health/live`)).text()
  expect(socket.destroyed).toBe(false)
  const begin = performance.now()
  program.child.kill('SIGTERM')
  expect(await program.ended).toEqual({ code: 0, signal: null })
  expect(performance.now() - begin).toBeLessThan(6000)
})
