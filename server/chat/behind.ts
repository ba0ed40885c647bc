/**
 * Notes that devices knew more of a conversation than this server does (SPEC EPOCH3): so it looks when the data was put
 * back from a copy without `parley restore`. Nothing follows from it, for anybody can say so; operators are told.
 */

import { limits } from '../../shared/limits.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'

export class BehindNotes {
  readonly #named = new Set<ConversationId>()
  #count = 0

  /** How often a device was turned away. */
  get count(): number {
    return this.#count
  }

  note(conversation: ConversationId): void {
    this.#count++
    if (this.#named.size < limits.namedInWarning) this.#named.add(conversation)
  }

  /** In words for operators; empty when nothing was noted. */
  warnings(): readonly string[] {
    if (this.#count === 0) return []
    const told = `devices that know more than this server were turned away ${this.#count} times, from ${[...this.#named].join(', ')}`
    return [`${told}: if the data was put back from a copy, stop the server and run \`parley restore\``]
  }
}
