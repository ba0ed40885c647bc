/**
 * What was found damaged while a store was open: such a conversation is refused as a whole, so that nobody is served half
 * of it or writes upon it, and the others go on (SPEC STORE9). Knows nothing of rows.
 */

import type { ConversationId } from '../../shared/sync/ids.ts'
import { isDamage, StoreError } from './conversation-store.ts'

export interface DamageOptions {
  /** Told once of each conversation that is found damaged. */
  readonly onDamage?: ((error: StoreError) => void) | undefined
}

export class Damages {
  readonly #found = new Map<ConversationId, string>()
  readonly #onDamage: (error: StoreError) => void

  constructor({ onDamage = () => undefined }: DamageOptions) {
    this.#onDamage = onDamage
  }

  /** Throws StoreError `damaged` when something of it was found damaged before. */
  assertWhole(conversation: ConversationId): void {
    const what = this.#found.get(conversation)
    if (what !== undefined) throw new StoreError('damaged', what, { conversation })
  }

  /** Notes damage that was met while `conversation` was read; returns the error to throw, which names it. */
  note(conversation: ConversationId, error: unknown): unknown {
    if (!isDamage(error)) return error
    const named =
      error.conversation === undefined
        ? new StoreError('damaged', `conversation ${conversation}: ${error.message}`, { cause: error, conversation })
        : error
    const found = named.conversation ?? conversation
    if (!this.#found.has(found)) {
      this.#found.set(found, named.message)
      this.#onDamage(named)
    }
    return named
  }

  condemn(conversation: ConversationId, what: string): StoreError {
    const error = new StoreError('damaged', `conversation ${conversation}: ${what}`, { conversation })
    this.note(conversation, error)
    return error
  }

  found(): ReadonlyMap<ConversationId, string> {
    return this.#found
  }
}
