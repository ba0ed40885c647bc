// Whatever is written by whomever in whatever order, and wherever commits fall: the rows that the server keeps are what a
// device makes of the same entries, and what a server that starts again reads back.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { windowRules } from '../../../server/chat/archiving.ts'
import { applyToRoster, emptyRoster, type Roster, rosterFromJson, rosterToJson } from '../../../shared/chat/roster.ts'
import { parseEntry } from '../../../shared/chat/entry.ts'
import { applyTouch, messageOf, type StampedMessage, stampMessage, touchIn } from '../../../shared/chat/message.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { createDoc, userId } from '../../helpers/chain-doc.ts'
import { bringTogether, FakeDevice } from '../../helpers/fake-device.ts'
import { rounds } from '../../helpers/long-run.ts'
import { touchSteps, writeTouches } from '../../helpers/random-touches.ts'
import { announceSeed } from '../../helpers/seeded-random.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode, type SyncNode } from '../../helpers/sync-node.ts'

const [ann, bob] = [userId('ann'), userId('bob')]

/** The log, folded as plainly as it can be; of what is erased the rows have to tell. */
async function foldLog(node: SyncNode, id: ConversationId, stored: readonly StampedMessage[]) {
  const { store } = node.gate
  const users = new Map((await store.chains(id)).map(({ client, user }) => [client, user]))
  let roster: Roster = { ...emptyRoster, members: new Map([[ann, 'owner']]) }
  const messages = new Map<string, StampedMessage>()
  const log = []
  for await (const row of store.entriesNewestFirst(id)) log.push(row)
  for (const { seq, client, timeMs, payload, voidReason } of log.toReversed()) {
    const user = users.get(client)
    if (voidReason !== undefined || user === undefined) continue
    const erased = stored.find((message) => message.seq === seq)
    if (payload === undefined && erased !== undefined) {
      const { role, writtenAt, thread } = erased
      const left = { id: erased.id, user, role, content: '', writtenAt, ...(thread === undefined ? {} : { thread }) }
      messages.set(erased.id, stampMessage(left, seq, timeMs))
      const root = thread === undefined ? undefined : messages.get(thread)
      if (root !== undefined) {
        const entry = { kind: 'reply', of: root.id } as const
        messages.set(root.id, applyTouch(root, { user, timeMs, entry, seq }))
      }
    }
    const parsed = payload === undefined ? undefined : parseEntry(payload)
    if (parsed?.kind !== 'entry') continue
    const { entry } = parsed
    if (entry.kind === 'message') messages.set(entry.id, stampMessage(messageOf(user, entry), seq, timeMs))
    const touch = touchIn(entry)
    const target = touch && messages.get(touch.of)
    if (touch !== undefined && target !== undefined) {
      messages.set(target.id, applyTouch(target, { user, timeMs, entry: touch, seq }))
    }
    roster = applyToRoster(roster, user, entry, seq)
  }
  return { messages: [...messages.values()], roster }
}

const runs = rounds(40, 2000)

/** Never archived in so few entries, and archived again and again. */
const windows = {
  everything: windowRules,
  little: { entries: 10, bytes: 4000, keptEntries: 5, keptBytes: 2000, keptAtLeast: 2 },
} as const

test.each(['everything', 'little'] as const)(
  '[TOUCH1][ERASE1][EVENT1] rows, a plain fold of the log, devices and a server that starts again agree, in a window that holds %s',
  { timeout: runs * 500 },
  async (size) => {
    const window = windows[size]
    const met = { archived: 0, redacted: 0, events: 0 }
    await fc.assert(
      fc.asyncProperty(touchSteps, async (steps) => {
        const node = createSyncNode({ window })
        const id = await node.create('ann', 'bob', 'cleo')
        const devices = await writeTouches(node, id, steps)
        const { store } = node.gate
        const stored = await store.messages(id, { limit: 1000, take: 'oldest' })
        const happened = await store.events(id, { limit: 1000, take: 'oldest' })
        const folded = await foldLog(node, id, stored)
        expect(stored).toEqual(folded.messages)

        // The first is the owner's, who was never removed; the last is new.
        const fresh = new FakeDevice('bob', id, createDoc(99))
        await bringTogether(node, [...devices.slice(0, 2), fresh])
        for (const device of [devices[0], fresh]) {
          const {
            sent,
            through = -1,
            settings,
            members,
            from,
            reads,
            threadReads,
            pins,
            title,
            events,
          } = device?.folded.view() ?? {}
          expect(sent).toEqual(stored.filter(({ seq }) => seq > through))
          expect(events).toEqual(happened.filter(({ seq }) => seq > through))
          met.events += happened.length
          if (through >= 0) met.archived++
          expect({ settings, members, from, reads, threadReads, pins, title }).toEqual(folded.roster)
        }
        met.redacted += stored.filter(({ redactedAt }) => redactedAt !== undefined).length
        const again = createSyncNode({ store, window })
        for (const server of [node, again]) {
          const roster = await server.registry.use(id, async (live) => live.roster.toRoster())
          expect(roster).toEqual(folded.roster)
          expect(rosterFromJson(rosterToJson(roster))).toEqual(roster)
        }
        const touched = await store.touched(id, { after: -1, limit: 1000 })
        const changed = stored.filter(({ seq, revision }) => revision > seq)
        expect(touched).toEqual(
          changed.map(({ seq, revision }) => ({ revision, seq })).toSorted((a, b) => a.revision - b.revision),
        )
        expect([...node.errors, ...again.errors]).toEqual([])
      }),
      { seed: announceSeed('TOUCH1 rows and fold'), numRuns: runs },
    )
    // What this is about has happened.
    expect([met.archived > 0, met.redacted > 0, met.events > 0]).toEqual([size === 'little', true, true])
  },
)

test('[UNREAD1] whoever is removed and comes back begins anew', async () => {
  const node = createSyncNode()
  const id = await node.create('ann', 'bob')
  await node.conversations.post(ann, id, messageEntry('hello'), undefined)
  expect(await node.conversations.read(bob, id, { through: 0 })).toEqual({ through: 0, received: 0 })
  expect(await node.conversations.read(bob, id, { received: 1 })).toEqual({ through: 0, received: 1 })
  await node.conversations.apply(ann, id, { kind: 'member', user: bob, access: null })
  await node.conversations.apply(ann, id, { kind: 'member', user: bob, access: 'reader' })
  expect(await node.gate.store.member(id, bob)).toMatchObject({ access: 'reader', readThrough: -1, received: -1 })
  expect(await node.conversations.own(bob, id)).toMatchObject({ unread: 1, register: { through: -1, received: -1 } })
})
