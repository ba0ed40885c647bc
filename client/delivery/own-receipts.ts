/**
 * What others are told of how far the user of an open conversation has come: gathered, so that a device writes an entry now
 * and then, not for each message (SPEC RECEIPT1). How far that is here counts at once, whatever still waits for its turn.
 */

import type { Folded } from '../../shared/chat/fold.ts'
import { advance, type ReadRegister, unread } from '../../shared/chat/roster.ts'
import { limits } from '../../shared/limits.ts'
import type { UserId } from '../../shared/sync/ids.ts'

/** `private`: others are told nothing, and `onPrivateRead` hears how far the user has read. */
export type ReceiptsSetting =
  | { readonly mode: 'on' }
  | {
      readonly mode: 'private'
      /** What this device knows of before; -1: nothing. */
      readonly through: number
      readonly onPrivateRead?: ((through: number) => void) | undefined
    }

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
  readonly write: (register: { readonly through?: number; readonly received?: number }) => void
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

  /** The document or the connection has changed. */
  look(): void {
    if (this.#deps.setting.mode === 'private' || this.#isClosed) return
    this.#noteArrived()
    const { through, received } = this.#untold()
    if (through) this.#tell()
    else if (received) this.#gathering ??= setTimeout(() => this.#tell(), limits.receivedPauseMs)
  }

  /** Tells at once what was gathered: nobody may be there to do it later. */
  flush(): void {
    this.look()
    const { through, received } = this.#untold()
    if (through || (received && this.#deps.isLive())) this.#write()
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

  /** False when nothing is written now: it is not its turn, or there is nothing to tell. */
  #tell(): boolean {
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    const { through, received } = this.#untold()
    const { isLive, isWaiting } = this.#deps
    // What nobody has taken yet is not followed by more: later ones say all that earlier ones do.
    const isTurn = this.#pause === undefined && !isWaiting()
    if (!isTurn || !(through || (received && isLive()))) return false
    this.#write()
    return true
  }

  #write(): void {
    const { user, folded, write } = this.#deps
    const { reads, lastSeq } = folded()
    const told = reads.get(user) ?? unread
    const through = Math.min(this.#here.through, lastSeq)
    const received = Math.min(this.#here.received, lastSeq)
    clearTimeout(this.#pause)
    this.#pause = setTimeout(() => {
      this.#pause = undefined
      this.look()
    }, limits.receiptPauseMs)
    // All of it, so that the entries before say nothing any more (SPEC SUPERSEDE1).
    const register = advance(told, { through, received })
    write({
      ...(register.through >= 0 ? { through: register.through } : {}),
      ...(register.received > register.through ? { received: register.received } : {}),
    })
  }
}
