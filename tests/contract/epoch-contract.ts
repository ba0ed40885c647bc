// What every store must do for new epochs: chains that are dropped, and the mark of a restore. Part of the contract suite.
import { describe, expect, test } from 'vitest'

import type { ConversationStore } from '../../server/storage/conversation-store.ts'
import type { OpenedStore } from './opened-store.ts'
import { listOf } from './read-back.ts'
import { bob, clientId, clockOf, conversationId, deletion, entryAt, write } from './store-rows.ts'

const one = conversationId(1)
const two = conversationId(2)

/** `withStore` makes a test of what is done with a store of its own. */
export function epochContract(
  name: string,
  withStore: (run: (opened: OpenedStore) => Promise<void>) => () => Promise<void>,
): void {
  describe(`${name}: epochs`, () => {
    test(
      '[STORE1] a dropped chain goes with what was deleted of it; its log and places stay, and that it was',
      withStore(async ({ store, reopen }) => {
        const [gone, kept] = [clientId(7), clientId(8)]
        const chain = { user: bob, held: false, next: 1, createdMs: 1, epoch: 0 }
        const ranges = [{ clock: 0, length: 1 }]
        await store.commit([
          write(one, 1, {
            head: { nextSeq: 1 },
            entries: [entryAt(0)],
            chains: [
              { ...chain, client: gone },
              { ...chain, client: kept },
            ],
            deleted: [
              { client: gone, ranges },
              { client: kept, ranges },
            ],
          }),
        ])
        expect(await store.dropped(one, [gone, kept])).toEqual([undefined, undefined])
        const dropped = [
          { client: gone, user: bob, next: 1 },
          { client: clientId(9), user: null, next: 4 },
        ]
        await store.commit([write(one, 2, { head: { nextSeq: 1 }, dropped })])
        const look = async (opened: ConversationStore): Promise<void> => {
          expect((await opened.chains(one)).map(({ client }) => client)).toEqual([kept])
          expect((await opened.deleted(one)).map(({ client }) => client)).toEqual([kept])
          const found = await opened.dropped(one, [kept, clientId(9), gone])
          expect(found).toStrictEqual([undefined, dropped[1], dropped[0]])
          expect(await opened.places(one, gone, [clockOf(0)])).toMatchObject([{ seq: 0 }])
          expect(await listOf(opened.entriesNewestFirst(one))).toStrictEqual([entryAt(0)])
          expect(await opened.dropped(two, [gone])).toEqual([undefined])
          expect(await opened.dropped(one, [])).toEqual([])
        }
        await look(store)
        const again = await reopen()
        await look(again)
        await again.commit([deletion(one, 2)])
        expect(await again.dropped(one, [gone])).toEqual([undefined])
      }),
    )

    test(
      '[EPOCH1] each restore is a later generation, also when the clock went back, and it is durable',
      withStore(async ({ store, reopen }) => {
        expect(await store.generation()).toBe(0)
        expect(await store.markRestored(5000)).toBe(5000)
        expect(await store.markRestored(4000)).toBe(5001)
        expect(await store.generation()).toBe(5001)
        const again = await reopen()
        expect(await again.generation()).toBe(5001)
        expect(await again.markRestored(6000)).toBe(6000)
      }),
    )
  })
}
