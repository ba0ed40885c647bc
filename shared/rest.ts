/** Shapes of the REST API: JSON in snake_case, times in RFC 3339 UTC with milliseconds. */

import type { Access } from './chat/access.ts'
import { type MessageId, parseMessageId, type Role } from './chat/entry.ts'
import type { InvitationId, InvitedAccess } from './chat/invitation.ts'
import type { Reaction, Replies, StampedMessage } from './chat/message.ts'
import type { Profile } from './chat/profile.ts'
import { type ConversationId, parseUserId, type UserId } from './sync/ids.ts'

export interface RestError {
  readonly detail: string
  readonly code: string
  readonly fields?: readonly { readonly path: string; readonly message: string }[]
}

export interface RestConversation {
  readonly id: ConversationId
  readonly title: string | null
  /** The access of whoever asks. */
  readonly access: Access
  readonly created_at: string
  readonly updated_at: string
  /** Seq of the last entry; null before the first. */
  readonly last_seq: number | null
  /** All settings but the title, by key; absent in lists and exports. */
  readonly settings?: Readonly<Record<string, unknown>>
}

/** The conversation as whoever asks for it alone sees it. */
export interface RestOwnConversation extends RestConversation {
  /** Others' messages behind the own read register that are not redacted, at most `limits.unreadCount`. */
  readonly unread: number
  /** Those of them that mention whoever asks. */
  readonly mentions: number
  /** Seq up to which whoever asks has read, in private or not: the counts are of what is behind it. Null before the first. */
  readonly read_through: number | null
  /** Seq up to which others are told that a device of theirs has received; null before the first. */
  readonly received: number | null
  /** Where it is asked for alone: by their roots, threads that were read beyond that. Absent when there are none. */
  readonly read_threads?: Readonly<Record<string, number>>
  /** Seq of the first entry that whoever asks is told of; null: of all. */
  readonly history_from: number | null
}

export interface RestConversationItem extends RestOwnConversation {
  readonly last_message: RestMessage | null
}

export interface RestPage<Item> {
  readonly items: readonly Item[]
  readonly next_cursor: string | null
}

export interface RestMember {
  readonly user: UserId
  readonly access: Access
}

/** A member in a list; without the name and the colour that were not chosen. */
export interface RestNamedMember extends RestMember {
  readonly name?: string
  readonly color?: string
  /** Seqs; null before the first, and while that is before what whoever asks is told of. */
  readonly read_through: number | null
  readonly received: number | null
}

/** An invitation that works. */
export interface RestInvitation {
  readonly id: InvitationId
  readonly access: InvitedAccess
  readonly expires_at: string
  /** Null: as many as like. */
  readonly uses_left: number | null
  readonly created_by: UserId
  readonly created_at: string
}

/** Told to whoever makes it, and never again. */
export interface RestNewInvitation extends RestInvitation {
  readonly token: string
}

/** Of whoever asks; `updated_at` is null when nothing was ever chosen. */
export interface RestOwnProfile extends Profile {
  readonly updated_at: string | null
}

/** How far whoever asks has come; null before the first. */
export interface RestRead {
  readonly through: number | null
  readonly received: number | null
}

/** A thread as whoever asks sees it. */
export interface RestThread {
  readonly root: RestMessage
  readonly unread: number
  readonly mentions: number
  /** Null before the first. */
  readonly read_through: number | null
}

/** What a user's devices keep for nobody else. */
export interface RestPrivateState {
  readonly items: readonly { readonly key: string; readonly value: unknown }[]
}

export interface RestMessage {
  readonly id: MessageId
  readonly conversation_id: ConversationId
  readonly user_id: UserId
  readonly role: Role
  readonly content: string
  /** The server's time. */
  readonly created_at: string
  /** The author's clock. */
  readonly written_at: string
  readonly seq: number
  /** Seq of the last entry that changed it; its own before that. */
  readonly revision: number
  readonly edited_at?: string
  readonly reactions?: readonly Reaction[]
  readonly redacted_at?: string
  readonly redacted_by?: UserId
  readonly pinned?: true
  /** Of the root of a thread. */
  readonly replies?: { readonly count: number; readonly users: readonly UserId[]; readonly last_at: string }
  readonly reply_to?: MessageId
  readonly thread?: MessageId
  readonly parent?: MessageId
  readonly mentions?: readonly UserId[]
  readonly parts?: readonly Readonly<Record<string, unknown>>[]
  readonly status?: string
}

/** What an own message said at first, or since an edit of it. */
export interface RestVersion {
  readonly content: string
  /** The author's clock. */
  readonly written_at: string
  /** The server's time. */
  readonly created_at: string
  readonly seq: number
}

/** One place of an own chain, as the server sees it. */
export type RestChainEntry =
  | { readonly clock: number; readonly state: 'accepted'; readonly seq: number; readonly crc: number }
  | { readonly clock: number; readonly state: 'void'; readonly reason: string; readonly crc: number }

export interface RestChain {
  readonly client: number
  /** Clock of the first entry that the server does not have. */
  readonly next_clock: number
  readonly entries: readonly RestChainEntry[]
}

export interface RestTicket {
  readonly ticket: string
  readonly expires_at: string
}

export interface RestToken {
  readonly token: string
  readonly user: UserId
  readonly expires_at: string
}

/** `timeMs` in RFC 3339, UTC, with milliseconds. Times beyond what a Date can hold become the last it can. */
export function restTime(timeMs: number): string {
  const lastDateMs = 8_640_000_000_000_000
  return new Date(Math.min(timeMs, lastDateMs)).toISOString()
}

export function restMessage(conversation: ConversationId, message: StampedMessage): RestMessage {
  const { id, user, role, content, seq, revision, createdAt, writtenAt, ...fields } = message
  const { editedAt, redactedAt, redactedBy, replyTo, replies, ...rest } = fields
  return {
    id,
    conversation_id: conversation,
    user_id: user,
    role,
    content,
    created_at: restTime(createdAt),
    written_at: restTime(writtenAt),
    seq,
    revision,
    ...(editedAt === undefined ? {} : { edited_at: restTime(editedAt) }),
    ...(redactedAt === undefined ? {} : { redacted_at: restTime(redactedAt) }),
    ...(redactedBy === undefined ? {} : { redacted_by: redactedBy }),
    ...(replyTo === undefined ? {} : { reply_to: replyTo }),
    ...(replies === undefined ? {} : { replies: restReplies(replies) }),
    ...rest,
  }
}

function restReplies({ count, users, lastAt }: Replies): NonNullable<RestMessage['replies']> {
  return { count, users, last_at: restTime(lastAt) }
}

/** Reads a message of the REST API back; undefined for what is none. */
export function parseRestMessage(value: unknown): StampedMessage | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const fields: Readonly<Record<string, unknown>> = { ...value }
  const { id, user_id: user, role, content, seq, revision, redacted_by: redactedBy, reply_to: replyTo } = fields
  const [createdAt, writtenAt] = [parseTime(fields['created_at']), parseTime(fields['written_at'])]
  const [editedAt, redactedAt] = [parseTime(fields['edited_at']), parseTime(fields['redacted_at'])]
  const rest = Object.fromEntries(Object.entries(fields).filter(([name]) => !restNames.has(name)))
  const isMessage =
    parseMessageId(id) !== undefined &&
    parseUserId(user) !== undefined &&
    (role === 'user' || role === 'assistant') &&
    typeof content === 'string' &&
    isSeq(seq) &&
    isSeq(revision) &&
    (redactedBy === undefined || parseUserId(redactedBy) !== undefined) &&
    (replyTo === undefined || parseMessageId(replyTo) !== undefined)
  if (!isMessage || createdAt === undefined || writtenAt === undefined) return undefined
  const replies = parseReplies(fields['replies'])
  if (fields['replies'] !== undefined && replies === undefined) return undefined
  const isLacking = (name: string, time: number | undefined): boolean =>
    fields[name] !== undefined && time === undefined
  if (isLacking('edited_at', editedAt) || isLacking('redacted_at', redactedAt)) return undefined
  const message = {
    ...rest,
    id,
    user,
    role,
    content,
    seq,
    revision,
    createdAt,
    writtenAt,
    ...(editedAt === undefined ? {} : { editedAt }),
    ...(redactedAt === undefined ? {} : { redactedAt }),
    ...(redactedBy === undefined ? {} : { redactedBy }),
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(replies === undefined ? {} : { replies }),
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is read of it here was looked at above
  return message as unknown as StampedMessage
}

function parseReplies(value: unknown): Replies | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { count, users, last_at: last }: { count?: unknown; users?: unknown; last_at?: unknown } = value
  const lastAt = parseTime(last)
  if (!isSeq(count) || !Array.isArray(users) || lastAt === undefined) return undefined
  return { count, users: users.map(parseUserId).filter((user) => user !== undefined), lastAt }
}

/** In ms. */
function parseTime(value: unknown): number | undefined {
  const timeMs = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(timeMs) ? undefined : timeMs
}

/** Fields that have another name or form in the API. */
const restNames: ReadonlySet<string> = new Set([
  'conversation_id',
  'user_id',
  'created_at',
  'written_at',
  'edited_at',
  'redacted_at',
  'redacted_by',
  'reply_to',
  'replies',
])

function isSeq(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
