// What every store must do after a failed write, and with a conversation that is damaged.
import { describe, expect, test } from 'vitest'

import { StoreError } from '../../server/storage/conversation-store.ts'
import type { WithStore } from './opened-store.ts'
import { everyRecord, listOf, readBack } from './read-back.ts'
import {
  ann,
  bob,
  clientId,
  conversationId,
  deletion,
  entryAt,
  fullCommit,
  headAt,
  messageAt,
  messageId,
  write,
} from './store-rows.ts'

const one = conversationId(1)
const two = conversationId(2)
const failed = { name: 'StoreError', code: 'failed' }
const closed = { name: 'StoreError', code: 'closed' }
const damaged = { name: 'StoreError', code: 'damaged' }

export function storeFailureContract(name: string, withStore: WithStore): void {
  describe(`${name}: after a failed write`, () => {
    test.each(['before', 'after'] as const)(
      '[STORE10] recover tells that the commits in doubt are as %s, and is right; then the store goes on',
      async (state) => {
        const run = withStore(async ({ store, failNextWrite, reopen }) => {
          await store.commit([fullCommit(one, 3), fullCommit(two, 2)])
          const before = await readBack(store, one, 4)
          failNextWrite(state)
          const batch = [
            { ...fullCommit(one, 4), expectedRevision: 1, head: { ...fullCommit(one, 4).head, revision: 2 } },
            deletion(two, 1),
            write(conversationId(3), 1, { members: [{ user: bob, access: 'owner', readThrough: -1, received: -1 }] }),
            write(conversationId(4), 9),
          ]
          await expect(store.commit(batch)).rejects.toMatchObject(failed)
          expect(Object.fromEntries(await store.recover())).toEqual({
            [one]: state,
            [two]: state,
            [conversationId(3)]: state,
          })
          const after = await readBack(store, one, 4)
          const written = { head: { head: { revision: 2 } }, single: messageAt(0) }
          expect(after).toMatchObject(state === 'before' ? before : written)
          expect((await store.head(two))?.kind).toBe(state === 'before' ? 'head' : 'deleted')
          expect(await store.conversationsOf(bob)).toHaveLength(2)
          const outcomes = state === 'before' ? ['committed', 'moved'] : ['moved', 'committed']
          const next = { nextSeq: 3, nextRecord: 3 }
          expect(await store.commit([write(one, 2, { head: next })])).toEqual(outcomes.slice(0, 1))
          expect(await store.commit([write(one, 3, { head: { nextSeq: 4, nextRecord: 4 } })])).toEqual(['committed'])
          expect(await (await reopen()).head(one)).toMatchObject({ head: { revision: 3 } })
        })
        await run()
      },
    )

    test(
      '[STORE10] recover may be called when nothing is in doubt, and again after every failure',
      withStore(async ({ store, failNextWrite }) => {
        expect([...(await store.recover())]).toEqual([])
        for (let revision = 1; revision <= 3; revision++) {
          failNextWrite()
          await expect(store.commit([write(one, revision)])).rejects.toMatchObject(failed)
          expect([...(await store.recover())]).toEqual([[one, 'before']])
          expect(await store.commit([write(one, revision)])).toEqual(['committed'])
          expect([...(await store.recover())]).toEqual([])
        }
        expect(await store.head(one)).toEqual({ kind: 'head', head: headAt(3) })
      }),
    )

    test(
      '[STORE10] who reads meanwhile gets the whole truth or an error, and nobody waits for ever',
      withStore(async ({ store, failNextWrite }) => {
        await store.commit([fullCommit(one, 600)])
        failNextWrite()
        await expect(store.commit([write(one, 2)])).rejects.toMatchObject(failed)
        const seen: number[] = []
        let recovery: Promise<unknown> = Promise.resolve()
        const walk = async (): Promise<void> => {
          for await (const { seq } of store.entriesNewestFirst(one)) {
            if (seen.push(seq) === 1) recovery = store.recover()
            await Promise.resolve()
          }
        }
        const [walked] = await Promise.allSettled([walk()])
        const isWhole = walked.status === 'fulfilled' && seen.length === 600
        expect(isWhole || (walked.status === 'rejected' && walked.reason instanceof StoreError)).toBe(true)
        await recovery
        const again = store.recover()
        const reads = Promise.all([
          store.head(one),
          store.message(one, 5),
          store.conversationsOf(ann),
          readBack(store, one, 2),
        ])
        expect(await reads).toMatchObject([{ kind: 'head' }, messageAt(5), [one], { single: messageAt(0) }])
        await again
      }),
    )

    test(
      '[STORE10] what cannot be opened again neither takes nor tells anything more',
      withStore(async ({ store, failNextWrite, failReopening, reopen }) => {
        await store.commit([write(one, 1)])
        failNextWrite()
        await expect(store.commit([write(one, 2)])).rejects.toMatchObject(failed)
        failReopening()
        const recovery = store.recover()
        const meanwhile = store.head(one)
        const [recovered, read] = await Promise.allSettled([recovery, meanwhile])
        expect(recovered).toMatchObject({ status: 'rejected', reason: failed })
        const readOrFailed = read.status === 'fulfilled' ? read.value : { kind: read.reason instanceof StoreError }
        expect([{ kind: true }, { kind: 'head', head: headAt(1) }]).toContainEqual(readOrFailed)
        for (const attempt of [
          async () => await store.commit([write(one, 2)]),
          async () => await store.recover(),
          async () => await store.heads([one]),
          async () => await listOf(store.entriesNewestFirst(one)),
          async () => await store.conversationsOf(ann),
        ]) {
          await expect(attempt()).rejects.toMatchObject(failed)
        }
        expect(await (await reopen()).commit([write(one, 2)])).toEqual(['committed'])
      }),
    )

    test(
      '[STORE10] calls that can only be bugs are refused; close waits for it',
      withStore(async ({ store, reopen }) => {
        const first = store.commit([write(one, 1)])
        await expect(store.recover()).rejects.toThrow('while something was under way')
        await first
        const order: string[] = []
        const recovery = store.recover().then(() => order.push('recovered'))
        const misuses = [store.commit([write(two, 1)]), store.recover()]
        const closing = store.close().then(() => order.push('closed'))
        const [commit, twice] = await Promise.allSettled(misuses)
        expect(commit).toMatchObject({ reason: { message: 'commit was called before the store was recovered' } })
        expect(twice).toMatchObject({ reason: { message: 'recover was called while something was under way' } })
        await Promise.all([recovery, closing])
        expect(order).toEqual(['recovered', 'closed'])
        await expect(store.recover()).rejects.toMatchObject(closed)
        expect(await (await reopen()).head(one)).toMatchObject({ kind: 'head' })
      }),
    )
  })

  describe(`${name}: a damaged conversation`, () => {
    test(
      '[STORE9] is none that begins while it is looked for: it is not there yet, or whole',
      withStore(async ({ store }) => {
        for (let number = 1; number <= 300; number++) {
          const id = conversationId(number)
          let isBegun = false
          const begun = store.commit([fullCommit(id, 1)]).then(() => (isBegun = true))
          const seen = new Set<string | undefined>()
          while (!isBegun) {
            seen.add((await store.head(id))?.kind)
            await new Promise((resolve) => setImmediate(resolve))
          }
          await begun
          expect(await store.head(id)).toMatchObject({ kind: 'head' })
          for (const kind of seen) expect([undefined, 'head']).toContain(kind)
        }
        expect([...store.condemned()]).toEqual([])
      }),
    )

    test(
      '[STORE9] is refused whatever is asked of it, until the store is opened anew, and leaves the others alone',
      withStore(async ({ store, damages, reopen }) => {
        await store.commit([fullCommit(one, 2), fullCommit(two, 2)])
        const neighbour = await readBack(store, two, 2)
        expect([...store.condemned()]).toEqual([])
        expect(store.condemn(one, 'entries are not in the log')).toMatchObject({ ...damaged, conversation: one })
        store.condemn(one, 'something else')
        expect(damages).toHaveLength(1)
        expect([...store.condemned()]).toEqual([[one, `conversation ${one}: entries are not in the log`]])
        for (const attempt of [
          async () => await store.commit([write(one, 2), write(conversationId(3), 1)]),
          async () => await store.commit([deletion(one, 1)]),
          async () => await store.head(one),
          async () => await store.chains(one),
          async () => await store.deleted(one),
          async () => await listOf(store.entriesNewestFirst(one)),
          async () => await listOf(store.records(one, everyRecord)),
          async () => await store.places(one, clientId(7), [0]),
          async () => await store.messages(one, { take: 'newest', limit: 1 }),
          async () => await store.message(one, 0),
          async () => await store.messagesAt(one, [0]),
          async () => await store.touched(one, { after: -1, limit: 1 }),
          async () => await store.pieces(one, messageId(0)),
          async () => await store.settings(one),
          async () => await store.pins(one),
          async () => await store.claims(one, [messageId(0)]),
          async () => await store.idempotency(one, ann, 'a/key'),
          async () => await store.invitations(one),
          async () => await store.members(one),
          async () => await store.member(one, ann),
        ]) {
          await expect(attempt()).rejects.toMatchObject({ ...damaged, conversation: one })
        }
        expect(await store.heads([one, two])).toMatchObject([{ kind: 'damaged' }, { kind: 'head' }])
        expect(await readBack(store, two, 2)).toStrictEqual(neighbour)
        // Of the call with both nothing was written, and nothing has failed.
        expect(await store.commit([write(conversationId(3), 1)])).toEqual(['committed'])
        expect(damages).toHaveLength(1)
        expect((await (await reopen()).head(one))?.kind).toBe('head')
      }),
    )

    test(
      '[STORE9][STORE3] is found by whoever meets the damage, and told once',
      withStore(async ({ store, damages }) => {
        await store.commit([write(one, 1, { head: { nextSeq: 2 }, entries: [entryAt(1)] }), write(two, 1)])
        for (let each = 0; each < 2; each++) {
          await expect(listOf(store.entriesNewestFirst(one))).rejects.toMatchObject({ ...damaged, conversation: one })
        }
        await expect(store.head(one)).rejects.toMatchObject({ ...damaged, conversation: one })
        expect(damages).toMatchObject([{ conversation: one, message: `log row 0 of conversation ${one} is missing` }])
        expect(await store.head(two)).toMatchObject({ kind: 'head' })
      }),
    )
  })
}
