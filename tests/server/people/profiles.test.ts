// Profiles on the server: changes of one user that come at once, a row that is damaged, and how far a search looks.
import { expect, test } from 'vitest'

import { createProfiles } from '../../../server/people/profiles.ts'
import { encodeKey } from '../../../server/storage/level/keys.ts'
import { openLevelStore } from '../../../server/storage/level/level-store.ts'
import { createMemoryStore } from '../../../server/storage/memory/memory-store.ts'
import { limits } from '../../../shared/limits.ts'
import { ann, bob, conversationId, userId, write } from '../../contract/store-rows.ts'
import { inFolder, putRow, rowsIn } from '../storage/store-folder.ts'

test('[PROFILE1] changes of one user that come at once are all made, one after another', async () => {
  const store = createMemoryStore({ beforeCommit: () => new Promise((resolve) => setImmediate(resolve)) })
  let nowMs = 0
  const profiles = createProfiles({ store, now: () => ++nowMs })
  await Promise.all([
    profiles.change(ann, { name: 'Ann' }),
    profiles.change(ann, { color: '#000001' }),
    profiles.change(bob, { name: 'Bob' }),
    profiles.change(ann, { name: 'Anna' }),
  ])
  expect(await profiles.own(ann)).toMatchObject({ name: 'Anna', color: '#000001' })
  expect(await profiles.own(bob)).toMatchObject({ name: 'Bob', color: null })
})

test('[PROFILE1][STORE3][STORE9] a damaged profile is not told, keeps no other from being told, and can be set anew', async () => {
  await inFolder(async (location) => {
    const store = await openLevelStore({ location })
    for (const user of [ann, bob])
      await store.putProfile({ user, name: `${user} the first`, color: null, updatedMs: 1 })
    await store.close()
    const key = Buffer.from(encodeKey({ kind: 'profile', user: ann }))
    const row = (await rowsIn(location)).find((each) => key.equals(each.key))
    if (row === undefined) throw new Error('no profile')
    const value = Uint8Array.from(row.value)
    value[3] = (value[3] ?? 0) ^ 1
    await putRow(location, { key, value })

    const again = await openLevelStore({ location })
    const profiles = createProfiles({ store: again, now: () => 2 })
    expect(await profiles.of([ann, bob])).toMatchObject([undefined, { name: 'bob the first' }])
    await expect(profiles.own(ann)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await profiles.change(ann, { color: '#000001' })).toMatchObject({ name: null, color: '#000001' })
    expect(await profiles.own(ann)).toMatchObject({ color: '#000001' })
    expect([...again.condemned()]).toEqual([])
    await again.close()
  })
})

test('[USERS1] a search looks among so many conversations, the newest first, and so many people', async () => {
  const store = createMemoryStore()
  const member = (name: string) => ({ user: userId(name), access: 'writer', readThrough: -1, received: -1 }) as const
  const count = limits.searchedConversations + 3
  for (let number = 0; number < count; number++) {
    const members = [member('ann'), member(`member-${String(number).padStart(4, '0')}`)]
    await store.commit([write(conversationId(number), 1, { head: { updatedMs: 1000 + number }, members })])
  }
  const profiles = createProfiles({ store, now: () => 1 })
  const found = (await profiles.search(ann, '', 1e6)).map(({ user }) => user)
  expect(found).toHaveLength(limits.searchedConversations)
  expect([found[0], found.at(-1)]).toEqual(['member-0003', `member-0${count - 1}`])

  const many = Array.from({ length: limits.searchedUsers + 5 }, (_, number) => member(`other-${number}`))
  const rows = { head: { updatedMs: 9000 }, members: [member('ann'), ...many] }
  await store.commit([write(conversationId(9999), 1, rows)])
  expect(await profiles.search(ann, 'other', 1e6)).toHaveLength(limits.searchedUsers)
})
