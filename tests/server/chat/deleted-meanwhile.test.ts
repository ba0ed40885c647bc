// A conversation that is deleted while its rows are read: that is no damage.
import { expect, test } from 'vitest'

import { takeUpdate } from '../../../server/chat/intake.ts'
import { readGenesis } from '../../../server/chat/loaded-conversation.ts'
import type { ConversationStore } from '../../../server/storage/conversation-store.ts'
import { createMemoryStore } from '../../../server/storage/memory/memory-store.ts'
import { durableStateVector, encodeMissing } from '../../../server/sync/projection.ts'
import { Fault } from '../../../shared/fault.ts'
import { limits } from '../../../shared/limits.ts'
import { jsonPayload } from '../../helpers/adversarial-cast.ts'
import { userId } from '../../helpers/chain-doc.ts'
import { createGate } from '../../helpers/gated-store.ts'
import { createSyncNode, type SyncNode } from '../../helpers/sync-node.ts'
import { chainItems, content, section, update } from '../../helpers/update-forge.ts'

const [ann, bob] = [userId('ann'), userId('bob')]
const dayMs = 24 * 60 * 60 * 1000

/** Chains of bob's with one entry each, which is void. */
function deadChains(from: number, count: number): Uint8Array {
  const chain = (client: number): Uint8Array =>
    section(client, 0, chainItems(`chain/${client}/bob`, client, 0, [content.binary(jsonPayload('not JSON'))]))
  return update(Array.from({ length: count }, (_, index) => chain(from + index)))
}

function expectDeleted(node: SyncNode, store: ConversationStore): void {
  expect([...store.condemned()]).toEqual([])
  expect(node.errors).toEqual([])
}

test('[STORE7][STORE9] whoever is being brought up to date is told so, and nothing is condemned', async () => {
  const store = createMemoryStore()
  const node = createSyncNode({ store })
  const id = await node.create('ann', 'bob')
  const { live } = await node.registry.acquire(id)
  await takeUpdate(live, bob, deadChains(1000, 5))
  await live.commit()
  const state = live.ledger.durable()
  const all = durableStateVector(state)
  await node.conversations.delete(ann, id)
  const entriesAlone = new Map([[state.serverClient, state.nextRecord]])
  const recordsAlone = new Map(all).set(state.serverClient, 0)
  for (const known of [new Map<number, number>(), entriesAlone, recordsAlone]) {
    await expect(encodeMissing(store, id, state, known)).rejects.toThrow(new Fault('deleted'))
  }
  await expect(readGenesis(store, id)).rejects.toThrow(new Fault('deleted'))
  expectDeleted(node, store)
  await expect(node.conversations.get(ann, id)).rejects.toThrow(new Fault('deleted'))
})

test('[STORE7][EPOCH1] a new epoch that was about to begin does not, and the deletion is answered', async () => {
  const { store } = createGate(createMemoryStore())
  let release = (): void => undefined
  const released = new Promise<void>((resolve) => (release = resolve))
  const watched: ConversationStore = {
    ...store,
    async *records(...query) {
      await released
      yield* store.records(...query)
    },
  }
  let nowMs = 1_700_000_000_000
  const node = createSyncNode({ store: watched, now: () => nowMs++ })
  const id = await node.create('ann', 'bob')
  const { live } = await node.registry.acquire(id)
  const perDay = limits.newChainsPerUserPerDay
  for (let count = 0; count <= limits.deadChains; count += perDay) {
    nowMs += dayMs
    const isLast = count + perDay > limits.deadChains
    if (isLast) node.gate.hold()
    expect(await takeUpdate(live, bob, deadChains(1000 + count, perDay))).toMatchObject({ kind: 'taken' })
    if (!isLast) await live.commit()
  }
  // The last of them are on their way to the disk.
  await node.settled()
  const deletion = node.conversations.delete(ann, id)
  // The last of them, and then the deletion; the epoch still looks for its first record.
  while ((await store.head(id))?.kind !== 'deleted') {
    node.gate.pass()
    await new Promise((resolve) => setImmediate(resolve))
  }
  release()
  await deletion
  // The job that began the epoch is over.
  await live.serially(async () => undefined)
  expect(live.ended).toBe('deleted')
  expectDeleted(node, store)
})
