/**
 * What happened to people, settings and pins, as far as an open conversation shows it (SPEC EVENT1): of the range of its
 * messages. What left the window is known as one run that ends where the window begins; what is older is fetched when it is
 * shown. The newest of it are kept on the device; what is not here is not claimed.
 */

import type { Archived, Folded } from '../../shared/chat/fold.ts'
import { historyFrom } from '../../shared/chat/roster.ts'
import type { TimelineEvent } from '../../shared/chat/timeline-event.ts'
import { limits } from '../../shared/limits.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { ReadableStore } from '../api.ts'
import { createStore } from '../store.ts'
import type { ChatEvent, EventRun } from './events-api.ts'

export interface OpenEventsDeps {
  readonly user: UserId
  /** What is kept of them; undefined when nothing is. */
  readonly kept: () => EventRun | undefined
  /** The newest right before a seq, at most `limits.pageEvents`, ascending. Rejects when the server cannot be asked. */
  readonly fetch: (before: number) => Promise<readonly TimelineEvent[]>
  readonly folded: () => Folded
  /** Seqs that are shown before the window, `to` exclusive, and whether nothing is missing between them and the window. */
  readonly shown: () => { readonly from: number; readonly to: number; readonly reachesWindow: boolean }
  readonly isConnected: () => boolean
  /** Own entries cannot go out any more. */
  readonly isBarred: () => boolean
  /** More of them is known. */
  readonly onKnown: () => void
}

/** After the server did not answer. */
const retryMs = 30_000

const nothing: readonly TimelineEvent[] = []

export class OpenEvents {
  readonly #deps: OpenEventsDeps
  readonly #store = createStore<readonly ChatEvent[]>([])
  #run: EventRun | undefined
  /** What the list was made of. */
  #seen: readonly unknown[] = []
  #retryAt = 0
  #isFetching = false
  #isClosed = false

  constructor(deps: OpenEventsDeps) {
    this.#deps = deps
    this.#run = deps.kept()
  }

  get store(): ReadableStore<readonly ChatEvent[]> {
    return this.#store
  }

  /** The newest of what is known before the window: to be kept. */
  get known(): EventRun | undefined {
    const run = this.#run
    if (run === undefined || run.events.length <= limits.keptEvents) return run
    const events = run.events.slice(-limits.keptEvents)
    return { ...run, from: events[0]?.seq ?? run.from, events }
  }

  /** All that is known here, shown or not: what is archived, and the window. The same lists until more is known. */
  get everything(): readonly [archived: readonly TimelineEvent[], live: readonly TimelineEvent[]] {
    return [this.#run?.events ?? nothing, this.#deps.folded().events]
  }

  /** The document has changed, or what is shown of its archive; what left its window is taken over. */
  take(archived: readonly Archived[]): void {
    const { genesis, through } = this.#deps.folded()
    if (genesis === undefined) return this.#show()
    const { epoch } = genesis
    // In a later epoch a seq can be that of another entry.
    let run = this.#run?.epoch === epoch ? this.#run : undefined
    for (const { before, through: end, asOf, events } of archived) {
      // It was kept by an earlier session, or another tab.
      if (run !== undefined && run.to > end) continue
      const isWhole = asOf >= end && (run === undefined || run.to === before + 1)
      const { from, events: earlier } = run ?? { from: before + 1, events: [] }
      run = isWhole ? { epoch, from, to: end + 1, events: [...earlier, ...events] } : undefined
    }
    this.#run = run?.to === through + 1 ? run : { epoch, from: through + 1, to: through + 1, events: nothing }
    this.#show()
    this.look()
  }

  /** There may be a connection now, or more to show. */
  look(): void {
    const { isConnected, onKnown, fetch } = this.#deps
    const run = this.#run
    if (this.#isFetching || this.#isClosed || run === undefined || !isConnected() || !this.#lacks(run)) return
    if (performance.now() < this.#retryAt) return
    this.#isFetching = true
    fetch(run.from)
      .then(
        (events) => {
          const isAll = events.length < limits.pageEvents
          const from = isAll ? 0 : (events[0]?.seq ?? 0)
          // Meanwhile the window may have moved on, or another epoch have begun.
          const now = this.#run
          if (now?.epoch !== run.epoch || now.from !== run.from) return
          this.#run = { ...now, from, events: [...events, ...now.events] }
          onKnown()
          this.#show()
        },
        // What is not here is not shown; it is asked for again when there is a reason to.
        () => void (this.#retryAt = performance.now() + retryMs),
      )
      .finally(() => {
        this.#isFetching = false
        this.look()
      })
  }

  close(): void {
    this.#isClosed = true
  }

  /** Behind `close`: shows nothing any more. */
  forget(): void {
    this.#store.set([])
  }

  #lacks({ from }: EventRun): boolean {
    const { folded, user, shown } = this.#deps
    const wanted = shown()
    return wanted.from < wanted.to && Math.max(wanted.from, historyFrom(folded(), user)) < from
  }

  #show(): void {
    if (this.#isClosed) return
    const { folded, shown, user, isBarred } = this.#deps
    const { events, pendingEvents } = folded()
    const { from, to, reachesWindow } = shown()
    const seen = [this.#run, events, pendingEvents, from, to, reachesWindow, isBarred()]
    if (seen.every((part, index) => part === this.#seen[index])) return
    this.#seen = seen
    const archived = this.#run?.events.filter(({ seq }) => seq >= from && seq < to) ?? []
    const pending = isBarred() ? [] : pendingEvents.filter((event) => event.user === user)
    const next = reachesWindow ? [...archived, ...events, ...pending.map(asPending)] : archived
    const before = this.#store.getSnapshot()
    if (next.length !== before.length || next.some((event, index) => !isSame(event, before[index])))
      this.#store.set(next)
  }
}

function asPending({ user, entry }: Folded['pendingEvents'][number]): ChatEvent {
  return { user, entry, pending: true }
}

function isSame(a: ChatEvent, b: ChatEvent | undefined): boolean {
  return a === b || (a.pending === true && a.pending === b?.pending && a.entry === b.entry)
}
