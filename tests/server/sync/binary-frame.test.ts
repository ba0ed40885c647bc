import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'

import { createFramer, encodeBinaryFrame } from '../../../server/sync/binary-frame.ts'

const http = createServer()
const wss = new WebSocketServer({ noServer: true })
let client: WebSocket
/** Writes bytes to the client's connection. */
let write: (bytes: Uint8Array) => void

beforeAll(async () => {
  http.on('upgrade', (request, connection, head) => {
    write = (bytes) => connection.write(bytes)
    wss.handleUpgrade(request, connection, head, () => undefined)
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`)
  await once(client, 'open')
})

afterAll(() => {
  client.terminate()
  http.closeAllConnections()
  http.close()
})

/** What a client makes of bytes. */
async function receive(bytes: Uint8Array): Promise<{ readonly data: Buffer; readonly isBinary: boolean }> {
  const received = new Promise<{ readonly data: Buffer; readonly isBinary: boolean }>((resolve) => {
    client.once('message', (data: Buffer, isBinary: boolean) => resolve({ data, isBinary }))
  })
  write(bytes)
  return received
}

test.each([0, 1, 125, 126, 127, 0xffff, 0x1_0000, 300_000])(
  '[SYNC1] a frame of %i bytes is read as it was',
  async (length) => {
    const payload = Uint8Array.from({ length }, (_, index) => index * 7)
    const { data, isBinary } = await receive(encodeBinaryFrame(payload))
    expect(isBinary).toBe(true)
    expect(Buffer.compare(data, payload)).toBe(0)
  },
)

test('[SYNC1] the same object is framed once, and another one with the same bytes again', () => {
  const framer = createFramer()
  const payload = Uint8Array.of(1, 2, 3)
  const frame = framer(payload)
  expect(framer(payload)).toBe(frame)
  expect(framer(Uint8Array.of(1, 2, 3))).not.toBe(frame)
  expect(framer(payload)).toEqual(frame)
})
