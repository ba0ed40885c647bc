/** What the SDK tells of the timeline beside messages, as types. */

import type { EventEntry, TimelineEvent } from '../../shared/chat/timeline-event.ts'
import type { UserId } from '../../shared/sync/ids.ts'

export type { EventEntry, TimelineEvent } from '../../shared/chat/timeline-event.ts'

/**
 * Somebody was added, removed, left or given another access, or joined with an `invitation` of `user`; something was set or pinned.
 */
export type ChatEvent =
  | (TimelineEvent & { readonly pending?: never })
  /** Own, and not durable on the server yet. */
  | { readonly user: UserId; readonly entry: EventEntry; readonly seq?: never; readonly pending: true }

/** All that happened from the seq `from` up to, not including, `to`, in one epoch. */
export interface EventRun {
  readonly epoch: number
  readonly from: number
  readonly to: number
  readonly events: readonly TimelineEvent[]
}
