/** What is pending on top of what is stamped. One more entry behind the others costs one more step. */

import type { MessageId } from './entry.ts'
import { ChangeLog, type ChangeMark } from './change-log.ts'
import type { PendingEntry, PendingEvent, PendingMessage, PendingTouch, Waiting } from './pending.ts'
import { applyToRoster, type OwnMaps, type Roster } from './roster.ts'

export interface FoldedPending {
  readonly roster: Roster
  readonly pending: readonly PendingMessage[]
  readonly touches: ReadonlyMap<MessageId, readonly PendingTouch[]>
  readonly events: readonly PendingEvent[]
}

export class PendingFold {
  #taken = 0
  #stamped: Roster | undefined
  #roster: Roster | undefined
  /** Those that change the roster. */
  #rosterEntries: PendingEntry[] = []
  /** Of all messages among the entries, shown or not; undefined: it is sent too. */
  #ids = new Map<MessageId, PendingMessage | undefined>()
  #pending: PendingMessage[] = []
  #touches = new Map<MessageId, readonly PendingTouch[]>()
  #shownPending: readonly PendingMessage[] | undefined
  #shownTouches: ReadonlyMap<MessageId, readonly PendingTouch[]> | undefined
  #events: readonly PendingEvent[] = noEvents
  #isStale = false
  readonly #pendingLog = new ChangeLog<number>()
  readonly #touchesLog = new ChangeLog<MessageId>()

  /** A message that is shown as pending, as of the last `take`. */
  message(id: MessageId): PendingMessage | undefined {
    return this.#ids.get(id)
  }

  /** A message with this id is stamped: the same one can stand in two chains of its author. */
  noteSent(id: MessageId): void {
    if (this.#ids.has(id)) this.#isStale = true
  }

  /** Messages are not in the window any more. */
  noteLeft(): void {
    if (this.#ids.size > 0) this.#isStale = true
  }

  /** `isSent`: whether the window has it; where that changes, it has to be noted. What it returns is never changed. */
  take({ entries, kept }: Waiting, stamped: Roster, isSent: (id: MessageId) => boolean): FoldedPending {
    if (kept < this.#taken || this.#isStale) this.#begin()
    for (let index = this.#taken; index < entries.length; index++) {
      const entry = entries[index]
      if (entry !== undefined) this.#add(entry, isSent)
    }
    this.#taken = entries.length
    if (this.#roster === undefined || this.#stamped !== stamped) {
      this.#stamped = stamped
      const own: OwnMaps = {}
      this.#roster = this.#rosterEntries.reduce((roster, waiting) => withEntry(roster, waiting, own), stamped)
    }
    return {
      roster: this.#roster,
      pending: (this.#shownPending ??= [...this.#pending]),
      touches: (this.#shownTouches ??= new Map(this.#touches)),
      events: this.#events,
    }
  }

  marks(): { readonly pending: ChangeMark<number>; readonly pendingTouches: ChangeMark<MessageId> } {
    return { pending: this.#pendingLog.mark(), pendingTouches: this.#touchesLog.mark() }
  }

  #begin(): void {
    this.#taken = 0
    this.#isStale = false
    this.#roster = undefined
    this.#rosterEntries = []
    this.#events = noEvents
    this.#ids = new Map()
    this.#pending = []
    this.#shownPending = undefined
    this.#pendingLog.restart()
    if (this.#touches.size === 0) return
    this.#touches = new Map()
    this.#shownTouches = undefined
    this.#touchesLog.restart()
  }

  #add(waiting: PendingEntry, isSent: (id: MessageId) => boolean): void {
    const { entry, message, touch, event } = waiting
    if (event !== undefined) this.#events = [...this.#events, event]
    if (message !== undefined) {
      // Appended again after a crash, and not lost after all.
      const isTwice = isSent(message.id) || this.#ids.has(message.id)
      if (isTwice) {
        this.#ids.set(message.id, this.#ids.get(message.id))
        return
      }
      this.#ids.set(message.id, message)
      this.#pendingLog.note(this.#pending.push(message) - 1)
      this.#shownPending = undefined
    }
    if (touch !== undefined) {
      const { of } = touch.entry
      this.#touches.set(of, [...(this.#touches.get(of) ?? []), touch])
      this.#touchesLog.note(of)
      this.#shownTouches = undefined
    }
    if (message !== undefined || entry.kind === 'react' || entry.kind === 'edit' || entry.kind === 'redact') return
    this.#rosterEntries.push(waiting)
    this.#roster &&= withEntry(this.#roster, waiting)
  }
}

const noEvents: readonly PendingEvent[] = []

function withEntry(roster: Roster, { user, entry }: PendingEntry, own?: OwnMaps): Roster {
  return applyToRoster(roster, user, entry, Number.MAX_SAFE_INTEGER, own)
}
