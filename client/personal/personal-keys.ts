/** The keys of private state, and what stands under them. Other devices may be of another version: read totally. */

import { type MessageId, parseMessageId } from '../../shared/chat/entry.ts'
import { type Fields, isFields } from '../../shared/chat/json-object.ts'
import { parseSeqValue } from '../../shared/chat/private-reads.ts'
import { type ConversationId, parseConversationId, parseUserId } from '../../shared/sync/ids.ts'
import type { Draft } from '../api.ts'

const kinds = ['mute', 'hide', 'favourite', 'unread', 'draft', 'read'] as const

export type PersonalKind = (typeof kinds)[number]

export interface PersonalKey {
  readonly kind: PersonalKind
  readonly conversation: ConversationId
  /** Of drafts, and of what was read in private. */
  readonly thread?: MessageId
}

/** What an application's own keys begin with. */
export const appPrefix = 'app/'

export function personalKey(kind: PersonalKind, conversation: ConversationId, thread?: MessageId): string {
  return thread === undefined ? `${kind}/${conversation}` : `${kind}/${conversation}/${thread}`
}

/** Undefined for what this version does not know. Total. */
export function parsePersonalKey(key: string): PersonalKey | undefined {
  const [name, id, root, ...more] = key.split('/')
  const kind = kinds.find((known) => known === name)
  const conversation = parseConversationId(id)
  if (kind === undefined || conversation === undefined || more.length > 0) return undefined
  if (root === undefined) return { kind, conversation }
  const thread = parseMessageId(root)
  return (kind === 'draft' || kind === 'read') && thread !== undefined ? { kind, conversation, thread } : undefined
}

/**
 * What is to be written where something stands already: how far one has read does not go back, and that of a thread goes when it
 * is not beyond what was read of all of its conversation.
 */
export function mergedValue(
  key: string,
  value: unknown,
  there: unknown,
  readThrough: (id: ConversationId) => number,
): unknown {
  const parsed = parsePersonalKey(key)
  if (parsed?.kind !== 'read') return value
  const read = Math.max(parseSeqValue(value) ?? -1, parseSeqValue(there) ?? -1)
  return parsed.thread !== undefined && read <= readThrough(parsed.conversation) ? null : read
}

/** Undefined for what is none; fields that are not understood are left out. */
export function parseDraft(value: unknown): Draft | undefined {
  if (!isFields(value) || typeof value['content'] !== 'string') return undefined
  const { content, role } = value
  const mentions = listOf(value['mentions'], parseUserId)
  const parts = listOf(value['parts'], parsePart)
  return {
    content,
    ...(role === 'user' || role === 'assistant' ? { role } : {}),
    ...linkIn(value, 'replyTo'),
    ...linkIn(value, 'thread'),
    ...linkIn(value, 'parent'),
    ...(mentions === undefined ? {} : { mentions }),
    ...(parts === undefined ? {} : { parts }),
  }
}

/** Whether there is anything in it to be kept. */
export function isEmptyDraft({ content, parts, replyTo }: Draft): boolean {
  return content === '' && replyTo === undefined && (parts ?? []).length === 0
}

function linkIn(fields: Fields, name: 'replyTo' | 'thread' | 'parent'): Partial<Draft> {
  const id = parseMessageId(fields[name])
  return id === undefined ? {} : { [name]: id }
}

/** Undefined unless all of it is understood. */
function listOf<T>(value: unknown, parse: (item: unknown) => T | undefined): readonly T[] | undefined {
  if (!Array.isArray(value)) return undefined
  const items = value.map(parse)
  const known = items.filter((item) => item !== undefined)
  return known.length === items.length ? known : undefined
}

function parsePart(value: unknown): Fields | undefined {
  return isFields(value) ? value : undefined
}
