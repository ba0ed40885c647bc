/**
 * What is still open in the outbox when the server takes nothing more from this user: shown as failed, to be copied, sent
 * again or dropped. What is dropped leaves its place in the chain empty, so that it never goes out.
 */

import * as Y from 'yjs'
import { changedSince } from '../shared/chat/change-log.ts'
import { encodeEntry, type Entry, type MessageEntry, type MessageId, parseEntry } from '../shared/chat/entry.ts'
import type { FoldedMarks } from '../shared/chat/fold.ts'
import { isTouch } from '../shared/chat/message.ts'
import type { PendingTouch } from '../shared/chat/pending.ts'
import type { UserId } from '../shared/sync/ids.ts'
import { besideThread, entriesIn } from './own-entry.ts'
import type { OpenDocument } from './open-document.ts'
import { isChange, type KeptChange } from './outbox.ts'
import type { OutboxRow } from './storage/client-storage.ts'

interface OpenEntry {
  readonly entry: Entry
  readonly row: OutboxRow
}

export interface OpenMessage extends OpenEntry {
  readonly entry: MessageEntry
}

export function findOpenMessage(document: OpenDocument, id: MessageId): OpenMessage | undefined {
  for (const { entry, row } of openEntries(document))
    if (entry.kind === 'message' && entry.id === id) return { entry, row }
  return undefined
}

/** Changes of messages, settings and members, as what became void for want of access. That `user` leaves has come about. */
export function openChanges(document: OpenDocument, user: UserId): readonly KeptChange[] {
  const found: KeptChange[] = []
  for (const { entry, row } of openEntries(document)) {
    const isLeaving = entry.kind === 'member' && entry.user === user && entry.access === null
    if (isChange(entry) && !isLeaving) found.push({ entry, row, reason: 'access' })
  }
  return found
}

/**
 * Takes the words of a redacted message out of what is still to be sent, so that they never leave this device (SPEC UNSENT1);
 * with the message itself goes all else that was done to it. The redaction goes out all the same: the message may have been
 * on its way. What stands in the chains of other tabs is theirs.
 */
export function takeBack(document: OpenDocument, of: MessageId): void {
  const own = [...openEntries(document)].filter(({ row }) => document.clients.has(row.client))
  const isUnsent = own.some(({ entry }) => entry.kind === 'message' && entry.id === of)
  if (isUnsent) takeOutOfThread(document, of, own)
  for (const { entry, row } of own) {
    const isIt = entry.kind === 'message' && entry.id === of
    const isOfIt = isTouch(entry) && entry.of === of && (entry.kind === 'edit' || (isUnsent && entry.kind !== 'redact'))
    if (isIt || isOfIt) withdraw(document, { row })
  }
}

/** Looks at what has changed in a document since it was last called with it. */
export type TakeBack = (document: OpenDocument) => void

/**
 * What was answered in the thread of a message that nobody will ever see goes out as replies to it, with all that was done to
 * it: else it would have nowhere to stand. Appended again first, for what is in neither place would be lost.
 */
function takeOutOfThread(document: OpenDocument, root: MessageId, own: readonly OpenEntry[]): void {
  const answers = new Set<MessageId>()
  for (const { entry, row } of own) {
    const isAnswer = entry.kind === 'message' && entry.thread === root
    if (isAnswer) answers.add(entry.id)
    else if (!isTouch(entry) || !answers.has(entry.of)) continue
    document.append(isAnswer ? encodeEntry(besideThread(entry)) : row.payload)
  }
}

/**
 * Another tab has taken back a message that this one has still to send: it does so too, and says so itself, for only its
 * own redaction is sure to come behind the message.
 */
export function createTakeBack(user: UserId): TakeBack {
  let known: FoldedMarks | undefined
  return (document) => {
    const { folded, marks } = document.replica
    const touched = changedSince(marks.pendingTouches, known?.pendingTouches)
    const written = changedSince(marks.pending, known?.pending)
    known = marks
    const isKnown = touched !== undefined && written !== undefined
    const ids = isKnown
      ? [...touched, ...written.flatMap((place) => folded.pending[place]?.id ?? [])]
      : folded.pendingTouches.keys()
    for (const of of new Set(ids)) if (isTakenBack(document, user, of)) takeBackToo(document, of)
  }
}

function takeBackToo(document: OpenDocument, of: MessageId): void {
  const unsent = findOpenMessage(document, of)
  if (unsent === undefined || !document.clients.has(unsent.row.client)) return
  document.append(encodeEntry({ kind: 'redact', of }))
  takeBack(document, of)
}

/** By another tab, and not here yet. */
function isTakenBack(document: OpenDocument, user: UserId, of: MessageId): boolean {
  const touches = document.replica.folded.pendingTouches.get(of) ?? []
  const isOthers = ({ client, user: author, entry }: PendingTouch): boolean =>
    author === user && entry.kind === 'redact' && !document.clients.has(client)
  return touches.some(isOthers) && !touches.some((touch) => isRedactionHere(document, touch))
}

function isRedactionHere({ clients }: OpenDocument, { client, entry }: PendingTouch): boolean {
  return entry.kind === 'redact' && clients.has(client)
}

/** What an earlier run has not come to do: the words may still stand in the outbox, or in the document's copy. */
export function takeBackRedacted(document: OpenDocument): void {
  for (const { entry } of [...openEntries(document)]) if (entry.kind === 'redact') takeBack(document, entry.of)
}

/** Of rows that were just appended again: whoever wrote them, or another tab, may have taken back what is in them. */
export function takeBackAgain(document: OpenDocument, user: UserId, rows: readonly OutboxRow[]): void {
  const { pendingTouches } = document.replica.folded
  const redacted = new Set(
    [...openEntries(document)].flatMap(({ entry }) => (entry.kind === 'redact' ? [entry.of] : [])),
  )
  for (const entry of entriesIn(rows)) {
    if (entry.kind !== 'message' && entry.kind !== 'edit') continue
    const of = entry.kind === 'message' ? entry.id : entry.of
    const touches = pendingTouches.get(of) ?? []
    const isTaken = touches.some((touch) => touch.user === user && touch.entry.kind === 'redact')
    if (isTaken || redacted.has(of)) takeBack(document, of)
  }
}

export function withdraw({ doc, outbox }: OpenDocument, { row }: Pick<OpenEntry, 'row'>): void {
  const structs = doc.store.clients.get(row.client)
  doc.transact((transaction) => {
    if (structs === undefined || row.clock >= Y.getState(doc.store, row.client)) return
    // Alone: its neighbours, which Yjs may have merged with it, stay.
    const item = Y.getItemCleanStart(transaction, Y.createID(row.client, row.clock))
    if (item instanceof Y.Item) item.delete(transaction)
  })
  outbox.forget(row)
}

function* openEntries({ outbox }: OpenDocument): Generator<OpenEntry> {
  for (const row of outbox.open()) {
    const parsed = parseEntry(row.payload)
    if (parsed.kind === 'entry') yield { entry: parsed.entry, row }
  }
}
