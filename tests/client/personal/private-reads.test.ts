// What is read in private clears badges on all devices of the user, and tells nobody else.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import * as Y from 'yjs'

import type { ChatClient, Conversation } from '../../../client/api.ts'
import { OpenConversation } from '../../../client/open-conversation.ts'
import { type MessageId, parseEntry } from '../../../shared/chat/entry.ts'
import { parseRoot } from '../../../shared/sync/roots.ts'
import { type OwnDevice, type OwnDeviceOptions, startDevice, tokenOf } from '../../helpers/own-devices.ts'
import { startTestServer, type TestServer } from '../../helpers/running-server.ts'
import { StockClient } from '../../helpers/stock-client.ts'
import { until } from '../../helpers/until.ts'
import { when } from '../../helpers/when.ts'

let server: TestServer
const devices: OwnDevice[] = []
const witnesses: StockClient[] = []

beforeAll(async () => {
  server = await startTestServer()
})
afterEach(async () => {
  await Promise.all(devices.splice(0).map((device) => device.close()))
  for (const witness of witnesses.splice(0)) witness.destroy()
})
afterAll(() => server.close())

async function start(user: string, options?: OwnDeviceOptions): Promise<OwnDevice> {
  const device = await startDevice(server, user, options)
  devices.push(device)
  return device
}

/** The device of a friend, with a conversation of two and five messages in it. */
async function startTalk(user: string, friend: string): Promise<Conversation> {
  const { client } = await start(friend)
  const talk = await client.create({ members: [{ user, access: 'writer' }] })
  for (let number = 1; number <= 5; number++) talk.send(`message ${number}`)
  await when(talk.messages, (list) => list.every(({ delivery }) => delivery.state !== 'pending'))
  return talk
}

const unreadIs = (client: ChatClient, unread: number): Promise<unknown> =>
  when(client.conversations, ([row]) => row?.unread === unread)

async function messagesIn(conversation: Conversation, count = 5): Promise<readonly number[]> {
  const list = await when(conversation.messages, ({ length }) => length === count)
  return list.flatMap(({ delivery }) => ('seq' in delivery ? [delivery.seq] : []))
}

/** The `read` entries of a user that a document of somebody else holds. */
function receiptsOf(doc: Y.Doc, user: string): readonly object[] {
  return [...doc.share.keys()].flatMap((name) => {
    const root = parseRoot(name)
    if (root?.kind !== 'chain' || root.user !== user) return []
    const payloads = doc.getArray<Uint8Array>(name).toArray()
    return payloads.flatMap((payload) => {
      const parsed = parseEntry(payload)
      return parsed.kind === 'entry' && parsed.entry.kind === 'read' ? [parsed.entry] : []
    })
  })
}

/** What the server has of a user, and nobody but them can ask for. */
async function stateOf(user: string): Promise<Readonly<Record<string, unknown>>> {
  const headers = { authorization: `Bearer ${tokenOf(server, user)}` }
  const answer: unknown = await (await fetch(`${server.url}/api/me/state`, { headers })).json()
  const { items } = answer as { items: readonly { key: string; value: unknown }[] }
  return Object.fromEntries(items.map(({ key, value }) => [key, value]))
}

async function registerOf(user: string, id: string): Promise<unknown> {
  return (await stateOf(user))[`read/${id}`]
}

test('[PRIVATE2][UNREAD1] badges go on all own devices, open or not, after a reload too, and a witness sees no register', async () => {
  const talk = await startTalk('ann', 'bob')
  const [phone, desk] = [await start('ann', { receipts: 'private' }), await start('ann', { receipts: 'private' })]
  await Promise.all([unreadIs(phone.client, 5), unreadIs(desk.client, 5)])
  const reading = await phone.client.open(talk.id)
  const seqs = await messagesIn(reading)
  reading.markRead(seqs[2])
  await unreadIs(phone.client, 2)
  // Nobody has it open there.
  await unreadIs(desk.client, 2)
  reading.markRead()
  await unreadIs(desk.client, 0)
  const open = await desk.client.open(talk.id)
  talk.send('message 6')
  await unreadIs(desk.client, 1)
  await messagesIn(open, 6)
  reading.markRead(seqs[1])
  open.markRead()
  await unreadIs(phone.client, 0)
  // A device that tells others how far it is follows all the same, and tells nothing of what was read elsewhere.
  const telling = await start('ann')
  await unreadIs(telling.client, 0)
  // Nothing but the list tells a device with one socket for each conversation.
  const stock = await start('ann', { transport: 'stock' })
  await stock.client.refresh()
  await unreadIs(stock.client, 0)
  const listed = await stock.client.open(talk.id)
  await messagesIn(listed, 6)
  await until('it is known there', () => listed instanceof OpenConversation && listed.unread.unread === 0)
  await phone.close()
  const again = await start('ann', { receipts: 'private', storage: phone.storage, isCut: true })
  await unreadIs(again.client, 0)

  const witness = new StockClient({
    url: server.url,
    conversation: talk.id,
    user: 'bob',
    token: tokenOf(server, 'bob'),
  })
  witnesses.push(witness)
  // One that tells is found, so that one that does not is none.
  open.send('an answer')
  await messagesIn(talk, 7)
  talk.markRead()
  await until('the witness has the receipt of bob', () => receiptsOf(witness.doc, 'bob').length > 0)
  expect(receiptsOf(witness.doc, 'ann').filter((entry) => 'through' in entry)).toEqual([])
})

/** A conversation of two with a root, three answers in its thread, and one message behind them. */
async function startThread(user: string, friend: string): Promise<{ talk: Conversation; root: MessageId }> {
  const { client } = await start(friend)
  const talk = await client.create({ members: [{ user, access: 'writer' }] })
  const root = talk.send('root')
  for (let number = 1; number <= 3; number++) talk.thread(root).send(`answer ${number}`)
  talk.send('aside')
  await when(talk.messages, (list) => list.every(({ delivery }) => delivery.state !== 'pending'))
  return { talk, root }
}

test('[PRIVATE2][THREAD3] a thread that is read in private is read on all own devices, after a reload too, and a witness sees no register', async () => {
  const { talk, root } = await startThread('eve', 'fred')
  const [phone, desk] = [await start('eve', { receipts: 'private' }), await start('eve', { receipts: 'private' })]
  await Promise.all([unreadIs(phone.client, 5), unreadIs(desk.client, 5)])
  const reading = await phone.client.open(talk.id)
  const seqs = await messagesIn(reading)
  // Nobody has it open there.
  reading.thread(root).markRead(seqs[2])
  await Promise.all([unreadIs(phone.client, 3), unreadIs(desk.client, 3)])
  const open = await desk.client.open(talk.id)
  const unreadInThread = (conversation: Conversation, unread: number): Promise<unknown> =>
    when(conversation.thread(root).info, (info) => info.unread === unread)
  await unreadInThread(open, 1)
  reading.thread(root).markRead()
  await Promise.all([unreadInThread(open, 0), unreadIs(desk.client, 2)])
  // A device that tells is told of it all the same, whether or not it asks for private state.
  const telling = await start('eve')
  await unreadIs(telling.client, 2)
  const told = await telling.client.open(talk.id)
  await messagesIn(told)
  await unreadInThread(told, 0)
  for (const [device, receipts] of [
    [phone, 'private'],
    [telling, 'on'],
  ] as const) {
    await device.close()
    const again = await start('eve', { receipts, storage: device.storage, isCut: true })
    const counts: number[] = []
    again.client.conversations.subscribe(() => {
      const [row] = again.client.conversations.getSnapshot()
      if (row !== undefined) counts.push(row.unread)
    })
    const opened = await again.client.open(talk.id)
    await messagesIn(opened)
    expect(opened.thread(root).info.getSnapshot()).toMatchObject({ unread: 0, readThrough: seqs[3] })
    await again.client.personal.flush()
    expect([...new Set(counts)]).toEqual([2])
  }
  const key = `read/${talk.id}/${root}`
  expect(await stateOf('eve')).toEqual({ [key]: seqs[3] })
  // What says no more than that of all goes.
  open.markRead(seqs[3])
  await until('the register of the thread is gone', async () => !(key in (await stateOf('eve'))))
  expect(await stateOf('eve')).toEqual({ [`read/${talk.id}`]: seqs[3] })
  await unreadIs(desk.client, 1)
  open.send('an answer')
  await messagesIn(talk, 6)
  const witness = new StockClient({
    url: server.url,
    conversation: talk.id,
    user: 'fred',
    token: tokenOf(server, 'fred'),
  })
  witnesses.push(witness)
  talk.markRead()
  await until('the witness has the receipt of fred', () => receiptsOf(witness.doc, 'fred').length > 0)
  expect(receiptsOf(witness.doc, 'eve').filter((entry) => 'through' in entry)).toEqual([])
})

test('[PRIVATE2][THREAD3] of two registers of a thread the higher one is said again, and never goes back', async () => {
  const { talk, root } = await startThread('gina', 'hal')
  const both = [await start('gina', { receipts: 'private' }), await start('gina', { receipts: 'private' })] as const
  const [ahead, behind] = [await both[0].client.open(talk.id), await both[1].client.open(talk.id)]
  const seqs = await messagesIn(ahead)
  await messagesIn(behind)
  for (const device of both) device.cut()
  ahead.thread(root).markRead(seqs[3])
  behind.thread(root).markRead(seqs[1])
  const left = both.map(() => [0])
  for (const [index, conversation] of [ahead, behind].entries()) {
    const { info } = conversation.thread(root)
    left[index] = [info.getSnapshot().unread]
    info.subscribe(() => left[index]?.push(info.getSnapshot().unread))
  }
  for (const { client } of both) await client.personal.flush()
  const key = `read/${talk.id}/${root}`
  both[0].heal()
  await until('the higher one is there', async () => (await stateOf('gina'))[key] === seqs[3])
  both[1].heal()
  await when(behind.thread(root).info, ({ unread }) => unread === 0)
  await until('and again', async () => (await stateOf('gina'))[key] === seqs[3])
  await Promise.all(both.map(({ client }) => unreadIs(client, 2)))
  expect(left.map((counts) => [...new Set(counts)])).toEqual([[0], [2, 0]])
})

test('[PRIVATE2] nothing goes back: of two registers the higher one is said again by whoever knows it', async () => {
  const talk = await startTalk('cleo', 'dan')
  const both = [await start('cleo', { receipts: 'private' }), await start('cleo', { receipts: 'private' })] as const
  const [ahead, behind] = [await both[0].client.open(talk.id), await both[1].client.open(talk.id)]
  const seqs = await messagesIn(ahead)
  await messagesIn(behind)
  for (const device of both) device.cut()
  ahead.markRead(seqs[4])
  behind.markRead(seqs[2])
  for (const { client } of both) await client.personal.flush()
  both[0].heal()
  await until('the higher one is there', async () => (await registerOf('cleo', talk.id)) === seqs[4])
  let lower = false
  both[1].heal()
  const watching = until('and again', async () => {
    const register = await registerOf('cleo', talk.id)
    lower ||= register === seqs[2]
    return lower && register === seqs[4]
  })
  await Promise.all([watching, unreadIs(both[1].client, 0)])
  expect(both[0].client.conversations.getSnapshot()[0]?.unread).toBe(0)
})
