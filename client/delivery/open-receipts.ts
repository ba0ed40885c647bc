/** How far everybody has come in an open conversation: its user, and what is told of that; the others, and who exactly. */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { Folded } from '../../shared/chat/fold.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { MessageReceipts, ReadableStore } from '../api.ts'
import type { Author } from '../author.ts'
import type { OpenDocument } from '../open-document.ts'
import { readThrough } from '../unread.ts'
import { OwnReceipts, type OwnReceiptsDeps, type ReceiptsSetting } from './own-receipts.ts'
import { ReceiptsWatch } from './receipts-watch.ts'

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
  readonly #own: OwnReceipts
  readonly #watch: ReceiptsWatch

  constructor({ document, archived, receipts, ...deps }: OpenReceiptsDeps) {
    const folded = (): Folded => document().replica.folded
    this.#user = deps.user
    this.#author = deps.author
    this.#own = new OwnReceipts({
      ...deps,
      setting: receipts,
      folded,
      isWaiting: () => document().outbox.hasOpen('read'),
      write: (register) => deps.author.tellRead(register),
    })
    this.#watch = new ReceiptsWatch({ folded, find: (id) => document().replica.fold.message(id) ?? archived(id) })
  }

  /** The fold, with how far the user has come as known here. */
  view(): Folded {
    return this.#own.view()
  }

  /** Seq up to which the user has read as known here, whether or not others were told; -1 before the first. */
  get readThrough(): number {
    return readThrough(this.view(), this.#user)
  }

  markRead(through?: number): void {
    const reached = this.#author.reached(through)
    if (reached !== undefined) this.#own.read(reached)
  }

  /** The user has read up to a seq elsewhere, in private. */
  noteRead(through: number): void {
    this.#own.noteRead(through)
  }

  of(id: MessageId): ReadableStore<MessageReceipts> {
    return this.#watch.of(id)
  }

  /** The document or the connection has changed. */
  look(): void {
    this.#watch.look()
    this.#own.look()
  }

  /** What others are to be told is told now, not when it would be its turn. */
  tell(): void {
    this.#own.flush()
  }

  close(): void {
    this.#own.close()
  }
}
