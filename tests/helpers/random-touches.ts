// Entries that reach back, drawn at random: who writes what about which message, and where commits fall. Knows no test runner.
import * as fc from 'fast-check'

import { encodeEntry, type KnownEntry, type MessageEntry } from '../../shared/chat/entry.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import { createDoc, userId } from './chain-doc.ts'
import { bringTogether, FakeDevice } from './fake-device.ts'
import { messageEntry } from './stock-client.ts'
import type { SyncNode } from './sync-node.ts'

/** The owner and two writers, of whom the last comes and goes. */
const names = ['ann', 'bob', 'cleo'] as const

/** What somebody writes; `target` picks among the messages there are. */
export interface TouchStep {
  readonly who: number
  readonly kind: (typeof kinds)[number]
  readonly target: number
  readonly on: boolean
  readonly more: number
  /** Before it is sent: lets through what waits, holds what comes, or neither. */
  readonly gate: 'pass' | 'open' | 'hold' | 'leave'
}

const kinds = [
  'message',
  'reply',
  'read thread',
  'edit',
  'redact',
  'react',
  'pin',
  'read',
  'set',
  'member',
  'delta',
] as const

const touchStep: fc.Arbitrary<TouchStep> = fc.record({
  who: fc.nat(2),
  kind: fc.constantFrom(...kinds, 'message', 'message', 'message', 'edit', 'react'),
  target: fc.nat(7),
  on: fc.boolean(),
  more: fc.nat(5),
  gate: fc.constantFrom('pass', 'open', 'hold', 'leave', 'leave'),
})

/** Long ones too: they are what this is about. */
export const touchSteps: fc.Arbitrary<TouchStep[]> = fc.array(touchStep, { maxLength: 60, size: 'max' })

function entryOf({ kind, target, on, more }: TouchStep, said: readonly MessageEntry[]): KnownEntry {
  const of = said[target % Math.max(1, said.length)]?.id ?? messageEntry('nowhere').id
  switch (kind) {
    case 'reply':
      return messageEntry(`reply ${said.length}`, {
        at: 1000 + said.length,
        thread: of,
        ...(on ? { mentions: [userId('cleo')] } : {}),
      })
    case 'read thread':
      return { kind: 'read', through: more, thread: of }
    case 'message':
      return messageEntry(`message ${said.length}`, { at: 1000 + said.length })
    case 'edit':
      return { kind, of, content: `edited ${more}`, at: 5000 }
    case 'redact':
      return { kind, of }
    case 'react':
      return { kind, of, emoji: more % 2 === 0 ? '👍🏽' : 'x', on }
    case 'pin':
      return { kind, of, on }
    case 'read':
      return on ? { kind, through: more } : { kind, received: target }
    case 'set':
      return { kind, key: more === 0 ? 'title' : `key ${more % 3}`, value: on ? `value ${more}` : null }
    case 'member':
      return { kind, user: userId('cleo'), access: on ? 'writer' : null }
    case 'delta':
      return { kind, of, text: 'piece' }
  }
}

/** The devices of the three, as far as they are connected still. */
export async function writeTouches(
  node: SyncNode,
  id: ConversationId,
  steps: readonly TouchStep[],
): Promise<FakeDevice[]> {
  const devices = names.map((name, index) => new FakeDevice(name, id, createDoc(index + 1)))
  await bringTogether(node, devices)
  const said: MessageEntry[] = []
  for (const one of steps) {
    const device = devices[one.who]
    if (device === undefined) continue
    const entry = entryOf(one, said)
    if (entry.kind === 'message') said.push(entry)
    if (one.gate !== 'leave') node.gate[one.gate]()
    if (!device.isConnected) await device.connect(node)
    device.append(encodeEntry(entry))
    device.deliverUp()
    if (one.more > 0) await node.settled()
  }
  node.gate.open()
  await node.settled()
  return devices
}
