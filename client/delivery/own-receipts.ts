/**
 * What others are told of how far the user of an open conversation has come: gathered, so that a device writes an entry now
 * and then, not for each message (SPEC RECEIPT1). How far that is here counts at once, whatever still waits for its turn.
 */

import type { MessageId, ReadEntry } from '../../shared/chat/entry.ts'
import type { Folded } from '../../shared/chat/fold.ts'
import { advance, type ReadRegister, unread } from '../../shared/chat/roster.ts'
import { limits } from '../../shared/limits.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { ThreadRead, ThreadReads } from './thread-reads.ts'

export type ReceiptsSetting = (
  | { readonly mode: 'on' }
  | {
      /** Others are told nothing. */
      readonly mode: 'private'
      /** What this device knows of before; -1: nothing. */
      readonly through: number
    }
) & {
  /** How far the user has read, of all or of a thread, where others are not told: the own devices are to know. */
  readonly onPrivateRead?: ((through: number, thread?: MessageId) => void) | undefined
}

/** What a `read` entry says. */
type Told = Pick<ReadEntry, 'through' | 'received' | 'thread'>

export interface OwnReceiptsDeps {
  readonly user: UserId
  readonly setting: ReceiptsSetting
  /** As the document has it. */
  readonly folded: () => Folded
  /** It has all that the server has, and what is written goes out. */
  readonly isLive: () => boolean
  /** Nothing more of this user is taken. */
  readonly isBarred: () => boolean
  /** An own read entry has no stamp yet. */
  readonly isWaiting: () => boolean
  /** Something of others before the own register is there: else there is nothing to tell of in a conversation of one. */
  readonly hasUnread: () => boolean
  /** False when the rules take no more registers of threads. */
  readonly write: (read: Told) => boolean
  /** What was read of threads. */
  readonly threads: Pick<ThreadReads, 'read' | 'note' | 'next' | 'told' | 'keepUntold'>
  /** How far it is here has changed, and no entry says so yet. */
  readonly onAdvance: () => void
}

export class OwnReceipts {
  readonly #deps: OwnReceiptsDeps
  /** How far the user has come as known here, whether or not an entry says so. */
  #here: ReadRegister
  /** Seq up to which they have read in private, on any device: it counts here, and is not told. */
  #inPrivate = -1
  /** Newest seq that was looked at for arrivals. */
  #lookedThrough = -1
  #pause: ReturnType<typeof setTimeout> | undefined
  #gathering: ReturnType<typeof setTimeout> | undefined
  /** The last entry was of a thread: what was received does not wait for all of those. */
  #wasThread = false
  #over:
    | { readonly folded: Folded; readonly here: ReadRegister; readonly inPrivate: number; readonly view: Folded }
    | undefined
  #isClosed = false

  constructor(deps: OwnReceiptsDeps) {
    this.#deps = deps
    this.#here = deps.setting.mode === 'private' ? advance(unread, { through: deps.setting.through }) : unread
  }

  /** The fold, with the own register as it is here: what is not told yet is read all the same. */
  view(): Folded {
    const { user } = this.#deps
    const folded = this.#deps.folded()
    const told = folded.reads.get(user) ?? unread
    const through = Math.min(this.#inPrivate, folded.lastSeq)
    const register = advance(advance(told, this.#here), { through })
    if (register === told || !folded.members.has(user)) return folded
    const over = this.#over
    if (over?.folded === folded && over.here === this.#here && over.inPrivate === this.#inPrivate) return over.view
    const view = { ...folded, reads: new Map(folded.reads).set(user, register) }
    this.#over = { folded, here: this.#here, inPrivate: this.#inPrivate, view }
    return view
  }

  /** As another device says; others are told nothing of it, whatever the setting is here. */
  noteRead(through: number): void {
    if (through <= this.#inPrivate) return
    const before = this.view()
    this.#inPrivate = through
    if (this.view() !== before) this.#deps.onAdvance()
  }

  /** The user has read up to a seq. */
  read(through: number): void {
    const { setting, folded, user, hasUnread, onAdvance } = this.#deps
    if (through <= (this.view().reads.get(user)?.through ?? -1)) return
    if (folded().members.size < 2 && !hasUnread()) return
    this.#here = advance(this.#here, { through })
    if (setting.mode === 'private') setting.onPrivateRead?.(through)
    if (!this.#tell()) onAdvance()
  }

  /** The user has read a thread up to a seq. */
  readThread(read: ThreadRead): void {
    const { setting, threads, onAdvance } = this.#deps
    if (this.#isClosed) return
    if (setting.mode === 'private') {
      if (!threads.note(read)) return
      setting.onPrivateRead?.(read.through, read.thread)
    } else if (!threads.read(read)) return
    if (!this.#tell()) onAdvance()
  }

  /** The document or the connection has changed. */
  look(): void {
    if (this.#deps.setting.mode === 'private' || this.#isClosed) return
    this.#noteArrived()
    const { through, received } = this.#untold()
    if (through || this.#untoldThread() !== undefined) this.#tell()
    else if (received) this.#gathering ??= setTimeout(() => this.#tell(), limits.receivedPauseMs)
  }

  /** Tells at once what was gathered, each thread by itself: nobody may be there to do it later. */
  flush(): void {
    this.look()
    const { through, received } = this.#untold()
    if (through || (received && this.#deps.isLive())) this.#write(this.#register())
    for (let read = this.#untoldThread(); read !== undefined; read = this.#untoldThread()) this.#write(read)
  }

  close(): void {
    this.flush()
    this.#isClosed = true
    clearTimeout(this.#pause)
    clearTimeout(this.#gathering)
  }

  /** The newest message of others that has come, of those that were not looked at yet. */
  #noteArrived(): void {
    const { user, isLive, folded } = this.#deps
    const { sent, members, lastSeq } = folded()
    const isTold = members.size > 1 && members.size <= limits.receiptMembers
    if (!isTold || !isLive()) return
    // A server that was put back has fewer.
    const looked = Math.min(this.#lookedThrough, lastSeq)
    this.#lookedThrough = lastSeq
    for (let index = sent.length - 1; index >= 0; index--) {
      const message = sent[index]
      if (message === undefined || message.seq <= looked) return
      if (message.user === user) continue
      this.#here = advance(this.#here, { received: message.seq })
      return
    }
  }

  /** What no entry says yet, and one may say. */
  #untold(): { readonly through: boolean; readonly received: boolean } {
    const { user, setting, isBarred, folded } = this.#deps
    const { members, reads, lastSeq } = folded()
    if (setting.mode === 'private' || !members.has(user) || isBarred()) return { through: false, received: false }
    const told = reads.get(user) ?? unread
    const { through, received } = this.#here
    return {
      through: Math.min(through, lastSeq) > told.through,
      received: Math.min(received, lastSeq) > told.received,
    }
  }

  /** Of the threads, the one whose turn it is. */
  #untoldThread(): ThreadRead | undefined {
    const { user, setting, isBarred, folded, threads } = this.#deps
    return setting.mode === 'private' || !folded().members.has(user) || isBarred() ? undefined : threads.next()
  }

  /** False when nothing is written now: it is not its turn, or there is nothing to tell. */
  #tell(): boolean {
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    const { isWaiting } = this.#deps
    // What nobody has taken yet is not followed by more: later ones say all that earlier ones do.
    if (this.#pause !== undefined || isWaiting()) return false
    // One that the rules do not take is none.
    for (let read = this.#next(); read !== undefined; read = this.#next()) if (this.#write(read)) return true
    return false
  }

  /** One of them in each turn: what was read of all, then what was read of threads, one after another. */
  #next(): Told | undefined {
    const { through, received } = this.#untold()
    const thread = this.#untoldThread()
    const isDue = received && this.#deps.isLive() && (thread === undefined || this.#wasThread)
    return through || isDue ? this.#register() : thread
  }

  /** All of it, so that the entries before say nothing any more (SPEC SUPERSEDE1). */
  #register(): Told {
    const { user, folded } = this.#deps
    const { reads, lastSeq } = folded()
    const through = Math.min(this.#here.through, lastSeq)
    const received = Math.min(this.#here.received, lastSeq)
    const register = advance(reads.get(user) ?? unread, { through, received })
    return {
      ...(register.through >= 0 ? { through: register.through } : {}),
      ...(register.received > register.through ? { received: register.received } : {}),
    }
  }

  #write(told: Told): boolean {
    const { write, threads, setting } = this.#deps
    const { thread, through } = told
    const read = thread === undefined || through === undefined ? undefined : { thread, through }
    clearTimeout(this.#pause)
    this.#pause = setTimeout(() => {
      this.#pause = undefined
      this.look()
    }, limits.receiptPauseMs)
    this.#wasThread = read !== undefined
    const isTaken = write(told)
    if (read === undefined) return isTaken
    if (isTaken) threads.told(read)
    else {
      clearTimeout(this.#pause)
      this.#pause = undefined
      threads.keepUntold(read)
      setting.onPrivateRead?.(read.through, read.thread)
    }
    return isTaken
  }
}
