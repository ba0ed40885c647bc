// An account goes: bit by bit, over crashes, on the same way as all else that a member does.
import { expect, test, vi } from 'vitest'

import { createAccounts } from '../../../server/account/accounts.ts'
import { createProfiles } from '../../../server/people/profiles.ts'
import { Fault } from '../../../shared/fault.ts'
import { privateConversationOf } from '../../../shared/chat/private-conversation.ts'
import { limits } from '../../../shared/limits.ts'
import type { Access } from '../../../shared/chat/access.ts'
import type { ConversationStore } from '../../../server/storage/conversation-store.ts'
import { createMemoryStore } from '../../../server/storage/memory/memory-store.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { createDoc, userId } from '../../helpers/chain-doc.ts'
import { messagePayload } from '../../helpers/chain-writer.ts'
import { bringTogether, deliverAll, FakeDevice } from '../../helpers/fake-device.ts'
import { createGate } from '../../helpers/gated-store.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode, type SyncNode } from '../../helpers/sync-node.ts'
import { deferred, turn } from '../../helpers/when.ts'

const [ann, bob, cid, dan] = [userId('ann'), userId('bob'), userId('cid'), userId('dan')]

function start(store: ConversationStore = createMemoryStore()) {
  const node = createSyncNode({ store })
  const { registry, conversations } = node
  const profiles = createProfiles({ store: node.gate.store, now: () => 1 })
  return { node, profiles, accounts: createAccounts({ store: node.gate.store, registry, conversations, profiles }) }
}

async function createWith(
  node: SyncNode,
  members: readonly (readonly [ReturnType<typeof userId>, Access])[],
): Promise<ConversationId> {
  const { state } = await node.conversations.create(ann, {
    members: members.map(([user, access]) => ({ user, access })),
  })
  return state.id
}

const post = async (node: SyncNode, user: ReturnType<typeof userId>, id: ConversationId, content: string) =>
  (await node.conversations.post(user, id, messageEntry(content), undefined)).message

const contents = async (node: SyncNode, user: ReturnType<typeof userId>, id: ConversationId) =>
  (await node.conversations.messages(user, id, { limit: 1000 })).messages.map(({ content }) => content)

test('[ACCOUNT2] own messages and reactions are gone for everybody, others’ stay, and every device is told', async () => {
  const { node, accounts } = start()
  const id = await createWith(node, [[bob, 'owner']])
  const [annDevice, bobDevice] = [new FakeDevice('ann', id, createDoc(1)), new FakeDevice('bob', id, createDoc(2))]
  await bringTogether(node, [annDevice, bobDevice])
  const first = await post(node, ann, id, 'of ann')
  await node.conversations.apply(ann, id, { kind: 'edit', of: first.id, content: 'of ann, better', at: 1 })
  annDevice.append(messagePayload('of ann over a socket'))
  const of = (await post(node, bob, id, 'of bob')).id
  for (const user of [ann, bob]) await node.conversations.apply(user, id, { kind: 'react', of, emoji: 'x', on: true })
  await deliverAll(node, [annDevice, bobDevice])
  expect(bobDevice.folded.texts()).toContain('of ann, better')

  expect(await accounts.erase(ann, 'erase')).toBe(0)
  await deliverAll(node, [annDevice, bobDevice])
  expect(bobDevice.folded.texts().toSorted()).toEqual(['', '', 'of bob'])
  const messages = (await node.conversations.messages(bob, id, { limit: 10 })).messages
  expect(messages.filter(({ user }) => user === 'ann')).toMatchObject([
    { content: '', redactedBy: 'ann' },
    { content: '', redactedBy: 'ann' },
  ])
  expect(messages.find((message) => message.id === of)?.reactions).toEqual([{ emoji: 'x', users: ['bob'] }])
  expect(annDevice.closes).toEqual(['no-access'])
  expect(await node.gate.store.conversationsOf(ann)).toEqual([])
  expect([...bobDevice.folded.view().members]).toEqual([['bob', 'owner']])
  expect(await accounts.erase(ann, 'erase')).toBe(0)
  expect(node.errors).toEqual([])
})

test('[ACCOUNT2] messages that are to stay stay, and all that is private goes', async () => {
  const { node, profiles, accounts } = start()
  for (const user of [ann, bob]) {
    await profiles.change(user, { name: `name of ${user}` })
    const set = { kind: 'set', key: 'draft', value: `unsent of ${user}` } as const
    await node.conversations.apply(user, privateConversationOf(user), set)
  }
  const id = await createWith(node, [[bob, 'owner']])
  await post(node, ann, id, 'of ann')
  const { seq } = await post(node, bob, id, 'of bob')
  await node.conversations.read(ann, id, { through: seq })
  expect(await accounts.erase(ann, 'keep')).toBe(0)
  expect(await contents(node, bob, id)).toEqual(['of ann', 'of bob'])
  expect(await node.gate.store.conversationsOf(ann)).toEqual([])
  expect((await node.gate.store.member(id, ann))?.readThrough ?? -1).toBe(-1)
  expect((await profiles.of([ann, bob])).map((profile) => profile?.name)).toEqual([undefined, 'name of bob'])
  expect(await node.conversations.privateState(ann)).toEqual([])
  expect(await node.conversations.privateState(bob)).toEqual([{ key: 'draft', value: 'unsent of bob' }])
})

test('[ACCOUNT2] a change that was begun before the account went does not bring back what was chosen', async () => {
  const { promise, resolve } = deferred()
  let isHeld = false
  const inner = createGate(createMemoryStore()).store
  const { profiles, accounts } = start({
    ...inner,
    profiles: async (users) => {
      const found = await inner.profiles(users)
      if (isHeld) await promise
      return found
    },
  })
  await profiles.change(ann, { name: 'Ann' })
  isHeld = true
  const change = profiles.change(ann, { color: '#123456' })
  await turn()
  isHeld = false
  const erased = accounts.erase(ann, 'keep')
  for (let turns = 0; turns < 10; turns++) await turn()
  resolve()
  await change
  expect(await erased).toBe(0)
  expect((await inner.profiles([ann]))[0]).toBeUndefined()
})

test('[ACCOUNT2][PERSONAL1] what was chosen and what was kept for nobody else goes too, and a device that has it is told', async () => {
  const { node, accounts } = start()
  const { store } = node.gate
  const id = privateConversationOf(ann)
  const device = new FakeDevice('ann', id, createDoc(1))
  await bringTogether(node, [device])
  for (const value of ['a draft', 'a longer draft'])
    await node.conversations.apply(ann, id, { kind: 'set', key: 'draft/x', value })
  for (const user of [ann, bob]) await store.putProfile({ user, name: 'A name', color: '#123456', updatedMs: 5 })
  await deliverAll(node, [device])
  expect(await node.conversations.privateState(ann)).toEqual([{ key: 'draft/x', value: 'a longer draft' }])

  expect(await accounts.erase(ann, 'keep')).toBe(0)
  await deliverAll(node, [device])
  expect(device.closes).toEqual(['deleted'])
  expect(await node.conversations.privateState(ann)).toEqual([])
  expect(await store.head(id)).toMatchObject({ kind: 'deleted' })
  expect(await store.conversationsOf(ann)).toEqual([])
  expect(await store.profiles([ann, bob])).toMatchObject([undefined, { name: 'A name', color: '#123456' }])
  expect(await accounts.erase(ann, 'keep')).toBe(0)
  expect(node.errors).toEqual([])
})

test('[ACCOUNT2] the last owner hands over to the admin, else the writer, who has written for longest; else it goes', async () => {
  const { node, accounts } = start()
  const [admins, writers, silent, readers, alone, shared] = [
    await createWith(node, [
      [bob, 'admin'],
      [cid, 'admin'],
      [dan, 'writer'],
    ]),
    await createWith(node, [
      [bob, 'writer'],
      [cid, 'writer'],
      [dan, 'reader'],
    ]),
    await createWith(node, [
      [cid, 'writer'],
      [bob, 'writer'],
    ]),
    await createWith(node, [[bob, 'reader']]),
    await createWith(node, []),
    await createWith(node, [
      [bob, 'owner'],
      [cid, 'admin'],
    ]),
  ]
  for (const id of [admins, writers]) for (const user of [cid, bob]) await post(node, user, id, 'a word')
  await post(node, dan, admins, 'another')
  for (const id of [admins, writers, silent, readers, alone, shared]) await post(node, ann, id, 'of ann')
  expect(await accounts.erase(ann, 'keep')).toBe(0)
  const owners = async (id: ConversationId) =>
    (await node.conversations.members(bob, id)).flatMap(({ user, access }) => (access === 'owner' ? [user] : []))
  expect(await owners(admins)).toEqual(['cid'])
  expect(await owners(writers)).toEqual(['cid'])
  expect(await owners(silent)).toEqual(['bob'])
  expect(await owners(shared)).toEqual(['bob'])
  for (const id of [readers, alone]) {
    await expect(node.conversations.get(bob, id)).rejects.toMatchObject({ code: 'deleted' })
  }
  expect(await node.gate.store.conversationsOf(ann)).toEqual([])
})

test(
  '[ACCOUNT2] a request does a bounded part, and a crash in the middle costs nothing',
  { timeout: 60_000 },
  async () => {
    const store = createMemoryStore()
    const before = start(store)
    const id = await createWith(before.node, [[bob, 'writer']])
    const device = new FakeDevice('ann', id, createDoc(1))
    await bringTogether(before.node, [device])
    const count = limits.erasedEntriesPerRequest + 200
    for (let from = 0; from < count; from += 100) {
      device.append(...Array.from({ length: 100 }, (_, index) => messagePayload(`of ann ${from + index}`)))
      await deliverAll(before.node, [device])
    }
    await post(before.node, bob, id, 'of bob')
    device.disconnect()
    const others = await createWith(before.node, [[bob, 'owner']])
    await post(before.node, ann, others, 'of ann')
    expect(await before.accounts.erase(ann, 'erase')).toBeGreaterThan(0)
    // The process ends here: nobody remembers how far it had come.
    await before.node.registry.stop()
    await before.node.settled()
    const after = start(store)
    let requests = 1
    while ((await after.accounts.erase(ann, 'erase')) > 0) {
      requests++
      if (requests > 5) throw new Error('it does not come to an end')
    }
    for (const one of [id, others]) {
      let seq = Infinity
      for (;;) {
        const { messages } = await after.node.conversations.messages(bob, one, { limit: 1000, before: seq })
        if (messages.length === 0) break
        expect(messages.filter(({ user, redactedAt }) => user === 'ann' && redactedAt === undefined)).toEqual([])
        seq = messages[0]?.seq ?? -1
      }
    }
    expect(await after.node.gate.store.conversationsOf(ann)).toEqual([])
    expect([...before.node.errors, ...after.node.errors]).toEqual([])
  },
)

test('[ACCOUNT2] two requests at once, and a device that goes on writing, leave nothing either', async () => {
  const { node, accounts } = start()
  const id = await createWith(node, [[bob, 'owner']])
  for (let index = 0; index < 70; index++) await post(node, ann, id, `of ann ${index}`)
  const device = new FakeDevice('ann', id, createDoc(1))
  await bringTogether(node, [device])
  const erasings = [accounts.erase(ann, 'erase'), accounts.erase(ann, 'erase')]
  const writing = (async () => {
    for (let index = 0; index < 20; index++) {
      device.append(messagePayload(`late ${index}`))
      await bringTogether(node, [device]).catch(() => undefined)
      if (device.closes.length > 0) return
    }
  })()
  const outcomes = await Promise.allSettled([...erasings, writing])
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
  expect(failures.filter((failure) => !(failure instanceof Fault))).toEqual([])
  expect(await accounts.erase(ann, 'erase')).toBe(0)
  const { messages } = await node.conversations.messages(bob, id, { limit: 1000 })
  expect(messages.length).toBeGreaterThanOrEqual(70)
  expect(messages.filter(({ content }) => content !== '')).toEqual([])
})

test('[ACCOUNT2] a reaction to what was gone through already goes as well, whenever that was', async () => {
  const { node, accounts } = start()
  const id = await createWith(node, [[bob, 'owner']])
  const early = (await post(node, bob, id, 'early')).id
  const own = (await post(node, ann, id, 'of ann')).id
  const rest = Array.from({ length: limits.erasedEntriesPerRequest }, (_, index) => post(node, ann, id, `${index}`))
  await Promise.all(rest)
  expect(await accounts.erase(ann, 'erase')).toBe(1)
  for (const of of [early, own]) await node.conversations.apply(ann, id, { kind: 'react', of, emoji: 'x', on: true })
  expect(await accounts.erase(ann, 'erase')).toBe(0)
  for (const of of [early, own]) expect((await node.conversations.message(bob, id, of)).reactions).toBeUndefined()
  expect(await node.gate.store.conversationsOf(ann)).toEqual([])
  expect(node.errors).toEqual([])
})

/** Ann's account goes with three messages, and while their redactions are on their way to the disk the heir leaves. */
async function leaveWhileErasing(members: readonly (readonly [ReturnType<typeof userId>, Access])[]) {
  const { node, accounts } = start()
  const id = await createWith(node, members)
  for (let index = 0; index < 3; index++) await post(node, ann, id, `of ann ${index}`)
  node.gate.hold()
  const erasing = accounts.erase(ann, 'erase')
  await node.settled()
  expect(node.gate.waiting()).toHaveLength(1)
  const leaving = node.conversations.apply(bob, id, { kind: 'member', user: bob, access: null })
  await node.settled()
  node.gate.open()
  await leaving
  expect(await erasing).toBe(0)
  expect(node.errors).toEqual([])
  return { node, id }
}

test('[ACCOUNT2] an heir who leaves while the messages go is not brought back: the next one has it', async () => {
  const { node, id } = await leaveWhileErasing([
    [bob, 'admin'],
    [cid, 'writer'],
  ])
  expect(await node.conversations.members(cid, id)).toMatchObject([{ user: 'cid', access: 'owner' }])
  expect(await contents(node, cid, id)).toEqual(['', '', ''])
})

test('[ACCOUNT2] where the only heir leaves while the messages go, the conversation goes', async () => {
  const { node, id } = await leaveWhileErasing([[bob, 'writer']])
  expect((await node.gate.store.head(id))?.kind).toBe('deleted')
})

test('[ACCOUNT2] whoever is added while a conversation of one is about to be deleted has it', async () => {
  const inner = createGate(createMemoryStore()).store
  const read = deferred()
  let holds = false
  const asked = { claims: 0, conversations: 0 }
  const { node, accounts } = start({
    ...inner,
    claims: async (...query) => {
      asked.claims++
      if (holds) await read.promise
      return inner.claims(...query)
    },
    conversationsOf: async (user) => {
      asked.conversations++
      return inner.conversationsOf(user)
    },
  })
  const id = await createWith(node, [])
  const { id: of } = await post(node, ann, id, 'of ann')
  asked.conversations = asked.claims = 0
  holds = true
  // A job that has to read first; bob comes behind it, and behind that the account goes.
  const editing = node.conversations.apply(ann, id, { kind: 'edit', of, content: 'better', at: 1 })
  const adding = node.conversations.apply(ann, id, { kind: 'member', user: bob, access: 'writer' })
  await vi.waitFor(() => expect(asked.claims).toBe(1))
  const erasing = accounts.erase(ann, 'keep')
  await vi.waitFor(() => expect(asked.conversations).toBe(1))
  // As far as it comes: it has seen that there is nobody.
  await turn()
  read.resolve()
  await Promise.all([editing, adding])
  expect(await erasing).toBe(0)
  expect(await node.conversations.members(bob, id)).toMatchObject([{ user: 'bob', access: 'owner' }])
  expect(await contents(node, bob, id)).toEqual(['better'])
  expect(node.errors).toEqual([])
})
