// Who joins a conversation whose setting says so gets nothing from before: every byte that they are sent is looked at, and
// every answer. Each message says a mark of its own, which is found where it may be before it is missed where it may not.
import { describe, expect, test } from 'vitest'

import { createInvitations } from '../../../server/chat/inviting.ts'
import { windowRules } from '../../../server/chat/archiving.ts'
import { encodeEntry, type KnownEntry, type MessageEntry } from '../../../shared/chat/entry.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { invitationAt } from '../../contract/store-rows.ts'
import { createDoc, isSettled, userId } from '../../helpers/chain-doc.ts'
import { bringTogether, deliverAll, FakeDevice } from '../../helpers/fake-device.ts'
import { announcedRandom, type Random } from '../../helpers/seeded-random.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode, type SyncNode } from '../../helpers/sync-node.ts'

const [ann, bob, cleo, dan] = ['ann', 'bob', 'cleo', 'dan'].map(userId) as [
  ReturnType<typeof userId>,
  ReturnType<typeof userId>,
  ReturnType<typeof userId>,
  ReturnType<typeof userId>,
]
const fromJoin: KnownEntry = { kind: 'set', key: 'history', value: 'from-join' }

function addition(user: ReturnType<typeof userId>, access: 'writer' | null = 'writer'): KnownEntry {
  return { kind: 'member', user, access }
}

/** A node that notes every byte it sends to devices of one user. */
function witnessed(node: SyncNode, user: string): { readonly node: SyncNode; readonly text: () => string } {
  const sent: Uint8Array[] = []
  const connect: SyncNode['connect'] = (who, id, port) =>
    node.connect(who, id, {
      ...port,
      send: (frame) => {
        if (who === user) sent.push(frame)
        port.send(frame)
      },
    })
  return { node: { ...node, connect }, text: () => Buffer.concat(sent).toString('latin1') }
}

/** All that somebody is told over REST. */
async function told(node: SyncNode, user: string, id: ConversationId, asked: readonly MessageEntry[]): Promise<string> {
  const { conversations } = node
  const who = userId(user)
  const answers: unknown[] = []
  const note = async (answer: Promise<unknown>): Promise<void> => void answers.push(await answer.catch(String))
  for (const where of [{}, { before: 999 }, { after: 0 }, { around: 3 }, { around: 0 }])
    await note(conversations.messages(who, id, { limit: 200, ...where }))
  await note(conversations.changes(who, id, { after: -1, limit: 200 }))
  await note(conversations.pins(who, id))
  await note(conversations.events(who, id, { limit: 200 }))
  await note(conversations.own(who, id))
  await note(conversations.list(who, { limit: 10, cursor: undefined }))
  for (const { id: message } of asked) {
    await note(conversations.message(who, id, message))
    await note(conversations.versions(who, id, message))
    await note(conversations.thread(who, id, message))
    await note(conversations.messages(who, id, { limit: 200, thread: message }))
  }
  return JSON.stringify(answers)
}

const mark = (index: number): string => `mark-${index};`

interface Room {
  readonly node: SyncNode
  readonly id: ConversationId
  readonly first: FakeDevice
  readonly before: readonly MessageEntry[]
}

/** Of ann: everything that `first` says is one update, and so one commit. */
async function openRoom(...behind: readonly KnownEntry[]): Promise<Room> {
  const node = createSyncNode()
  const id = await node.create('ann')
  const first = new FakeDevice('ann', id, createDoc(1))
  await bringTogether(node, [first])
  const root = messageEntry(mark(0))
  const before = [root, messageEntry(mark(1)), messageEntry(mark(2), { thread: root.id })]
  first.append(
    ...before.map(encodeEntry),
    encodeEntry({ kind: 'edit', of: root.id, content: mark(3), at: 1 }),
    encodeEntry({ kind: 'pin', of: root.id, on: true }),
    ...[fromJoin, ...behind].map(encodeEntry),
  )
  await deliverAll(node, [first])
  return { node, id, first, before }
}

const ways: readonly (readonly [how: string, add: (room: Room) => Promise<void>, inOne: boolean])[] = [
  ['by an entry in the very commit', async () => undefined, true],
  [
    'by an entry of a device',
    async ({ node, first }) => {
      first.append(encodeEntry(addition(bob)))
      await deliverAll(node, [first])
    },
    false,
  ],
  ['over REST', async ({ node, id }) => void (await node.conversations.apply(ann, id, asChange(addition(bob)))), false],
  [
    'with an invitation',
    async ({ node: { registry, conversations, gate }, id }) => {
      const drawInvitationId = () => invitationAt(1).id
      const invitations = createInvitations({
        store: gate.store,
        registry,
        conversations,
        drawInvitationId,
        now: () => 1,
      })
      const made = await invitations.create(ann, id, { access: 'writer', lifeMs: 1000, uses: 1 })
      await invitations.accept(bob, { conversation: id, id: made.id, expiresMs: made.expiresMs })
    },
    false,
  ],
]

function asChange(entry: KnownEntry): Exclude<KnownEntry, MessageEntry> {
  if (entry.kind === 'message') throw new Error('a message')
  return entry
}

describe('whoever joins later', () => {
  test.each(ways)('[HISTORY1] gets nothing from before, added %s', async (_how, add, inOne) => {
    const room = await openRoom(...(inOne ? [addition(bob)] : []))
    const { id, first, before } = room
    await add(room)
    const { node, text } = witnessed(room.node, 'bob')
    const late = new FakeDevice('bob', id, createDoc(2))
    await bringTogether(node, [late])
    first.append(encodeEntry(messageEntry(mark(10))))
    await deliverAll(node, [first, late])
    expect(late.folded.texts()).toEqual([mark(10)])
    expect(text()).toContain(mark(10))
    const answers = await told(node, 'bob', id, before)
    expect(answers).toContain(mark(10))
    for (let index = 0; index < 4; index++) {
      expect(text()).not.toContain(mark(index))
      expect(answers).not.toContain(mark(index))
    }
    const own = await node.conversations.own(bob, id)
    expect(own).toMatchObject({ unread: 1, from: late.folded.view().from.get(bob) })
    expect(own.from).toBeGreaterThan(4)
    // Those who were there keep all of it, as pages, and the same document.
    expect(await told(node, 'ann', id, before)).toContain(mark(1))
    expect(first.folded.view()).toEqual(late.folded.view())
    expect([isSettled(first.doc), isSettled(late.doc), node.errors]).toEqual([true, true, []])
  })

  test('[HISTORY1] who connects before the addition is on the disk waits for it, and for the rest to be gone', async () => {
    const room = await openRoom()
    const { node, text } = witnessed(room.node, 'bob')
    node.gate.hold()
    const added = node.conversations.apply(ann, room.id, asChange(addition(bob)))
    await node.settled()
    const late = new FakeDevice('bob', room.id, createDoc(2))
    const connecting = late.connect(node)
    await node.settled()
    expect(text()).toBe('')
    node.gate.open()
    await Promise.all([added, connecting])
    room.first.append(encodeEntry(messageEntry(mark(10))))
    await deliverAll(node, [room.first, late])
    expect(late.folded.texts()).toEqual([mark(10)])
    expect(text()).not.toMatch(/mark-[0-3];/)
  })

  test('[HISTORY1] who is removed and taken back in one commit begins anew, and hears nothing of between', async () => {
    const room = await openRoom()
    const { id, first } = room
    const { node, text } = witnessed(room.node, 'bob')
    await node.conversations.apply(ann, id, asChange(addition(bob)))
    const late = new FakeDevice('bob', id, createDoc(2))
    await bringTogether(node, [late])
    first.append(encodeEntry(addition(bob, null)), encodeEntry(messageEntry(mark(5))), encodeEntry(addition(bob)))
    await deliverAll(node, [first, late])
    expect(late.closes).toEqual(['restart'])
    await bringTogether(node, [late])
    first.append(encodeEntry(messageEntry(mark(10))))
    await deliverAll(node, [first, late])
    expect(late.folded.texts()).toEqual([mark(10)])
    expect(text()).not.toMatch(/mark-[0-5];/)
    expect(await told(node, 'bob', id, room.before)).not.toMatch(/mark-[0-5];/)
  })

  test('[HISTORY1] the setting is an admin’s, has two values, and changes nothing for who is a member', async () => {
    const { node, id, first } = await openRoom(addition(bob))
    const writer = new FakeDevice('bob', id, createDoc(2))
    await bringTogether(node, [writer])
    writer.append(encodeEntry({ kind: 'set', key: 'history', value: 'all' }))
    first.append(encodeEntry({ kind: 'set', key: 'history', value: 'since-monday' }))
    await deliverAll(node, [writer, first])
    const reasons: (string | undefined)[] = []
    for await (const row of node.gate.store.entriesNewestFirst(id)) reasons.push(row.voidReason)
    expect(new Set(reasons.slice(0, 2))).toEqual(new Set(['access', 'bad-schema']))
    const bad = node.conversations.apply(ann, id, { kind: 'set', key: 'history', value: true })
    await expect(bad).rejects.toMatchObject({ reason: 'bad-schema' })
    const { from } = await node.conversations.own(bob, id)
    await node.conversations.apply(ann, id, { kind: 'set', key: 'history', value: 'all' })
    await node.conversations.apply(ann, id, asChange(addition(cleo)))
    await node.conversations.apply(ann, id, { kind: 'member', user: bob, access: 'admin' })
    expect((await node.conversations.own(bob, id)).from).toBe(from)
    expect((await node.conversations.own(cleo, id)).from).toBe(0)
    expect(await told(node, 'cleo', id, [])).toContain(mark(1))
  })

  test('[HISTORY1][FOLD1] whatever happens in whatever order, nobody is sent a word from before they joined', async () => {
    const random = announcedRandom('late joiners')
    let connected = 0
    for (let round = 0; round < 8; round++) connected += await playRound(random)
    expect(connected).toBeGreaterThan(8)
  })
})

/** What each member may know: messages from this one on; undefined: not a member. */
type Begins = Map<string, number>

/** How often somebody connected. */
async function playRound(random: Random): Promise<number> {
  let connected = 0
  const bare = createSyncNode({ random, window: { ...windowRules, entries: 24, keptEntries: 12, keptAtLeast: 4 } })
  const id = await bare.create('ann')
  const others = [bob, cleo, dan]
  const seen = new Map(others.map((user) => [user, witnessed(bare, user)]))
  const first = new FakeDevice('ann', id, createDoc(1))
  const devices = new Map(others.map((user, index) => [user, new FakeDevice(user, id, createDoc(10 + index))]))
  await bringTogether(bare, [first])
  const begins: Begins = new Map()
  /** Of earlier memberships: from one message up to another. */
  const knew = new Map<string, (readonly [number, number])[]>()
  const said: MessageEntry[] = []
  let isFromJoin = false
  const all = (): FakeDevice[] => [first, ...devices.values()].filter((device) => device.isConnected)
  const act = async (): Promise<void> => {
    const user = random.pick(others)
    switch (random.below(8)) {
      case 0:
        isFromJoin = random.chance(0.8)
        first.append(encodeEntry({ kind: 'set', key: 'history', value: isFromJoin ? 'from-join' : 'all' }))
        return
      case 1:
      case 2: {
        const begin = begins.get(user)
        if (begin !== undefined) {
          knew.set(user, [...(knew.get(user) ?? []), [begin, said.length]])
          begins.delete(user)
        } else begins.set(user, isFromJoin ? said.length : 0)
        first.append(encodeEntry(addition(user, begin === undefined ? 'writer' : null)))
        return
      }
      case 3: {
        const device = devices.get(user)
        const witness = seen.get(user)
        await deliverAll(bare, all())
        if (device !== undefined && witness !== undefined && !device.isConnected && begins.has(user)) {
          await device.connect(witness.node)
          connected++
        }
        return
      }
      case 4:
        if (random.chance(0.3)) await deliverAll(bare, all())
        return
      case 5: {
        const target = said[random.below(said.length + 1)]
        if (target !== undefined) first.append(encodeEntry({ kind: 'react', of: target.id, emoji: '👍', on: true }))
        return
      }
      default: {
        const message = messageEntry(mark(said.length))
        said.push(message)
        first.append(encodeEntry(message))
      }
    }
  }
  for (let step = 0; step < 120; step++) await act()
  await deliverAll(bare, all())
  for (const user of others) {
    const begin = begins.get(user)
    const mayKnow = (index: number): boolean =>
      (begin !== undefined && index >= begin) ||
      (knew.get(user) ?? []).some(([from, to]) => index >= from && index < to)
    const sent = seen.get(user)?.text() ?? ''
    const leaked = said.flatMap((_, index) => (!mayKnow(index) && sent.includes(mark(index)) ? [index] : []))
    expect({ user, seed: random.seed, leaked }).toMatchObject({ leaked: [] })
    if (begin === undefined) continue
    const answers = await told(bare, user, id, said.slice(0, begin + 2))
    said.forEach((_, index) => {
      expect({ user, index, isTold: answers.includes(mark(index)) }).toEqual({ user, index, isTold: index >= begin })
    })
    const device = devices.get(user)
    const witness = seen.get(user)
    if (device === undefined || witness === undefined) continue
    await bringTogether(witness.node, [first, device])
    expect(device.folded.view()).toEqual(first.folded.view())
    expect(device.folded.view().from.get(user) ?? 0).toBe((await bare.conversations.own(user, id)).from)
  }
  expect(bare.errors).toEqual([])
  return connected
}
