// What every store must do with rows that follow from entries which reach back, and with archiving. Part of the suite.
import { describe, expect, test } from 'vitest'

import type { ConversationStore, EventRow, SettingRow } from '../../server/storage/conversation-store.ts'
import type { WithStore } from './opened-store.ts'
import { listOf } from './read-back.ts'
import {
  ann,
  bob,
  conversationId,
  fullCommit,
  headAt,
  invitationAt,
  messageAt,
  messageId,
  recordAt,
  write,
} from './store-rows.ts'

const one = conversationId(1)
const two = conversationId(2)

export function touchedRowsContract(name: string, withStore: WithStore): void {
  describe(`${name}: what reaches back`, () => {
    test(
      '[STORE1] what is touched again leaves the revision before it; those behind one are told in order, some at a time',
      withStore(async ({ store, reopen }) => {
        const touched = [3, 70_000, 256, 255, 4].map((revision) => ({ revision, seq: revision % 3 }))
        await store.commit([write(one, 1, { touched }), write(two, 1, { touched: [{ revision: 5, seq: 0 }] })])
        const after = async (from: number, limit = 99): Promise<readonly number[]> =>
          (await store.touched(one, { after: from, limit })).map(({ revision }) => revision)
        expect(await after(-1)).toEqual([3, 4, 255, 256, 70_000])
        expect(await after(3)).toEqual([4, 255, 256, 70_000])
        expect(await after(3, 2)).toEqual([4, 255])
        expect(await after(70_000)).toEqual([])
        expect(await after(3, 0)).toEqual([])
        await store.commit([
          write(one, 2, { retouched: [3, 256, 9], touched: [{ revision: 70_001, seq: 0 }] }),
          write(two, 2, { retouched: [5] }),
        ])
        const again = await reopen()
        expect(await again.touched(one, { after: -1, limit: 9 })).toStrictEqual([
          { revision: 4, seq: 1 },
          { revision: 255, seq: 0 },
          { revision: 70_000, seq: 1 },
          { revision: 70_001, seq: 0 },
        ])
        expect(await again.touched(two, { after: -1, limit: 9 })).toEqual([])
      }),
    )

    test(
      '[STORE6] the pieces of a message are its own, ascending',
      withStore(async ({ store }) => {
        const pieces = [300, 2, 255, 256].map((seq) => ({ id: messageId(1), seq }))
        await store.commit([
          write(one, 1, { pieces: [...pieces, { id: messageId(0), seq: 1 }, { id: messageId(2), seq: 3 }] }),
          write(two, 1, { pieces: [{ id: messageId(1), seq: 4 }] }),
        ])
        expect(await store.pieces(one, messageId(1))).toEqual([2, 255, 256, 300])
        expect(await store.pieces(one, messageId(0))).toEqual([1])
        expect(await store.pieces(two, messageId(1))).toEqual([4])
        expect(await store.pieces(one, messageId(9))).toEqual([])
      }),
    )

    test(
      '[STORE6][EVENT1] what happened is told in order, the newest or the oldest of a range, and goes with its conversation',
      withStore(async ({ store, reopen }) => {
        const entries = new Map<number, EventRow['entry']>([
          [2, { kind: 'set', key: 'wide', value: null }],
          [255, { kind: 'member', user: bob, access: 'reader', invitation: invitationAt(1).id }],
        ])
        const eventAt = (seq: number): EventRow => ({
          seq,
          user: ann,
          timeMs: 1000 + seq,
          entry: entries.get(seq) ?? { kind: 'member', user: bob, access: null },
        })
        const [first, ...rest] = [2, 255, 256, 70_000].map(eventAt)
        await store.commit([
          write(one, 1, { events: rest.toReversed(), head: headAt(1, { events: 3 }) }),
          write(two, 1, { events: [eventAt(300)] }),
        ])
        if (first !== undefined) await store.commit([write(one, 2, { events: [first] })])
        const again = await reopen()
        const seqs = async (range: object, take: 'newest' | 'oldest', limit = 9): Promise<readonly number[]> =>
          (await again.events(one, { ...range, take, limit })).map(({ seq }) => seq)
        expect(await again.events(one, { take: 'oldest', limit: 9 })).toStrictEqual([first, ...rest])
        expect(await seqs({}, 'newest', 2)).toEqual([256, 70_000])
        expect(await seqs({ after: 2, before: 70_000 }, 'oldest', 1)).toEqual([255])
        expect(await seqs({ before: 256 }, 'newest', 0)).toEqual([])
        expect(await seqs({ after: 70_000 }, 'oldest')).toEqual([])
        const tombstone = { kind: 'deleted', deletedMs: 1 } as const
        await again.commit([{ kind: 'delete', conversation: one, expectedRevision: 2, tombstone }])
        expect(await seqs({}, 'oldest')).toEqual([])
        expect(await again.events(two, { take: 'oldest', limit: 9 })).toHaveLength(1)
      }),
    )

    test(
      '[STORE1] settings and pins are replaced, and null takes them away',
      withStore(async ({ store, reopen }) => {
        const odd = ['key', 'key \0', 'ke', '\ud83d half', '\uffff', '\u{1f600}']
        const settings = odd.map((key, index) => ({
          key,
          value: { index, text: 'half \udc00', more: [null, false, 0] },
        }))
        const pins = [2, 0, 1].map((number) => ({ id: messageId(number), seq: number + 5 }))
        await store.commit([write(one, 1, { settings, pins }), fullCommit(two, 1)])
        const sorted = settings.toSorted((a, b) => (a.key < b.key ? -1 : 1))
        expect(await store.settings(one)).toStrictEqual(sorted)
        expect(await store.pins(one)).toStrictEqual([pins[1], pins[2], pins[0]])
        for (const prefix of ['ke', 'key', 'key \0', '\ud83d', '\uffff', 'nothing'])
          expect(await store.settings(one, prefix)).toStrictEqual(sorted.filter(({ key }) => key.startsWith(prefix)))
        const changed = [
          { key: 'key', value: null },
          { key: 'ke', value: 'new' },
          { key: 'never there', value: null },
        ]
        const unpinned = [
          { id: messageId(0), seq: null },
          { id: messageId(1), seq: 9 },
          { id: messageId(7), seq: null },
        ]
        await store.commit([write(one, 2, { settings: changed, pins: unpinned })])
        const look = async (opened: ConversationStore): Promise<void> => {
          const left: readonly SettingRow[] = sorted.filter(({ key }) => key !== 'key')
          const replaced = left.map((row) => (row.key === 'ke' ? { key: 'ke', value: 'new' } : row))
          expect(await opened.settings(one)).toStrictEqual(replaced)
          expect(await opened.pins(one)).toStrictEqual([unpinned[1], pins[0]])
          expect(await opened.settings(two)).toHaveLength(1)
        }
        await look(store)
        await look(await reopen())
      }),
    )

    test(
      '[STORE6] messages are told at the seqs asked for, in that order',
      withStore(async ({ store }) => {
        await store.commit([fullCommit(one, 300), fullCommit(two, 2)])
        const found = await store.messagesAt(one, [299, 0, 300, 255, 0])
        expect(found).toStrictEqual([messageAt(299), messageAt(0), undefined, messageAt(255), messageAt(0)])
        expect(await store.messagesAt(two, [])).toEqual([])
        expect(await store.messagesAt(two, [2])).toEqual([undefined])
      }),
    )
  })

  describe(`${name}: archiving`, () => {
    test(
      '[ARCH1] records go with what was archived; what is left is told, and the head says from where',
      withStore(async ({ store, reopen }) => {
        await store.commit([fullCommit(one, 9)])
        const window = { through: 4, firstRecord: 6, checkpoint: 9, liveEntries: 4, liveBytes: 12, redactions: 2 }
        const head = { ...headAt(2), nextSeq: 9, nextRecord: 10, ...window }
        const recordsGone = { clock: 1, length: 5 }
        const replaced = { clock: 7, payload: undefined }
        await store.commit([write(one, 2, { head, recordsGone, records: [replaced, recordAt(9)] })])
        const look = async (opened: ConversationStore): Promise<void> => {
          expect(await opened.head(one)).toStrictEqual({ kind: 'head', head })
          expect(await listOf(opened.records(one, { from: 0, to: 1 }))).toStrictEqual([recordAt(0)])
          const left = [recordAt(6), replaced, recordAt(8), recordAt(9)]
          expect(await listOf(opened.records(one, { from: 6, to: 99 }))).toStrictEqual(left)
          // Who asks for what was archived since hears of what was not.
          expect(await listOf(opened.records(one, { from: 0, to: 8 }))).toStrictEqual([
            recordAt(0),
            recordAt(6),
            replaced,
          ])
          expect(await listOf(opened.records(one, { from: 3, to: 8 }))).toStrictEqual([recordAt(6), replaced])
          expect(await listOf(opened.records(one, { from: 3, to: 5 }))).toStrictEqual([])
        }
        await look(store)
        await look(await reopen())
      }),
    )

    test(
      '[STORE1] a record that goes and comes in one commit is there',
      withStore(async ({ store }) => {
        await store.commit([fullCommit(one, 3)])
        const again = { clock: 1, payload: Uint8Array.of(9) }
        const head = { nextSeq: 3, nextRecord: 2 }
        await store.commit([write(one, 2, { head, recordsGone: { clock: 0, length: 3 }, records: [again] })])
        expect(await listOf(store.records(one, { from: 1, to: 2 }))).toStrictEqual([again])
      }),
    )

    test(
      '[STORE1] what a device of a member has received is kept beside what was read',
      withStore(async ({ store, reopen }) => {
        const members = [
          { user: ann, access: 'owner', readThrough: -1, received: 7 },
          { user: bob, access: 'reader', readThrough: 3, received: 3 },
        ] as const
        await store.commit([write(one, 1, { members })])
        expect(await (await reopen()).members(one)).toStrictEqual(members)
      }),
    )
  })
}
