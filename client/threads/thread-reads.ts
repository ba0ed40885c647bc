/**
 * How far the user has read in threads, as known here: it counts at once, and is told as receipts are, now and then (SPEC
 * THREAD3, RECEIPT1). What was read of all of the conversation was read of its threads.
 */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { Folded } from '../../shared/chat/fold.ts'
import { threadReadThrough } from '../../shared/chat/roster.ts'
import { limits } from '../../shared/limits.ts'
import type { UserId } from '../../shared/sync/ids.ts'

export interface ThreadReadsDeps {
  readonly user: UserId
  /** As the document has it, with how far the user has come in all of the conversation. */
  readonly folded: () => Folded
  /** Others are told nothing: what was read counts here, as long as the conversation is open. */
  readonly isPrivate: boolean
  /** Nothing more of this user is taken. */
  readonly isBarred: () => boolean
  /** False when the rules do not take it. */
  readonly write: (read: { readonly thread: MessageId; readonly through: number }) => boolean
  readonly onAdvance: () => void
}

export class ThreadReads {
  readonly #deps: ThreadReadsDeps
  /** By root: how far it is here; those that are told are forgotten. */
  #here: ReadonlyMap<MessageId, number> = new Map()
  #over: { readonly folded: Folded; readonly here: ReadonlyMap<MessageId, number>; readonly view: Folded } | undefined
  #pause: ReturnType<typeof setTimeout> | undefined
  #isClosed = false

  constructor(deps: ThreadReadsDeps) {
    this.#deps = deps
  }

  /** The fold, with the own registers of threads as they are here. */
  view(): Folded {
    const { user } = this.#deps
    const folded = this.#deps.folded()
    if (this.#here.size === 0 || !folded.members.has(user)) return folded
    if (this.#over?.folded !== folded || this.#over.here !== this.#here) {
      const threads = new Map(folded.threadReads.get(user))
      for (const [root, through] of this.#here)
        if (through > threadReadThrough(folded, user, root)) threads.set(root, through)
      const view = { ...folded, threadReads: new Map(folded.threadReads).set(user, threads) }
      this.#over = { folded, here: this.#here, view }
    }
    return this.#over.view
  }

  read(thread: MessageId, through: number): void {
    if (this.#isClosed || through <= threadReadThrough(this.view(), this.#deps.user, thread)) return
    this.#here = new Map(this.#here).set(thread, through)
    this.#deps.onAdvance()
    if (this.#pause === undefined) this.tell()
  }

  /** Tells what was gathered now, not when it would be its turn. */
  tell(): void {
    const { user, folded, isPrivate, isBarred, write } = this.#deps
    if (isPrivate || isBarred() || this.#isClosed) return
    const told: MessageId[] = []
    for (const [thread, through] of this.#here) {
      const known = folded()
      // A message that is not here as the server has it cannot have been read there.
      if (through > known.lastSeq) continue
      // Where the rules take no more registers it counts here alone.
      if (through <= threadReadThrough(known, user, thread) || write({ thread, through })) told.push(thread)
    }
    if (told.length === 0) return
    const left = new Map(this.#here)
    for (const thread of told) left.delete(thread)
    this.#here = left
    clearTimeout(this.#pause)
    this.#pause = setTimeout(() => {
      this.#pause = undefined
      this.tell()
    }, limits.receiptPauseMs)
  }

  close(): void {
    this.tell()
    this.#isClosed = true
    clearTimeout(this.#pause)
  }
}
