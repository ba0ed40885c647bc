/**
 * What of a conversation is on its way to the disk: what the next commit takes, and what the one in flight has taken.
 * Looks things up as they will be, so that what is judged now is judged upon what was accepted a moment ago.
 */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { ClaimRow, ConversationStore } from '../storage/conversation-store.ts'
import { Staged } from './staged.ts'

export class Uncommitted {
  readonly #store: ConversationStore
  readonly #id: ConversationId
  #staged = new Staged()
  #inFlight: Staged | undefined

  constructor(store: ConversationStore, id: ConversationId) {
    this.#store = store
    this.#id = id
  }

  /** What the next commit takes. */
  get staged(): Staged {
    return this.#staged
  }

  get inFlight(): Staged | undefined {
    return this.#inFlight
  }

  get bytes(): number {
    return this.#staged.bytes + (this.#inFlight?.bytes ?? 0)
  }

  /** A commit takes what is staged, and is in flight until `settle`. */
  take(): Staged {
    const staged = this.#staged
    this.#staged = new Staged()
    this.#inFlight = staged
    return staged
  }

  settle(): void {
    this.#inFlight = undefined
  }

  /** What waited for a commit waited for nothing: all there was is durable already. */
  resolveStaged(): void {
    this.#staged.resolve()
    this.#staged = new Staged()
  }

  /** The claims on these ids that there are. */
  async claims(ids: readonly MessageId[]): Promise<Map<MessageId, ClaimRow>> {
    const claims = new Map<MessageId, ClaimRow>()
    const unknown: MessageId[] = []
    for (const id of ids) {
      const row = this.#staged.claims.get(id) ?? this.#inFlight?.claims.get(id)
      if (row === undefined) unknown.push(id)
      else claims.set(id, row)
    }
    if (unknown.length === 0) return claims
    for (const row of await this.#store.claims(this.#id, unknown)) if (row !== undefined) claims.set(row.id, row)
    return claims
  }

  /** Which message an Idempotency-Key made. */
  async idempotent(user: UserId, key: string): Promise<MessageId | undefined> {
    const isIt = (row: { readonly user: UserId; readonly key: string }): boolean => row.user === user && row.key === key
    const row = this.#staged.idempotency.find(isIt) ?? this.#inFlight?.idempotency.find(isIt)
    return (row ?? (await this.#store.idempotency(this.#id, user, key)))?.id
  }

  /** The title, given the one of the last commit. */
  title(committed: string | null): string | null {
    return (this.#staged.title ?? this.#inFlight?.title ?? { value: committed }).value
  }
}
