/**
 * A message as it stands, and the one reducer by which later entries change it: the server materialises rows with it, and
 * clients apply live entries to what they show or have cached.
 */

import type { UserId } from '../sync/ids.ts'
import { limits } from '../limits.ts'
import type { EditEntry, Entry, MessageEntry, MessageId, PinEntry, ReactEntry, RedactEntry } from './entry.ts'

export interface Message extends Omit<MessageEntry, 'kind' | 'at'> {
  readonly user: UserId
  /** The author's clock when it was written, in ms. */
  readonly writtenAt: number
  /** When its content was last replaced, in ms; absent when it never was. */
  readonly editedAt?: number
  /** By the time of their first reaction; an emoji without users is left out, and so is an empty list. */
  readonly reactions?: readonly Reaction[]
  /** When its content was taken away, in ms: then it is empty, without parts and mentions. */
  readonly redactedAt?: number
  readonly redactedBy?: UserId
  readonly pinned?: true
  /** Of a message that others answer in a thread: what it has. */
  readonly replies?: Replies
}

/** What a thread comes to; whose words were taken away keeps its place, and is counted. */
export interface Replies {
  readonly count: number
  /** Who wrote in it, by the time of their first reply; at most `limits.threadUsers`. */
  readonly users: readonly UserId[]
  /** When the last one was written, in ms. */
  readonly lastAt: number
}

export interface Reaction {
  readonly emoji: string
  /** By the time of their reaction. */
  readonly users: readonly UserId[]
}

/** A message with its place and the server's time in ms. */
export interface StampedMessage extends Message {
  readonly seq: number
  readonly createdAt: number
  /** Seq of the last entry that changed it; its own before that. What it holds takes account of all entries up to there. */
  readonly revision: number
}

/** An entry that changes an earlier message. */
export type Touch = EditEntry | RedactEntry | ReactEntry | PinEntry

/** What a message in a thread does to the root of it. */
export interface ReplyTouch {
  readonly kind: 'reply'
  readonly of: MessageId
}

/** A touch with its author, and the server's time in ms or, while it is pending, the device's. */
export interface AuthoredTouch {
  readonly user: UserId
  readonly timeMs: number
  readonly entry: Touch | ReplyTouch
}

export interface StampedTouch extends AuthoredTouch {
  readonly seq: number
}

export function isTouch(entry: Entry): entry is Touch {
  return entry.kind === 'edit' || entry.kind === 'redact' || entry.kind === 'react' || entry.kind === 'pin'
}

/** What an entry does to an earlier message, if it does something to one. */
export function touchIn(entry: Entry): Touch | ReplyTouch | undefined {
  if (isTouch(entry)) return entry
  return entry.kind === 'message' && entry.thread !== undefined ? { kind: 'reply', of: entry.thread } : undefined
}

/** The message that an entry of `user` makes. */
export function messageOf(user: UserId, entry: MessageEntry): Message {
  const { id, role, content } = entry
  if (isPlain(entry)) return { id, role, content, user, writtenAt: entry.at }
  const { kind: _kind, at, ...fields } = entry
  return { ...fields, user, writtenAt: at }
}

/** The stamped message that an entry of `user` makes: `messageOf` and `stampMessage` in one step. */
export function stampEntry(user: UserId, entry: MessageEntry, seq: number, createdAt: number): StampedMessage {
  const { id, role, content, at: writtenAt, replyTo, thread, parent, mentions, parts, status } = entry
  const message: { -readonly [Name in keyof StampedMessage]: StampedMessage[Name] } = {
    id,
    role,
    content,
    user,
    writtenAt,
    seq,
    createdAt,
    revision: seq,
  }
  if (replyTo !== undefined) message.replyTo = replyTo
  if (thread !== undefined) message.thread = thread
  if (parent !== undefined) message.parent = parent
  if (mentions !== undefined) message.mentions = mentions
  if (parts !== undefined) message.parts = parts
  if (status !== undefined) message.status = status
  return message
}

/** The message without its place, which a view tells otherwise. */
export function withoutPlace(stamped: StampedMessage): Message {
  const { id, role, content, user, writtenAt } = stamped
  if (isPlain(stamped)) return { id, role, content, user, writtenAt }
  const { seq: _seq, createdAt: _createdAt, revision: _revision, ...message } = stamped
  return message
}

/**
 * Whether it says nothing but what all of them do. Most do, and copying what is left of an object costs ten times as much as
 * writing down its fields: a window has a thousand of them.
 */
function isPlain(message: { readonly [Name in OptionalName]?: unknown }): boolean {
  const { replyTo, thread, parent, mentions, parts, status } = message
  const written = replyTo ?? thread ?? parent ?? mentions ?? parts ?? status
  const { editedAt, reactions, redactedAt, redactedBy, pinned, replies } = message
  return (written ?? editedAt ?? reactions ?? redactedAt ?? redactedBy ?? pinned ?? replies) === undefined
}

type RequiredName = 'id' | 'role' | 'content' | 'user' | 'writtenAt'
type OptionalName = Exclude<keyof Message, RequiredName>

/** The message right after it was stamped. */
export function stampMessage(message: Message, seq: number, createdAt: number): StampedMessage {
  const { id, role, content, user, writtenAt } = message
  if (isPlain(message)) return { id, role, content, user, writtenAt, seq, createdAt, revision: seq }
  return { ...message, seq, createdAt, revision: seq }
}

/** Applies a stamped touch once: the same object when the message takes account of it already. */
export function applyTouch(message: StampedMessage, touch: StampedTouch): StampedMessage {
  if (touch.seq <= message.revision) return message
  return { ...touchMessage(message, touch), revision: touch.seq }
}

/** What a touch makes of a message; the same object when it changes nothing. Whether it is allowed is for policy to say. */
export function touchMessage<T extends Message>(message: T, { user, timeMs, entry }: AuthoredTouch): T {
  switch (entry.kind) {
    case 'edit':
      // Allowed before the redaction, or by a later version: what is gone does not come back.
      if (message.redactedAt !== undefined) return message
      return { ...message, content: entry.content, editedAt: timeMs }
    case 'redact': {
      if (message.redactedAt !== undefined) return message
      const { parts: _parts, mentions: _mentions, editedAt: _editedAt, ...rest } = message
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what was left out is optional
      return { ...rest, content: '', redactedAt: timeMs, redactedBy: user } as T
    }
    case 'react':
      return withReactions(message, react(message.reactions ?? none, user, entry))
    case 'pin': {
      if ((message.pinned === true) === entry.on) return message
      const { pinned: _pinned, ...rest } = message
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what was left out is optional
      return (entry.on ? { ...rest, pinned: true } : rest) as T
    }
    case 'reply':
      return { ...message, replies: withReply(message.replies, user, timeMs) }
  }
}

function withReply(replies: Replies | undefined, user: UserId, timeMs: number): Replies {
  const { count, users }: Pick<Replies, 'count' | 'users'> = replies ?? { count: 0, users: [] }
  const isKnown = users.includes(user) || users.length >= limits.threadUsers
  return { count: count + 1, users: isKnown ? users : [...users, user], lastAt: timeMs }
}

const none: readonly Reaction[] = []

function withReactions<T extends Message>(message: T, reactions: readonly Reaction[]): T {
  if (reactions === (message.reactions ?? none)) return message
  if (reactions.length > 0) return { ...message, reactions }
  const { reactions: _reactions, ...rest } = message
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what was left out is optional
  return rest as T
}

/** The same list when it is already so. */
function react(reactions: readonly Reaction[], user: UserId, { emoji, on }: ReactEntry): readonly Reaction[] {
  const users = reactions.find((reaction) => reaction.emoji === emoji)?.users
  if (users?.includes(user) === true) {
    if (on) return reactions
    const left = users.filter((other) => other !== user)
    return reactions.flatMap((reaction) => {
      if (reaction.emoji !== emoji) return [reaction]
      return left.length === 0 ? [] : [{ emoji, users: left }]
    })
  }
  if (!on) return reactions
  if (users === undefined) return [...reactions, { emoji, users: [user] }]
  return reactions.map((reaction) => (reaction.emoji === emoji ? { emoji, users: [...users, user] } : reaction))
}
