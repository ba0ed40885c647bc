// What every store must do with what is to vanish: erased rows and deleted conversations. Part of the contract suite.
import { describe, expect, test } from 'vitest'

import type { ConversationStore } from '../../server/storage/conversation-store.ts'
import type { WithStore } from './opened-store.ts'
import { listOf, readBack } from './read-back.ts'
import { bob, conversationId, deletion, entryAt, fullCommit, headAt, messageAt, write } from './store-rows.ts'

const one = conversationId(1)
const two = conversationId(2)

export function vanishingContract(name: string, withStore: WithStore): void {
  describe(`${name}: erasing`, () => {
    test(
      '[ERASE1] erased rows are rewritten in the commit, and erased tells when nothing of them is left',
      withStore(async ({ store, reopen }) => {
        await store.erased()
        await store.commit([fullCommit(one, 3)])
        const entries = [entryAt(0, { payload: undefined }), entryAt(2, { payload: undefined })]
        const messages = [messageAt(0, { content: '', redactedAt: 5, redactedBy: bob, revision: 3 })]
        const head = { nextSeq: 3, nextRecord: 3, redactions: 1 }
        await store.commit([write(one, 2, { head, entries, messages, erases: [0, 2] })])
        const look = async (opened: ConversationStore): Promise<void> => {
          const [third, , first] = await listOf(opened.entriesNewestFirst(one))
          expect([first, third]).toStrictEqual(entries)
          expect(await opened.message(one, 0)).toStrictEqual(messages[0])
        }
        await look(store)
        await Promise.all([store.erased(), store.erased()])
        await look(store)
        const again = await reopen()
        await again.erased()
        await look(again)
      }),
    )
  })

  describe(`${name}: deletion`, () => {
    test(
      '[STORE7][ERASE2] every row goes and a tombstone stays, for good',
      withStore(async ({ store, reopen }) => {
        await store.commit([fullCommit(one, 2), fullCommit(two, 2)])
        const neighbour = await readBack(store, two, 2)
        const tombstone = deletion(one, 1).tombstone
        expect(await store.commit([deletion(one, 1)])).toEqual(['committed'])
        const check = async (opened: ConversationStore): Promise<void> => {
          expect(await readBack(opened, one, 2)).toStrictEqual({
            head: tombstone,
            chains: [],
            deleted: [],
            entries: [],
            records: [],
            places: [undefined, undefined],
            messages: [],
            single: undefined,
            messagesAt: [undefined, undefined],
            touched: [],
            pieces: [],
            settings: [],
            pins: [],
            claims: [undefined, undefined],
            idempotency: undefined,
            invitations: [],
            members: [],
            member: undefined,
            inbox: false,
          })
          expect(await opened.conversationsOf(bob)).toEqual([two])
          expect(await readBack(opened, two, 2)).toStrictEqual(neighbour)
        }
        await check(store)
        const again = await reopen()
        await check(again)
        await again.erased()
        await check(again)
        await check(await reopen())
      }),
    )

    test(
      '[STORE7] nothing can be committed upon a tombstone',
      withStore(async ({ store }) => {
        await store.commit([write(one, 1)])
        await store.commit([deletion(one, 1)])
        for (const commit of [write(one, 1), write(one, 2), write(one, 3), deletion(one, 0), deletion(one, 1)]) {
          expect(await store.commit([commit])).toEqual(['moved'])
        }
        expect(await store.head(one)).toEqual(deletion(one, 1).tombstone)
      }),
    )

    test(
      '[STORE7] a deletion and other commits are one batch',
      withStore(async ({ store }) => {
        await store.commit([fullCommit(one, 3), write(two, 1)])
        const commits = [deletion(one, 1), write(two, 2), write(conversationId(3), 1)]
        expect(await store.commit(commits)).toEqual(['committed', 'committed', 'committed'])
        expect(await store.messages(one, { take: 'newest', limit: 9 })).toEqual([])
        expect(await store.head(two)).toEqual({ kind: 'head', head: headAt(2) })
      }),
    )
  })
}
