// What every store must do, whatever it is made of. Each implementation's test file calls this with its own `open`.
import { describe, expect, test } from 'vitest'

import type { ConversationStore, SeqRange } from '../../server/storage/conversation-store.ts'
import { epochContract } from './epoch-contract.ts'
import { everyRecord, listOf, readBack } from './read-back.ts'
import type { OpenedStore } from './opened-store.ts'
import { peopleRowsContract } from './people-rows.ts'
import { storeFailureContract } from './store-failures.ts'
import { touchedRowsContract } from './touched-rows.ts'
import { vanishingContract } from './vanishing-contract.ts'
import {
  ann,
  bob,
  clientId,
  clockOf,
  conversationId,
  deletion,
  entryAt,
  fullCommit,
  headAt,
  messageAt,
  messageId,
  recordAt,
  userId,
  write,
} from './store-rows.ts'

const one = conversationId(1)
const two = conversationId(2)
const failed = { name: 'StoreError', code: 'failed' }
const closed = { name: 'StoreError', code: 'closed' }
const damaged = { name: 'StoreError', code: 'damaged' }

export function conversationStoreContract(name: string, open: () => Promise<OpenedStore>): void {
  /** A test with a store of its own. */
  const withStore = (run: (opened: OpenedStore) => Promise<void>) => async (): Promise<void> => {
    const opened = await open()
    try {
      await run(opened)
    } finally {
      await opened.dispose()
    }
  }

  describe(`${name}: commits`, () => {
    test(
      '[STORE1] what was committed is there, row for row, and still is when the store is opened again',
      withStore(async ({ store, reopen }) => {
        const commit = fullCommit(one, 3)
        expect(await store.commit([commit])).toEqual(['committed'])
        const expected = {
          head: { kind: 'head', head: commit.head },
          chains: commit.chains,
          deleted: commit.deleted,
          entries: commit.entries.toReversed(),
          records: commit.records,
          places: commit.entries.map(({ seq, client, clock, crc, voidReason }) => ({
            seq,
            client,
            clock,
            crc,
            voidReason,
          })),
          messages: commit.messages,
          single: commit.messages[0],
          messagesAt: [commit.messages[1], commit.messages[0]],
          touched: commit.touched,
          pieces: [2],
          settings: commit.settings,
          pins: commit.pins,
          claims: commit.claims,
          idempotency: commit.idempotency[0],
          invitations: commit.invitations,
          members: commit.members,
          member: commit.members[0],
          inbox: true,
        }
        expect(await readBack(store, one, 3)).toStrictEqual(expected)
        expect(await readBack(await reopen(), one, 3)).toStrictEqual(expected)
      }),
    )

    test(
      '[STORE1] optional fields and odd texts come back as they were',
      withStore(async ({ store, reopen }) => {
        const title = 'half a pair \ud83d, a NUL \0 and \ufeff'
        const message = messageAt(2, {
          role: 'assistant',
          content: 'half a pair \udc00 "quoted"\n',
          replyTo: messageId(0),
          mentions: [bob],
          parts: [{ type: 'tool', input: { depth: [1, null, { on: true }] } }],
          status: 'interrupted',
        })
        const entries = [
          entryAt(0, { payload: undefined, voidReason: 'no-target' }),
          entryAt(1, { payload: undefined }),
          entryAt(2, { payload: Uint8Array.of(), crc: 0xffff_ffff, client: clientId(0xffff_ffff) }),
        ]
        await store.commit([write(one, 1, { head: { title, nextSeq: 3 }, entries, messages: [message] })])
        const again = await reopen()
        expect(await again.head(one)).toStrictEqual({ kind: 'head', head: headAt(1, { title, nextSeq: 3 }) })
        expect(await listOf(again.entriesNewestFirst(one))).toStrictEqual(entries.toReversed())
        expect(await again.message(one, 2)).toStrictEqual(message)
        expect(await again.places(one, clientId(7), [clockOf(0), clockOf(1)])).toMatchObject([
          { seq: 0, voidReason: 'no-target' },
          { seq: 1, voidReason: undefined },
        ])
      }),
    )

    test(
      '[STORE1] payloads are copies, and plain Uint8Arrays, for Yjs takes nothing else',
      withStore(async ({ store }) => {
        const payload = Buffer.from('payload')
        const record = Buffer.from('record')
        const rows = { entries: [entryAt(0, { payload })], records: [{ clock: 0, payload: record }] }
        await store.commit([write(one, 1, { head: { nextSeq: 1, nextRecord: 1 }, ...rows })])
        payload.fill(0)
        record.fill(0)
        const [entry] = await listOf(store.entriesNewestFirst(one))
        const [found] = await listOf(store.records(one, everyRecord))
        for (const [bytes, text] of [
          [entry?.payload, 'payload'],
          [found?.payload, 'record'],
        ] as const) {
          expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype)
          expect(new TextDecoder().decode(bytes)).toBe(text)
        }
      }),
    )

    test(
      '[STORE1] a row replaces the one with the same key',
      withStore(async ({ store }) => {
        await store.commit([fullCommit(one, 2)])
        const erased = entryAt(0, { payload: undefined })
        const edited = messageAt(1, { content: 'edited' })
        const chain = { client: clientId(7), user: ann, held: true, next: 5, createdMs: 6, epoch: 7 }
        const deleted = {
          client: clientId(7),
          ranges: [
            { clock: 1, length: 2 },
            { clock: 9, length: 1 },
          ],
        }
        const member = { user: bob, access: 'admin', readThrough: 1, received: 2 } as const
        const claim = { id: messageId(1), user: bob, seq: undefined, digest: 0xffff_ffff }
        const idempotency = { user: ann, key: 'a/key', id: messageId(1) }
        await store.commit([
          write(one, 2, {
            head: { nextSeq: 2, nextRecord: 2 },
            entries: [erased],
            messages: [edited],
            chains: [chain],
            deleted: [deleted],
            members: [member],
            claims: [claim],
            idempotency: [idempotency],
          }),
        ])
        expect(await listOf(store.entriesNewestFirst(one))).toStrictEqual([entryAt(1), erased])
        expect(await store.messages(one, { take: 'oldest', limit: 9 })).toStrictEqual([messageAt(0), edited])
        expect(await store.chains(one)).toStrictEqual([chain])
        expect(await store.deleted(one)).toStrictEqual([deleted])
        expect(await store.member(one, bob)).toStrictEqual(member)
        expect(await store.claims(one, [messageId(1)])).toStrictEqual([claim])
        expect(await store.idempotency(one, ann, 'a/key')).toStrictEqual(idempotency)
      }),
    )

    test(
      '[STORE1] a call without commits, and one where all have moved, are answered too',
      withStore(async ({ store }) => {
        expect(await store.commit([])).toEqual([])
        expect(await store.commit([write(one, 5)])).toEqual(['moved'])
      }),
    )

    test(
      '[STORE2] after a failed write nothing is acknowledged until the store is opened again; it can still be read',
      withStore(async ({ store, failNextWrite, reopen }) => {
        await store.commit([write(one, 1)])
        failNextWrite()
        await expect(store.commit([write(one, 2)])).rejects.toMatchObject(failed)
        await expect(store.commit([write(one, 2)])).rejects.toMatchObject(failed)
        await expect(store.commit([write(two, 1)])).rejects.toMatchObject(failed)
        expect(await store.head(one)).toEqual({ kind: 'head', head: headAt(1) })
        const again = await reopen()
        expect(await again.head(two)).toBeUndefined()
        expect(await again.commit([write(one, 2)])).toEqual(['committed'])
      }),
    )

    test(
      '[STORE5] a commit made for another head is moved and writes nothing, beside others that are written',
      withStore(async ({ store }) => {
        await store.commit([fullCommit(one, 2), fullCommit(two, 1)])
        const before = await readBack(store, one, 2)
        const outcomes = await store.commit([
          { ...fullCommit(one, 9), expectedRevision: 3, head: headAt(4) },
          write(two, 2, { head: { title: 'written', nextSeq: 1, nextRecord: 1 } }),
          deletion(conversationId(3), 1),
          write(conversationId(4), 1),
        ])
        expect(outcomes).toEqual(['moved', 'committed', 'moved', 'committed'])
        expect(await readBack(store, one, 2)).toStrictEqual(before)
        expect(await store.heads([two, conversationId(3), conversationId(4)])).toMatchObject([
          { head: { revision: 2, title: 'written' } },
          undefined,
          { head: { revision: 1 } },
        ])
      }),
    )

    test(
      '[STORE5] revision 0 means that there is none yet',
      withStore(async ({ store }) => {
        expect(await store.commit([write(one, 1)])).toEqual(['committed'])
        expect(await store.commit([write(one, 1, { head: { title: 'again' } })])).toEqual(['moved'])
        expect(await store.commit([write(one, 3)])).toEqual(['moved'])
        expect(await store.commit([write(one, 2)])).toEqual(['committed'])
        expect(await store.head(one)).toEqual({ kind: 'head', head: headAt(2) })
      }),
    )

    test(
      '[STORE5] calls that can only be bugs are refused, write nothing, and do no harm',
      withStore(async ({ store }) => {
        await expect(store.commit([write(one, 1), write(one, 2)])).rejects.toThrow('two commits of conversation')
        await expect(store.commit([{ ...write(one, 1), head: headAt(7) }])).rejects.toThrow('does not follow')
        const first = store.commit([write(one, 1)])
        await expect(store.commit([write(two, 1)])).rejects.toThrow('before the one before it was done')
        expect(await first).toEqual(['committed'])
        expect(await store.heads([one, two])).toEqual([{ kind: 'head', head: headAt(1) }, undefined])
        expect(await store.commit([write(two, 1)])).toEqual(['committed'])
      }),
    )
  })

  storeFailureContract(name, withStore)

  describe(`${name}: queries`, () => {
    test(
      '[STORE6] what is not there is undefined or empty, in the order asked for',
      withStore(async ({ store }) => {
        await store.commit([fullCommit(one, 2)])
        expect(await store.heads([two, one, two])).toMatchObject([undefined, { kind: 'head' }, undefined])
        expect(await store.claims(one, [messageId(9), messageId(1), messageId(0)])).toMatchObject([
          undefined,
          { seq: 1 },
          { seq: 0 },
        ])
        const clocks = [clockOf(1), 5, clockOf(0), clockOf(1)]
        expect(await store.places(one, clientId(7), clocks)).toMatchObject([
          { seq: 1 },
          undefined,
          { seq: 0 },
          { seq: 1 },
        ])
        expect(await store.places(one, clientId(8), [clockOf(0)])).toEqual([undefined])
        expect(await store.claims(one, [])).toEqual([])
        expect(await store.message(one, 7)).toBeUndefined()
        expect(await store.member(one, userId('an'))).toBeUndefined()
        expect(await store.idempotency(one, ann, 'a')).toBeUndefined()
        expect(await store.idempotency(one, bob, 'a/key')).toBeUndefined()
        const nothing = {
          head: undefined,
          chains: [],
          deleted: [],
          entries: [],
          records: [],
          places: [],
          messages: [],
          single: undefined,
          messagesAt: [undefined, undefined],
          touched: [],
          pieces: [],
          settings: [],
          pins: [],
          claims: [],
          idempotency: undefined,
          invitations: [],
          members: [],
          member: undefined,
          inbox: false,
        }
        expect(await readBack(store, two, 0)).toStrictEqual(nothing)
      }),
    )

    const length = 300
    const ranges: readonly (readonly [SeqRange, from: number, to: number])[] = [
      [{}, 0, 299],
      [{ after: 254 }, 255, 299],
      [{ before: 257 }, 0, 256],
      [{ after: 9, before: 12 }, 10, 11],
      [{ after: -1, before: 1 }, 0, 0],
      [{ after: 297, before: 1_000_000 }, 298, 299],
      [{ after: 10, before: 11 }, 1, 0],
      [{ after: 11, before: 10 }, 1, 0],
      [{ after: 299 }, 1, 0],
      [{ after: 1_000_000 }, 1, 0],
      [{ before: 0 }, 1, 0],
      [{ before: -5 }, 1, 0],
    ]
    const seqsBetween = (from: number, to: number): number[] =>
      Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index)

    test(
      '[STORE6] both ends of a range are exclusive, and numbers are in the order of numbers',
      withStore(async ({ store }) => {
        await store.commit([fullCommit(one, length), fullCommit(two, length)])
        for (const [range, from, to] of ranges) {
          const seqs = seqsBetween(from, to)
          const entries = await listOf(store.entriesNewestFirst(two, range))
          const messages = await store.messages(two, { ...range, take: 'newest', limit: length })
          expect({ range, entries, messages }).toStrictEqual({
            range,
            entries: seqs.toReversed().map((seq) => entryAt(seq)),
            messages: seqs.map((seq) => messageAt(seq)),
          })
        }
        for (const from of [0, 255, 256, 299, 300, 1_000_000]) {
          for (const to of [0, 1, 256, 257, 299, 300, 1_000_000]) {
            const records = await listOf(store.records(two, { from, to }))
            expect(records).toStrictEqual(seqsBetween(from, Math.min(to, length) - 1).map(recordAt))
          }
        }
      }),
    )

    test(
      '[STORE6] messages are the newest of a range or the oldest, and always ascending',
      withStore(async ({ store }) => {
        const seqs = [3, 4, 10, 255, 256, 70_000]
        const messages = seqs.map((seq) => messageAt(seq))
        await store.commit([write(one, 1, { messages: messages.toReversed() }), write(two, 1, { messages })])
        const found = async (query: Parameters<ConversationStore['messages']>[1]): Promise<number[]> =>
          (await store.messages(one, query)).map(({ seq }) => seq)
        expect(await found({ take: 'newest', limit: 2 })).toEqual([256, 70_000])
        expect(await found({ take: 'oldest', limit: 2 })).toEqual([3, 4])
        expect(await found({ take: 'newest', limit: 2, before: 255 })).toEqual([4, 10])
        expect(await found({ take: 'oldest', limit: 2, after: 4 })).toEqual([10, 255])
        expect(await found({ take: 'oldest', limit: 9, after: 3, before: 256 })).toEqual([4, 10, 255])
        expect(await found({ take: 'newest', limit: 99 })).toEqual(seqs)
        expect(await found({ take: 'newest', limit: 0 })).toEqual([])
      }),
    )

    test(
      '[STORE6] a loop over rows may stop early, and sees the log as it was when it began',
      withStore(async ({ store }) => {
        await store.commit([fullCommit(one, 400)])
        const seen: number[] = []
        for await (const { seq } of store.entriesNewestFirst(one)) {
          if (seen.push(seq) === 1) {
            const entries = [entryAt(400), entryAt(0, { timeMs: 1 })]
            await store.commit([write(one, 2, { head: { nextSeq: 401, nextRecord: 400 }, entries })])
            await store.commit([deletion(one, 2)])
          }
          if (seq === 1) break
        }
        expect(seen).toEqual(seqsBetween(1, 399).toReversed())
        expect(await listOf(store.entriesNewestFirst(one))).toEqual([])
      }),
    )

    test.each([
      { where: 'in the middle', seqs: [0, 2, 3], range: {}, served: 2 },
      { where: 'at the end of the log', seqs: [0, 1, 2], range: {}, served: 0 },
      { where: 'at the beginning of the log', seqs: [1, 2, 3], range: {}, served: 3 },
      { where: 'at the end of a range', seqs: [0, 1, 3], range: { before: 3 }, served: 0 },
      { where: 'at the beginning of a range', seqs: [0, 2, 3], range: { after: 0 }, served: 2 },
      { where: 'everywhere', seqs: [], range: { after: 1, before: 3 }, served: 0 },
    ])('[STORE3] a missing entry is damage: $where, of $range', async ({ seqs, range, served }) => {
      const run = withStore(async ({ store }) => {
        await store.commit([write(one, 1, { head: { nextSeq: 4 }, entries: seqs.map((seq) => entryAt(seq)) })])
        let count = 0
        const read = async (): Promise<void> => {
          for await (const row of store.entriesNewestFirst(one, range)) count += row.payload === undefined ? 0 : 1
        }
        await expect(read()).rejects.toMatchObject(damaged)
        expect(count).toBe(served)
      })
      await run()
    })

    test.each([
      { clocks: [0, 1], from: 0, to: 3 },
      { clocks: [0, 2], from: 0, to: 9 },
      { clocks: [1, 2], from: 0, to: 1 },
      { clocks: [0, 1], from: 2, to: 3 },
      { clocks: [0], from: 0, to: 2 },
    ])('[STORE3] a missing record is damage: $clocks from $from to $to of 3', async ({ clocks, from, to }) => {
      const run = withStore(async ({ store }) => {
        await store.commit([write(one, 1, { head: { nextRecord: 3 }, records: clocks.map(recordAt) })])
        await expect(listOf(store.records(one, { from, to }))).rejects.toMatchObject(damaged)
      })
      await run()
    })

    test(
      '[STORE6] records end where the head says: what lies beyond is of an earlier epoch',
      withStore(async ({ store }) => {
        await store.commit([fullCommit(one, 5)])
        const genesis = { clock: 0, payload: Uint8Array.of(1) }
        await store.commit([write(one, 2, { head: { epoch: 2, nextSeq: 5, nextRecord: 1 }, records: [genesis] })])
        expect(await listOf(store.records(one, everyRecord))).toStrictEqual([genesis])
      }),
    )
  })

  epochContract(name, withStore)
  peopleRowsContract(name, withStore)
  touchedRowsContract(name, withStore)
  vanishingContract(name, withStore)

  describe(`${name}: members`, () => {
    test(
      '[STORE6] an inbox holds the conversations of one user, and of none whose name begins the same',
      withStore(async ({ store, reopen }) => {
        const names = ['a', 'a!', 'a~', 'ab', 'A', '~']
        const commits = names.map((user, index) =>
          write(conversationId(index), 1, {
            members: [{ user: userId(user), access: 'owner', readThrough: -1, received: -1 }],
          }),
        )
        await store.commit(commits)
        const everybody = names.map(
          (user) => ({ user: userId(user), access: 'writer', readThrough: 0, received: 0 }) as const,
        )
        await store.commit([write(conversationId(99), 1, { members: everybody })])
        const again = await reopen()
        for (const [index, user] of names.entries()) {
          const inbox = await again.conversationsOf(userId(user))
          expect(inbox.toSorted()).toEqual([conversationId(index), conversationId(99)])
        }
        expect(await again.conversationsOf(userId('b'))).toEqual([])
        const everyone = names.toSorted()
        for (const limit of [undefined, 99, 6, 2, 1, 0]) {
          const members = (await again.members(conversationId(99), limit)).map(({ user }) => user)
          expect(members).toEqual(everyone.slice(0, limit))
        }
      }),
    )

    test(
      '[STORE6] a removed member is gone from the members and the conversation from the inbox, until added again',
      withStore(async ({ store }) => {
        await store.commit([fullCommit(one, 1), fullCommit(two, 1)])
        const head = { nextSeq: 1, nextRecord: 1 }
        await store.commit([
          write(one, 2, { head, members: [{ user: bob, access: null, readThrough: -1, received: -1 }] }),
        ])
        expect(await store.member(one, bob)).toBeUndefined()
        expect((await store.members(one)).map(({ user }) => user)).toEqual([ann])
        expect(await store.conversationsOf(bob)).toEqual([two])
        expect((await store.conversationsOf(ann)).toSorted()).toEqual([one, two])
        await store.commit([
          write(one, 3, { head, members: [{ user: bob, access: 'writer', readThrough: 0, received: 0 }] }),
        ])
        expect((await store.conversationsOf(bob)).toSorted()).toEqual([one, two])
      }),
    )
  })

  describe(`${name}: closing`, () => {
    test(
      '[STORE1] close waits for the commit under way, and may be called again',
      withStore(async ({ store, reopen }) => {
        const order: string[] = []
        const commit = store.commit([fullCommit(one, 50)]).then((outcomes) => order.push(...outcomes))
        const closing = [store.close(), store.close()].map(async (done) => await done.then(() => order.push('closed')))
        await Promise.all([commit, ...closing])
        expect(order).toEqual(['committed', 'closed', 'closed'])
        await store.close()
        expect(await (await reopen()).head(one)).toMatchObject({ kind: 'head' })
      }),
    )

    test(
      '[STORE4] a closed store says so, and is not taken for an empty one',
      withStore(async ({ store }) => {
        await store.commit([fullCommit(one, 1)])
        const walk = store.entriesNewestFirst(one)
        await store.close()
        for (const attempt of [
          async () => await store.commit([write(one, 2)]),
          async () => await store.head(one),
          async () => await store.heads([one]),
          async () => await store.chains(one),
          async () => await store.deleted(one),
          async () => await listOf(walk),
          async () => await listOf(store.records(one, everyRecord)),
          async () => await store.places(one, clientId(7), [0]),
          async () => await store.messages(one, { take: 'newest', limit: 1 }),
          async () => await store.message(one, 0),
          async () => await store.messagesAt(one, [0]),
          async () => await store.touched(one, { after: -1, limit: 1 }),
          async () => await store.pieces(one, messageId(0)),
          async () => await store.settings(one),
          async () => await store.pins(one),
          async () => await store.erased(),
          async () => await store.claims(one, [messageId(0)]),
          async () => await store.idempotency(one, ann, 'a/key'),
          async () => await store.invitations(one),
          async () => await store.profiles([ann]),
          async () => await store.putProfile({ user: ann, name: null, color: null, updatedMs: 1 }),
          async () => await store.members(one),
          async () => await store.member(one, ann),
          async () => await store.conversationsOf(ann),
        ]) {
          await expect(attempt()).rejects.toMatchObject(closed)
        }
      }),
    )

    test(
      '[STORE4] a loop over rows that the store is closed under ends with an error, not early',
      withStore(async ({ store }) => {
        await store.commit([fullCommit(one, 600)])
        const read = async (): Promise<void> => {
          for await (const { seq } of store.entriesNewestFirst(one)) if (seq === 599) await store.close()
        }
        await expect(read()).rejects.toMatchObject(closed)
      }),
    )
  })
}
