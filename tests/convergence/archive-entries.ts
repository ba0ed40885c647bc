// What people write in a conversation that is archived all the time: messages, and entries that reach back to any of them.
import {
  encodeEntry,
  type KnownEntry,
  type MessageEntry,
  type MessageId,
  parseMessageId,
} from '../../shared/chat/entry.ts'
import { forgedUuidV7 } from '../helpers/adversarial-cast.ts'
import { userId } from '../helpers/chain-doc.ts'
import type { FakeDevice } from '../helpers/fake-device.ts'
import { mix } from '../helpers/mixed-window.ts'
import type { Random } from '../helpers/seeded-random.ts'

const emojis = ['👍', '🎉', '👀'] as const

export interface ArchiveWriting {
  readonly random: Random
  readonly device: FakeDevice
  readonly atMs: number
  /** Of all messages that anybody wrote; by whom. */
  readonly messages: Map<MessageId, string>
}

/** Mostly messages; entries that reach back name any message, be it archived, redacted, or not even sent. */
export function drawArchiveEntry(writing: ArchiveWriting): Uint8Array {
  const { random, messages } = writing
  const [kind] = random.chance(0.55) || messages.size === 0 ? ['message'] : [random.pick(kinds)]
  return encodeEntry(entryOf(kind ?? 'message', writing))
}

const kinds = [
  'edit',
  'edit',
  'react',
  'react',
  'redact',
  'pin',
  'read',
  'read thread',
  'set',
  'member',
  'delta',
] as const
const heldKinds = ['edit', 'react', 'redact', 'pin', 'set', 'member'] as const

function entryOf(kind: string, { random, device, atMs, messages }: ArchiveWriting): KnownEntry {
  const of = (): MessageId => {
    const own = [...messages].filter(([, user]) => user === device.user)
    const [id] = random.pick(own.length > 0 && random.chance(0.7) ? own : [...messages])
    return id
  }
  switch (kind) {
    case 'edit':
      return { kind, of: of(), content: `edited ${random.below(1e6)}`, at: atMs }
    case 'react':
      return { kind, of: of(), emoji: random.pick(emojis), on: random.chance(0.7) }
    case 'redact':
      return { kind, of: of() }
    case 'pin':
      return { kind, of: of(), on: random.chance(0.6) }
    case 'read thread':
      return { kind: 'read', through: Math.max(0, device.folded.view().lastSeq - random.below(5)), thread: of() }
    case 'read':
      return { kind, through: Math.max(0, device.folded.view().lastSeq - random.below(5)) }
    case 'set':
      return { kind, key: random.pick(['title', 'topic', 'mood']), value: random.pick([null, `v${random.below(1e6)}`]) }
    case 'member':
      return { kind, user: userId(random.pick(['guest', 'other'])), access: random.pick(['reader', 'writer', null]) }
    case 'delta':
      return { kind, of: drawMessageId(random), text: 'a piece' }
    default: {
      const thread = messages.size > 0 && random.chance(0.2) ? { thread: of() } : {}
      const replyTo = messages.size > 0 && random.chance(mix.replies) ? { replyTo: of() } : {}
      const message = { ...drawMessage({ random, atMs }), ...replyTo, ...thread }
      messages.set(message.id, device.user)
      return message
    }
  }
}

/** What else somebody does over REST. */
export function drawHeldChange(writing: ArchiveWriting): Exclude<KnownEntry, MessageEntry> {
  const { random, messages } = writing
  const entry = entryOf(messages.size === 0 ? 'set' : random.pick(heldKinds), writing)
  if (entry.kind === 'message') throw new Error('a message')
  return entry
}

export function drawMessage({ random, atMs }: Pick<ArchiveWriting, 'random' | 'atMs'>): MessageEntry {
  return {
    kind: 'message',
    id: drawMessageId(random),
    role: 'user',
    content: `text ${random.below(1e6)} ${'x'.repeat(random.below(200))}`,
    at: atMs,
    ...(random.chance(mix.mentions) ? { mentions: [userId('bob')] } : {}),
  }
}

function drawMessageId(random: Random): MessageId {
  const id = parseMessageId(forgedUuidV7(random))
  if (id === undefined) throw new Error('not a UUIDv7')
  return id
}
