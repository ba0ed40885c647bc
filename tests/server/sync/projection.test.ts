// The document as rows: whatever a device has, what it lacks is encoded from rows and leaves it with the whole.
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import { encodeMissing, type DurableState, durableStateVector } from '../../../server/sync/projection.ts'
import type { ConversationStore, EntryRow } from '../../../server/storage/conversation-store.ts'
import { parseUpdate } from '../../../shared/sync/chain-update/parse-update.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { conversationId } from '../../contract/store-rows.ts'
import { jsonPayload, messagePayload } from '../../helpers/adversarial-cast.ts'
import { clientId, createDoc, docOf, hex, isSettled, stateVectorOf, userId } from '../../helpers/chain-doc.ts'
import { bringTogether, FakeDevice } from '../../helpers/fake-device.ts'
import { createRandom, type Random } from '../../helpers/seeded-random.ts'
import { createSyncNode, type SyncNode } from '../../helpers/sync-node.ts'
import { chainItems, content, deleteSet, section, update } from '../../helpers/update-forge.ts'

interface Story {
  readonly node: SyncNode
  readonly id: ConversationId
  readonly state: DurableState
  /** Everything, as a device has it. */
  readonly whole: Uint8Array
}

/** A conversation of several chains with void entries in them, written over sockets and REST in several commits. */
async function tellStory(random: Random): Promise<Story> {
  const node = createSyncNode({ random })
  const id = await node.create('ann', 'bob', 'cleo')
  const devices = ['ann', 'bob', 'cleo', 'bob'].map(
    (user) => new FakeDevice(user, id, createDoc(random.between(1, 2 ** 32 - 1))),
  )
  for (let round = random.between(1, 6); round > 0; round--) {
    for (const device of devices) {
      const payloads = Array.from({ length: random.below(5) }, () =>
        random.chance(0.7) ? messagePayload(random) : jsonPayload('not JSON'),
      )
      device.append(...payloads)
      if (random.chance(0.6)) await bringTogether(node, [device])
    }
    await node.conversations.apply(userId('ann'), id, { kind: 'set', key: 'title', value: `round ${round}` })
  }
  await bringTogether(node, devices)
  const [first] = devices
  if (first === undefined) throw new Error('no device')
  const { live, release } = await node.registry.acquire(id)
  const state = live.ledger.durable()
  release()
  return { node, id, state, whole: Y.encodeStateAsUpdate(first.doc) }
}

/** Everything before the given clocks, as a device has it that was cut off then. */
function partOf(whole: Uint8Array, clocks: ReadonlyMap<number, number>): Y.Doc {
  const doc = docOf(whole)
  const sections: Uint8Array[] = []
  for (const name of doc.share.keys()) {
    const client = Number(name.split('/')[1])
    const end = clocks.get(client) ?? 0
    const structs = (doc.store.clients.get(client) ?? []).flatMap((struct) => {
      if (!(struct instanceof Y.Item) || struct.id.clock >= end) return []
      if (struct.content instanceof Y.ContentBinary) return [content.binary(struct.content.content)]
      return Array.from({ length: Math.min(struct.length, end - struct.id.clock) }, () => content.deleted(1))
    })
    if (structs.length > 0) sections.push(section(client, 0, chainItems(name, client, 0, structs)))
  }
  return docOf(update(sections, deleteSet()))
}

function missing({ node, id, state }: Story, known: ReadonlyMap<number, number>): Promise<Uint8Array> {
  return encodeMissing(node.gate.store, id, state, known)
}

describe('what a device lacks', () => {
  test('[DOC1] any state vector is brought to the same document', async () => {
    let vectors = 0
    for (let seed = 1; seed <= 12; seed++) {
      const random = createRandom(seed)
      const story = await tellStory(random)
      const full = stateVectorOf(docOf(story.whole))
      expect(new Map(durableStateVector(story.state))).toEqual(full)
      for (let each = 0; each < 25; each++) {
        vectors++
        const cut = random.pick(['anywhere', 'at an end', 'nothing', 'all'])
        const clocks = new Map(
          [...full].map(([client, clock]) => {
            if (cut === 'anywhere') return [client, random.between(0, clock)] as const
            if (cut === 'at an end') return [client, random.pick([0, clock])] as const
            return [client, cut === 'all' ? clock : 0] as const
          }),
        )
        const doc = partOf(story.whole, clocks)
        const bytes = await missing(story, stateVectorOf(doc))
        Y.applyUpdate(doc, bytes)
        expect(isSettled(doc)).toBe(true)
        expect(hex(Y.encodeStateAsUpdate(doc)) === hex(story.whole), `seed ${seed}: ${[...clocks].join(' ')}`).toBe(
          true,
        )
      }
    }
    console.log(`${vectors} state vectors`)
  })

  test('[DOC1] a state vector that knows more of a chain, or chains that are not here, changes nothing', async () => {
    const story = await tellStory(createRandom(5))
    const known = new Map([...durableStateVector(story.state)].map(([client, clock]) => [client, clock + 7]))
    known.set(4_000_000_000, 12)
    const bytes = await missing(story, known)
    expect(Y.decodeUpdate(bytes).structs).toEqual([])
    const doc = docOf(story.whole)
    Y.applyUpdate(doc, bytes)
    expect(Y.encodeStateAsUpdate(doc)).toEqual(story.whole)
  })

  test('[DOC1][SYNC2] a state stays what it was: what is committed later is not in its update', async () => {
    const story = await tellStory(createRandom(6))
    const before = await missing(story, new Map())
    const late = new FakeDevice('ann', story.id, createDoc(77))
    late.append(jsonPayload('void'), messagePayload(createRandom(1)))
    await bringTogether(story.node, [late])
    await story.node.conversations.apply(userId('ann'), story.id, { kind: 'set', key: 'title', value: 'later' })
    expect(hex(await missing(story, new Map()))).toBe(hex(before))
    expect(hex(Y.encodeStateAsUpdate(docOf(before)))).toBe(hex(story.whole))
  })

  test('[DOC1] nobody reads the log for a device that lacks nothing, nor farther back than what it lacks', async () => {
    const node = createSyncNode()
    const id = await node.create('ann')
    const random = createRandom(1)
    const device = new FakeDevice('ann', id, createDoc(5))
    device.append(...Array.from({ length: 500 }, () => messagePayload(random)))
    await bringTogether(node, [device])
    const { live, release } = await node.registry.acquire(id)
    const state = live.ledger.durable()
    let read = 0
    const counting: ConversationStore = Object.create(node.gate.store, {
      entriesNewestFirst: {
        value: async function* (...query: Parameters<ConversationStore['entriesNewestFirst']>) {
          for await (const row of node.gate.store.entriesNewestFirst(...query)) {
            read++
            yield row
          }
        },
      },
    })
    const readFor = async (known: ReadonlyMap<number, number>): Promise<number> => {
      read = 0
      await encodeMissing(counting, id, state, known)
      return read
    }
    expect(await readFor(stateVectorOf(device.doc))).toBe(0)
    expect(await readFor(new Map(stateVectorOf(device.doc)).set(5, 495))).toBe(5)
    expect(await readFor(new Map())).toBe(500)
    release()
  })

  test('[DOC1] one entry that lies far back is looked up, not walked to', async () => {
    const node = createSyncNode()
    const id = await node.create('ann', 'bob')
    const [ann, bob] = ['ann', 'bob'].map((user, index) => new FakeDevice(user, id, createDoc(index + 1)))
    if (ann === undefined || bob === undefined) throw new Error('no device')
    const random = createRandom(3)
    bob.append(messagePayload(random))
    await bringTogether(node, [bob])
    ann.append(...Array.from({ length: 2000 }, () => messagePayload(random)))
    await bringTogether(node, [ann])
    const { live, release } = await node.registry.acquire(id)
    const state = live.ledger.durable()
    release()
    const { store } = live.deps
    let rowsRead = 0
    const counting: ConversationStore = Object.assign(Object.create(store) as ConversationStore, {
      async *entriesNewestFirst(...query: Parameters<ConversationStore['entriesNewestFirst']>) {
        for await (const row of store.entriesNewestFirst(...query)) {
          rowsRead++
          yield row
        }
      },
    })
    const known = new Map(durableStateVector(state)).set(bob.doc.clientID, 0)
    const bytes = await encodeMissing(counting, id, state, known)
    expect(rowsRead).toBeLessThan(400)
    const device = docOf(Y.encodeStateAsUpdate(ann.doc))
    Y.applyUpdate(device, bytes)
    expect(Y.decodeUpdate(bytes).structs).toHaveLength(1)
    expect(isSettled(device)).toBe(true)
  })

  test('[DOC1] 200,000 entries that all lie far back are looked up too', async () => {
    const [first, second] = [clientId(1), clientId(2)]
    const user = userId('ann')
    const [old, newer] = [200_000, 401_000]
    const rowAt = (seq: number): EntryRow => {
      const [client, clock] = seq < old ? [first, seq] : [second, seq - old]
      return { seq, client, clock, timeMs: 1, crc: 0, payload: undefined, voidReason: 'no-bytes' }
    }
    const store: Pick<ConversationStore, 'entriesNewestFirst' | 'places' | 'records'> = {
      async *entriesNewestFirst(_id, { after = -1, before = 0 } = {}) {
        for (let seq = before - 1; seq > after; seq--) yield rowAt(seq)
      },
      places: async (_id, _client, clocks) => clocks.map(rowAt),
      async *records() {},
    }
    const chain = (next: number) => ({ user, held: false, next })
    const chains = new Map([
      [first, chain(old)],
      [second, chain(newer)],
    ])
    const state = { serverClient: clientId(3), nextRecord: 0, nextSeq: old + newer, chains, deleted: new Map() }
    const bytes = await encodeMissing(store as ConversationStore, conversationId(1), state, new Map([[2, newer]]))
    const parsed = parseUpdate(bytes)
    const sections = parsed.kind === 'update' ? parsed.sections : []
    expect(sections.map(({ client, structs }) => [client, ...structs])).toEqual([[1, { kind: 'deleted', length: old }]])
  })

  test('[DOC1][STORE3] a log that lacks what the chains say is damage, and is not served', async () => {
    const story = await tellStory(createRandom(8))
    const [chain] = [...story.state.chains].filter(([, { next }]) => next > 0)
    if (chain === undefined) throw new Error('no chain')
    const chains = new Map(story.state.chains).set(chain[0], { ...chain[1], next: chain[1].next + 1 })
    await expect(missing({ ...story, state: { ...story.state, chains } }, new Map())).rejects.toThrow(/not in the log/)
  })
})
