// What happened, as a device shows it: live, archived, pending; the same on every device, and only what it knows.
import { expect, test } from 'vitest'

import type { ChatEvent, EventRun } from '../../client/api.ts'
import type { TimelineEvent } from '../../shared/chat/timeline-event.ts'
import { encodeEntry, type KnownEntry } from '../../shared/chat/entry.ts'
import { invitationAt } from '../contract/store-rows.ts'
import { append, createDoc } from '../helpers/chain-doc.ts'
import { ann, bob, message, messageId } from '../helpers/client-rows.ts'
import { type OpenRig, openRig, stampAll } from '../helpers/open-rig.ts'
import { createServerArchive, type ServerArchive } from '../helpers/server-archive.ts'
import { createFoldedDoc } from '../helpers/folded-doc.ts'
import { createStampingServer, type StampingServer } from '../helpers/stamping-server.ts'

const happenings: readonly KnownEntry[] = [
  { kind: 'member', user: bob, access: 'writer', invitation: invitationAt(1).id },
  { kind: 'set', key: 'title', value: 'Tea' },
  { kind: 'pin', of: messageId(1), on: true },
  { kind: 'set', key: 'metadata', value: 'x'.repeat(3000) },
]
const told = [...happenings.slice(0, 3), { kind: 'set', key: 'metadata' }]

interface Room {
  readonly server: StampingServer
  readonly archive: ServerArchive
  /** All that happened, as the server has it. */
  readonly all: readonly TimelineEvent[]
}

/** A message before each, and one behind them: seqs 0 to 8. */
function roomOf(): Room {
  const server = createStampingServer()
  const doc = createDoc(7)
  const payloads = happenings.flatMap((entry, index) => [encodeEntry(message(index + 1)), encodeEntry(entry)])
  append(doc, 'ann', [...payloads, encodeEntry(message(9))])
  server.receive(doc)
  stampAll(server)
  return { server, archive: createServerArchive(server), all: createFoldedDoc(server.doc).view().events }
}

const entriesOf = (events: readonly ChatEvent[]): readonly unknown[] => events.map(({ entry }) => entry)
const shown = ({ conversation }: OpenRig): readonly ChatEvent[] => conversation.events.getSnapshot()
const live = (rig: OpenRig): void => rig.connections.at(-1)?.status({ phase: 'live' })

test('[EVENT1] members, settings and pins of the window are shown in order; what is pending is behind them', async () => {
  const { server, all } = roomOf()
  const rig = await openRig({ server })
  rig.download()
  expect(entriesOf(shown(rig))).toEqual(told)
  expect(shown(rig)).toEqual(all)
  expect(all.map(({ seq, user }) => [seq, user])).toEqual([1, 3, 5, 7].map((seq) => [seq, ann]))
  const before = shown(rig)
  rig.conversation.send('no event')
  expect(shown(rig)).toBe(before)
  rig.conversation.setTitle('Coffee')
  expect(shown(rig)[3]).toBe(before[3])
  expect(shown(rig)[4]).toEqual({ user: ann, entry: { kind: 'set', key: 'title', value: 'Coffee' }, pending: true })
  rig.sync()
  expect(shown(rig)[4]).toMatchObject({ seq: 10, user: ann, entry: { value: 'Coffee' } })
  expect(shown(rig)[4]).not.toHaveProperty('pending')
  await rig.conversation.close()
})

test('[EVENT1][ARCH2] one that followed, one that comes later and one that is offline show the same of what is archived', async () => {
  const { server, archive, all } = roomOf()
  const asked: number[] = []
  const fetchEvents = (before: number): Promise<readonly TimelineEvent[]> => {
    asked.push(before)
    return Promise.resolve(all.filter(({ seq }) => seq < before))
  }
  const followed = await openRig({ server, archive, fetchEvents })
  followed.download()
  server.archive(6)
  followed.download()
  live(followed)
  const late = await openRig({ server, archive, fetchEvents, firstClient: 300 })
  live(late)
  late.download()
  // Only of what is shown: the window, until older messages are.
  expect(shown(late).map(({ seq }) => seq)).toEqual([7])
  for (const { conversation } of [followed, late]) await conversation.loadOlder(99)
  await expect.poll(() => shown(late)).toEqual(all)
  expect(shown(followed)).toEqual(all)
  // Whoever was there need ask nobody.
  expect(asked).toEqual([7])
  const kept = late.conversation.knownEvents
  expect(kept).toEqual({ epoch: 0, from: 0, to: 7, events: all.slice(0, 3) })
  const offline = await openRig({ server, archive, keptEvents: () => kept, firstClient: 500 })
  offline.download()
  await offline.conversation.loadOlder(99)
  expect(shown(offline)).toEqual(all)
  const unsure = await openRig({ server, archive, firstClient: 700 })
  unsure.download()
  await unsure.conversation.loadOlder(99)
  expect(shown(unsure)).toEqual(all.slice(3))
  for (const { conversation } of [followed, late, offline, unsure]) await conversation.close()
})

test('[EVENT1] of what is kept the newest count, and what is of another window or epoch does not', async () => {
  const { server, all } = roomOf()
  server.archive(6)
  const stale: EventRun = { epoch: 0, from: 0, to: 4, events: all.slice(0, 2) }
  for (const kept of [stale, { ...stale, to: 7, epoch: 5 }]) {
    const rig = await openRig({ server, keptEvents: () => kept, firstClient: 300 })
    rig.download()
    expect(rig.conversation.knownEvents).toMatchObject({ epoch: 0, from: 7, to: 7, events: [] })
    await rig.conversation.close()
  }
})
