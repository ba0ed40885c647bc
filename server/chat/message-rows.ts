/** The rows of messages that one commit makes and changes, now that its time is known. */

import { applyTouch, type StampedMessage, stampMessage } from '../../shared/chat/message.ts'
import type { TouchedRow } from '../storage/conversation-store.ts'
import type { Staged } from './staged.ts'

export interface MessageRows {
  readonly messages: readonly StampedMessage[]
  readonly touched: readonly TouchedRow[]
  /** Revisions of the touched rows that these take the place of. */
  readonly retouched: readonly number[]
}

export function messageRows({ messages, bases, touches }: Staged, timeMs: number): MessageRows {
  const rows = new Map(bases)
  for (const [seq, message] of messages) rows.set(seq, stampMessage(message, seq, timeMs))
  for (const { of, touch } of touches) {
    const row = rows.get(of)
    if (row !== undefined) rows.set(of, applyTouch(row, { ...touch, timeMs }))
  }
  const changed = new Set(touches.map(({ of }) => of))
  return {
    messages: [...rows.values()],
    touched: [...changed].map((seq) => ({ revision: rows.get(seq)?.revision ?? seq, seq })),
    retouched: [...bases.values()].flatMap(({ seq, revision }) => (revision === seq ? [] : [revision])),
  }
}
