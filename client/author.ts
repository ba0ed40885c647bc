/**
 * Writes the own entries of an open conversation: looks at them by the rules as known here, then appends them. What is so
 * already is not written again.
 */

import type { Access } from '../shared/chat/access.ts'
import type { KnownEntry, MessageId, ReadEntry } from '../shared/chat/entry.ts'
import { type Message, type StampedMessage, touchIn, touchMessage } from '../shared/chat/message.ts'
import { judge } from '../shared/chat/policy.ts'
import { parseUserId, type UserId } from '../shared/sync/ids.ts'
import { type Draft, Refusal } from './api.ts'
import type { OpenDocument } from './open-document.ts'
import { takeBack } from './withdraw.ts'
import { assertDraft, assertSetting, assertTitle, drawMessageId, encodeOwn } from './own-entry.ts'

export interface AuthorDeps {
  readonly user: UserId
  /** The device's clock in ms. */
  readonly now: () => number
  /** What is written to; throws when the conversation is closed. */
  readonly document: () => OpenDocument
  /** A message before the window, when it is here. */
  readonly archived: (id: MessageId) => StampedMessage | undefined
  /** What was still to be sent has been taken out of the document. */
  readonly onTakenBack: () => void
  /** It is the private state of the user. */
  readonly isPrivate: boolean
  /** Whether something before the window is unread. */
  readonly hasOlderUnread: () => boolean
}

export class Author {
  readonly #deps: AuthorDeps

  constructor(deps: AuthorDeps) {
    this.#deps = deps
  }

  send(message: string | Draft): MessageId {
    const draft: Draft = typeof message === 'string' ? { content: message } : message
    assertDraft(draft)
    const { now } = this.#deps
    const id = drawMessageId(now())
    const { content, role = 'user', ...rest } = draft
    this.#append({ kind: 'message', id, role, content, at: now(), ...rest })
    return id
  }

  setTitle(title: string | null): void {
    assertTitle(title)
    this.#append({ kind: 'set', key: 'title', value: title })
  }

  /** A setting of a conversation or of private state: any JSON, null clears. Throws TypeError and Refusal as all of these do. */
  set(key: string, value: unknown): void {
    assertSetting(key, value)
    this.#append({ kind: 'set', key, value })
  }

  /** Throws as `set` would, and writes nothing. */
  assertSettable(key: string, value: unknown): void {
    assertSetting(key, value)
    this.#judged({ kind: 'set', key, value })
  }

  setMember(user: string, access: Access | null): void {
    const member = parseUserId(user)
    if (member === undefined) throw new TypeError('a user id is 1–128 visible ASCII characters other than /')
    this.#append({ kind: 'member', user: member, access })
  }

  edit(of: MessageId, content: string): void {
    if (this.#find(of)?.content !== content) this.#append({ kind: 'edit', of, content, at: this.#deps.now() })
  }

  redact(of: MessageId): void {
    if (this.#find(of)?.redactedAt !== undefined || this.#isTakenBack(of)) return
    this.#append({ kind: 'redact', of })
    takeBack(this.#deps.document(), of)
    this.#deps.onTakenBack()
  }

  react(of: MessageId, emoji: string, on: boolean): void {
    const reaction = this.#find(of)?.reactions?.find((other) => other.emoji === emoji)
    const isOn = reaction?.users.includes(this.#deps.user) === true
    if (isOn !== on) this.#append({ kind: 'react', of, emoji, on })
  }

  pin(of: MessageId, on: boolean): void {
    const isOn = this.#deps.document().replica.folded.pins.has(of)
    if (isOn !== on) this.#append({ kind: 'pin', of, on })
  }

  /** Seq up to which the user has read; undefined when there is nothing to tell. Throws TypeError for what is no seq. */
  reached(through: number = this.#newest()): number | undefined {
    if (through !== -1 && !(Number.isSafeInteger(through) && through >= 0)) throw new TypeError('not a seq')
    const { user, document } = this.#deps
    const { members, lastSeq } = document().replica.folded
    return through !== -1 && members.has(user) ? Math.min(through, lastSeq) : undefined
  }

  tellRead(register: Pick<ReadEntry, 'through' | 'received' | 'thread'>): void {
    this.#append({ kind: 'read', ...register })
  }

  /** What was written, to be written again; throws TypeError when it is not there, or taken away. */
  copy(id: MessageId): Draft {
    const message = this.#find(id)
    if (message === undefined || message.user !== this.#deps.user || message.redactedAt !== undefined)
      throw new TypeError('there is no own message with this id')
    const { content, role, replyTo, thread, parent, mentions, parts } = message
    const chosen = Object.entries({ role, replyTo, thread, parent, mentions, parts })
    return { content, ...Object.fromEntries(chosen.filter(([, value]) => value !== undefined)) }
  }

  /** Seq of the newest message of somebody else; -1 when there is none to read. */
  #newest(): number {
    const { user, document, hasOlderUnread } = this.#deps
    const { sent, through } = document().replica.folded
    return sent.findLast((message) => message.user !== user)?.seq ?? (hasOlderUnread() ? through : -1)
  }

  /** As it is shown, with what is pending on top. */
  #find(id: MessageId): Message | undefined {
    const { document, archived } = this.#deps
    const { fold, folded } = document().replica
    const message: Message | undefined = fold.message(id) ?? archived(id) ?? fold.pendingMessage(id)
    return message && (folded.pendingTouches.get(id) ?? []).reduce<Message>(touchMessage, message)
  }

  /** Its redaction is on its way, and it is not here any more. */
  #isTakenBack(id: MessageId): boolean {
    const touches = this.#deps.document().replica.folded.pendingTouches.get(id) ?? []
    return touches.some(({ user, entry }) => user === this.#deps.user && entry.kind === 'redact')
  }

  #append(entry: KnownEntry): void {
    const { open, payload } = this.#judged(entry)
    open.append(payload)
  }

  #judged(entry: KnownEntry): { readonly open: OpenDocument; readonly payload: Uint8Array } {
    const { user, document, archived, isPrivate } = this.#deps
    const open = document()
    const { fold, folded } = open.replica
    const payload = encodeOwn(entry)
    const reason = folded.genesis && judge(fold.policyView(folded, archived, isPrivate), user, entry)
    // Of what is archived not all is here: whether there is such a message the server will say.
    const isElsewhere = reason === 'no-target' && reachesBack(entry) && folded.through >= 0
    if (reason !== undefined && !isElsewhere) throw new Refusal(reason)
    return { open, payload }
  }
}

function reachesBack(entry: KnownEntry): boolean {
  return touchIn(entry) !== undefined || (entry.kind === 'read' && entry.thread !== undefined)
}
