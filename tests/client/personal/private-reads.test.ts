// What is read in private clears badges on all devices of the user, and tells nobody else.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import * as Y from 'yjs'

import type { ChatClient, Conversation } from '../../../client/api.ts'
import { parseEntry } from '../../../shared/chat/entry.ts'
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

async function registerOf(user: string, id: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${tokenOf(server, user)}` }
  const answer: unknown = await (await fetch(`${server.url}/api/me/state`, { headers })).json()
  const { items } = answer as { items: readonly { key: string; value: unknown }[] }
  return items.find(({ key }) => key === `read/${id}`)?.value
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
  await unreadIs(telling.client, 6)
  await when(telling.client.personal.status, ({ phase }) => phase === 'open')
  await unreadIs(telling.client, 0)
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
