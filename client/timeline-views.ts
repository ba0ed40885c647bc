/** Messages as people see them. Of what did not change, and of what looks as it did before, they stay the same objects. */

import type { MessageId } from '../shared/chat/entry.ts'
import { type Message, messageOf, type StampedMessage, touchMessage, withoutPlace } from '../shared/chat/message.ts'
import type { PendingMessage, PendingTouch } from '../shared/chat/pending.ts'
import type { UserId } from '../shared/sync/ids.ts'
import type { ChatMessage } from './api.ts'
import { noMarks, type ReceiptMarks, stateAt } from './delivery/receipt-marks.ts'
import type { FailedMessage } from './outbox.ts'

export interface TimelineViews {
  readonly sent: (message: StampedMessage) => ChatMessage
  readonly pending: (message: PendingMessage) => ChatMessage
  readonly failed: (message: FailedMessage) => ChatMessage
  /** Those of the touches that show. */
  readonly applied: (touches: readonly PendingTouch[] | undefined, base: ChatMessage) => readonly PendingTouch[]
  /** With them on top; the same when they change nothing. */
  readonly touched: (base: ChatMessage, touches: readonly PendingTouch[]) => ChatMessage
  /** Whether what is pending of one's own cannot go out any more. */
  readonly bar: (isBarred: boolean) => void
  /** How far the others have come: of own messages between before and now another view is made when they are asked for. */
  readonly reach: (marks: ReceiptMarks) => void
  /** All of what was shown before has been shown again. */
  readonly begun: () => void
}

const none: readonly PendingTouch[] = []

export function createTimelineViews(user: UserId, before: readonly ChatMessage[]): TimelineViews {
  let earlier: ReadonlyMap<MessageId, ChatMessage> = new Map(before.map((message) => [message.id, message]))
  const sentViews = new WeakMap<StampedMessage, ChatMessage>()
  const failedViews = new WeakMap<FailedMessage, ChatMessage>()
  let pendingViews = new WeakMap<PendingMessage, ChatMessage>()
  let isBarred = false
  let reached = noMarks

  function asBefore(view: ChatMessage): ChatMessage {
    const same = earlier.get(view.id)
    return same !== undefined && JSON.stringify(same) === JSON.stringify(view) ? same : view
  }

  function toView(message: Message, delivery: ChatMessage['delivery']): ChatMessage {
    return asBefore({ ...message, own: message.user === user, delivery })
  }

  function isApplied(touch: PendingTouch, { user: author }: ChatMessage): boolean {
    if (isBarred && touch.user === user) return false
    return touch.entry.kind !== 'edit' || touch.user === author
  }

  return {
    sent: (message) => {
      const known = sentViews.get(message)
      const { seq, createdAt } = message
      const state = message.user === user ? stateAt(message, reached) : 'sent'
      if (known?.delivery.state === state) return known
      const view = toView(withoutPlace(message), { state, seq, createdAt })
      sentViews.set(message, view)
      return view
    },
    pending: (message) => {
      const known = pendingViews.get(message)
      if (known !== undefined) return known
      const { client: _client, clock: _clock, ...rest } = message
      const isFailed = isBarred && message.user === user
      const view = toView(rest, isFailed ? { state: 'failed', reason: 'access' } : { state: 'pending' })
      pendingViews.set(message, view)
      return view
    },
    failed: (message) => {
      const known = failedViews.get(message)
      if (known !== undefined) return known
      const view = toView(messageOf(user, message.entry), { state: 'failed', reason: message.reason })
      failedViews.set(message, view)
      return view
    },
    applied: (touches, base) => touches?.filter((touch) => isApplied(touch, base)) ?? none,
    touched: (base, touches) => {
      const changed = touches.reduce<ChatMessage>(touchMessage, base)
      return changed === base ? base : asBefore({ ...changed, changes: 'pending' })
    },
    bar: (next) => {
      isBarred = next
      pendingViews = new WeakMap()
    },
    reach: (marks) => {
      reached = marks
    },
    begun: () => {
      if (earlier.size > 0) earlier = new Map()
    },
  }
}
