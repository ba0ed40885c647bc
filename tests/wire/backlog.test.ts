// What a device wrote offline, on the stock endpoint, and how fast a user may write, beside somebody who chats.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

import { encodeUpdateMessage } from '../../shared/sync/wire.ts'
import { limits } from '../../shared/limits.ts'
import { ChainWriter, messagePayload } from '../helpers/chain-writer.ts'
import { RawSocket } from '../helpers/raw-socket.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'
import { StockClient } from '../helpers/stock-client.ts'
import { wholeHistory } from '../helpers/whole-history.ts'

let server: ServerProcess
const clients: StockClient[] = []

beforeAll(async () => {
  server = await startServerProcess()
})
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy()
})
afterAll(() => server.dispose())

async function join(conversation: string, user: string, connect = true): Promise<StockClient> {
  const token = await server.token(user)
  const client = new StockClient({ url: server.url, conversation, user, token, connect })
  clients.push(client)
  return client
}

/** The longest that a message of somebody who chats took to be stamped, in ms, until `done`. */
async function chatUntil(client: StockClient, done: Promise<unknown>): Promise<number> {
  let isDone = false
  void done.finally(() => (isDone = true))
  let longest = 0
  while (!isDone) {
    const started = performance.now()
    client.say('chatting')
    await client.sent()
    longest = Math.max(longest, performance.now() - started)
  }
  return longest
}

test('[SYNC9][LIMIT1] 5,000 entries and 12 of 100 KB, written offline, are taken at once, and others go on chatting', async () => {
  const conversation = await server.createConversation('ann', 'bob')
  const bob = await join(conversation, 'bob')
  await bob.synced()
  const ann = await join(conversation, 'ann', false)
  // Together with the frames that carry them, just what may come at once.
  ann.append(...Array.from({ length: limits.burstEntriesPerUser - 20 }, () => messagePayload('written offline')))
  ann.append(...Array.from({ length: 12 }, () => messagePayload('x'.repeat(100_000))))
  const started = performance.now()
  ann.provider.connect()
  const longest = await chatUntil(bob, ann.sent())
  const tookMs = performance.now() - started
  console.log(`a backlog in ${Math.round(tookMs)} ms; a message beside it at most ${Math.round(longest)} ms`)
  expect([ann.closes, bob.closes]).toEqual([[], []])
  // Behind all of it they would wait as long as that takes. This process reads it too, beside both: a quarter to a half.
  expect(longest).toBeLessThan(0.8 * tookMs)
})

test('[LIMIT1] whoever writes on and on is slowed down to the limit and not refused, and others do not feel it', async () => {
  const conversation = await server.createConversation('cleo', 'dan')
  const elsewhere = await server.createConversation('dan')
  const dan = await join(conversation, 'dan')
  await dan.synced()
  const own = await join(elsewhere, 'dan')
  await own.synced()
  const socket = new RawSocket({ url: server.url, room: conversation, token: await server.token('cleo') })
  await socket.next('step1')
  const chain = new ChainWriter('cleo')
  const started = performance.now()
  const total = limits.burstEntriesPerUser + 2 * limits.entriesPerSecondPerUser
  while (chain.clock < total) {
    socket.send(encodeUpdateMessage(chain.append(...Array.from({ length: 20 }, () => messagePayload('on and on')))))
  }
  const isThrough = dan.until('all of it is there', () => dan.folded.fold().stampedThrough(chain.client) === total)
  const longest = await chatUntil(own, isThrough)
  const history = await wholeHistory(server, 'dan', conversation)
  expect(history.filter(({ content }) => content === 'on and on')).toHaveLength(total)
  const tookMs = performance.now() - started
  console.log(`${total} entries in ${Math.round(tookMs)} ms; a message of another at most ${Math.round(longest)} ms`)
  expect(tookMs).toBeGreaterThan(1800)
  expect(socket.isOpen).toBe(true)
  // A fiftieth to a tenth.
  expect(longest).toBeLessThan(0.5 * tookMs)
  socket.terminate()
})
