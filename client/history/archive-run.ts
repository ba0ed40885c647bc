/** A run of archived messages without a gap, and what makes it longer or changes it. Plain data; knows no store. */

import type { Archived } from '../../shared/chat/fold.ts'
import { applyTouch, type StampedMessage, type StampedTouch } from '../../shared/chat/message.ts'
import type { MessageId } from '../../shared/chat/entry.ts'
import type { ArchiveTouches } from '../../shared/chat/window.ts'
import type { PageRun } from '../storage/page-store.ts'

/** As a page run, but it may be empty: then `from` is `to`. */
export type ArchiveRun = PageRun

export function emptyRun(at: number): ArchiveRun {
  return { from: at, to: at, messages: [] }
}

/** Two runs that meet, the older one first. */
export function joinRuns(older: ArchiveRun, newer: ArchiveRun): ArchiveRun {
  return { from: older.from, to: newer.to, messages: [...older.messages, ...newer.messages] }
}

/** Without what lies beyond `to`. */
export function cutRun(run: ArchiveRun, to: number): ArchiveRun {
  if (run.to <= to) return run
  return { from: Math.min(run.from, to), to, messages: run.messages.filter(({ seq }) => seq < to) }
}

/** Without what lies before `from`. */
export function cutStart(run: ArchiveRun, from: number): ArchiveRun {
  if (run.from >= from) return run
  return { from: Math.min(from, run.to), to: run.to, messages: run.messages.filter(({ seq }) => seq >= from) }
}

/** The newest `count` messages of a run. */
export function newestOf(run: ArchiveRun, count: number): ArchiveRun {
  const messages = run.messages.slice(-count)
  return messages.length === run.messages.length ? run : { from: messages[0]?.seq ?? run.to, to: run.to, messages }
}

/** The oldest `count` messages of a run. */
export function oldestOf(run: ArchiveRun, count: number): ArchiveRun {
  const messages = run.messages.slice(0, count)
  if (messages.length === run.messages.length) return run
  return { from: run.from, to: (messages.at(-1)?.seq ?? run.from - 1) + 1, messages }
}

/** With what is known of them meanwhile; the same run when nothing is newer. */
export function withChanged(run: ArchiveRun, changed: readonly StampedMessage[]): ArchiveRun {
  const byId = new Map<MessageId, StampedMessage>(changed.map((message) => [message.id, message]))
  return mapRun(run, (message) => {
    const other = byId.get(message.id)
    return other !== undefined && other.revision > message.revision ? other : message
  })
}

/** With what entries do to its messages, each once; the same run when that is nothing. */
export function withTouches(run: ArchiveRun, touches: ArchiveTouches): ArchiveRun {
  if (touches.size === 0) return run
  return mapRun(run, (message) =>
    (touches.get(message.id) ?? []).reduce(
      (now: StampedMessage, touch: StampedTouch) => applyTouch(now, touch),
      message,
    ),
  )
}

/** Up to where all that left is as it should be: what lacks a change, but has a later one, is not. */
export function endOf({ messages, through, asOf }: Archived): number {
  if (asOf >= through) return through
  const unsure = messages.find(({ revision }) => revision > asOf)
  return Math.min(asOf, (unsure?.seq ?? Infinity) - 1)
}

function mapRun(run: ArchiveRun, change: (message: StampedMessage) => StampedMessage): ArchiveRun {
  const messages = run.messages.map(change)
  return messages.every((message, index) => message === run.messages[index]) ? run : { ...run, messages }
}
