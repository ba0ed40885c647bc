/**
 * Moves the window of a live conversation on: when the document has more than it may hold (SPEC ARCH1), and before somebody
 * follows it who is not to get what was there before they joined (SPEC HISTORY1). A document is one for all its members.
 */

import { rosterToJson } from '../../shared/chat/roster.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { Ledger } from '../sync/ledger.ts'
import type { Serial } from '../sync/serial.ts'
import { isOverfull, planArchiving } from './archiving.ts'
import type { LiveDeps } from './live-deps.ts'
import type { LiveRoster } from './live-roster.ts'

/** What it needs of the conversation. */
export interface KeptConversation {
  readonly id: ConversationId
  readonly deps: LiveDeps
  readonly ledger: Ledger
  readonly roster: LiveRoster
  readonly serially: Serial
  readonly ended: unknown
  readonly assertMember: (user: UserId) => void
  /** Resolves when what is staged is durable. */
  readonly commit: () => Promise<void>
  /** Runs a job in its turn that nobody waits for. */
  readonly tidy: (job: () => Promise<void>) => void
}

export class WindowKeeper {
  readonly #live: KeptConversation
  /** Of what is durable: seq of the last archived entry. */
  #through: number
  #isDue = false

  constructor(live: KeptConversation, through: number) {
    this.#live = live
    this.#through = through
  }

  /** A commit is durable that leaves everything up to this seq archived. */
  noteDurable(through: number): void {
    this.#through = through
  }

  /** Whether the document has nothing that a member is not to get. */
  mayShow(user: UserId): boolean {
    return this.#live.roster.historyFrom(user) <= this.#through + 1
  }

  /** Sees to that; resolves when it is durable. Throws the fault that keeps `user` out. */
  async showFrom(user: UserId): Promise<void> {
    const live = this.#live
    while (!this.mayShow(user)) {
      const archived = await live.serially(async () => {
        live.assertMember(user)
        await this.#archive(live.roster.historyFrom(user))
        return { durable: live.commit() }
      })
      await archived.durable
    }
  }

  /** Sees to it that the document has no more than the window. */
  keepWindow(): void {
    const { ledger, deps } = this.#live
    if (this.#isDue || !isOverfull(ledger.window, ledger.nextSeq, deps.window)) return
    this.#isDue = true
    this.#live.tidy(async () => {
      try {
        await this.#archive()
      } finally {
        this.#isDue = false
      }
    })
  }

  /** The oldest entries, or all before `from`. In a serial job. */
  async #archive(from?: number): Promise<void> {
    const { id, deps, ledger, roster } = this.#live
    // Nothing else is staged meanwhile: all there is becomes durable, and what is durable is all there is.
    await this.#live.commit()
    if (this.#live.ended !== undefined) return
    const state = (): Readonly<Record<string, unknown>> => rosterToJson(roster.toRoster())
    const plan = await planArchiving(deps.store, id, ledger.durable(), ledger.window, deps.window, state, from)
    if (plan === undefined) return
    ledger.archive(plan)
    void this.#live.commit()
  }
}
