// What was accepted long ago and comes again, and chains that nobody knows: looked up before the update has its turn, and
// paid for.
import { describe, expect, test } from 'vitest'

import { takeUpdate } from '../../../server/chat/intake.ts'
import type { LiveConversation } from '../../../server/chat/live-conversation.ts'
import type { ConversationStore } from '../../../server/storage/conversation-store.ts'
import { createMemoryStore } from '../../../server/storage/memory/memory-store.ts'
import { encodeEntry } from '../../../shared/chat/entry.ts'
import { limits } from '../../../shared/limits.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { jsonPayload } from '../../helpers/adversarial-cast.ts'
import { clientId, userId } from '../../helpers/chain-doc.ts'
import { createGate } from '../../helpers/gated-store.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode, type SyncNode } from '../../helpers/sync-node.ts'
import { chainItems, content, section, update } from '../../helpers/update-forge.ts'

const [ann, bob] = [userId('ann'), userId('bob')]

interface Rig {
  readonly node: SyncNode
  readonly id: ConversationId
  readonly live: LiveConversation
  /** How many places or dropped chains each look-up asked for, since it was emptied. */
  readonly asked: number[]
  /** Look-ups wait from now on; resolves when one does. The answer lets them go. */
  readonly hold: () => { readonly reached: Promise<void>; readonly letGo: () => void }
  /** What is written from now on is on the disk before anybody is told; the answer tells them. */
  readonly holdAnswers: () => () => void
}

async function createRig(): Promise<Rig> {
  const { store } = createGate(createMemoryStore())
  const asked: number[] = []
  let gate: Promise<void> = Promise.resolve()
  let reach: () => void = () => undefined
  const lookUp = async (keys: readonly unknown[]): Promise<void> => {
    asked.push(keys.length)
    reach()
    await gate
  }
  let answers: Promise<void> = Promise.resolve()
  const watched: ConversationStore = {
    ...store,
    commit: async (commits) => {
      const outcomes = await store.commit(commits)
      await answers
      return outcomes
    },
    places: async (id, client, clocks) => {
      await lookUp(clocks)
      return store.places(id, client, clocks)
    },
    dropped: async (id, clients) => {
      await lookUp(clients)
      return store.dropped(id, clients)
    },
  }
  const node = createSyncNode({ store: watched })
  const id = await node.create('ann', 'bob')
  const { live } = await node.registry.acquire(id)
  const hold: Rig['hold'] = () => {
    let letGo = (): void => undefined
    gate = new Promise((resolve) => (letGo = resolve))
    const reached = new Promise<void>((resolve) => (reach = resolve))
    return { reached, letGo: () => letGo() }
  }
  const holdAnswers = (): (() => void) => {
    let tell = (): void => undefined
    answers = new Promise((resolve) => (tell = resolve))
    return () => tell()
  }
  return { node, id, live, asked, hold, holdAnswers }
}

function chainOf(user: string, client: number, from: number, payloads: readonly Uint8Array[]): Uint8Array {
  const contents = payloads.map((bytes) => content.binary(bytes))
  return section(client, from, chainItems(`chain/${client}/${user}`, client, from, contents))
}

function said(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => encodeEntry(messageEntry(`${index}`, { at: index })))
}

async function written(live: LiveConversation, payloads: readonly Uint8Array[]): Promise<Uint8Array> {
  const whole = update([chainOf('ann', 1, 0, payloads)])
  expect(await takeUpdate(live, ann, whole)).toMatchObject({ kind: 'taken' })
  await live.commit()
  return whole
}

async function inNewEpoch(rig: Rig): Promise<void> {
  await rig.live.serially(() => rig.live.beginEpoch())
  await rig.live.commit()
  rig.asked.length = 0
}

describe('what comes again', () => {
  test('[LIMIT1] costs as much as what is new, a fork at its end too', async () => {
    const { live } = await createRig()
    const payloads = said(3000)
    const whole = await written(live, payloads)
    expect(await takeUpdate(live, ann, whole)).toEqual({ kind: 'taken', gap: false, entries: 3000 })
    const more = update([chainOf('ann', 1, 0, [...payloads, ...said(5)])])
    expect(await takeUpdate(live, ann, more)).toEqual({ kind: 'taken', gap: false, entries: 3005 })
    const forked = update([chainOf('ann', 1, 0, [...payloads.slice(0, -1), jsonPayload('else')])])
    expect(await takeUpdate(live, ann, forked)).toMatchObject({ kind: 'fault', code: 'forked', entries: 3000 })
  })

  test('[SYNC9][LIMIT1] nobody waits while it is looked up', async () => {
    const { node, id, live, hold } = await createRig()
    const whole = await written(live, said(10))
    const { reached, letGo } = hold()
    const again = takeUpdate(live, ann, whole)
    await reached
    const posted = await node.conversations.post(bob, id, messageEntry('meanwhile'), undefined)
    expect(posted.message.content).toBe('meanwhile')
    letGo()
    expect(await again).toEqual({ kind: 'taken', gap: false, entries: 10 })
  })

  test('[SYNC8] what was written while the rest was looked up is compared as well', async () => {
    const { live, hold } = await createRig()
    const payloads = said(4)
    await written(live, payloads)
    const { reached, letGo } = hold()
    const forked = takeUpdate(live, ann, update([chainOf('ann', 1, 0, [...payloads, jsonPayload('mine')])]))
    await reached
    await takeUpdate(live, ann, update([chainOf('ann', 1, 4, [jsonPayload('yours')])]))
    letGo()
    expect(await forked).toMatchObject({ kind: 'fault', code: 'forked' })
  })

  test('[STORE7] a conversation that is deleted while it is looked up is no fork', async () => {
    const { node, id, live, hold, holdAnswers } = await createRig()
    const whole = await written(live, said(4))
    const { reached, letGo } = hold()
    const again = takeUpdate(live, ann, whole)
    await reached
    const tell = holdAnswers()
    const deletion = node.conversations.delete(ann, id)
    while ((await node.gate.store.head(id))?.kind !== 'deleted') await new Promise((resolve) => setImmediate(resolve))
    letGo()
    expect(await again).toMatchObject({ kind: 'fault', code: 'deleted' })
    tell()
    await deletion
  })
})

describe('chains that are not known', () => {
  /** Each goes on with a chain whose beginning never came. */
  function goingOn(count: number): Uint8Array[] {
    return Array.from({ length: count }, (_, index) => chainOf('bob', 1000 + index, 1, [jsonPayload('on')]))
  }

  test('[LIMIT1][SYNC9] are looked up a few at a time while others write, and cost one entry each', async () => {
    const rig = await createRig()
    await inNewEpoch(rig)
    const titled = async (value: string): Promise<unknown> =>
      rig.node.conversations.apply(ann, rig.id, { kind: 'set', key: 'title', value })
    // Her held chain is drawn.
    await titled('before')
    rig.asked.length = 0
    const { reached, letGo } = rig.hold()
    const taken = takeUpdate(rig.live, bob, update(goingOn(5000)))
    await reached
    await titled('meanwhile')
    letGo()
    expect(await taken).toEqual({ kind: 'taken', gap: true, entries: 5000 })
    expect(rig.asked).toEqual([limits.unnamedChainsPerUpdate])
  })

  test('[LIMIT1][SYNC9] more new ones of the sender than a day has are refused after the first look', async () => {
    const rig = await createRig()
    await inNewEpoch(rig)
    const many = Array.from({ length: 5000 }, (_, index) => chainOf('bob', 1000 + index, 0, [jsonPayload('new')]))
    const taken = await takeUpdate(rig.live, bob, update(many))
    expect(taken).toMatchObject({ kind: 'fault', code: 'overloaded', entries: 5000 })
    expect(rig.asked).toEqual([256])
  })

  test('[SYNC6][EPOCH2] those of others are left out, however many they are, and the sender’s own counts', async () => {
    const rig = await createRig()
    await inNewEpoch(rig)
    const others = Array.from({ length: 2000 }, (_, index) => chainOf('eve', 1000 + index, 0, [jsonPayload('hers')]))
    const own = chainOf('bob', 2, 0, said(3))
    const taken = await takeUpdate(rig.live, bob, update([...others, own]))
    expect(taken).toEqual({ kind: 'taken', gap: false, entries: 2001 })
    expect(rig.live.ledger.chain(clientId(2))?.next).toBe(3)
  })

  test('[EPOCH2] a chain that an epoch drops while its update waits for its turn is as dropped as before', async () => {
    const { live } = await createRig()
    const wrong = [jsonPayload('not JSON')]
    await takeUpdate(live, bob, update([chainOf('bob', 2, 0, wrong)]))
    await live.commit()
    let begin = (): void => undefined
    const begun = new Promise<void>((resolve) => (begin = resolve))
    const epoch = live.serially(async () => {
      await begun
      await live.beginEpoch(() => [clientId(2)])
    })
    const longer = takeUpdate(live, bob, update([chainOf('bob', 2, 0, [...wrong, ...said(1)])]))
    // It has been looked up, and waits behind the epoch.
    await new Promise((resolve) => setImmediate(resolve))
    begin()
    await epoch
    expect(await longer).toMatchObject({ kind: 'fault', code: 'forked' })
  })
})
