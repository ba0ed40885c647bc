/**
 * How far the user has read in threads, as known here, and which of that waits to be told (SPEC THREAD3, RECEIPT1): it counts at
 * once. What was read of all of the conversation was read of its threads. Knows no time; who tells it asks for the next.
 */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { Folded } from '../../shared/chat/fold.ts'
import { threadReadThrough } from '../../shared/chat/roster.ts'
import type { UserId } from '../../shared/sync/ids.ts'

export interface ThreadReadsDeps {
  readonly user: UserId
  /** As the document has it, with how far the user has come in all of the conversation. */
  readonly folded: () => Folded
}

export interface ThreadRead {
  readonly thread: MessageId
  /** Seq. */
  readonly through: number
}

type Registers = ReadonlyMap<MessageId, number>

export class ThreadReads {
  readonly #deps: ThreadReadsDeps
  /** To be told, those that wait longest first. */
  #untold: Registers = new Map()
  /** Read where nobody else is told, on any device. */
  #inPrivate: Registers = new Map()
  #over: { readonly folded: Folded; readonly of: readonly Registers[]; readonly view: Folded } | undefined

  constructor(deps: ThreadReadsDeps) {
    this.#deps = deps
  }

  /** The fold, with the own registers of threads as they are here. */
  view(): Folded {
    const { user } = this.#deps
    const folded = this.#deps.folded()
    const of = [this.#untold, this.#inPrivate]
    if (of.every(({ size }) => size === 0) || !folded.members.has(user)) return folded
    const over = this.#over
    if (over?.folded === folded && of.every((registers, index) => registers === over.of[index])) return over.view
    const view = withReads(folded, user, of)
    this.#over = { folded, of, view }
    return view
  }

  /** To be told; false when it was known already. */
  read({ thread, through }: ThreadRead): boolean {
    if (through <= threadReadThrough(this.view(), this.#deps.user, thread)) return false
    this.#untold = new Map(this.#untold).set(thread, through)
    return true
  }

  /** Others are not told; false when that changes nothing. */
  note({ thread, through }: ThreadRead): boolean {
    if (through <= (this.#inPrivate.get(thread) ?? -1)) return false
    const before = threadReadThrough(this.view(), this.#deps.user, thread)
    this.#inPrivate = new Map(this.#inPrivate).set(thread, through)
    return threadReadThrough(this.view(), this.#deps.user, thread) > before
  }

  /** What is to be told next; undefined when there is nothing. */
  next(): ThreadRead | undefined {
    const folded = this.#deps.folded()
    for (const [thread, through] of this.#untold) {
      if (through <= threadReadThrough(folded, this.#deps.user, thread)) this.#drop(thread)
      // A message that is not here as the server has it cannot have been read there.
      else if (through <= folded.lastSeq) return { thread, through }
    }
    return undefined
  }

  /** It stands in an entry. */
  told({ thread }: ThreadRead): void {
    this.#drop(thread)
  }

  /** The rules take no more registers: it counts on the own devices alone. */
  keepUntold(read: ThreadRead): void {
    this.note(read)
    this.#drop(read.thread)
  }

  #drop(thread: MessageId): void {
    const left = new Map(this.#untold)
    left.delete(thread)
    this.#untold = left
  }
}

/** Where nothing is beyond what the fold has, the same fold. */
function withReads(folded: Folded, user: UserId, of: readonly Registers[]): Folded {
  const threads = new Map(folded.threadReads.get(user))
  let isFurther = false
  for (const registers of of)
    for (const [root, read] of registers) {
      const through = Math.min(read, folded.lastSeq)
      if (through <= Math.max(folded.reads.get(user)?.through ?? -1, threads.get(root) ?? -1)) continue
      threads.set(root, through)
      isFurther = true
    }
  return isFurther ? { ...folded, threadReads: new Map(folded.threadReads).set(user, threads) } : folded
}
