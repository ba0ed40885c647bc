/**
 * The pinned messages of an open conversation, in the order of pinning, with who pinned them as far as the events that are
 * here tell. What the messages say is for `quotes` to find out.
 */

import type { Folded } from '../../shared/chat/fold.ts'
import { historyFrom } from '../../shared/chat/roster.ts'
import type { TimelineEvent } from '../../shared/chat/timeline-event.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { ReadableStore } from '../api.ts'
import { createStore } from '../store.ts'
import type { Pin } from './pins-api.ts'

export interface OpenPinsDeps {
  readonly user: UserId
  readonly folded: () => Folded
  /** What is known to have happened, in lists that stay the same until more is known. */
  readonly events: () => readonly (readonly TimelineEvent[])[]
  /** Own entries cannot go out any more. */
  readonly isBarred: () => boolean
}

/** Of entries without a place yet, as the fold has them. */
const pendingSeq = Number.MAX_SAFE_INTEGER

export class OpenPins {
  readonly #deps: OpenPinsDeps
  readonly #store = createStore<readonly Pin[]>([])
  /** What it was made of. */
  #seen: readonly unknown[] = []

  constructor(deps: OpenPinsDeps) {
    this.#deps = deps
  }

  get store(): ReadableStore<readonly Pin[]> {
    return this.#store
  }

  /** Shows nothing any more. */
  forget(): void {
    this.#store.set([])
  }

  /** The document has changed, or more events are known. */
  look(): void {
    const { folded, events, user, isBarred } = this.#deps
    const view = folded()
    const [lists, barred] = [events(), isBarred()]
    const seen = [view.pins, barred, ...lists]
    if (seen.length === this.#seen.length && seen.every((part, index) => part === this.#seen[index])) return
    this.#seen = seen
    const from = historyFrom(view, user)
    const pins = [...view.pins]
      .filter(([, seq]) => seq >= from && !(barred && seq === pendingSeq))
      .toSorted(([, a], [, b]) => a - b)
    const pinned = pinnedIn(lists)
    const before = this.#store.getSnapshot()
    const known = new Map(before.map((pin) => [pin.message, pin]))
    const now = pins.map(([message, seq]) => {
      const event = pinned.get(seq)
      const told = event === undefined ? {} : { user: event.user, at: event.timeMs }
      return sameOr(known.get(message), { message, ...(seq === pendingSeq ? { user, pending: true } : told) })
    })
    if (now.length !== before.length || now.some((pin, index) => pin !== before[index])) this.#store.set(now)
  }
}

function pinnedIn(lists: readonly (readonly TimelineEvent[])[]): ReadonlyMap<number, TimelineEvent> {
  const pinned = lists.flatMap((events) => events.filter(({ entry }) => entry.kind === 'pin'))
  return new Map(pinned.map((event) => [event.seq, event]))
}

/** The same object where they say the same. */
function sameOr(before: Pin | undefined, now: Pin): Pin {
  const isSame = before?.user === now.user && before?.at === now.at && before?.pending === now.pending
  return before !== undefined && isSame ? before : now
}
