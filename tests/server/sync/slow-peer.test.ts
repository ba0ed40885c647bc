// Sockets of peers that read slowly or not at all, on a server that is told the time.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'

import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { acquireTarget } from '../../../server/chat/conversation-target.ts'
import { ActivityFeed } from '../../../server/sync/activity.ts'
import { attachSockets, type Sockets } from '../../../server/sync/sockets.ts'
import { limits } from '../../../shared/limits.ts'
import { encodeUpdateMessage } from '../../../shared/sync/wire.ts'
import { userId } from '../../helpers/chain-doc.ts'
import { ChainWriter, messagePayload } from '../../helpers/chain-writer.ts'
import { createSyncNode, endlessWindow, freeRates, type SyncNode } from '../../helpers/sync-node.ts'

const large = 'x'.repeat(200_000)
/** What the buffers of the network between two sockets of one machine can hold, and much more. */
const entries = 100

let http: Server
let sockets: Sockets
let node: SyncNode
let room: string
let port: number

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] })
  node = createSyncNode({ window: endlessWindow })
  const id = await node.create('ann')
  room = id
  const nothing = (): void => undefined
  const writer = await node.connect('ann', id, {
    send: nothing,
    close: nothing,
    pause: nothing,
    resume: nothing,
    bufferedBytes: () => 0,
    onDrained: nothing,
    expireAt: nothing,
  })
  const chain = new ChainWriter('ann')
  writer?.receive(encodeUpdateMessage(chain.append(...Array.from({ length: entries }, () => messagePayload(large)))))
  await node.settled()
  http = createServer()
  sockets = attachSockets(http, {
    authenticate: async () => ({ user: userId('ann'), expiresMs: Number.MAX_SAFE_INTEGER }),
    tickets: { issue: () => ({ ticket: '', expiresMs: 0 }), redeem: () => undefined },
    allowsOrigin: () => true,
    acquire: (user, wanted) => acquireTarget(node.registry, user, wanted),
    overview: async () => ({ moved: [], gone: [] }),
    activity: new ActivityFeed((job) => void setImmediate(job)),
    rates: freeRates,
    sleep: async () => undefined,
    now: Date.now,
    log: { info: nothing, error: nothing },
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const address = http.address()
  if (address === null || typeof address === 'string') throw new Error('not listening')
  port = address.port
})

afterEach(async () => {
  vi.useRealTimers()
  await sockets.close()
  http.closeAllConnections()
  http.close()
})

/** A masked frame, as clients send them, with a mask of zeros. */
function masked(payload: readonly number[]): Uint8Array {
  return Uint8Array.of(0x82, 0x80 | payload.length, 0, 0, 0, 0, ...payload)
}

/** A peer that asks for everything, reads when it is told, and answers no ping; and the server's end of it. */
async function follow(): Promise<{ readonly peer: Socket; readonly connection: Socket }> {
  const accepted = once(http, 'connection') as Promise<[Socket]>
  const peer = connect(port, '127.0.0.1')
  peer.on('error', () => undefined)
  const lines = [
    `GET /sync/${room} HTTP/1.1`,
    'Host: localhost',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    'Sec-WebSocket-Protocol: yjs, bearer.ann',
  ]
  peer.write(`${lines.join('\r\n')}\r\n\r\n`)
  peer.write(masked([0, 0, 1, 0]))
  const [connection] = await accepted
  await vi.waitFor(() => expect(connection.writableLength).toBeGreaterThan(0))
  return { peer, connection }
}

const taken = ({ bytesWritten, writableLength }: Socket): number => bytesWritten - writableLength

test('[SLOW1][SYNC3] one that reads slowly is not taken for dead, although no ping gets to it; when it stops reading, it is', async () => {
  const { peer, connection } = await follow()
  await vi.advanceTimersByTimeAsync(limits.heartbeatMs)
  for (let beat = 1; beat <= 5; beat++) {
    const before = taken(connection)
    while (taken(connection) === before) {
      peer.read(256 * 1024)
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    await vi.advanceTimersByTimeAsync(limits.heartbeatMs)
    expect([beat, sockets.size(), connection.destroyed]).toEqual([beat, 1, false])
  }
  await vi.advanceTimersByTimeAsync(2 * limits.heartbeatMs)
  await vi.waitFor(() => expect(sockets.size()).toBe(0))
  peer.destroy()
})

test('[SLOW1] what waits for one that does not read stays about a mebibyte, and one ear hears when it is gone', async () => {
  const { peer, connection } = await follow()
  await node.settled()
  expect(connection.writableLength).toBeLessThan(
    limits.socketBufferSoftBytes + limits.bytesPerCatchUp + limits.entryBytes,
  )
  expect(connection.listenerCount('drain')).toBeLessThanOrEqual(3)
  let read = 0
  peer.on('data', (data) => (read += data.length))
  await vi.waitFor(() => expect(read).toBeGreaterThan(entries * large.length), { timeout: 30_000 })
  peer.destroy()
})
