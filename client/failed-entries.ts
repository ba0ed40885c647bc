/** Own entries of an open conversation that the server did not take, or takes no more: kept to be copied, sent again or dropped. */

import type { MessageId } from '../shared/chat/entry.ts'
import type { UserId } from '../shared/sync/ids.ts'
import type { Draft, FailedChange, ReadableStore } from './api.ts'
import { besideThread, draftOf } from './own-entry.ts'
import type { OpenDocument } from './open-document.ts'
import type { KeptChange } from './outbox.ts'
import { createStore } from './store.ts'
import { findOpenMessage, openChanges, type OpenMessage, withdraw } from './withdraw.ts'

export interface FailedEntriesDeps {
  readonly user: UserId
  readonly document: () => OpenDocument
  /** The server takes nothing more from this user here. */
  readonly isBarred: () => boolean
}

export class FailedEntries {
  readonly #deps: FailedEntriesDeps
  readonly #changes = createStore<readonly KeptChange[]>([])
  /** What the list was made of, where nothing else is in it. */
  #seen: readonly KeptChange[] | undefined

  constructor(deps: FailedEntriesDeps) {
    this.#deps = deps
  }

  get changes(): ReadableStore<readonly FailedChange[]> {
    return this.#changes
  }

  /** What a failed message was written as; where the root of its thread is not there, as a reply to that. */
  draft(id: MessageId): Draft | undefined {
    const failed = this.#deps.document().outbox.failed()
    const found = failed.find(({ entry }) => entry.id === id)
    const entry = found?.entry ?? this.#findBarred(id)?.entry
    if (entry === undefined) return undefined
    return found?.reason === 'no-target' ? besideThread(draftOf(entry)) : draftOf(entry)
  }

  /** False when there is no failed message with this id. */
  discard(id: MessageId): boolean {
    const barred = this.#findBarred(id)
    if (barred !== undefined) withdraw(this.#deps.document(), barred)
    return barred !== undefined || this.#deps.document().outbox.discard(id) !== undefined
  }

  /** False when it is not kept. */
  dismiss(change: FailedChange): boolean {
    const kept = this.#changes.getSnapshot().find(({ entry }) => entry === change.entry)
    if (kept === undefined) return false
    if (!this.#deps.document().outbox.dismiss(kept)) withdraw(this.#deps.document(), kept)
    return true
  }

  /** Shows nothing any more. */
  forget(): void {
    this.#changes.set([])
  }

  /** Something has changed. */
  look(): void {
    const kept = this.#deps.document().outbox.failedChanges()
    const isBarred = this.#deps.isBarred()
    if (!isBarred && kept === this.#seen) return
    this.#seen = isBarred ? undefined : kept
    const before = this.#changes.getSnapshot()
    const barred = isBarred ? openChanges(this.#deps.document(), this.#deps.user) : []
    // The same objects, by which they are dismissed: those that are open are read anew each time.
    const now = [...kept, ...barred].map(
      (change) => before.find(({ row, reason }) => row === change.row && reason === change.reason) ?? change,
    )
    const same = now.length === before.length && now.every((change, at) => change === before[at])
    if (!same) this.#changes.set(now)
  }

  /** A message that cannot go out any more, and that the server has said nothing of. */
  #findBarred(id: MessageId): OpenMessage | undefined {
    return this.#deps.isBarred() ? findOpenMessage(this.#deps.document(), id) : undefined
  }
}
