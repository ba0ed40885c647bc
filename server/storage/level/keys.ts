/**
 * Where a row lies: the keys of the LevelDB store. The order of bytes is the order of meaning: kind, then conversation
 * (or user), then number or name. Knows nothing of what rows hold.
 *
 *     uint8 kind • fields: UUIDs as 16 bytes, clients as uint32, seqs and clocks as uint64 (big endian), text as bytes
 *
 * A user that is not the last field is followed by a 0 byte, which sorts before everything that a user may contain. The
 * text of a setting's key is any UTF-16, also halves of pairs: two bytes a unit (big endian), which sort as strings do.
 */

import { type MessageId, parseMessageId } from '../../../shared/chat/entry.ts'
import { type InvitationId, parseInvitationId } from '../../../shared/chat/invitation.ts'
import {
  type ClientId,
  type ConversationId,
  parseClientId,
  parseConversationId,
  parseUserId,
  type UserId,
} from '../../../shared/sync/ids.ts'
import {
  type KeyRange,
  numberBytes,
  prefixRange,
  readLastNumber,
  readUuid,
  uuidBytes,
  writeNumber,
  writeUuid,
} from './key-bytes.ts'

export type { KeyRange } from './key-bytes.ts'

type ByConversation<Kind extends string> = { readonly kind: Kind; readonly conversation: ConversationId }

export type Key =
  | { readonly kind: 'format' }
  | ByConversation<'head'>
  | (ByConversation<'log'> & { readonly seq: number })
  | (ByConversation<'record'> & { readonly clock: number })
  | (ByConversation<'message' | 'event'> & { readonly seq: number })
  | (ByConversation<'id'> & { readonly id: MessageId })
  | (ByConversation<'chain'> & { readonly client: ClientId })
  | (ByConversation<'deleted'> & { readonly client: ClientId })
  | (ByConversation<'place'> & { readonly client: ClientId; readonly clock: number })
  | (ByConversation<'member'> & { readonly user: UserId })
  | (ByConversation<'idempotency'> & { readonly user: UserId; readonly key: string })
  | { readonly kind: 'inbox'; readonly user: UserId; readonly conversation: ConversationId }
  | { readonly kind: 'generation' }
  | (ByConversation<'dropped'> & { readonly client: ClientId })
  | (ByConversation<'touched'> & { readonly revision: number })
  | (ByConversation<'piece' | 'reply'> & { readonly id: MessageId; readonly seq: number })
  | (ByConversation<'setting'> & { readonly key: string })
  | (ByConversation<'pin'> & { readonly id: MessageId })
  | (ByConversation<'erasing'> & { readonly revision: number })
  | ByConversation<'purging'>
  | (ByConversation<'invitation'> & { readonly id: InvitationId })
  | { readonly kind: 'profile'; readonly user: UserId }

/** Kinds of which a conversation has one row at most. */
type SingleKind = 'head' | 'purging'

/** Kinds with one number as their last field. */
export type NumberedKind = 'log' | 'record' | 'message' | 'event' | 'touched' | 'erasing'

/** Kinds of which the store has one row, which is of no conversation. */
const storeKinds = ['format', 'generation'] as const satisfies readonly Key['kind'][]

/** Kinds that one conversation has many rows of, under one prefix. */
export type RangeKind = Exclude<Key['kind'], (typeof storeKinds)[number] | SingleKind | 'inbox' | 'profile'>

/** The first byte of a key is its place here: append, never reorder. */
const kinds = [
  'format',
  'head',
  'log',
  'record',
  'message',
  'id',
  'chain',
  'deleted',
  'place',
  'member',
  'idempotency',
  'inbox',
  'generation',
  'dropped',
  'touched',
  'piece',
  'setting',
  'pin',
  'erasing',
  'purging',
  'reply',
  'invitation',
  'profile',
  'event',
] as const satisfies readonly Key['kind'][]

/** The kinds whose rows go with their conversation; also members, whose keys tell which inbox rows go. */
export const rangeKinds: readonly RangeKind[] = kinds.filter(
  (kind) => !isStoreKind(kind) && kind !== 'head' && kind !== 'purging' && kind !== 'inbox' && kind !== 'profile',
)

const clientBytes = 4
const prefixBytes = 1 + uuidBytes

export function encodeKey(key: Key): Uint8Array {
  switch (key.kind) {
    case 'format':
    case 'generation':
      return Uint8Array.of(tagOf(key.kind))
    case 'head':
    case 'purging':
      return startKey(key.kind, key.conversation, 0)
    case 'log':
    case 'message':
    case 'event':
      return numberedKey(key.kind, key.conversation, key.seq)
    case 'record':
      return numberedKey(key.kind, key.conversation, key.clock)
    case 'touched':
    case 'erasing':
      return numberedKey(key.kind, key.conversation, key.revision)
    case 'id':
    case 'pin':
    case 'invitation':
    case 'piece':
    case 'reply': {
      const hasSeq = key.kind === 'piece' || key.kind === 'reply'
      const bytes = startKey(key.kind, key.conversation, uuidBytes + (hasSeq ? numberBytes : 0))
      writeUuid(bytes, key.id, prefixBytes)
      if (hasSeq) writeNumber(bytes, key.seq, prefixBytes + uuidBytes)
      return bytes
    }
    case 'chain':
    case 'deleted':
    case 'dropped':
    case 'place': {
      const bytes = startKey(key.kind, key.conversation, clientBytes + (key.kind === 'place' ? numberBytes : 0))
      bytes.writeUInt32BE(key.client, prefixBytes)
      if (key.kind === 'place') writeNumber(bytes, key.clock, prefixBytes + clientBytes)
      return bytes
    }
    case 'member': {
      const bytes = startKey(key.kind, key.conversation, key.user.length)
      bytes.write(key.user, prefixBytes, 'latin1')
      return bytes
    }
    case 'idempotency': {
      const bytes = startKey(key.kind, key.conversation, key.user.length + 1 + Buffer.byteLength(key.key))
      bytes.write(`${key.user}\0${key.key}`, prefixBytes, 'utf8')
      return bytes
    }
    case 'setting': {
      const bytes = startKey(key.kind, key.conversation, 2 * key.key.length)
      bytes.subarray(prefixBytes).set(Buffer.from(key.key, 'utf16le').swap16())
      return bytes
    }
    case 'inbox': {
      const bytes = startInboxKey(key.user, uuidBytes)
      writeUuid(bytes, key.conversation, bytes.length - uuidBytes)
      return bytes
    }
    case 'profile':
      return Buffer.concat([Buffer.of(tagOf(key.kind)), Buffer.from(key.user, 'latin1')])
  }
}

/** Reads a key back; undefined for bytes that are none. */
export function decodeKey(bytes: Uint8Array): Key | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const kind = kinds[view[0] ?? kinds.length]
  if (kind === undefined) return undefined
  if (isStoreKind(kind)) return view.length === 1 ? { kind } : undefined
  if (kind === 'inbox') return decodeInboxKey(view)
  if (kind === 'profile') return decodeProfileKey(view)
  const conversation = parseConversationId(readUuid(view, 1))
  if (conversation === undefined) return undefined
  const rest = view.subarray(prefixBytes)
  switch (kind) {
    case 'head':
    case 'purging':
      return rest.length === 0 ? { kind, conversation } : undefined
    case 'log':
    case 'message':
    case 'event': {
      const seq = readLastNumber(rest, 0)
      return seq === undefined ? undefined : { kind, conversation, seq }
    }
    case 'record': {
      const clock = readLastNumber(rest, 0)
      return clock === undefined ? undefined : { kind, conversation, clock }
    }
    case 'touched':
    case 'erasing': {
      const revision = readLastNumber(rest, 0)
      return revision === undefined ? undefined : { kind, conversation, revision }
    }
    case 'piece':
    case 'reply': {
      const seq = readLastNumber(rest, uuidBytes)
      const id = seq === undefined ? undefined : parseMessageId(readUuid(rest, 0))
      return seq === undefined || id === undefined ? undefined : { kind, conversation, id, seq }
    }
    case 'setting':
      if (rest.length % 2 !== 0) return undefined
      return { kind, conversation, key: Buffer.from(rest).swap16().toString('utf16le') }
    case 'id':
    case 'pin': {
      const id = rest.length === uuidBytes ? parseMessageId(readUuid(rest, 0)) : undefined
      return id === undefined ? undefined : { kind, conversation, id }
    }
    case 'invitation': {
      const id = rest.length === uuidBytes ? parseInvitationId(readUuid(rest, 0)) : undefined
      return id === undefined ? undefined : { kind, conversation, id }
    }
    case 'chain':
    case 'deleted':
    case 'dropped': {
      const client = rest.length === clientBytes ? parseClientId(rest.readUInt32BE(0)) : undefined
      return client === undefined ? undefined : { kind, conversation, client }
    }
    case 'place': {
      const clock = readLastNumber(rest, clientBytes)
      const client = clock === undefined ? undefined : parseClientId(rest.readUInt32BE(0))
      return clock === undefined || client === undefined ? undefined : { kind, conversation, client, clock }
    }
    case 'member': {
      const user = parseUserId(rest.toString('latin1'))
      return user === undefined ? undefined : { kind, conversation, user }
    }
    case 'idempotency': {
      const end = rest.indexOf(0)
      const user = end < 0 ? undefined : parseUserId(rest.toString('latin1', 0, end))
      return user === undefined ? undefined : { kind, conversation, user, key: rest.toString('utf8', end + 1) }
    }
  }
}

/** All rows of one kind of one conversation. */
export function rangeOf(kind: RangeKind, conversation: ConversationId): KeyRange {
  return prefixRange(startKey(kind, conversation, 0))
}

/** The rows of one kind from one number, inclusive, to another, exclusive. */
export function numberedRange(
  kind: NumberedKind,
  conversation: ConversationId,
  { from, to }: { readonly from: number; readonly to: number },
): KeyRange {
  return { gte: numberedKey(kind, conversation, from), lt: numberedKey(kind, conversation, to) }
}

/** The settings whose keys begin with a text. */
export function settingRange(conversation: ConversationId, prefix: string): KeyRange {
  return prefixRange(Buffer.from(encodeKey({ kind: 'setting', conversation, key: prefix })))
}

/** The pieces of one message. */
export function pieceRange(conversation: ConversationId, id: MessageId): KeyRange {
  const prefix = startKey('piece', conversation, uuidBytes)
  writeUuid(prefix, id, prefixBytes)
  return prefixRange(prefix)
}

/** The messages of one thread from one seq, inclusive, to another, exclusive. */
export function replyRange(
  conversation: ConversationId,
  root: MessageId,
  { from, to }: { readonly from: number; readonly to: number },
): KeyRange {
  const keyAt = (seq: number): Uint8Array => encodeKey({ kind: 'reply', conversation, id: root, seq })
  return { gte: keyAt(from), lt: keyAt(to) }
}

/** The heads of all conversations. */
export function headRange(): KeyRange {
  return prefixRange(Buffer.of(tagOf('head')))
}

/** What has yet to vanish, of all conversations. */
export function vanishingRange(kind: 'erasing' | 'purging'): KeyRange {
  return prefixRange(Buffer.of(tagOf(kind)))
}

/** The inbox rows of one user. */
export function inboxRange(user: UserId): KeyRange {
  return prefixRange(startInboxKey(user, 0))
}

function decodeInboxKey(view: Buffer): Key | undefined {
  const end = view.indexOf(0, 1)
  if (end < 0 || view.length !== end + 1 + uuidBytes) return undefined
  const user = parseUserId(view.toString('latin1', 1, end))
  const conversation = parseConversationId(readUuid(view, end + 1))
  return user === undefined || conversation === undefined ? undefined : { kind: 'inbox', user, conversation }
}

function decodeProfileKey(view: Buffer): Key | undefined {
  const user = parseUserId(view.toString('latin1', 1))
  return user === undefined ? undefined : { kind: 'profile', user }
}

function isStoreKind(kind: Key['kind']): kind is (typeof storeKinds)[number] {
  return storeKinds.some((one) => one === kind)
}

function tagOf(kind: Key['kind']): number {
  return kinds.indexOf(kind)
}

/** Kind and conversation, and room for `more` bytes. */
function startKey(kind: SingleKind | RangeKind, conversation: ConversationId, more: number): Buffer {
  const bytes = Buffer.allocUnsafe(prefixBytes + more)
  bytes[0] = tagOf(kind)
  writeUuid(bytes, conversation, 1)
  return bytes
}

function numberedKey(kind: NumberedKind, conversation: ConversationId, number: number): Buffer {
  const bytes = startKey(kind, conversation, numberBytes)
  writeNumber(bytes, number, prefixBytes)
  return bytes
}

/** Kind and user, and room for `more` bytes. */
function startInboxKey(user: UserId, more: number): Buffer {
  const bytes = Buffer.allocUnsafe(1 + user.length + 1 + more)
  bytes[0] = tagOf('inbox')
  bytes.write(`${user}\0`, 1, 'latin1')
  return bytes
}
