/**
 * From what is sent, what is pending and the outbox to what a conversation shows. Messages that did not change stay the
 * same objects. It follows the fold: what did not change since it last looked is not looked at (SPEC VIEW1); only the list
 * of all of them is written down anew, as a list of the same objects.
 */

import { type ChangeMark, changedSince } from '../shared/chat/change-log.ts'
import type { MessageId } from '../shared/chat/entry.ts'
import type { Folded, FoldedMarks } from '../shared/chat/fold.ts'
import type { StampedMessage } from '../shared/chat/message.ts'
import type { UserId } from '../shared/sync/ids.ts'
import type { ChatMessage } from './api.ts'
import { createReceiptMarks, noMarks, placesBetween } from './delivery/receipt-marks.ts'
import type { FailedMessage } from './outbox.ts'
import { TimelinePart, type TimelinePartDeps } from './timeline-part.ts'
import { createTimelineViews } from './timeline-views.ts'

/** What stands before the window, as far as it is shown. */
export interface ShownArchive {
  /** By ascending seq, with what live entries do to them; the same array until something changes. */
  readonly messages: readonly StampedMessage[]
  /** Nothing is missing between them and the window. */
  readonly reachesWindow: boolean
}

export interface Timeline {
  /**
   * `isBarred`: what is pending of one's own cannot go out any more. `marks`: those of this view; without them everything
   * is looked at.
   */
  readonly messages: (
    folded: Folded,
    failed: readonly FailedMessage[],
    isBarred?: boolean,
    archive?: ShownArchive,
    marks?: FoldedMarks,
  ) => readonly ChatMessage[]
  /** A message of the window, pending, failed or shown from the archive, as of the last `messages`. */
  readonly find: (id: MessageId) => ChatMessage | undefined
  /** Those of them that are in the window, pending or failed, in the order in which they are shown, as of then. */
  readonly inOrder: (ids: ReadonlySet<MessageId>) => readonly ChatMessage[]
  /** What `find` answers otherwise than when this was last asked. */
  readonly takeChanged: () => ReadonlySet<MessageId>
}

const noArchive: ShownArchive = { messages: [], reachesWindow: true }

/** `before`: what was shown of the document that this one replaces; what looks the same stays the same object. */
export function createTimeline(user: UserId, before: readonly ChatMessage[] = []): Timeline {
  const views = createTimelineViews(user, before)
  let changed = new Set<MessageId>()
  let pendingTouches: Folded['pendingTouches'] = new Map()
  const deps: TimelinePartDeps = {
    touchesOf: (base) => views.applied(pendingTouches.get(base.id), base),
    touched: views.touched,
    onChange: (id) => void changed.add(id),
  }
  const older = new TimelinePart(deps)
  const live = new TimelinePart(deps)
  const pending = new TimelinePart(deps)
  const failed = new TimelinePart(deps)
  const parts = [older, live, pending, failed]
  const followArchived = createFollower(older, views.sent)
  const followSent = createFollower(live, views.sent)
  // The same message can be pending in another chain of its author: appended again, and not lost after all.
  const followPending = createFollower(pending, views.pending, ({ id }) => older.find(id) !== undefined)
  const followFailed = createFollower(failed, views.failed)
  const reachedOf = createReceiptMarks(user)
  let reached = noMarks
  let touchMark: ChangeMark<MessageId> | undefined
  let reachesWindow = true
  let wasBarred = false
  let shown = before
  let isBegun = false

  function applyTouches(next: Folded['pendingTouches'], mark: ChangeMark<MessageId> | undefined): void {
    const last = pendingTouches
    const ids = next === last ? [] : changedSince(mark, touchMark)
    pendingTouches = next
    touchMark = mark
    for (const id of ids ?? new Set([...last.keys(), ...next.keys()])) for (const part of parts) part.touch(id)
  }

  return {
    messages: (folded, failures, isBarred = false, archive = noArchive, marks) => {
      if (isBarred !== wasBarred) {
        views.bar(isBarred)
        for (const follower of [followArchived, followSent, followPending, followFailed]) follower.restart()
        wasBarred = isBarred
      }
      applyTouches(folded.pendingTouches, marks?.pendingTouches)
      const reachedBefore = reached
      reached = reachedOf(folded)
      views.reach(reached)
      if (followArchived.follow(archive.messages)) followPending.restart()
      followSent.follow(folded.sent, marks?.sent)
      followPending.follow(folded.pending, marks?.pending)
      followFailed.follow(failures)
      if (reached !== reachedBefore) {
        followArchived.again(placesBetween(archive.messages, reachedBefore, reached))
        followSent.again(placesBetween(folded.sent, reachedBefore, reached))
      }
      const isChanged = parts.map((part) => part.takeChange()).includes(true)
      if (isChanged || archive.reachesWindow !== reachesWindow || !isBegun) {
        reachesWindow = archive.reachesWindow
        const now = reachesWindow ? older.shown.concat(live.shown, pending.shown, failed.shown) : older.shown.slice()
        // Most transactions change no message: whoever draws them need not draw again.
        if (isBegun || !isSame(now, shown)) shown = now
      }
      isBegun = true
      views.begun()
      return shown
    },
    find: (id) => live.find(id) ?? older.find(id) ?? pending.find(id) ?? failed.find(id),
    inOrder: (ids) => [live, pending, failed].flatMap((part) => part.inOrder(ids)),
    takeChanged: () => {
      const taken = changed
      changed = new Set()
      return taken
    },
  }
}

interface Follower<T> {
  /** What it follows is looked at from the beginning. */
  readonly restart: () => void
  /** Brings the part up to date; false when the list is the one it knows. */
  readonly follow: (list: readonly T[], mark?: ChangeMark<number>) => boolean
  /** Looks once more at places of a list of which nothing is hidden. */
  readonly again: (places: readonly number[]) => void
}

/** Keeps a part as a list is, looking only at what has changed in it, as far as marks tell. */
function createFollower<T>(
  part: TimelinePart,
  view: (item: T) => ChatMessage,
  isHidden: (item: T) => boolean = () => false,
): Follower<T> {
  let known: readonly T[] | undefined
  let knownMark: ChangeMark<number> | undefined
  let hides = false

  function isWhole(list: readonly T[], place: number): boolean {
    const item = list[place]
    return item !== undefined && !isHidden(item)
  }

  function put(places: readonly number[], list: readonly T[]): void {
    for (const place of places) {
      const item = list[place]
      if (item !== undefined) part.put(place, view(item))
    }
  }

  return {
    restart: () => {
      known = undefined
    },
    again: (places) => put(places, known ?? []),
    follow: (list, mark) => {
      if (list === known) return false
      const places =
        known === undefined || hides ? undefined : (changedSince(mark, knownMark) ?? differing(known, list))
      known = list
      knownMark = mark
      if (places?.every((place) => isWhole(list, place)) === true) {
        put(places, list)
        return true
      }
      const visible = list.filter((item) => !isHidden(item))
      hides = visible.length < list.length
      part.replace(visible.map(view))
      return true
    },
  }
}

/** Where a list differs from one that it has grown out of; undefined when it is another. */
function differing<T>(known: readonly T[], list: readonly T[]): readonly number[] | undefined {
  if (known.length === 0 || list.length < known.length || list[0] !== known[0]) return undefined
  const places: number[] = []
  for (let place = 1; place < list.length; place++) if (list[place] !== known[place]) places.push(place)
  return places
}

function isSame(a: readonly ChatMessage[], b: readonly ChatMessage[]): boolean {
  return a.length === b.length && a.every((message, index) => message === b[index])
}
