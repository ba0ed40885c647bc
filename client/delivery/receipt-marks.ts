/**
 * How far the others of a conversation have come, all of them: what an own message is shown as follows from two seqs, and in a
 * thread from two of its own where that was read further. Pure: reads the registers of the fold and nothing else (SPEC STATUS1).
 */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { Folded } from '../../shared/chat/fold.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import { threadReadThrough, unread } from '../../shared/chat/roster.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { MessageReceipts } from '../api.ts'

/** Seqs up to which every other member has received and read; -1 where somebody has nothing, or there is nobody else. */
interface Reached {
  readonly received: number
  readonly read: number
}

export interface ReceiptMarks extends Reached {
  /** By root: of the threads in which they have come further than that. */
  readonly threads: ReadonlyMap<MessageId, Reached>
}

type Registers = Pick<Folded, 'members' | 'reads' | 'threadReads'>
type Place = Pick<StampedMessage, 'seq' | 'thread'>

export const noMarks: ReceiptMarks = { received: -1, read: -1, threads: new Map() }

/** The same object while they are the same; costs nothing while neither members nor registers have changed. */
export function createReceiptMarks(user: UserId): (registers: Registers) => ReceiptMarks {
  let seen: Registers | undefined
  let marks = noMarks
  return ({ members, reads, threadReads }) => {
    if (seen?.members === members && seen.reads === reads && seen.threadReads === threadReads) return marks
    seen = { members, reads, threadReads }
    const next = marksOf(seen, user)
    if (!isSame(next, marks) || changedThreads(marks, next).size > 0) marks = next
    return marks
  }
}

export function stateAt({ seq, thread }: Place, marks: ReceiptMarks): 'sent' | 'received' | 'read' {
  const { received, read } = reachedIn(thread, marks)
  return seq <= read ? 'read' : seq <= received ? 'received' : 'sent'
}

/** Who but its author has received a message and who has read it, by user id; whoever has read it has received it. */
export function receiptsOf(registers: Registers, message: Place & { readonly user: UserId }): MessageReceipts {
  const { seq, thread } = message
  const others = [...registers.members.keys()].filter((user) => user !== message.user).toSorted()
  const came = (through: (user: UserId) => number): readonly UserId[] => others.filter((user) => through(user) >= seq)
  return {
    received: came((user) => receivedThrough(registers, user, thread)),
    read: came((user) => readThrough(registers, user, thread)),
  }
}

/** Indexes of messages, in a list by ascending seq, that may look otherwise when marks move: no others are looked at. */
export function placesBetween(messages: readonly StampedMessage[], from: ReceiptMarks, to: ReceiptMarks): number[] {
  return [
    ...between(messages, from.received, to.received),
    ...between(messages, from.read, to.read),
    ...answersBetween(messages, from, to),
  ]
}

/** Of those behind the lower of two seqs, up to the higher one. */
function between(messages: readonly StampedMessage[], a: number, b: number): number[] {
  const places: number[] = []
  for (let index = firstBehind(messages, Math.min(a, b)); index < messages.length; index++) {
    if ((messages[index]?.seq ?? Infinity) > Math.max(a, b)) break
    places.push(index)
  }
  return places
}

/** Of the answers in threads whose own marks have moved. */
function answersBetween(messages: readonly StampedMessage[], from: ReceiptMarks, to: ReceiptMarks): number[] {
  const changed = changedThreads(from, to)
  if (changed.size === 0) return []
  const seqs = [...changed].flatMap((root) => [reachedIn(root, from), reachedIn(root, to)])
  const ends = seqs.flatMap(({ received, read }) => [received, read])
  return between(messages, Math.min(...ends), Math.max(...ends)).filter((index) => {
    const thread = messages[index]?.thread
    return thread !== undefined && changed.has(thread)
  })
}

/** Roots of threads whose own marks are others, or are there on one side only. */
function changedThreads({ threads: a }: ReceiptMarks, { threads: b }: ReceiptMarks): ReadonlySet<MessageId> {
  const changed = new Set<MessageId>()
  for (const root of new Set([...a.keys(), ...b.keys()])) if (!isSame(a.get(root), b.get(root))) changed.add(root)
  return changed
}

function isSame(a: Reached | undefined, b: Reached | undefined): boolean {
  return a?.received === b?.received && a?.read === b?.read
}

function reachedIn(thread: MessageId | undefined, marks: ReceiptMarks): Reached {
  return (thread === undefined ? undefined : marks.threads.get(thread)) ?? marks
}

/** Index of the first message behind a seq. */
function firstBehind(messages: readonly StampedMessage[], seq: number): number {
  let from = 0
  let to = messages.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((messages[middle]?.seq ?? Infinity) <= seq) from = middle + 1
    else to = middle
  }
  return from
}

function marksOf(registers: Registers, user: UserId): ReceiptMarks {
  const others = [...registers.members.keys()].filter((member) => member !== user)
  if (others.length === 0) return noMarks
  const reached = slowest(registers, others)
  const threads = new Map<MessageId, Reached>()
  for (const root of candidates(registers, others, reached)) {
    const inThread = slowest(registers, others, root)
    if (!isSame(inThread, reached)) threads.set(root, inThread)
  }
  return { ...reached, threads }
}

function slowest(registers: Registers, others: readonly UserId[], thread?: MessageId): Reached {
  let [received, read] = [Infinity, Infinity]
  for (const member of others) {
    received = Math.min(received, receivedThrough(registers, member, thread))
    read = Math.min(read, readThrough(registers, member, thread))
  }
  return { received, read }
}

/** In others than these a member who is the slowest of all is not further: they hold everybody back. */
function candidates(registers: Registers, others: readonly UserId[], { received, read }: Reached): Set<MessageId> {
  const ofWhom = (isSlow: (member: UserId) => boolean): Iterable<MessageId> => {
    const member = others.find(isSlow)
    return (member === undefined ? undefined : registers.threadReads.get(member)?.keys()) ?? []
  }
  return new Set([
    ...ofWhom((member) => readThrough(registers, member) === read),
    ...ofWhom((member) => receivedThrough(registers, member) === received),
  ])
}

function readThrough(registers: Registers, user: UserId, thread?: MessageId): number {
  if (thread === undefined) return registers.reads.get(user)?.through ?? -1
  return threadReadThrough(registers, user, thread)
}

function receivedThrough(registers: Registers, user: UserId, thread?: MessageId): number {
  return Math.max((registers.reads.get(user) ?? unread).received, readThrough(registers, user, thread))
}
