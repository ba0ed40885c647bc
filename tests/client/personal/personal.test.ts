// What a user keeps for nobody else, between whole clients on a whole server.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

import { type ChatClient, type PersonalStatus, Refusal } from '../../../client/api.ts'
import { OpenConversation } from '../../../client/open-conversation.ts'
import { parseEntry } from '../../../shared/chat/entry.ts'
import { privateConversationOf } from '../../../shared/chat/private-conversation.ts'
import { limits } from '../../../shared/limits.ts'
import { ann, conversationId, messageId, userId } from '../../helpers/client-rows.ts'
import { type OwnDevice, type OwnDeviceOptions, startDevice, tokenOf } from '../../helpers/own-devices.ts'
import { startTestServer, type TestServer } from '../../helpers/running-server.ts'
import { until } from '../../helpers/until.ts'
import { when } from '../../helpers/when.ts'

let server: TestServer
const devices: OwnDevice[] = []
let users = 0

beforeAll(async () => {
  server = await startTestServer()
})
afterEach(async () => {
  await Promise.all(devices.splice(0).map((device) => device.close()))
})
afterAll(() => server.close())

/** Somebody who has nothing yet. */
const newUser = (): string => `user-${users++}`

async function start(user: string, options?: OwnDeviceOptions): Promise<OwnDevice> {
  const device = await startDevice(server, user, options)
  devices.push(device)
  return device
}

const isLive = (status: PersonalStatus): boolean => status.phase === 'open' && status.connection.phase === 'live'
const live = ({ personal }: ChatClient): Promise<unknown> => when(personal.status, isLive)

/** What the server has of a user, and nobody but them can ask for. */
async function stateOf(user: string): Promise<Readonly<Record<string, unknown>>> {
  const headers = { authorization: `Bearer ${tokenOf(server, user)}` }
  const answer: unknown = await (await fetch(`${server.url}/api/me/state`, { headers })).json()
  const { items } = answer as { items: readonly { key: string; value: unknown }[] }
  return Object.fromEntries(items.map(({ key, value }) => [key, value]))
}

test('[PERSONAL1] what is set on one device is on all of the user, offline too, in no list, and each hears of its own', async () => {
  const user = newUser()
  const [phone, desk] = [await start(user), await start(user)]
  const [one, two] = [conversationId(1), conversationId(2)]
  const { personal } = phone.client
  // Before anything could be read.
  personal.mute(one)
  let [told, toldOther] = [0, 0]
  personal.of(one).subscribe(() => told++)
  personal.of(two).subscribe(() => toldOther++)
  expect(personal.of(one)).toBe(personal.of(one))
  expect(personal.of(one).getSnapshot()).toMatchObject({ muted: true, favourite: false, draft: null })
  await when(desk.client.personal.of(one), ({ muted }) => muted)
  phone.cut()
  personal.favourite(one)
  personal.mute(one, false)
  personal.set('app/theme', { dark: true })
  expect(() => personal.set('theme', 1)).toThrow(TypeError)
  expect(() => personal.mute('x')).toThrow(TypeError)
  desk.client.personal.markUnread(two)
  expect([told, toldOther]).toEqual([2, 0])
  phone.heal()
  await when(desk.client.personal.get('app/theme'), (value) => value !== undefined)
  await when(personal.of(two), ({ markedUnread }) => markedUnread)
  expect(toldOther).toBe(1)
  for (const { client } of [phone, desk]) {
    expect([...client.personal.all.getSnapshot()]).toMatchObject([
      [one, { muted: false, favourite: true }],
      [two, { markedUnread: true }],
    ])
    expect(client.conversations.getSnapshot()).toEqual([])
    expect(client.personal.get('app/theme').getSnapshot()).toEqual({ dark: true })
  }
  expect(await stateOf(user)).toEqual({
    [`favourite/${one}`]: true,
    [`unread/${two}`]: true,
    'app/theme': { dark: true },
  })
  await desk.client.refresh()
  expect(desk.client.conversations.getSnapshot()).toEqual([])
  expect(await desk.client.unsent()).toBe(0)
})

test('[PERSONAL1][BACK1] what was set offline goes out after a start that asks for nothing of it', async () => {
  const user = newUser()
  const first = await start(user, { isCut: true })
  first.client.personal.mute(conversationId(1))
  first.client.personal.mute(conversationId(1), false)
  first.client.personal.mute(conversationId(2))
  await first.client.personal.flush()
  // What was taken back before it was written down is not counted.
  expect(await first.client.unsent()).toBe(1)
  await first.client.close()
  const again = await start(user, { storage: first.storage })
  const other = await start(user)
  await when(other.client.personal.of(conversationId(2)), ({ muted }) => muted)
  await when(again.client.background.status, ({ phase }) => phase === 'current')
  expect(again.client.conversations.getSnapshot()).toEqual([])
})

test('[PERSONAL1] a hidden conversation comes back with the next message, and what was marked unread is so until it is read', async () => {
  const [user, friend] = [newUser(), newUser()]
  const [mine, theirs] = [await start(user), await start(friend)]
  const talk = await mine.client.create({ members: [{ user: friend, access: 'writer' }] })
  talk.send('Ahoy')
  const { personal } = mine.client
  const state = personal.of(talk.id)
  await when(talk.messages, ([message]) => message?.delivery.state === 'sent')
  // What the line of the list says of it comes a moment later.
  personal.hide(talk.id)
  personal.markUnread(talk.id)
  expect(state.getSnapshot()).toMatchObject({ hidden: true, markedUnread: true })
  const answered = await theirs.client.open(talk.id)
  await when(answered.messages, (list) => list.length === 1)
  // Nobody wrote anything.
  answered.markRead()
  await when(talk.messages, ([message]) => message?.delivery.state === 'read')
  expect(state.getSnapshot().hidden).toBe(true)
  answered.send('Hello')
  await when(state, ({ hidden }) => !hidden)
  await when(talk.messages, (list) => list.length === 2)
  expect(state.getSnapshot().markedUnread).toBe(true)
  talk.markRead()
  expect(state.getSnapshot()).toMatchObject({ hidden: false, markedUnread: false })
  await when(mine.client.conversations, ([row]) => row?.lastMessage === 'Hello')
  personal.hide(talk.id)
  expect(state.getSnapshot().hidden).toBe(true)
  talk.send('I am here')
  expect(state.getSnapshot().hidden).toBe(false)
})

test('[DRAFT1] two devices edit a draft at once: each shows its own until it is stamped, then both the last; sending clears it', async () => {
  const user = newUser()
  const [phone, desk] = [await start(user), await start(user)]
  const talk = await phone.client.create()
  const [a, b] = [phone.client.personal.draft(talk.id), desk.client.personal.draft(talk.id)]
  await Promise.all([live(phone.client), live(desk.client)])
  const begun = { content: 'Dear Bob', replyTo: messageId(1), mentions: [ann] }
  void phone.client.personal.setDraft(talk.id, begun)
  await when(b, (draft) => draft?.content === 'Dear Bob')
  expect(b.getSnapshot()).toEqual(begun)
  phone.cut()
  desk.cut()
  const seen: string[] = []
  a.subscribe(() => seen.push(a.getSnapshot()?.content ?? ''))
  void phone.client.personal.setDraft(talk.id, { content: 'Dear Bob, a' })
  void desk.client.personal.setDraft(talk.id, { content: 'Dear Bob, b' })
  void phone.client.personal.setDraft(talk.id, { content: 'Dear Bob, aa' })
  phone.hide()
  desk.hide()
  expect([a.getSnapshot()?.content, b.getSnapshot()?.content]).toEqual(['Dear Bob, aa', 'Dear Bob, b'])
  phone.heal()
  const isStamped = async (): Promise<boolean> => JSON.stringify(await stateOf(user)).includes('Dear Bob, aa')
  await until('the draft of the phone is stamped', isStamped)
  desk.heal()
  await when(a, (draft) => draft?.content === 'Dear Bob, b')
  expect(b.getSnapshot()?.content).toBe('Dear Bob, b')
  // Never anything but what was typed here, and then the other's.
  expect(seen).toEqual(['Dear Bob, a', 'Dear Bob, aa', 'Dear Bob, b'])
  const inThread = { thread: messageId(9) }
  void phone.client.personal.setDraft(talk.id, { content: 'in a thread' }, inThread)
  talk.send('Dear Bob, done')
  expect(a.getSnapshot()).toBe(null)
  expect(phone.client.personal.of(talk.id).getSnapshot().draft).toBe(null)
  await phone.client.personal.flush()
  await when(b, (draft) => draft === null)
  await when(desk.client.personal.draft(talk.id, inThread), (draft) => draft?.content === 'in a thread')
})

test('[DRAFT1] what is cleared is what was there: the draft that another device has begun by then stays', async () => {
  const user = newUser()
  const [phone, desk] = [await start(user), await start(user)]
  const talk = await phone.client.create()
  const [a, b] = [phone.client.personal.draft(talk.id), desk.client.personal.draft(talk.id)]
  await Promise.all([live(phone.client), live(desk.client)])
  await phone.client.personal.setDraft(talk.id, { content: 'to be deleted' })
  await when(b, (draft) => draft !== null)
  void phone.client.personal.setDraft(talk.id, { content: '' })
  expect(a.getSnapshot()).toBe(null)
  await desk.client.personal.setDraft(talk.id, { content: 'and something else' })
  const kept = await phone.client.open(privateConversationOf(userId(user)))
  if (!(kept instanceof OpenConversation)) throw new Error('not a conversation of this client')
  await until('it has come', () => JSON.stringify([...kept.settings]).includes('something else'))
  await phone.client.personal.flush()
  await when(a, (draft) => draft?.content === 'and something else')
  expect(b.getSnapshot()?.content).toBe('and something else')
})

test('[DRAFT1] what was typed and not written yet survives a reload, and 200 keystrokes are a few entries', async () => {
  const user = newUser()
  const first = await start(user, { isCut: true })
  const { personal } = first.client
  const talk = await first.client.create()
  for (let length = 1; length <= 200; length++) void personal.setDraft(talk.id, { content: 'x'.repeat(length) })
  await first.client.close()
  const rows = await first.storage.outbox(privateConversationOf(userId(user)))
  expect(rows.map(({ payload }) => parseEntry(payload).kind)).toEqual(['entry', 'entry'])
  const again = await start(user, { storage: first.storage, isCut: true })
  const draft = again.client.personal.draft(talk.id)
  await when(draft, (value) => value?.content.length === 200)
  const other = await start(user)
  await live(other.client)
  again.heal()
  await when(other.client.personal.draft(talk.id), (value) => value?.content.length === 200)
})

test('[DRAFT1][PERSONAL1] what is too large is refused with a typed error, or stays here when the server refuses it', async () => {
  const user = newUser()
  const [phone, desk] = [await start(user), await start(user)]
  await Promise.all([live(phone.client), live(desk.client)])
  const text = 'x'.repeat(200 * 1024)
  const id = (number: number): string => conversationId(number)
  expect(() => phone.client.personal.setDraft(id(1), { content: text + text })).toThrow(TypeError)
  expect(phone.client.personal.draft(id(1)).getSnapshot()).toBe(null)
  phone.cut()
  desk.cut()
  // Together they are too many; each device alone cannot know.
  for (const number of [1, 2, 3]) void phone.client.personal.setDraft(id(number), { content: text })
  expect(() => phone.client.personal.setDraft(id(4), { content: text })).toThrow(new Refusal('too-large'))
  for (const number of [4, 5]) void desk.client.personal.setDraft(id(number), { content: text })
  phone.heal()
  await until('all of the phone is stamped', async () => Object.keys(await stateOf(user)).length === 3)
  desk.heal()
  const refusedIn = (status: PersonalStatus) => (status.phase === 'open' ? status.refused : [])
  await when(desk.client.personal.status, (status) => isLive(status) && refusedIn(status).length === 2)
  expect(desk.client.personal.draft(id(4)).getSnapshot()?.content).toBe(text)
  expect(await desk.client.unsent()).toBe(2)
  await desk.client.close()
  const again = await start(user, { storage: desk.storage })
  await when(again.client.personal.status, (status) => isLive(status) && refusedIn(status).length === 2)
  expect(again.client.personal.draft(id(5)).getSnapshot()?.content).toBe(text)
  for (const number of [4, 5]) await again.client.personal.setDraft(id(number), { content: 'short' })
  await when(phone.client.personal.draft(id(5)), (draft) => draft?.content === 'short')
  expect(refusedIn(again.client.personal.status.getSnapshot())).toEqual([])
  expect(limits.privateBytes).toBeLessThan(4 * text.length)
})
