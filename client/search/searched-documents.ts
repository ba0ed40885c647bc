/** What is found of a conversation, as its document and its pages have it. Pure. */

import type { MessageEntry, MessageId } from '../../shared/chat/entry.ts'
import type { Folded } from '../../shared/chat/fold.ts'
import { type AuthoredTouch, type Message, type StampedMessage, touchMessage } from '../../shared/chat/message.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import { withTouches } from '../history/archive-run.ts'
import type { PageRun } from '../storage/page-store.ts'
import type { ChangedText, SearchDocument } from './search-index.ts'

/** What a document says that pages do not know of. */
export type LiveTouches = Pick<Folded, 'touches' | 'pendingTouches'>

/** A document, and the own messages beside it that are not sent: failed ones, and what it has lost. */
export interface SearchedView {
  readonly folded: Folded
  readonly unsent: readonly MessageEntry[]
}

/** The window, what is pending behind it, and what is unsent otherwise; redacted ones without text. */
export function windowDocuments(
  conversation: ConversationId,
  user: UserId,
  { folded, unsent }: SearchedView,
): readonly SearchDocument[] {
  const { sent, pending, pendingTouches } = folded
  const documents = sent.map((message) => sentDocument(conversation, message, pendingTouches))
  const ids = new Set<MessageId>(documents.map(({ id }) => id))
  for (const message of pending) {
    if (ids.has(message.id)) continue
    ids.add(message.id)
    const { id, user: author, writtenAt, content: text } = withPending(message, pendingTouches)
    documents.push({ conversation, id, seq: undefined, user: author, createdAt: writtenAt, text })
  }
  for (const { id, at, content: text } of unsent) {
    if (ids.has(id)) continue
    ids.add(id)
    documents.push({ conversation, id, seq: undefined, user, createdAt: at, text })
  }
  return documents
}

/** Archived messages, with what the document does to them. */
export function pageDocuments(
  conversation: ConversationId,
  runs: readonly PageRun[],
  { touches, pendingTouches }: LiveTouches,
): readonly SearchDocument[] {
  return runs.flatMap((run) =>
    withTouches(run, touches).messages.map((message) => sentDocument(conversation, message, pendingTouches)),
  )
}

/** What becomes of archived messages when the document does more to them than before. */
export function touchedTexts(
  before: LiveTouches,
  now: LiveTouches,
  isArchived: (id: MessageId) => boolean,
): readonly ChangedText[] {
  const texts: ChangedText[] = []
  for (const [id, touches] of now.touches) if (before.touches.get(id) !== touches) add(id, touches, () => undefined)
  for (const [id, touches] of now.pendingTouches)
    if (isArchived(id) && before.pendingTouches.get(id)?.length !== touches.length) add(id, touches, ({ user }) => user)
  return texts

  function add(
    id: MessageId,
    touches: readonly AuthoredTouch[],
    by: (touch: AuthoredTouch) => UserId | undefined,
  ): void {
    for (const touch of touches) {
      if (touch.entry.kind === 'edit') texts.push({ id, text: touch.entry.content, by: by(touch) })
      // Whose message it is does not matter: the rules have allowed it, or it is the user's own wish.
      else if (touch.entry.kind === 'redact') texts.push({ id, text: '', by: undefined })
    }
  }
}

/** Whether something that was pending before came to nothing: the archived message that it had changed is to be read again. */
export function hasLostTouch(before: LiveTouches, now: LiveTouches, isArchived: (id: MessageId) => boolean): boolean {
  for (const [id, touches] of before.pendingTouches) {
    const left = now.pendingTouches.get(id)?.length ?? 0
    const isText = touches.some(({ entry }) => entry.kind === 'edit' || entry.kind === 'redact')
    if (isText && isArchived(id) && left < touches.length && now.touches.get(id) === before.touches.get(id)) return true
  }
  return false
}

function sentDocument(
  conversation: ConversationId,
  message: StampedMessage,
  pendingTouches: Folded['pendingTouches'],
): SearchDocument {
  const { id, seq, user, createdAt, content: text } = withPending(message, pendingTouches)
  return { conversation, id, seq, user, createdAt, text }
}

function withPending<T extends Message>(message: T, pendingTouches: Folded['pendingTouches']): T {
  const touches = pendingTouches.get(message.id) ?? []
  return touches.reduce<T>(
    (now, touch) => (touch.entry.kind === 'edit' && touch.user !== message.user ? now : touchMessage(now, touch)),
    message,
  )
}
