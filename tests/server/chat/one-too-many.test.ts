// Two devices bring, each without knowing of the other, what there is room for once: of a live message and of an archived one.
import { describe, expect, test } from 'vitest'

import { type WindowRules, windowRules } from '../../../server/chat/archiving.ts'
import { encodeEntry, type KnownEntry, type MessageId } from '../../../shared/chat/entry.ts'
import type { StampedMessage } from '../../../shared/chat/message.ts'
import { limits } from '../../../shared/limits.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { clientId, createDoc } from '../../helpers/chain-doc.ts'
import { bringTogether, deliverAll, FakeDevice } from '../../helpers/fake-device.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode, type SyncNode } from '../../helpers/sync-node.ts'

const smallWindow: WindowRules = { ...windowRules, entries: 24, keptEntries: 10, keptAtLeast: 3 }

interface Stand {
  readonly node: SyncNode
  readonly id: ConversationId
  /** Two of the owner, one of a writer. */
  readonly devices: readonly [FakeDevice, FakeDevice, FakeDevice]
}

async function start(isArchived: boolean): Promise<Stand> {
  const node = createSyncNode(isArchived ? { window: smallWindow } : {})
  const id = await node.create('ann', 'bob')
  const [one, two, bob] = ['ann', 'ann', 'bob'].map((user, index) => new FakeDevice(user, id, createDoc(index + 1)))
  if (one === undefined || two === undefined || bob === undefined) throw new Error('no devices')
  await bringTogether(node, [one, two, bob])
  return { node, id, devices: [one, two, bob] }
}

/** One after another, each known to all. */
async function write({ node, devices }: Stand, device: FakeDevice, ...entries: readonly KnownEntry[]): Promise<void> {
  for (const entry of entries) device.append(encodeEntry(entry))
  await deliverAll(node, devices)
}

/** Until nothing of it is in the document any more, where the window is small. */
async function talk(stand: Stand): Promise<void> {
  for (let index = 0; index < 3 * smallWindow.entries; index++)
    await write(stand, stand.devices[2], messageEntry(`and so on ${index}`))
}

/** Both write before either hears of the other; the first one's arrives first. */
async function atOnce(stand: Stand, first: FakeDevice, second: FakeDevice, entries: readonly [KnownEntry, KnownEntry]) {
  const { node, devices } = stand
  for (const [index, device] of [first, second].entries()) {
    const entry = entries[index]
    if (entry !== undefined) device.append(encodeEntry(entry))
  }
  first.deliverUp()
  second.deliverUp()
  await node.settled()
  await deliverAll(node, devices)
}

/** Why the last entry of a device is void, as others see it; undefined when it is not. */
function fateOf({ devices }: Stand, author: FakeDevice): readonly (string | undefined)[] {
  const client = clientId(author.doc.clientID)
  return devices.map(({ folded }) => {
    const fold = folded.fold()
    return fold.voidReason(client, fold.stampedThrough(client) - 1)
  })
}

async function rowOf({ node, id }: Stand, of: MessageId): Promise<StampedMessage | undefined> {
  const rows = await node.gate.store.messages(id, { limit: 1000, take: 'oldest' })
  return rows.find((row) => row.id === of)
}

const isLive = ({ devices }: Stand, of: MessageId): boolean => devices[2].folded.fold().message(of) !== undefined
const emoji = (index: number): string => String.fromCodePoint(0x1f600 + index)
const react = (of: MessageId, index: number, on = true): KnownEntry => ({ kind: 'react', of, emoji: emoji(index), on })

describe.each([
  ['live', false],
  ['archived', true],
])('of a message that is %s', (_where, isArchived) => {
  test.each([0, 1])(
    '[TOUCH2][SYNC7] one emoji more than it may have is void, whoever brings it (%s)',
    async (winner) => {
      const stand = await start(isArchived)
      const [one, , bob] = stand.devices
      const message = messageEntry('hello')
      const of = message.id
      await write(stand, one, message)
      for (let index = 0; index < limits.emojiPerMessage - 1; index++) await write(stand, one, react(of, index))
      if (isArchived) await talk(stand)
      expect(isLive(stand, of)).toBe(!isArchived)
      const [first, second] = winner === 0 ? [one, bob] : [bob, one]
      await atOnce(stand, first, second, [react(of, 30), react(of, 31)])
      expect(fateOf(stand, first)).toEqual([undefined, undefined, undefined])
      expect(fateOf(stand, second)).toEqual(['too-many', 'too-many', 'too-many'])
      const row = await rowOf(stand, of)
      expect(row?.reactions?.map((reaction) => reaction.emoji)).toEqual(
        [...Array.from({ length: limits.emojiPerMessage - 1 }, (_, index) => index), 30].map(emoji),
      )
      // There is room again: the same is taken now, and others are not held up.
      await write(stand, first, react(of, 30, false))
      await write(stand, second, react(of, 31), messageEntry('goes on'))
      expect((await rowOf(stand, of))?.reactions?.at(-1)).toEqual({ emoji: emoji(31), users: [second.user] })
      const views = stand.devices.map(({ folded }) => folded.view())
      for (const view of views) expect([view.sent, view.touches]).toEqual([views[0]?.sent, views[0]?.touches])
      expect([views[0]?.sent.at(-1)?.content, stand.node.errors]).toEqual(['goes on', []])
    },
  )

  test('[TOUCH2][SYNC7] one pin more than there may be is void', async () => {
    const stand = await start(isArchived)
    const [one, two] = stand.devices
    const said = Array.from({ length: limits.pins + 1 }, (_, index) => messageEntry(`number ${index}`))
    await write(stand, one, ...said)
    const pins = said.map(({ id: of }): KnownEntry => ({ kind: 'pin', of, on: true }))
    await write(stand, one, ...pins.slice(0, limits.pins - 1))
    if (isArchived) await talk(stand)
    const [last, more] = said.slice(-2)
    const [pinned, refused] = pins.slice(-2)
    if (last === undefined || more === undefined || pinned === undefined || refused === undefined) throw new Error()
    expect(isLive(stand, last.id)).toBe(!isArchived)
    await atOnce(stand, one, two, [pinned, refused])
    expect(fateOf(stand, one)).toEqual([undefined, undefined, undefined])
    expect(fateOf(stand, two)).toEqual(['too-many', 'too-many', 'too-many'])
    expect([(await rowOf(stand, last.id))?.pinned, (await rowOf(stand, more.id))?.pinned]).toEqual([true, undefined])
    const stored = (await stand.node.gate.store.pins(stand.id)).map(({ id }) => id)
    expect(stored).toEqual(said.slice(0, limits.pins).map(({ id }) => id))
    for (const { folded } of stand.devices) expect([...folded.view().pins.keys()]).toEqual(stored)
    expect(stand.node.errors).toEqual([])
  })
})
