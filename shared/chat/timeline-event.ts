/**
 * What happened to people, settings and pins (SPEC EVENT1), in order among the messages: by whom, when, and what. Follows
 * from entries; knows nothing of where they are kept.
 */

import { limits } from '../limits.ts'
import type { UserId } from '../sync/ids.ts'
import { type Entry, type MemberEntry, parseMessageId, type PinEntry, readMember, type SetEntry } from './entry.ts'

/** Of a `set` the value is absent where it is longer than an event may be. */
export type EventEntry = MemberEntry | PinEntry | (Pick<SetEntry, 'kind' | 'key'> & { readonly value?: unknown })

export interface TimelineEvent {
  readonly seq: number
  readonly user: UserId
  /** The server's time. */
  readonly timeMs: number
  readonly entry: EventEntry
}

/** What an entry tells in the timeline; undefined when nothing. */
export function eventIn(entry: Entry): EventEntry | undefined {
  if (entry.kind === 'member' || entry.kind === 'pin') return entry
  if (entry.kind !== 'set') return undefined
  const { kind, key, value } = entry
  return JSON.stringify(value).length > limits.eventValueLength ? { kind, key } : entry
}

/** Reads what was written as JSON; undefined for what is none. */
export function parseEventEntry(value: unknown): EventEntry | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const fields: Readonly<Record<string, unknown>> = { ...value }
  const { kind, key, on } = fields
  switch (kind) {
    case 'member':
      return readMember(fields)
    case 'pin': {
      const of = parseMessageId(fields['of'])
      return of === undefined || typeof on !== 'boolean' ? undefined : { kind, of, on }
    }
    case 'set':
      if (typeof key !== 'string') return undefined
      return 'value' in fields ? { kind, key, value: fields['value'] } : { kind, key }
    default:
      return undefined
  }
}

/** The events of the live window, by seq. */
export class WindowEvents {
  #events: TimelineEvent[] = []
  #shown: readonly TimelineEvent[] | undefined

  /** By ascending seq; the same array until something changes. */
  list(): readonly TimelineEvent[] {
    return (this.#shown ??= [...this.#events])
  }

  /** The next one; what is no event is left out. */
  add({ user, seq, timeMs }: Omit<TimelineEvent, 'entry'>, entry: Entry): void {
    const event = eventIn(entry)
    if (event === undefined) return
    this.#events.push({ seq, user, timeMs, entry: event })
    this.#shown = undefined
  }

  /** Gives up what stands at or before `through`. */
  leave(through: number): readonly TimelineEvent[] {
    const kept = this.#events.filter(({ seq }) => seq > through)
    const left = this.#events.slice(0, this.#events.length - kept.length)
    if (left.length === 0) return left
    this.#events = kept
    this.#shown = undefined
    return left
  }
}
