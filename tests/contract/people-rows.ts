// What every store must do with invitations and profiles. Part of the suite.
import { describe, expect, test } from 'vitest'

import type { ConversationStore } from '../../server/storage/conversation-store.ts'
import type { WithStore } from './opened-store.ts'
import { ann, bob, conversationId, deletion, invitationAt, userId, write } from './store-rows.ts'

const one = conversationId(1)
const two = conversationId(2)
const failed = { name: 'StoreError', code: 'failed' }

const bobJoins = [{ user: bob, access: 'writer', readThrough: -1, received: -1 }] as const

/** Whether bob is a member, and how many uses are left. */
async function joined(store: ConversationStore): Promise<readonly [boolean, number | null | undefined]> {
  const [row] = await store.invitations(one)
  return [(await store.member(one, bob)) !== undefined, row?.usesLeft]
}

export function peopleRowsContract(name: string, withStore: WithStore): void {
  describe(`${name}: invitations`, () => {
    test(
      '[STORE1][INVITE1] they are kept in the order in which they were made; one without uses goes, all go with their conversation',
      withStore(async ({ store, reopen }) => {
        const [first, second, third] = [
          invitationAt(1, { usesLeft: null, access: 'reader' }),
          invitationAt(2),
          invitationAt(3, { createdBy: bob }),
        ] as const
        await store.commit([
          write(one, 1, { invitations: [third, first, second] }),
          write(two, 1, { invitations: [second] }),
        ])
        expect(await store.invitations(one)).toStrictEqual([first, second, third])
        const spent = [
          { ...second, usesLeft: 0 },
          { ...third, usesLeft: 1 },
        ]
        await store.commit([write(one, 2, { invitations: [...spent, invitationAt(9, { usesLeft: 0 })] })])
        const again = await reopen()
        expect(await again.invitations(one)).toStrictEqual([first, { ...third, usesLeft: 1 }])
        await again.commit([deletion(one, 2)])
        expect(await again.invitations(one)).toEqual([])
        await again.erased()
        expect(await again.invitations(one)).toEqual([])
        expect(await again.invitations(two)).toStrictEqual([second])
      }),
    )

    test.each(['before', 'after'] as const)(
      '[INVITE1][STORE10] a write that fails %s it is done leaves a use spent and a member added, or neither',
      async (state) => {
        const run = withStore(async ({ store, failNextWrite, reopen }) => {
          await store.commit([write(one, 1, { invitations: [invitationAt(1)] })])
          failNextWrite(state)
          const join = { members: bobJoins, invitations: [invitationAt(1, { usesLeft: 1 })] }
          await expect(store.commit([write(one, 2, join)])).rejects.toMatchObject(failed)
          expect([...(await store.recover())]).toEqual([[one, state]])
          const expected = state === 'before' ? [false, 2] : [true, 1]
          expect(await joined(store)).toEqual(expected)
          expect(await joined(await reopen())).toEqual(expected)
        })
        await run()
      },
    )
  })

  describe(`${name}: profiles`, () => {
    const profile = { user: ann, name: 'Ann 🎈', color: '#00ff00', updatedMs: 5 }

    test(
      '[PROFILE1][STORE1] what was put is there, and still is when the store is opened again; each user has one',
      withStore(async ({ store, reopen }) => {
        const others = ['an', 'ann!', 'annb', '~'].map(userId)
        await store.putProfile({ ...profile, name: 'before', updatedMs: 4 })
        await store.putProfile(profile)
        const cleared = { user: bob, name: null, color: null, updatedMs: 6 }
        await Promise.all([store.putProfile(cleared), store.commit([write(one, 1)])])
        const again = await reopen()
        expect(await again.profiles([bob, ...others, ann])).toStrictEqual([
          cleared,
          ...others.map(() => undefined),
          profile,
        ])
        expect(await again.profiles([])).toEqual([])
        expect(await again.head(one)).toMatchObject({ kind: 'head' })
        for (const user of [ann, bob, ann]) await again.removeProfile(user)
        await again.putProfile({ ...cleared, user: userId('annb') })
        expect(await (await reopen()).profiles([ann, bob, userId('annb')])).toStrictEqual([
          undefined,
          undefined,
          { ...cleared, user: 'annb' },
        ])
      }),
    )

    test(
      '[PROFILE1][STORE2] after a write that failed nothing is taken until the store is opened again; then all goes on',
      withStore(async ({ store, failNextWrite, reopen }) => {
        failNextWrite()
        await expect(store.putProfile(profile)).rejects.toMatchObject(failed)
        await expect(store.putProfile(profile)).rejects.toMatchObject(failed)
        await expect(store.commit([write(one, 1)])).rejects.toMatchObject(failed)
        expect([...(await store.recover())]).toEqual([])
        expect(await store.profiles([ann])).toEqual([undefined])
        const recovery = store.recover()
        await Promise.all([store.putProfile(profile), recovery])
        expect(await store.commit([write(one, 1)])).toEqual(['committed'])
        const put = store.putProfile({ ...profile, updatedMs: 7 })
        await store.recover()
        await put
        const last = store.putProfile({ ...profile, updatedMs: 8 })
        const closing = store.close()
        const [kept] = await Promise.allSettled([last, closing])
        const expected = kept.status === 'fulfilled' ? 8 : 7
        expect(await (await reopen()).profiles([ann])).toStrictEqual([{ ...profile, updatedMs: expected }])
      }),
    )
  })
}
