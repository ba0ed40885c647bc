// What comes to its end between two looks, at the disk and at what is on its way there, is neither damage nor news.
import { expect, test } from 'vitest'

import { takeUpdate } from '../../../server/chat/intake.ts'
import { type ConversationStore, StoreError } from '../../../server/storage/conversation-store.ts'
import { createMemoryStore } from '../../../server/storage/memory/memory-store.ts'
import { encodeEntry, type MessageEntry } from '../../../shared/chat/entry.ts'
import { userId } from '../../helpers/chain-doc.ts'
import { createGate } from '../../helpers/gated-store.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode } from '../../helpers/sync-node.ts'
import { chainItems, content, section, update } from '../../helpers/update-forge.ts'
import { deferred, turn } from '../../helpers/when.ts'

const [ann, bob] = [userId('ann'), userId('bob')]

/** A store whose answers about ids that are taken were read at once, and are given when the door opens. */
function lateAnswers() {
  const { store } = createGate(createMemoryStore())
  const late: { door: Promise<void> | undefined; readonly store: ConversationStore } = {
    door: undefined,
    store: {
      ...store,
      claims: async (...asked) => whenOpen(await store.claims(...asked)),
      dropped: async (...asked) => whenOpen(await store.dropped(...asked)),
    },
  }
  async function whenOpen<T>(found: T): Promise<T> {
    await late.door
    return found
  }
  return late
}

async function turns(count = 10): Promise<void> {
  for (let index = 0; index < count; index++) await turn()
}

const refusal = new StoreError('failed', 'the disk is full')

test.each([
  ['whose commit is refused', 0, refusal],
  ['that waits for a commit behind one that is refused', 1, refusal],
  ['that waits for a commit behind one that a bug stops', 1, new Error('a bug')],
])('[STORE9][SYNC10] a message %s while it is looked up is no damage: it was never there', async (_, before, error) => {
  const late = lateAnswers()
  const node = createSyncNode({ store: late.store })
  const id = await node.create('ann', 'bob')
  const { live } = await node.registry.acquire(id)
  node.gate.hold()
  const post = async (entry: MessageEntry): Promise<unknown> => {
    const posted = node.conversations.post(ann, id, entry, undefined).catch((refused: unknown) => refused)
    await node.settled()
    return { posted }
  }
  for (let index = 0; index < before; index++) await post(messageEntry('in flight'))
  const of = messageEntry('looked up')
  await post(of)
  expect(node.gate.waiting()).toHaveLength(1)
  const { promise, resolve } = deferred()
  late.door = promise
  const entries = [encodeEntry({ kind: 'react', of: of.id, emoji: 'x', on: true }), encodeEntry(messageEntry('fresh'))]
  const items = chainItems('chain/7/bob', 7, 0, entries.map(content.binary))
  const taken = takeUpdate(live, bob, update([section(7, 0, items)]))
  await turns()
  node.gate.failNext(error)
  node.gate.open()
  await turns()
  expect(live.ended).toBe('unavailable')
  resolve()
  await taken
  expect([...late.store.condemned()]).toEqual([])
  expect((await node.conversations.post(bob, id, of, undefined)).created).toBe(true)
})

test('[EPOCH1][EPOCH2] chains whose end reaches the disk while they are looked up are not begun once more', async () => {
  const late = lateAnswers()
  const node = createSyncNode({ store: late.store })
  const id = await node.create('ann', 'bob')
  const { live } = await node.registry.acquire(id)
  const clients = [1000, 1001, 1002]
  const dead = update(
    clients.map((client) => {
      const entry = content.binary(encodeEntry({ kind: 'redact', of: messageEntry('nobody sent').id }))
      return section(client, 0, chainItems(`chain/${client}/bob`, client, 0, [entry]))
    }),
  )
  await takeUpdate(live, bob, dead)
  await live.commit()
  const { nextSeq } = live.ledger
  node.gate.hold()
  await live.serially(() => live.beginEpoch(() => live.ledger.deadChains()))
  await node.settled()
  expect(node.gate.waiting()).toHaveLength(1)
  const { promise, resolve } = deferred()
  late.door = promise
  const again = takeUpdate(live, bob, dead)
  await turns()
  node.gate.open()
  await turns()
  resolve()
  expect(await again).toMatchObject({ kind: 'taken', gap: false })
  await live.commit()
  const rows = await late.store.chains(id)
  expect(rows.filter(({ client }) => clients.includes(Number(client)))).toEqual([])
  // Nothing was accepted twice.
  expect(live.ledger.nextSeq).toBe(nextSeq)
  expect(node.errors).toEqual([])
})
