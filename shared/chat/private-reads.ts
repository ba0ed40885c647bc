/**
 * What a user has read in private (SPEC PRIVATE2): under which keys of the private conversation it stands, and what it comes to
 * beside the registers that everybody sees. Devices and server read it alike; both totally, for devices write it.
 */

import { type ConversationId, parseConversationId } from '../sync/ids.ts'
import { type MessageId, parseMessageId } from './entry.ts'
import { noThreads, type ThreadReads } from './roster.ts'

/** How far somebody has come: up to which seq in all, -1 before the first, and in which threads beyond that. */
export interface ReadSoFar {
  readonly through: number
  readonly threads: ThreadReads
}

interface PrivateReadKey {
  readonly conversation: ConversationId
  /** The root of it; undefined: all of the conversation. */
  readonly thread: MessageId | undefined
}

/** What all of these keys begin with. */
export const privateReadPrefix = 'read/'

export const nothingRead: ReadSoFar = { through: -1, threads: noThreads }

/** Those of a conversation and of its threads begin with it, and no others. */
export function privateReadKey(conversation: ConversationId, thread?: MessageId): string {
  return `${privateReadPrefix}${conversation}${thread === undefined ? '' : `/${thread}`}`
}

/** Undefined for any other key. Total. */
function parsePrivateReadKey(key: string): PrivateReadKey | undefined {
  if (!key.startsWith(privateReadPrefix)) return undefined
  const [id, root, ...more] = key.slice(privateReadPrefix.length).split('/')
  const conversation = parseConversationId(id)
  const thread = parseMessageId(root)
  if (conversation === undefined || more.length > 0 || (root !== undefined && thread === undefined)) return undefined
  return { conversation, thread }
}

/** A seq, or -1 for before the first; undefined for anything else. */
export function parseSeqValue(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= -1 ? value : undefined
}

/** By conversation; keys that mean something else are left out. */
export function privateReadsIn(
  rows: Iterable<{ readonly key: string; readonly value: unknown }>,
): ReadonlyMap<ConversationId, ReadSoFar> {
  const reads = new Map<ConversationId, ReadSoFar>()
  for (const { key, value } of rows) {
    const [at, through] = [parsePrivateReadKey(key), parseSeqValue(value)]
    if (at === undefined || through === undefined) continue
    const known = reads.get(at.conversation) ?? nothingRead
    reads.set(
      at.conversation,
      at.thread === undefined
        ? { ...known, through }
        : { ...known, threads: new Map(known.threads).set(at.thread, through) },
    )
  }
  return reads
}

/** The further of each, at most up to `end`; of threads those that are beyond what was read of all. */
export function furtherRead(a: ReadSoFar, b: ReadSoFar, end: number): ReadSoFar {
  const through = Math.max(a.through, Math.min(b.through, end))
  const threads = new Map([...a.threads].filter(([, seq]) => seq > through))
  for (const [root, seq] of b.threads) {
    const read = Math.min(seq, end)
    if (read > Math.max(through, threads.get(root) ?? -1)) threads.set(root, read)
  }
  return { through, threads }
}

/** Where it stands that a conversation was marked unread by hand: true, until it is read. */
export function unreadMarkKey(conversation: ConversationId): string {
  return `unread/${conversation}`
}
