/**
 * From what is sent, what is pending and the outbox to what a conversation shows. Messages that did not change stay the
 * same objects.
 */

import type { MessageId } from '../shared/chat/entry.ts'
import type { Folded } from '../shared/chat/fold.ts'
import { type Message, messageOf, type StampedMessage, touchMessage, withoutPlace } from '../shared/chat/message.ts'
import type { PendingMessage, PendingTouch } from '../shared/chat/pending.ts'
import type { UserId } from '../shared/sync/ids.ts'
import type { ChatMessage } from './api.ts'
import type { FailedMessage } from './outbox.ts'

/** What stands before the window, as far as it is shown. */
export interface ShownArchive {
  /** By ascending seq, with what live entries do to them; the same array until something changes. */
  readonly messages: readonly StampedMessage[]
  /** Nothing is missing between them and the window. */
  readonly reachesWindow: boolean
}

export interface Timeline {
  /** `isBarred`: what is pending of one's own cannot go out any more. */
  readonly messages: (
    folded: Folded,
    failed: readonly FailedMessage[],
    isBarred?: boolean,
    archive?: ShownArchive,
  ) => readonly ChatMessage[]
}

interface TouchedView {
  readonly touches: readonly PendingTouch[]
  readonly base: ChatMessage
  readonly view: ChatMessage
}

const noArchive: ShownArchive = { messages: [], reachesWindow: true }

/** `before`: what was shown of the document that this one replaces; what looks the same stays the same object. */
export function createTimeline(user: UserId, before: readonly ChatMessage[] = []): Timeline {
  /** By id, until it was looked at once. */
  let earlier: ReadonlyMap<MessageId, ChatMessage> = new Map(before.map((message) => [message.id, message]))
  const sentViews = new WeakMap<StampedMessage, ChatMessage>()
  const failedViews = new WeakMap<FailedMessage, ChatMessage>()
  let pendingViews = new WeakMap<PendingMessage, ChatMessage>()
  /** The same by place, for the fold reads what is pending anew when a record has come. */
  let pendingPlaces = new Map<string, ChatMessage>()
  let touchedViews: ReadonlyMap<MessageId, TouchedView> = new Map()
  const archived = createSentList(viewSent)
  const live = createSentList(viewSent)
  let archivedIds: { readonly of: readonly ChatMessage[]; readonly ids: ReadonlySet<MessageId> } = {
    of: [],
    ids: new Set(),
  }
  let shown = before
  let wasBarred = false

  function idsOf(views: readonly ChatMessage[]): ReadonlySet<MessageId> {
    if (archivedIds.of !== views) archivedIds = { of: views, ids: new Set(views.map(({ id }) => id)) }
    return archivedIds.ids
  }

  function toView(message: Message, delivery: ChatMessage['delivery']): ChatMessage {
    const view: ChatMessage = { ...message, own: message.user === user, delivery }
    const same = earlier.get(view.id)
    return same !== undefined && JSON.stringify(same) === JSON.stringify(view) ? same : view
  }

  function viewSent(message: StampedMessage): ChatMessage {
    const known = sentViews.get(message)
    if (known !== undefined) return known
    const { seq, createdAt } = message
    const view = toView(withoutPlace(message), { state: 'sent', seq, createdAt })
    sentViews.set(message, view)
    return view
  }

  function viewPending(message: PendingMessage): ChatMessage {
    const known = pendingViews.get(message)
    if (known !== undefined) return known
    const { client, clock, ...rest } = message
    const place = `${client}/${clock}`
    const isFailed = wasBarred && message.user === user
    const standing: ChatMessage['delivery'] = isFailed ? { state: 'failed', reason: 'access' } : { state: 'pending' }
    const view = pendingPlaces.get(place) ?? toView(rest, standing)
    pendingViews.set(message, view)
    pendingPlaces.set(place, view)
    return view
  }

  function viewFailed(message: FailedMessage): ChatMessage {
    const known = failedViews.get(message)
    if (known !== undefined) return known
    const view = toView(messageOf(user, message.entry), { state: 'failed', reason: message.reason })
    failedViews.set(message, view)
    return view
  }

  /** With what is pending on top; what cannot go out any more is not. */
  function touched(views: readonly ChatMessage[], pendingTouches: Folded['pendingTouches']): readonly ChatMessage[] {
    if (pendingTouches.size === 0) {
      touchedViews = new Map()
      return views
    }
    const next = new Map<MessageId, TouchedView>()
    const result = views.map((base) => {
      const touches = (pendingTouches.get(base.id) ?? []).filter((touch) => isApplied(touch, base))
      if (touches.length === 0) return base
      const known = touchedViews.get(base.id)
      const isKnown = known?.base === base && sameTouches(known.touches, touches)
      const view = isKnown ? known.view : viewTouched(base, touches)
      next.set(base.id, { touches, base, view })
      return view
    })
    touchedViews = next
    return result
  }

  function isApplied(touch: PendingTouch, { user: author }: ChatMessage): boolean {
    if (wasBarred && touch.user === user) return false
    return touch.entry.kind !== 'edit' || touch.user === author
  }

  function viewTouched(base: ChatMessage, touches: readonly PendingTouch[]): ChatMessage {
    const changed = touches.reduce<ChatMessage>(touchMessage, base)
    if (changed === base) return base
    const view: ChatMessage = { ...changed, changes: 'pending' }
    const same = earlier.get(view.id)
    return same !== undefined && JSON.stringify(same) === JSON.stringify(view) ? same : view
  }

  return {
    messages: (folded, failed, isBarred = false, archive = noArchive) => {
      if (isBarred !== wasBarred) {
        pendingViews = new WeakMap()
        pendingPlaces = new Map()
        touchedViews = new Map()
        wasBarred = isBarred
      }
      const older = archived(archive.messages)
      // The same message can be pending in another chain of its author: appended again, and not lost after all.
      const pending = folded.pending.filter(({ id }) => !idsOf(older).has(id))
      if (pending.length === 0) pendingPlaces = new Map()
      const list = archive.reachesWindow
        ? [...older, ...live(folded.sent), ...pending.map(viewPending), ...failed.map(viewFailed)]
        : older
      const now = touched(list, folded.pendingTouches)
      earlier = new Map()
      // Most transactions change no message: whoever draws them need not draw again.
      if (now.length !== shown.length || now.some((view, index) => view !== shown[index])) shown = now
      return shown
    },
  }
}

/** Views of a list that is often the same. */
function createSentList(
  viewSent: (message: StampedMessage) => ChatMessage,
): (messages: readonly StampedMessage[]) => readonly ChatMessage[] {
  let known: readonly StampedMessage[] = []
  let views: readonly ChatMessage[] = []
  return (messages) => {
    const [before, viewsBefore] = [known, views]
    // Most of the time one has come behind the others.
    const viewAt = (message: StampedMessage, index: number): ChatMessage =>
      (message === before[index] ? viewsBefore[index] : undefined) ?? viewSent(message)
    if (messages !== known) views = messages.map(viewAt)
    known = messages
    return views
  }
}

function sameTouches(a: readonly PendingTouch[], b: readonly PendingTouch[]): boolean {
  return a.length === b.length && a.every(({ client, clock }, at) => client === b[at]?.client && clock === b[at].clock)
}
