// What is no message, where late joiners come and go: settings, members, registers and pins stand in rows, over REST, as a device
// folds them from the document.
import { expect, test } from 'vitest'

import { Refused } from '../../../server/conversations.ts'
import type { ConversationStore } from '../../../server/storage/conversation-store.ts'
import type { MessageEntry, MessageId } from '../../../shared/chat/entry.ts'
import { unread } from '../../../shared/chat/roster.ts'
import { Fault } from '../../../shared/fault.ts'
import { limits } from '../../../shared/limits.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { createDoc, userId } from '../../helpers/chain-doc.ts'
import { bringTogether, deliverAll, FakeDevice } from '../../helpers/fake-device.ts'
import { rounds } from '../../helpers/long-run.ts'
import { announceSeed, createRandom, type Random } from '../../helpers/seeded-random.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode, type SyncNode } from '../../helpers/sync-node.ts'

const [ann, bob, cid] = [userId('ann'), userId('bob'), userId('cid')]
const kinds = ['settings', 'message', 'answer', 'read thread', 'read', 'member', 'pin'] as const

/** One request of somebody, who may not do all of that. */
async function ask({ conversations }: SyncNode, id: ConversationId, random: Random, said: MessageId[]): Promise<void> {
  const user = random.pick([ann, bob, cid])
  const root = said[0]
  const say = async (entry: MessageEntry): Promise<void> => {
    said.push((await conversations.post(user, id, entry, undefined)).message.id)
  }
  switch (random.pick(kinds)) {
    case 'settings': {
      const changes = new Map<string, unknown>([
        ['a', random.below(4)],
        // With another of them there is no room for it.
        ['big', random.chance(0.5) ? 'x'.repeat(limits.settingsBytes - 500) : ''],
        ['b', random.chance(0.5) ? null : 'y'.repeat(400)],
      ])
      return void (await conversations.change(user, id, changes))
    }
    case 'message':
      return say(messageEntry('hello'))
    case 'answer':
      return root === undefined ? undefined : say(messageEntry('and hello', { thread: root }))
    case 'read thread':
      if (root !== undefined) await conversations.read(user, id, { through: random.below(20), thread: root })
      return
    case 'read':
      return void (await conversations.read(user, id, { through: random.below(30) }))
    case 'member': {
      const access = random.chance(0.5) ? null : 'writer'
      return void (await conversations.apply(ann, id, { kind: 'member', user: cid, access }))
    }
    case 'pin': {
      const of = said.at(-1)
      if (of !== undefined) await conversations.apply(user, id, { kind: 'pin', of, on: random.chance(0.5) })
    }
  }
}

/** What was refused; other errors are thrown. */
function refusal(error: unknown): 1 {
  if (error instanceof Refused || error instanceof Fault) return 1
  throw error
}

async function rowsOf(store: ConversationStore, id: ConversationId) {
  const members = await store.members(id)
  return {
    settings: new Map((await store.settings(id)).map(({ key, value }) => [key, value])),
    members: members.map(({ user, access, readThrough, from, threads = [] }) => {
      return { user, access, readThrough, from, threads: new Map(threads.map(({ root, through }) => [root, through])) }
    }),
    pins: new Map((await store.pins(id)).map((pin) => [pin.id, pin.seq])),
  }
}

function foldedBy({ folded }: FakeDevice): Awaited<ReturnType<typeof rowsOf>> {
  const { settings, members, reads, from, threadReads, pins } = folded.view()
  return {
    settings: new Map(settings),
    members: [...members].map(([user, access]) => {
      const { through } = reads.get(user) ?? unread
      return { user, access, readThrough: through, from: from.get(user), threads: new Map(threadReads.get(user)) }
    }),
    pins: new Map(pins),
  }
}

const runs = rounds(20, 500)

test(
  '[SETTINGS1][HISTORY1][THREAD3][FOLD1] rows of settings, members, registers and pins are what a device folds, under from-join too',
  { timeout: runs * 1000 },
  async () => {
    const seed = announceSeed('rows of state')
    const met = { refused: 0, late: 0, threads: 0, pins: 0 }
    for (let round = 0; round < runs; round++) {
      const random = createRandom(seed + round)
      const node = createSyncNode({ random })
      const { state } = await node.conversations.create(ann, {
        members: [
          { user: bob, access: 'admin' },
          { user: cid, access: 'writer' },
        ],
        settings: new Map([['history', 'from-join']]),
      })
      const device = new FakeDevice('ann', state.id, createDoc(1))
      await bringTogether(node, [device])
      const said: MessageId[] = []
      let asking: Promise<unknown>[] = []
      for (let step = 0; step < 60; step++) {
        asking.push(ask(node, state.id, random, said).catch((error: unknown) => (met.refused += refusal(error))))
        if (random.chance(0.3)) continue
        await Promise.all(asking)
        asking = []
        if (random.chance(0.2)) await deliverAll(node, [device])
      }
      await Promise.all(asking)
      await deliverAll(node, [device])
      const rows = await rowsOf(node.gate.store, state.id)
      const byUser = <T extends { readonly user: string }>(list: readonly T[]): readonly T[] =>
        list.toSorted((a, b) => (a.user < b.user ? -1 : 1))
      const folded = foldedBy(device)
      expect({ seed: seed + round, ...folded, members: byUser(folded.members) }).toEqual({
        seed: seed + round,
        ...rows,
        members: byUser(rows.members),
      })
      expect(node.errors).toEqual([])
      for (const member of rows.members) {
        if (member.from !== undefined) met.late++
        met.threads += member.threads.size
      }
      met.pins += rows.pins.size
    }
    // What this is about has happened.
    for (const count of Object.values(met)) expect(count).toBeGreaterThan(0)
  },
)
