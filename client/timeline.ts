/** From the fold and the outbox to what a conversation shows. Messages that did not change stay the same objects. */

import type { MessageId } from '../shared/chat/entry.ts'
import type { Folded } from '../shared/chat/fold.ts'
import { type Message, messageOf, type StampedMessage } from '../shared/chat/message.ts'
import type { PendingMessage } from '../shared/chat/pending.ts'
import type { UserId } from '../shared/sync/ids.ts'
import type { ChatMessage } from './api.ts'
import type { FailedMessage } from './outbox.ts'

export interface Timeline {
  /** `isBarred`: what is pending of one's own cannot go out any more. */
  readonly messages: (folded: Folded, failed: readonly FailedMessage[], isBarred?: boolean) => readonly ChatMessage[]
}

/** `before`: what was shown of the document that this one replaces; what looks the same stays the same object. */
export function createTimeline(user: UserId, before: readonly ChatMessage[] = []): Timeline {
  /** By id, until it was looked at once. */
  let earlier: ReadonlyMap<MessageId, ChatMessage> = new Map(before.map((message) => [message.id, message]))
  const sentViews = new WeakMap<StampedMessage, ChatMessage>()
  const failedViews = new WeakMap<FailedMessage, ChatMessage>()
  let pendingViews = new WeakMap<PendingMessage, ChatMessage>()
  /** The same by place, for the fold reads what is pending anew when a record has come. */
  let pendingPlaces = new Map<string, ChatMessage>()
  let shownSent: readonly StampedMessage[] = []
  let sent: readonly ChatMessage[] = []
  let shown = before
  let wasBarred = false

  function toView(message: Message, delivery: ChatMessage['delivery']): ChatMessage {
    const view: ChatMessage = { ...message, own: message.user === user, delivery }
    const same = earlier.get(view.id)
    return same !== undefined && JSON.stringify(same) === JSON.stringify(view) ? same : view
  }

  function viewSent(message: StampedMessage): ChatMessage {
    const known = sentViews.get(message)
    if (known !== undefined) return known
    const { seq, createdAt, ...rest } = message
    const view = toView(rest, { state: 'sent', seq, createdAt })
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

  return {
    messages: (folded, failed, isBarred = false) => {
      if (isBarred !== wasBarred) {
        pendingViews = new WeakMap()
        pendingPlaces = new Map()
        wasBarred = isBarred
      }
      if (folded.sent !== shownSent) {
        shownSent = folded.sent
        sent = folded.sent.map(viewSent)
      }
      if (folded.pending.length === 0) pendingPlaces = new Map()
      const now = [...sent, ...folded.pending.map(viewPending), ...failed.map(viewFailed)]
      earlier = new Map()
      // Most transactions change no message: whoever draws them need not draw again.
      if (now.length !== shown.length || now.some((view, index) => view !== shown[index])) shown = now
      return shown
    },
  }
}
