/** Reads what the REST API answers: whatever is not as it should be is an error, and nothing of it is used. */

import { type MessageId, parseMessageId } from '../shared/chat/entry.ts'
import type { StampedMessage } from '../shared/chat/message.ts'
import type { ThreadReads } from '../shared/chat/roster.ts'
import {
  parseRestMessage,
  type RestChain,
  type RestChainEntry,
  type RestConversationItem,
  type RestPage,
} from '../shared/rest.ts'
import { parseConversationId } from '../shared/sync/ids.ts'
import type { Version } from './api.ts'

export interface MessagesAnswer {
  readonly messages: readonly StampedMessage[]
  /** What is told takes account of all entries up to this seq. */
  readonly asOf: number
}

export interface ChangesAnswer extends MessagesAnswer {
  readonly hasMore: boolean
}

/** What there is to read for a user. */
export interface OwnCounts {
  readonly unread: number
  readonly mentions: number
  /** Seq up to which the user has read, in private or not: the counts are of what is behind it. -1 before the first. */
  readonly readThrough: number
  /** Threads that were read beyond that. */
  readonly readThreads: ThreadReads
  /** Seq of the last entry; -1 before the first. */
  readonly lastSeq: number
}

export type Fields = Readonly<Record<string, unknown>>

export async function parseMessages(answer: Response): Promise<MessagesAnswer> {
  const list: unknown = await answer.json()
  const asOf = Number(answer.headers.get('parley-as-of') ?? Number.NaN)
  const messages = Array.isArray(list) ? list.map(parseRestMessage) : [undefined]
  const read = messages.filter((message) => message !== undefined)
  if (!Number.isSafeInteger(asOf) || read.length < messages.length) throw anotherLanguage()
  return { messages: read, asOf }
}

/** As `parseMessages`, for messages that come by ascending seq, all of them behind `after` and before `before`. */
export async function parseMessageRun(
  answer: Response,
  { after = -1, before = Infinity }: { readonly limit: number; readonly after?: number; readonly before?: number },
): Promise<MessagesAnswer> {
  const run = await parseMessages(answer)
  let last = after
  for (const { seq } of run.messages) {
    if (seq <= last || seq >= before) throw anotherLanguage()
    last = seq
  }
  return run
}

export function parseMessage(value: unknown): StampedMessage {
  const message = parseRestMessage(value)
  if (message === undefined) throw anotherLanguage()
  return message
}

export function parseOwnCounts(value: unknown): OwnCounts {
  const { unread, mentions, read_through: read, read_threads: threads, last_seq: last } = fieldsOf(value)
  if (!isCount(unread) || !isCount(mentions)) throw anotherLanguage()
  const readThreads = new Map<MessageId, number>()
  for (const [text, seq] of Object.entries(fieldsOf(threads))) {
    const root = parseMessageId(text)
    if (root === undefined || !isCount(seq)) throw anotherLanguage()
    readThreads.set(root, seq)
  }
  return { unread, mentions, readThrough: isCount(read) ? read : -1, readThreads, lastSeq: isCount(last) ? last : -1 }
}

export function parseChain(value: unknown): RestChain {
  const { client, next_clock: next, entries } = fieldsOf(value)
  if (!isCount(client) || !isCount(next) || !Array.isArray(entries)) throw anotherLanguage()
  return { client, next_clock: next, entries: entries.map(parseChainEntry) }
}

export function parseVersions(value: unknown): readonly Version[] {
  const { items } = fieldsOf(value)
  if (!Array.isArray(items)) throw anotherLanguage()
  return items.map((item) => {
    const { content, seq, written_at: written, created_at: created } = fieldsOf(item)
    const [writtenAt, createdAt] = [Date.parse(String(written)), Date.parse(String(created))]
    if (typeof content !== 'string' || !isCount(seq) || Number.isNaN(writtenAt + createdAt)) throw anotherLanguage()
    return { content, writtenAt, sent: { seq, createdAt } }
  })
}

/** Checks what is read of it here. */
export function parseConversationPage(value: unknown): RestPage<RestConversationItem> {
  if (!isConversationPage(value)) throw anotherLanguage()
  return value
}

function parseChainEntry(value: unknown): RestChainEntry {
  const { clock, state, seq, reason, crc } = fieldsOf(value)
  if (!isCount(clock) || !isCount(crc)) throw anotherLanguage()
  if (state === 'accepted' && isCount(seq)) return { clock, state, seq, crc }
  if (state === 'void' && typeof reason === 'string') return { clock, state, reason, crc }
  throw anotherLanguage()
}

function isConversationPage(value: unknown): value is RestPage<RestConversationItem> {
  const { items, next_cursor: next } = fieldsOf(value)
  return Array.isArray(items) && (next === null || typeof next === 'string') && items.every(isConversationItem)
}

function isConversationItem(value: unknown): value is RestConversationItem {
  const { id, updated_at: updatedAt, unread } = fieldsOf(value)
  return (
    parseConversationId(id) !== undefined && !Number.isNaN(Date.parse(String(updatedAt))) && typeof unread === 'number'
  )
}

export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

export function anotherLanguage(): Error {
  return new Error('the server answers in another language')
}
