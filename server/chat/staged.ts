/** What the entries of one commit change, beside the log: messages, claims, members, the title. */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { Message } from '../../shared/chat/message.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { ClaimRow, IdempotencyRow, MemberRow } from '../storage/conversation-store.ts'

export class Staged {
  readonly messages: { readonly seq: number; readonly message: Message }[] = []
  readonly claims = new Map<MessageId, ClaimRow>()
  readonly members = new Map<UserId, MemberRow>()
  readonly idempotency: IdempotencyRow[] = []
  title: { readonly value: string | null } | undefined
  /** Something happened that makes the conversation newer. */
  isActivity = false
  bytes = 0
  /** Settles with the commit. */
  readonly durable: Promise<void>
  readonly resolve: () => void
  readonly reject: (reason: Error) => void

  constructor() {
    const settlers: { resolve?: () => void; reject?: (reason: Error) => void } = {}
    this.durable = new Promise<void>((resolve, reject) => Object.assign(settlers, { resolve, reject }))
    // Not every entry has somebody who waits for it.
    this.durable.catch(() => undefined)
    const { resolve, reject } = settlers
    if (resolve === undefined || reject === undefined) throw new Error('a promise without settlers')
    this.resolve = resolve
    this.reject = reject
  }
}
