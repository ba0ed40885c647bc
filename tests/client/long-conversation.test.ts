// Whole clients against a whole server, in a conversation that was archived again and again while one of them was away.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { WebSocket as NodeWebSocket } from 'ws'

import type { ChatClient, Conversation } from '../../client/api.ts'
import { createClient } from '../../client/chat-client.ts'
import type { ClientStorage } from '../../client/storage/client-storage.ts'
import { signByHand } from '../contract/rest/rest-client.ts'
import { CuttingProxy } from '../helpers/cutting-proxy.ts'
import { keepingMemory } from '../helpers/open-rig.ts'
import { startTestServer, type TestServer } from '../helpers/running-server.ts'
import { when } from '../helpers/when.ts'

let server: TestServer
let proxy: CuttingProxy
const clients: ChatClient[] = []

beforeAll(async () => {
  server = await startTestServer()
  proxy = await CuttingProxy.start(() => server.url)
})
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()))
})
afterAll(async () => {
  await proxy.close()
  await server.close()
})

function start(user: string, storage: ClientStorage, url = server.url): ChatClient {
  const exp = Math.floor(Date.now() / 1000) + 3600
  const client = createClient(
    { url, user, token: async () => signByHand({ claims: { sub: user, exp }, secret: server.secret }) },
    {
      openStorage: async () => storage,
      WebSocket: NodeWebSocket as unknown as typeof WebSocket,
      broadcast: false,
      fetch: globalThis.fetch,
      now: Date.now,
      dropExitListener: (listener) => process.off('exit', listener),
    },
  )
  clients.push(client)
  return client
}

function allSent({ status }: Conversation): Promise<unknown> {
  return when(status, ({ connection, pending }) => connection.phase === 'live' && pending === 0)
}

/** All there is, as people see it. */
async function whole(conversation: Conversation): Promise<readonly object[]> {
  while ((await conversation.loadOlder(200)) > 0);
  return conversation.messages.getSnapshot().map(({ content, user, editedAt, reactions, redactedBy, delivery }) => ({
    content,
    user,
    isEdited: editedAt !== undefined,
    reactions,
    redactedBy,
    // How far others have come is told of own messages alone.
    place: 'seq' in delivery ? [delivery.seq, delivery.createdAt] : delivery,
  }))
}

test('[ARCH2][PAGE2][TOUCH1][UNREAD1] away over three archivings, with own entries that reach back: the same on all devices', async () => {
  const anns = start('ann', keepingMemory())
  const ann = await anns.create({ title: 'Long', members: [{ user: 'bob', access: 'writer' }] })
  const first = ann.send('first of ann')
  await allSent(ann)

  const storage = keepingMemory()
  const before = start('bob', storage, proxy.url)
  const bobs = await before.open(ann.id)
  const own = bobs.send('first of bob')
  await allSent(bobs)
  await when(bobs.messages, (messages) => messages.length === 2)
  proxy.cut()
  await when(bobs.status, ({ connection }) => connection.phase !== 'live')
  bobs.edit(own, 'first of bob, better')
  bobs.react(first, '👍')
  bobs.send('of bob, offline')
  await bobs.flush()
  await before.close()

  for (let round = 0; round < 4; round++) {
    for (let count = 0; count < 700; count++) ann.send(`message ${round}/${count}`)
    await allSent(ann)
  }

  proxy.heal()
  const after = start('bob', storage, proxy.url)
  const back = await after.open(ann.id)
  await allSent(back)
  await when(after.conversations, ([line]) => line?.unread === 999)
  await when(ann.messages, (messages) => messages.at(-1)?.content === 'of bob, offline')
  const [ofAnn, ofBob] = [await whole(ann), await whole(back)]
  expect(ofAnn).toHaveLength(2803)
  expect(ofBob).toEqual(ofAnn)
  expect(ofAnn[1]).toMatchObject({ content: 'first of bob, better', isEdited: true })
  expect(ofAnn[0]).toMatchObject({ reactions: [{ emoji: '👍', users: ['bob'] }] })

  // A redaction of what is archived reaches everybody, and a device that never saw any of it.
  ann.redact(own)
  await allSent(ann)
  await when(back.messages, (messages) => messages[1]?.redactedBy === 'ann')
  const elsewhere = start('bob', keepingMemory())
  const fresh = await elsewhere.open(ann.id)
  await allSent(fresh)
  expect(fresh.messages.getSnapshot().length).toBeLessThan(1100)
  expect(await whole(fresh)).toEqual(await whole(ann))
  back.markRead(2000)
  await allSent(back)
  const unread = ann.messages
    .getSnapshot()
    .filter(({ user, delivery }) => user === 'ann' && 'seq' in delivery && delivery.seq > 2000).length
  expect(unread).toBeGreaterThan(700)
  for (const { conversations } of [after, elsewhere]) await when(conversations, ([line]) => line?.unread === unread)
})

test('[PAGE3][PAGE1] around a message that is not here: that message and those next to it, without a hole, and it stays so', async () => {
  const anns = start('ann', keepingMemory())
  const ann = await anns.create({ title: 'Around' })
  for (let count = 0; count < 1500; count++) ann.send(`message ${count}`)
  await allSent(ann)
  const fresh = await start('ann', keepingMemory()).open(ann.id)
  await when(fresh.status, ({ connection }) => connection.phase === 'live')
  await when(fresh.history, ({ hasOlder }) => hasOlder)
  fresh.setKeep('window')
  const shown = (): string[] => fresh.messages.getSnapshot().map(({ content }) => content)
  const texts = (from: number, count: number): string[] =>
    Array.from({ length: count }, (_, index) => `message ${from + index}`)
  // The title is entry 0, so that seqs are one ahead.
  for (let round = 0; round < 3; round++) {
    await fresh.loadAround(501, 20)
    expect(shown()).toContain('message 500')
    expect(await fresh.loadOlder(10)).toBeGreaterThan(0)
    expect(await fresh.loadNewer(10)).toBeGreaterThan(0)
    const [first = ''] = shown()
    expect(shown().length).toBeGreaterThanOrEqual(20)
    expect(shown()).toEqual(texts(Number(first.split(' ')[1]), shown().length))
    fresh.showNewest()
  }
})
