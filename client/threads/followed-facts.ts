/**
 * What else than the messages of the window changes a thread: what entries do to archived messages, how far people have
 * come, whether own entries can go out. Tells what has moved since it was last asked.
 */

import { type ChangeMark, changedSince } from '../../shared/chat/change-log.ts'
import type { MessageId } from '../../shared/chat/entry.ts'
import type { Folded } from '../../shared/chat/fold.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import { createReceiptMarks, noMarks, type ReceiptMarks } from '../delivery/receipt-marks.ts'
import type { OpenDocument } from '../open-document.ts'
import { sameTouches } from '../timeline-part.ts'

export interface FollowedFactsDeps {
  readonly user: UserId
  readonly document: () => OpenDocument
  /** With how far the user has come as known here. */
  readonly folded: () => Folded
  readonly isBarred: () => boolean
}

export interface MovedFacts {
  /** Archived messages to which entries do something else than before; others may be among them. */
  readonly touched: readonly MessageId[]
  /** How far the others have come, before and now; undefined when that is the same. */
  readonly marks: { readonly from: ReceiptMarks; readonly to: ReceiptMarks } | undefined
  /** The user may have read more. */
  readonly isRead: boolean
  readonly isBarred: boolean
}

export class FollowedFacts {
  readonly #deps: FollowedFactsDeps
  readonly #marksOf: ReturnType<typeof createReceiptMarks>
  #marks = noMarks
  #touches: Folded['touches'] = new Map()
  #pendingTouches: Folded['pendingTouches'] = new Map()
  #pendingMark: ChangeMark<MessageId> | undefined
  #registers: readonly unknown[] = []
  #isBarred = false

  constructor(deps: FollowedFactsDeps) {
    this.#deps = deps
    this.#marksOf = createReceiptMarks(deps.user)
  }

  take(): MovedFacts {
    const { user, document, folded, isBarred } = this.#deps
    const { replica } = document()
    const [touched, pendingTouched] = [this.#takeTouched(replica.folded), this.#takePending(replica)]
    const { reads, threadReads } = folded()
    const registers = [reads.get(user)?.through, threadReads.get(user)]
    const isRead = registers.some((register, index) => register !== this.#registers[index])
    this.#registers = registers
    const [from, wasBarred] = [this.#marks, this.#isBarred]
    this.#marks = this.#marksOf(replica.folded)
    this.#isBarred = isBarred()
    return {
      touched: [...touched, ...pendingTouched],
      marks: from === this.#marks ? undefined : { from, to: this.#marks },
      isRead,
      isBarred: this.#isBarred !== wasBarred,
    }
  }

  #takeTouched({ touches }: Folded): readonly MessageId[] {
    const before = this.#touches
    this.#touches = touches
    return touches === before ? [] : differing(before, touches, () => false)
  }

  #takePending({ folded, marks }: OpenDocument['replica']): readonly MessageId[] {
    const [before, mark] = [this.#pendingTouches, this.#pendingMark]
    this.#pendingTouches = folded.pendingTouches
    this.#pendingMark = marks.pendingTouches
    if (folded.pendingTouches === before) return []
    return changedSince(marks.pendingTouches, mark) ?? differing(before, folded.pendingTouches, sameTouches)
  }
}

/** Of two maps, whose lists are the same objects where nobody changed them. */
function differing<T>(
  before: ReadonlyMap<MessageId, readonly T[]>,
  now: ReadonlyMap<MessageId, readonly T[]>,
  isSame: (a: readonly T[], b: readonly T[]) => boolean,
): readonly MessageId[] {
  const ids: MessageId[] = []
  for (const [id, list] of now) {
    const other = before.get(id)
    if (other !== list && (other === undefined || !isSame(other, list))) ids.push(id)
  }
  for (const id of before.keys()) if (!now.has(id)) ids.push(id)
  return ids
}
