// Settings that are changed together: all of them in one commit, or none.
import { expect, test } from 'vitest'

import { Refused } from '../../../server/conversations.ts'
import { createMemoryStore } from '../../../server/storage/memory/memory-store.ts'
import type { Commit, ConversationStore } from '../../../server/storage/conversation-store.ts'
import { limits } from '../../../shared/limits.ts'
import { userId } from '../../helpers/chain-doc.ts'
import { createGate } from '../../helpers/gated-store.ts'
import { createSyncNode } from '../../helpers/sync-node.ts'

const ann = userId('ann')

/** A store that notes the settings of each commit, and lets a turn pass before each read. */
function noting(): { readonly store: ConversationStore; readonly commits: (readonly string[])[] } {
  const { store } = createGate(createMemoryStore())
  const commits: (readonly string[])[] = []
  const keysIn = (commit: Commit): readonly string[] =>
    commit.kind === 'write' ? commit.settings.map(({ key }) => key) : []
  return {
    commits,
    store: {
      ...store,
      claims: async (...query) => {
        await new Promise((resolve) => setImmediate(resolve))
        return store.claims(...query)
      },
      commit: (batch) => {
        commits.push(batch.flatMap(keysIn))
        return store.commit(batch)
      },
    },
  }
}

test('[SETTINGS2] they stand in one commit, whatever else is written meanwhile, what makes room first', async () => {
  const { store, commits } = noting()
  const node = createSyncNode({ store })
  const id = await node.create('ann', 'bob')
  const most = 'x'.repeat(limits.settingsBytes - 1000)
  await node.conversations.change(ann, id, new Map([['a', most]]))
  commits.length = 0
  const changes = new Map<string, unknown>([
    ['b', most],
    ['c', 1],
    ['title', 'Tea'],
    ['a', null],
  ])
  const [state] = await Promise.all([
    node.conversations.change(ann, id, changes),
    node.conversations.apply(userId('bob'), id, { kind: 'read', through: 0 }),
  ])
  expect(commits.filter((keys) => keys.length > 0)).toEqual([['a', 'c', 'title', 'b']])
  expect(state).toMatchObject({ title: 'Tea' })
  expect([...state.settings.keys()].toSorted()).toEqual(['b', 'c'])
  expect(node.errors).toEqual([])
})

test('[SETTINGS2] one that is refused keeps all of them back', async () => {
  const { store, commits } = noting()
  const node = createSyncNode({ store })
  const id = await node.create('ann', 'bob')
  await node.conversations.change(ann, id, new Map([['kept', 1]]))
  const before = await node.conversations.own(ann, id)
  commits.length = 0
  const half = 'x'.repeat(limits.settingsBytes / 2)
  const bad = [
    new Map<string, unknown>([
      ['kept', 2],
      ['history', 'since-monday'],
    ]),
    new Map([
      ['a', half],
      ['b', half],
    ]),
  ]
  for (const settings of bad) await expect(node.conversations.change(ann, id, settings)).rejects.toThrow(Refused)
  const byBob = node.conversations.change(userId('bob'), id, new Map([['kept', 3]]))
  await expect(byBob).rejects.toMatchObject({ reason: 'access' })
  expect(commits.flat()).toEqual([])
  expect(await node.conversations.own(ann, id)).toEqual(before)
})

test('[SETTINGS3] one whose settings are too large does not begin', async () => {
  const { store } = noting()
  const node = createSyncNode({ store })
  const settings = new Map([['a', 'x'.repeat(limits.settingsBytes)]])
  await expect(node.conversations.create(ann, { settings })).rejects.toThrow(Refused)
  expect(await store.conversationsOf(ann)).toEqual([])
})

test('[SETTINGS3][HISTORY1] what a conversation begins with is one commit, on a server that was put back once too', async () => {
  const inner = createGate(createMemoryStore()).store
  await inner.markRestored(1_600_000_000_000)
  // As on a disk, a read takes a turn.
  const dropped: ConversationStore['dropped'] = async (...query) => {
    await new Promise((resolve) => setImmediate(resolve))
    return inner.dropped(...query)
  }
  const node = createSyncNode({ store: { ...inner, dropped } })
  const bob = userId('bob')
  const settings = new Map<string, unknown>([
    ['history', 'from-join'],
    ['wipe', true],
  ])
  await node.conversations.create(ann, { title: 'Tea', members: [{ user: bob, access: 'writer' }], settings })
  const commits = node.gate.batches().flat()
  expect(commits).toMatchObject([{ kind: 'write', members: [{ user: 'ann' }, { user: 'bob' }] }])
  const [first] = commits
  expect(first?.kind === 'write' && first.settings.map(({ key }) => key)).toEqual(['title', 'history', 'wipe'])
  expect(node.errors).toEqual([])
})
