// What a client may cost by holding connections: each limit with a short value, awaited by the end of the connection.
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'

import { describe, expect, onTestFinished, test } from 'vitest'

import type { ConnectionLimits } from '../../../server/http/app.ts'
import { limits } from '../../../shared/limits.ts'
import { People } from '../../contract/rest/people.ts'
import { type FakeServer, startFakeServer } from './fake-server.ts'
import { rawBytes, rawRequest } from './raw-request.ts'

async function start(connectionLimits: Partial<ConnectionLimits>): Promise<FakeServer> {
  const server = await startFakeServer({ deps: { connectionLimits: { checkMs: 10, ...connectionLimits } } })
  onTestFinished(async () => {
    server.app.server.closeAllConnections()
    await server.close()
  })
  return server
}

async function open({ url }: FakeServer): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

/** The server's end of the next connection. */
async function accepted({ app }: FakeServer): Promise<Socket> {
  const [socket] = (await once(app.server, 'connection')) as [Socket]
  return socket
}

describe('a connection that does nothing', () => {
  test.each([
    ['nothing', ''],
    ['one byte', 'G'],
    ['half of its headers', 'GET /health/live HTTP/1.1\r\nhost: localhost\r\nx-ha'],
    ['half of an upgrade', 'GET /sync/x HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upg'],
  ])('[PROC4] that sent %s is closed when the time for headers is over', async (_what, sent) => {
    const server = await start({ headersMs: 100 })
    const answer = await rawBytes(server.url, sent)
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({ code: 'bad-request' })
  })

  test('[PROC4] headers that trickle in byte by byte are not waited for either', async () => {
    const server = await start({ headersMs: 100 })
    const socket = await open(server)
    const answer = text(socket)
    let [isClosed, sent] = [false, 0]
    socket.once('close', () => {
      isClosed = true
    })
    socket.write('GET /health/live HTTP/1.1\r\nx: ')
    while (!isClosed && sent < 15_000) {
      if (!socket.destroyed) socket.write('y')
      sent++
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await answer).toMatch(/^HTTP\/1\.1 408 /)
  })

  test('[PROC4] whose body stops is closed when the time for a request is over, and nothing is written', async () => {
    // Long enough for whole requests on a busy machine.
    const server = await start({ requestMs: 2000, headersMs: 1000 })
    const ann = new People(server).person('ann')
    const path = await ann.creates()
    const head = [
      `POST ${path}/messages HTTP/1.1`,
      'host: localhost',
      `authorization: Bearer ${ann.token}`,
      'content-type: application/json',
      'content-length: 100',
    ]
    expect(await rawBytes(server.url, `${head.join('\r\n')}\r\n\r\n{"role"`)).toMatch(/^HTTP\/1\.1 408 /)
    expect(await ann.reads(path)).toEqual([])
  })

  test('[PROC4] that keeps an answered connection open is closed a little later', async () => {
    const server = await start({ keepAliveMs: 50 })
    const socket = await open(server)
    socket.write('GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n')
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('[PROC4] that does not read its answers is closed', async () => {
    const server = await start({ silenceMs: 200 })
    const [here, there] = await Promise.all([open(server), accepted(server)])
    const closed = once(there, 'close')
    here.pause()
    here.write('GET /api/openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(900))
    await closed
    expect(there.bytesWritten).toBeGreaterThan(0)
  })
})

describe('many of them', () => {
  test('[PROC4] beyond the limit connections are not taken, until others end', async () => {
    const server = await start({ connections: 2 })
    const taken: Socket[] = []
    server.app.server.on('connection', (socket: Socket) => taken.push(socket))
    const sockets = await Promise.all([open(server), open(server), open(server)])
    await Promise.race(sockets.map((socket) => once(socket.resume(), 'close')))
    expect(taken).toHaveLength(2)
    const ended = taken.map((socket) => once(socket, 'close'))
    for (const socket of sockets) socket.destroy()
    await Promise.all(ended)
    expect((await rawRequest(server.url, { path: '/health/live' })).status).toBe(200)
  })

  test('[PROC4] a connection takes so many requests, and then says that it ends', async () => {
    const server = await start({ requestsPerConnection: 3 })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    onTestFinished(() => agent.destroy())
    const connections = new Set<Socket>()
    server.app.server.on('connection', (socket: Socket) => connections.add(socket))
    const seen: (string | undefined)[] = []
    for (let n = 0; n < 4; n++) {
      const outgoing = request(`${server.url}/health/live`, { agent }).end()
      const [answer] = await once(outgoing, 'response')
      seen.push(answer.headers.connection)
      await text(answer)
    }
    expect(seen).toEqual(['keep-alive', 'keep-alive', 'close', 'keep-alive'])
    expect(connections.size).toBe(2)
  })

  test('[PROC4] headers have a limit', async () => {
    const server = await start({ headerBytes: 4096 })
    const headersOf = (length: number): string => `GET /health/live HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(length)}\r\n`
    expect(await rawBytes(server.url, `${headersOf(3000)}connection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200 /)
    expect(await rawBytes(server.url, `${headersOf(5000)}\r\n`)).toMatch(/^HTTP\/1\.1 431 /)
  })
})

test('[PROC4] without being told, the server has these limits, and a token of 8 KiB fits', async () => {
  const server = await startFakeServer()
  onTestFinished(() => server.close())
  const { headersTimeout, requestTimeout, keepAliveTimeout, timeout, maxRequestsPerSocket, maxConnections } =
    server.app.server
  expect({ headersTimeout, requestTimeout, keepAliveTimeout, timeout, maxRequestsPerSocket, maxConnections }).toEqual({
    headersTimeout: limits.httpHeadersMs,
    requestTimeout: limits.httpRequestMs,
    keepAliveTimeout: limits.httpKeepAliveMs,
    timeout: limits.httpSilenceMs,
    maxRequestsPerSocket: limits.requestsPerConnection,
    maxConnections: limits.connections,
  })
  const headers = { authorization: `Bearer ${'x'.repeat(8192)}` }
  expect((await rawRequest(server.url, { path: '/api/conversations', headers })).status).toBe(401)
})
