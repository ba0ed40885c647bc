/** How far everybody has come in an open conversation: its user, and what is told of that; the others, and who exactly. */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { Folded } from '../../shared/chat/fold.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import { type MessageReceipts, type ReadableStore, Refusal } from '../api.ts'
import type { Author } from '../author.ts'
import type { OpenDocument } from '../open-document.ts'
import { readThrough } from '../unread.ts'
import { OwnReceipts, type OwnReceiptsDeps, type ReceiptsSetting } from './own-receipts.ts'
import { ReceiptsWatch } from './receipts-watch.ts'
import { type ThreadRead, ThreadReads } from './thread-reads.ts'

export interface OpenReceiptsDeps extends Pick<OwnReceiptsDeps, 'isLive' | 'isBarred' | 'hasUnread' | 'onAdvance'> {
  readonly user: UserId
  readonly receipts: ReceiptsSetting
  readonly document: () => OpenDocument
  readonly author: Author
  /** A message before the window, when it is here. */
  readonly archived: (id: MessageId) => StampedMessage | undefined
}

export class OpenReceipts {
  readonly #user: UserId
  readonly #author: Author
  readonly #document: () => OpenDocument
  readonly #onAdvance: () => void
  readonly #own: OwnReceipts
  readonly #threads: ThreadReads
  /** What the user has seen before the server had told where it stands, and in which thread; undefined: in none. */
  readonly #seen = new Map<MessageId, MessageId | undefined>()
  readonly #watch: ReceiptsWatch

  constructor({ document, archived, receipts, ...deps }: OpenReceiptsDeps) {
    const folded = (): Folded => document().replica.folded
    this.#user = deps.user
    this.#author = deps.author
    this.#document = document
    this.#onAdvance = deps.onAdvance
    this.#threads = new ThreadReads({ user: deps.user, folded: () => this.#own.view() })
    this.#own = new OwnReceipts({
      ...deps,
      setting: receipts,
      folded,
      isWaiting: () => document().outbox.hasOpen('read'),
      write: (read) => writeRead(deps.author, read),
      threads: this.#threads,
    })
    this.#watch = new ReceiptsWatch({ folded, find: (id) => document().replica.fold.message(id) ?? archived(id) })
  }

  /** The fold, with how far the user has come as known here. */
  view(): Folded {
    return this.#threads.view()
  }

  /** Seq up to which the user has read as known here, whether or not others were told; -1 before the first. */
  get readThrough(): number {
    return readThrough(this.view(), this.#user)
  }

  markRead(through?: number): void {
    const reached = this.#author.reached(through)
    if (through === undefined) this.#see(this.#document().replica.folded.pending)
    if (reached !== undefined) this.#own.read(reached)
  }

  /** The user has read a thread up to a seq, or all of it that is here and stamped. */
  readThread(thread: MessageId, through: number | undefined, isAll: boolean): void {
    const { pending, lastSeq } = this.#document().replica.folded
    if (isAll)
      this.#see(
        pending.filter((message) => message.thread === thread),
        thread,
      )
    if (through !== undefined) this.#own.readThread({ thread, through: Math.min(through, lastSeq) })
  }

  /** The user has read up to a seq elsewhere, in private: all, or a thread. */
  noteRead(through: number, thread?: MessageId): void {
    if (thread === undefined) this.#own.noteRead(through)
    else if (this.#threads.note({ thread, through })) this.#onAdvance()
  }

  of(id: MessageId): ReadableStore<MessageReceipts> {
    return this.#watch.of(id)
  }

  /** The document or the connection has changed. */
  look(): void {
    this.#watch.look()
    this.#readSeen()
    this.#own.look()
  }

  /** What others are to be told is told now, not when it would be its turn. */
  tell(): void {
    this.#own.flush()
  }

  close(): void {
    this.#own.close()
  }

  /** What others wrote may be here a moment before its stamp is. */
  #see(pending: Folded['pending'], thread?: MessageId): void {
    for (const { id, user } of pending) if (user !== this.#user) this.#seen.set(id, thread)
  }

  #readSeen(): void {
    if (this.#seen.size === 0) return
    const { fold } = this.#document().replica
    const stamped = [...this.#seen].flatMap(([id, thread]): { thread: MessageId | undefined; through: number }[] => {
      const message = fold.message(id)
      return message === undefined ? [] : [{ thread, through: message.seq }]
    })
    for (const id of [...this.#seen.keys()]) if (fold.message(id) !== undefined) this.#seen.delete(id)
    for (const { thread, through } of stamped) {
      if (thread === undefined) this.#own.read(through)
      else this.#own.readThread({ thread, through })
    }
  }
}

/** False when there are as many registers of threads as there may be. */
function writeRead(author: Author, read: Partial<ThreadRead> & { readonly received?: number }): boolean {
  try {
    author.tellRead(read)
    return true
  } catch (error) {
    if (error instanceof Refusal && read.thread !== undefined) return false
    throw error
  }
}
