/** From the fold and the outbox to what a conversation shows. Messages that did not change stay the same objects. */

import type { Folded, PendingMessage } from '../shared/chat/fold.ts'
import { type Message, messageOf, type StampedMessage } from '../shared/chat/message.ts'
import type { UserId } from '../shared/sync/ids.ts'
import type { ChatMessage } from './api.ts'
import type { FailedMessage } from './outbox.ts'

export interface Timeline {
  readonly messages: (folded: Folded, failed: readonly FailedMessage[]) => readonly ChatMessage[]
}

export function createTimeline(user: UserId): Timeline {
  const sentViews = new WeakMap<StampedMessage, ChatMessage>()
  const failedViews = new WeakMap<FailedMessage, ChatMessage>()
  let pendingViews = new Map<string, ChatMessage>()
  let shownSent: readonly StampedMessage[] = []
  let sent: readonly ChatMessage[] = []
  let shown: readonly ChatMessage[] = []

  function viewSent(message: StampedMessage): ChatMessage {
    const known = sentViews.get(message)
    if (known !== undefined) return known
    const { seq, createdAt, ...rest } = message
    const view = toView(rest, user, { state: 'sent', seq, createdAt })
    sentViews.set(message, view)
    return view
  }

  function viewPending(message: PendingMessage): readonly [string, ChatMessage] {
    const { client, clock, ...rest } = message
    const key = `${client}/${clock}`
    return [key, pendingViews.get(key) ?? toView(rest, user, { state: 'pending' })]
  }

  function viewFailed(message: FailedMessage): ChatMessage {
    const known = failedViews.get(message)
    if (known !== undefined) return known
    const view = toView(messageOf(user, message.entry), user, { state: 'failed', reason: message.reason })
    failedViews.set(message, view)
    return view
  }

  return {
    messages: (folded, failed) => {
      if (folded.sent !== shownSent) {
        shownSent = folded.sent
        sent = folded.sent.map(viewSent)
      }
      const pending = folded.pending.map(viewPending)
      pendingViews = new Map(pending)
      const now = [...sent, ...pending.map(([, view]) => view), ...failed.map(viewFailed)]
      // Most transactions change no message: whoever draws them need not draw again.
      if (now.length !== shown.length || now.some((view, index) => view !== shown[index])) shown = now
      return shown
    },
  }
}

function toView(message: Message, user: UserId, delivery: ChatMessage['delivery']): ChatMessage {
  return { ...message, own: message.user === user, delivery }
}
