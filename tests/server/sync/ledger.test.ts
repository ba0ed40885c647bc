// The ledger of one conversation: its order, its records, and the step between what is new and what may be shown.
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import { Ledger } from '../../../server/sync/ledger.ts'
import { goneBytes, type SealedLedger } from '../../../server/sync/sealed-ledger.ts'
import { crc32 } from '../../../shared/sync/crc32.ts'
import { parseRecord, type ServerRecord } from '../../../shared/sync/record.ts'
import { clientId, docOf, userId } from '../../helpers/chain-doc.ts'

const ann = userId('ann')
const one = clientId(1)
const two = clientId(2)

const noWindow = { through: -1, firstRecord: 1, checkpoint: null, liveEntries: 0, liveBytes: 0 }

function startLedger(): Ledger {
  const ledger = new Ledger({
    epoch: 0,
    serverClient: clientId(9),
    nextRecord: 0,
    nextSeq: 0,
    lastStampMs: 0,
    ...noWindow,
    chains: [],
    deleted: [],
  })
  ledger.appendRecord({ kind: 'genesis', epoch: 0, owner: ann, createdAt: 1 })
  for (const client of [one, two]) ledger.addChain({ client, user: ann, held: client === two, createdMs: 1 })
  return ledger
}

function append(ledger: Ledger, client: typeof one, clock: number, voidReason?: string): number {
  return ledger.append({ client, clock, payload: Uint8Array.of(1, client, clock), voidReason })
}

function recordsOf({ records }: SealedLedger): readonly (ServerRecord | undefined)[] {
  return records.map(({ payload }) => payload && parseRecord(payload))
}

describe('a ledger', () => {
  test('[SYNC4] gives every entry its place, in the order in which they came, and seals them with one stamp', () => {
    const ledger = startLedger()
    const seqs = [append(ledger, one, 0), append(ledger, one, 1), append(ledger, two, 0), append(ledger, one, 2)]
    expect(seqs).toEqual([0, 1, 2, 3])
    const sealed = ledger.seal(1000)
    expect(sealed.entries.map(({ seq, client, clock, timeMs }) => [seq, client, clock, timeMs])).toEqual([
      [0, 1, 0, 1000],
      [1, 1, 1, 1000],
      [2, 2, 0, 1000],
      [3, 1, 2, 1000],
    ])
    const crc = (client: number, clock: number): number => crc32(Uint8Array.of(1, client, clock))
    expect(recordsOf(sealed)).toEqual([
      { kind: 'genesis', epoch: 0, owner: 'ann', createdAt: 1 },
      {
        kind: 'stamp',
        seq: 0,
        timeMs: 1000,
        runs: [
          { client: 1, clock: 0, crcs: [crc(1, 0), crc(1, 1)] },
          { client: 2, clock: 0, crcs: [crc(2, 0)] },
          { client: 1, clock: 2, crcs: [crc(1, 2)] },
        ],
      },
    ])
    expect(sealed.chains.map(({ client, next }) => [client, next])).toEqual([
      [1, 3],
      [2, 1],
    ])
    const doc = docOf(sealed.update())
    expect([...doc.share.keys()].map((name) => [name, doc.getArray(name).length])).toEqual([
      ['server/9', 2],
      ['chain/2/ann', 1],
      ['chain/1/ann', 3],
    ])
  })

  test('[SYNC7] a void entry keeps its clock, its seq and its checksum, and neither its bytes nor those of its neighbours go', () => {
    const ledger = startLedger()
    append(ledger, one, 0)
    append(ledger, one, 1, 'access')
    ledger.append({ client: one, clock: 2, payload: undefined, voidReason: 'no-bytes' })
    append(ledger, one, 3)
    const sealed = ledger.seal(1000)
    expect(sealed.entries.map(({ payload, crc, voidReason }) => [payload, crc === 0, voidReason])).toEqual([
      [Uint8Array.of(1, 1, 0), false, undefined],
      [undefined, false, 'access'],
      [undefined, true, 'no-bytes'],
      [Uint8Array.of(1, 1, 3), false, undefined],
    ])
    expect(recordsOf(sealed).map((record) => record?.kind)).toEqual(['genesis', 'void', 'void', 'stamp'])
    expect(sealed.deleted).toEqual([{ client: 1, ranges: [{ clock: 1, length: 2 }] }])
    // A replica that had the bytes loses them by the same update.
    const author = new Y.Doc()
    author.clientID = one
    for (const clock of [0, 1, 2, 3]) author.getArray('chain/1/ann').push([Uint8Array.of(1, 1, clock)])
    Y.applyUpdate(author, sealed.update())
    expect(Y.encodeStateAsUpdate(author)).toEqual(Y.encodeStateAsUpdate(docOf(sealed.update())))
  })

  test('[SYNC2] shows nothing before it is settled, and what it showed stays as it was', () => {
    const ledger = startLedger()
    const empty = ledger.durable()
    expect([empty.nextSeq, empty.nextRecord, empty.chains.size]).toEqual([0, 0, 0])
    append(ledger, one, 0, 'access')
    const sealed = ledger.seal(1000)
    append(ledger, one, 1)
    expect(ledger.durable()).toEqual(empty)
    ledger.settle(sealed)
    const first = ledger.durable()
    expect([first.nextSeq, first.nextRecord, first.chains.get(one)?.next]).toEqual([1, 3, 1])
    expect(first.deleted).toEqual(new Map([[1, [{ clock: 0, length: 1 }]]]))
    append(ledger, one, 2, 'access')
    ledger.settle(ledger.seal(2000))
    expect([first.chains.get(one)?.next, first.deleted.get(one)?.length]).toEqual([1, 1])
    expect(ledger.durable().chains.get(one)?.next).toBe(3)
    expect([empty.chains.size, empty.deleted.size]).toEqual([0, 0])
  })

  test('[SYNC8] knows the checksums of what is not in the store yet, and of nothing else', () => {
    const ledger = startLedger()
    append(ledger, one, 0)
    expect(ledger.uncommittedCrc(one, 0)).toBe(crc32(Uint8Array.of(1, 1, 0)))
    const sealed = ledger.seal(1000)
    append(ledger, one, 1)
    expect([0, 1].map((clock) => ledger.uncommittedCrc(one, clock) !== undefined)).toEqual([true, true])
    ledger.settle(sealed)
    expect([0, 1, 2].map((clock) => ledger.uncommittedCrc(one, clock) !== undefined)).toEqual([false, true, false])
  })

  test('[SYNC4] time never stands still or goes back, whatever the clock does', () => {
    const ledger = startLedger()
    const times = [1000, 1000, 5, 2000].map((nowMs, clock) => {
      append(ledger, one, clock)
      const sealed = ledger.seal(nowMs)
      ledger.settle(sealed)
      return sealed.timeMs
    })
    expect(times).toEqual([1000, 1001, 1002, 2000])
  })

  test('[SYNC4] goes on where the rows of before ended', () => {
    const ledger = new Ledger({
      epoch: 0,
      serverClient: clientId(9),
      nextRecord: 4,
      nextSeq: 7,
      lastStampMs: 5000,
      ...noWindow,
      chains: [{ client: one, user: ann, held: true, next: 3, createdMs: 1, epoch: 0 }],
      deleted: [{ client: one, ranges: [{ clock: 2, length: 1 }] }],
    })
    expect(ledger.heldChain(ann)).toBe(1)
    expect(ledger.heldChain(userId('bob'))).toBeUndefined()
    expect(append(ledger, one, 3, 'access')).toBe(7)
    const sealed = ledger.seal(10)
    expect([sealed.timeMs, sealed.nextSeq, sealed.records.map(({ clock }) => clock)]).toEqual([5001, 8, [4, 5]])
    expect(sealed.deleted).toEqual([{ client: 1, ranges: [{ clock: 2, length: 2 }] }])
  })

  test('[EPOCH1] a new epoch is one record, the same records under another clientID, and held chains of its own', () => {
    const ledger = startLedger()
    append(ledger, one, 0, 'access')
    append(ledger, two, 0)
    const first = ledger.seal(1000)
    ledger.settle(first)
    const told = first.update()
    append(ledger, two, 1)
    const before = ledger.seal(2000)
    expect([ledger.heldChain(ann), ledger.deadChains()]).toEqual([two, [one]])

    const genesis = { kind: 'genesis', epoch: 3, owner: ann, createdAt: 1 } as const
    ledger.beginEpoch({ serverClient: clientId(8), genesis, without: [one] })
    expect([ledger.epoch, ledger.heldChain(ann), ledger.chain(one), ledger.deadChains()]).toEqual([
      3,
      undefined,
      undefined,
      [],
    ])
    expect([8, 9].map((client) => ledger.isServer(clientId(client)))).toEqual([true, true])
    // What was sealed before is told as it was.
    ledger.settle(before)
    const { share } = docOf(told, before.update())
    expect([...share.keys()].toSorted()).toEqual(['chain/1/ann', 'chain/2/ann', 'server/9'])
    expect(ledger.durableEnd()).toEqual({ serverClient: 9, nextRecord: 4, nextSeq: 3 })
    expect(ledger.durable().chains.has(one)).toBe(true)

    const sealed = ledger.seal(3000)
    expect(recordsOf(sealed)).toEqual([genesis])
    expect(sealed.records.map(({ clock }) => clock)).toEqual([0])
    expect([sealed.beginsEpoch, sealed.epoch, sealed.nextRecord, sealed.nextSeq]).toEqual([true, 3, 4, 3])
    expect(sealed.dropped).toEqual([
      { client: 9, user: null, next: 4 },
      { client: 1, user: 'ann', next: 1 },
    ])
    expect(ledger.dropping(one)).toBeDefined()
    ledger.settle(sealed)
    expect(ledger.durableEnd()).toEqual({ serverClient: 8, nextRecord: 4, nextSeq: 3 })
    expect([...ledger.durable().chains.keys()]).toEqual([two])
    expect(ledger.durable().deleted.size).toBe(0)
    expect([ledger.dropping(one), ledger.isServer(clientId(9)), ledger.hasNews]).toEqual([undefined, false, false])
    ledger.addChain({ client: clientId(3), user: ann, held: true, createdMs: 1 })
    expect(ledger.heldChain(ann)).toBe(3)
    append(ledger, clientId(3), 0)
    const after = ledger.seal(4000)
    expect(after.chains).toMatchObject([{ client: 3, epoch: 3 }])
    expect([after.beginsEpoch, after.dropped, after.records.map(({ clock }) => clock)]).toEqual([false, [], [4]])
  })

  test('[EPOCH1] what was entered beside a new epoch belongs to it, and is in the same commit', () => {
    const ledger = startLedger()
    append(ledger, one, 0, 'access')
    ledger.settle(ledger.seal(1000))
    append(ledger, two, 0)
    const genesis = { kind: 'genesis', epoch: 1, owner: ann, createdAt: 1 } as const
    ledger.beginEpoch({ serverClient: clientId(8), genesis, without: [] })
    const sealed = ledger.seal(2000)
    expect(recordsOf(sealed).map((record) => record?.kind)).toEqual(['genesis', 'stamp'])
    expect(sealed.records.map(({ clock }) => clock)).toEqual([0, 3])
    expect(sealed.serverClient).toBe(8)
    expect(() => ledger.beginEpoch({ serverClient: clientId(7), genesis, without: [] })).toThrow(/not higher/)
    const later = { ...genesis, epoch: 2 }
    expect(() => ledger.beginEpoch({ serverClient: one, genesis: later, without: [] })).toThrow(/taken/)
    expect(() => ledger.beginEpoch({ serverClient: clientId(7), genesis: later, without: [clientId(6)] })).toThrow(
      /no such/,
    )
  })

  test('[EPOCH1] a chain is dead when all of it is void, on the disk, and nothing more is on its way', () => {
    const ledger = startLedger()
    const three = clientId(3)
    ledger.addChain({ client: three, user: ann, held: false, createdMs: 1 })
    append(ledger, one, 0, 'access')
    append(ledger, two, 0, 'access')
    append(ledger, three, 0)
    append(ledger, three, 1, 'access')
    expect(ledger.deadChains()).toEqual([])
    const sealed = ledger.seal(1000)
    expect(ledger.deadChains()).toEqual([])
    ledger.settle(sealed)
    expect(ledger.deadChains()).toEqual([one])
    append(ledger, one, 1, 'access')
    expect(ledger.deadChains()).toEqual([])
    ledger.settle(ledger.seal(2000))
    expect(ledger.deadChains()).toEqual([one])
    append(ledger, one, 2)
    ledger.settle(ledger.seal(3000))
    expect(ledger.deadChains()).toEqual([])
  })

  test('[SYNC4] what would break the order is our own bug, and is not done', () => {
    const ledger = startLedger()
    append(ledger, one, 0)
    expect(() => append(ledger, one, 0)).toThrow(/end of a chain/)
    expect(() => append(ledger, one, 2)).toThrow(/end of a chain/)
    expect(() => append(ledger, clientId(3), 0)).toThrow(/end of a chain/)
    expect(() => ledger.addChain({ client: one, user: ann, held: false, createdMs: 1 })).toThrow(/taken/)
    expect(() => ledger.addChain({ client: clientId(9), user: ann, held: false, createdMs: 1 })).toThrow(/taken/)
  })

  test('[ARCH1] archives in one commit: entries, records and the checkpoint before go, and a checkpoint stands for them', () => {
    const ledger = startLedger()
    const told: Uint8Array[] = []
    const commit = (nowMs: number): SealedLedger => {
      const sealed = ledger.seal(nowMs)
      ledger.settle(sealed)
      told.push(sealed.update())
      return sealed
    }
    for (let clock = 0; clock < 6; clock++) {
      append(ledger, one, clock, clock === 1 ? 'access' : undefined)
      commit(1000 + clock)
    }
    // Genesis and a stamp, a void and a stamp, then a stamp each: what is stamped at 4 and before goes.
    expect(ledger.window).toMatchObject({ liveEntries: 6, liveBytes: 15 + goneBytes })
    const state = (): Readonly<Record<string, unknown>> => ({ what: 'it came to' })
    ledger.archive({ through: 2, ends: new Map([[one, 3]]), firstRecord: 5, liveEntries: 3, liveBytes: 9, state })
    const sealed = commit(2000)
    expect(sealed.window).toEqual({ through: 2, firstRecord: 5, checkpoint: 8, liveEntries: 3, liveBytes: 9 })
    expect([sealed.recordsGone, sealed.firstNewRecord]).toEqual([{ clock: 1, length: 4 }, 8])
    expect(recordsOf(sealed)).toEqual([{ kind: 'checkpoint', through: 2, state: { what: 'it came to' } }])
    expect(sealed.deleted).toEqual([
      { client: 1, ranges: [{ clock: 0, length: 3 }] },
      { client: 9, ranges: [{ clock: 1, length: 4 }] },
    ])
    const doc = docOf(...told)
    expect([doc.getArray('chain/1/ann').length, doc.getArray('server/9').length]).toEqual([3, 5])

    append(ledger, one, 6)
    ledger.archive({ through: 3, ends: new Map([[one, 4]]), firstRecord: 6, liveEntries: 3, liveBytes: 9, state })
    const next = commit(3000)
    expect(recordsOf(next).map((record) => record?.kind)).toEqual([undefined, 'stamp', 'checkpoint'])
    expect(next.records.map(({ clock, payload }) => [clock, payload === undefined])).toEqual([
      [8, true],
      [9, false],
      [10, false],
    ])
    expect(next.window).toEqual({ through: 3, firstRecord: 6, checkpoint: 10, liveEntries: 3, liveBytes: 9 })
    expect(() => {
      ledger.archive({ through: 3, ends: new Map(), firstRecord: 6, liveEntries: 0, liveBytes: 0, state })
    }).toThrow(/archived/)
    // A replica that had all of it has the same as one that is new.
    expect(Y.encodeStateAsUpdate(docOf(...told))).toEqual(Y.encodeStateAsUpdate(docOf(Y.mergeUpdates(told))))
  })

  test('[ARCH2][EPOCH1] a chain that a new epoch did without is not in the document again when its void entries are archived', () => {
    const ledger = startLedger()
    append(ledger, one, 0, 'access')
    append(ledger, two, 0)
    ledger.settle(ledger.seal(1000))
    const genesis = { kind: 'genesis', epoch: 1, owner: ann, createdAt: 1 } as const
    ledger.beginEpoch({ serverClient: clientId(10), genesis, without: [one] })
    ledger.settle(ledger.seal(2000))
    const ends = new Map([one, two].map((client) => [client, 1]))
    ledger.archive({ through: 1, ends, firstRecord: 3, liveEntries: 0, liveBytes: 0, state: () => ({}) })
    const sealed = ledger.seal(3000)
    expect(new Set(sealed.deleted.map(({ client }) => client))).toEqual(new Set([two, 10]))
    ledger.settle(sealed)
    expect(new Set(ledger.durable().deleted.keys())).toEqual(new Set([two, 10]))
    expect(new Set(Y.decodeUpdate(sealed.update()).ds.clients.keys())).toEqual(new Set([two, 10]))
  })

  test('[ERASE1][PROC4] what is erased of a long stream between others costs no more than its length', () => {
    const ledger = startLedger()
    const count = 40_000
    const payload = Uint8Array.of(1)
    const piece = { client: one, payload, voidReason: undefined, isPassing: true }
    for (let clock = 0; clock < count; clock++) ledger.append({ ...piece, clock })
    ledger.settle(ledger.seal(1000))
    const places = Array.from({ length: count / 2 }, (_, index) => ({ seq: 2 * index, client: one, clock: 2 * index }))
    const startMs = performance.now()
    ledger.erase(places.map((place) => ({ ...place, bytes: 1, wasPassing: true, of: 'm', by: ann })))
    // Seconds, when each of them goes through all ranges; a tenth of one on a slow machine else.
    expect(performance.now() - startMs).toBeLessThan(1500)
    expect(ledger.deletedRanges(one)).toBe(count / 2)
  })

  test('[ERASE1] takes the bytes of an entry out of the document, whether it was told of or not', () => {
    const ledger = startLedger()
    const [first, second] = [append(ledger, one, 0), append(ledger, one, 1)]
    const before = ledger.seal(1000)
    ledger.settle(before)
    const third = append(ledger, one, 2)
    const place = { client: one, bytes: 3, wasPassing: false, of: 'm', by: ann }
    ledger.erase([
      { ...place, seq: first, clock: 0, left: { role: 'user' } },
      { ...place, seq: third, clock: 2 },
    ])
    const sealed = ledger.seal(2000)
    expect(sealed.entries).toMatchObject([{ seq: third, payload: undefined, voidReason: undefined }])
    expect(sealed.entries[0]?.crc).toBe(crc32(Uint8Array.of(1, 1, 2)))
    expect(recordsOf(sealed)).toMatchObject([
      { kind: 'erased', client: 1, clock: 0, of: 'm', by: 'ann', left: { role: 'user' } },
      { kind: 'erased', client: 1, clock: 2, of: 'm', by: 'ann' },
      { kind: 'stamp', seq: third },
    ])
    expect(sealed.window).toMatchObject({ liveEntries: 3, liveBytes: 3 + 2 * goneBytes })
    const doc = docOf(before.update(), sealed.update())
    expect(doc.getArray('chain/1/ann').toArray()).toEqual([Uint8Array.of(1, 1, second)])
    ledger.settle(sealed)
    // What is archived has left the document already.
    ledger.archive({
      through: second,
      ends: new Map([[one, 2]]),
      firstRecord: 2,
      liveEntries: 1,
      liveBytes: 3,
      state: () => ({}),
    })
    ledger.erase([{ ...place, seq: second, clock: 1 }])
    expect(recordsOf(ledger.seal(3000)).map((record) => record?.kind)).toEqual(['checkpoint'])
  })
})
