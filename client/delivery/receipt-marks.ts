/**
 * How far the others of a conversation have come, all of them: what an own message is shown as follows from two seqs. Pure:
 * reads the registers of the fold and nothing else (SPEC STATUS1).
 */

import type { Folded } from '../../shared/chat/fold.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import { unread } from '../../shared/chat/roster.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { MessageReceipts } from '../api.ts'

/** Seqs up to which every other member has received and read; -1 where somebody has nothing, or there is nobody else. */
export interface ReceiptMarks {
  readonly received: number
  readonly read: number
}

type Registers = Pick<Folded, 'members' | 'reads'>

export const noMarks: ReceiptMarks = { received: -1, read: -1 }

/** The same object while they are the same; costs nothing while neither members nor registers have changed. */
export function createReceiptMarks(user: UserId): (registers: Registers) => ReceiptMarks {
  let seen: Registers | undefined
  let marks = noMarks
  return ({ members, reads }) => {
    if (seen?.members === members && seen.reads === reads) return marks
    seen = { members, reads }
    const next = marksOf(seen, user)
    if (next.received !== marks.received || next.read !== marks.read) marks = next
    return marks
  }
}

export function stateAt(seq: number, { received, read }: ReceiptMarks): 'sent' | 'received' | 'read' {
  return seq <= read ? 'read' : seq <= received ? 'received' : 'sent'
}

/** Who but its author has received a message and who has read it, by user id; whoever has read it has received it. */
export function receiptsOf({ members, reads }: Registers, message: { user: UserId; seq: number }): MessageReceipts {
  const others = [...members.keys()].filter((user) => user !== message.user).toSorted()
  const came = (register: 'through' | 'received'): readonly UserId[] =>
    others.filter((user) => (reads.get(user) ?? unread)[register] >= message.seq)
  return { received: came('received'), read: came('through') }
}

/** Indexes of messages, in a list by ascending seq, that may look otherwise when marks move: no others are looked at. */
export function placesBetween(messages: readonly StampedMessage[], from: ReceiptMarks, to: ReceiptMarks): number[] {
  return [...between(messages, from.received, to.received), ...between(messages, from.read, to.read)]
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

function marksOf({ members, reads }: Registers, user: UserId): ReceiptMarks {
  let received = Infinity
  let read = Infinity
  for (const member of members.keys()) {
    if (member === user) continue
    const register = reads.get(member) ?? unread
    received = Math.min(received, register.received)
    read = Math.min(read, register.through)
  }
  return received === Infinity ? noMarks : { received, read }
}
