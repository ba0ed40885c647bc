/**
 * The rows of messages against the log, by the reducer that the server makes them with. A message that nothing has changed
 * is compared when the log comes to it, and forgotten; of those that were changed a slim copy is kept until the end, their
 * words as checksums: memory is of the size of what was changed, not of the conversation.
 */

import { createHash } from 'node:crypto'
import type { MessageId } from '../../shared/chat/entry.ts'
import {
  applyTouch,
  type Message,
  type StampedMessage,
  stampMessage,
  type StampedTouch,
} from '../../shared/chat/message.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { ConversationStore, EntryRow, PieceRow } from '../storage/conversation-store.ts'
import type { Findings } from './finding.ts'
import { isEqual } from './is-equal.ts'

/** Rows that are compared in one go. */
const rowsAtOnce = 256

/** An entry of the log, ascending, as far as messages are concerned. */
export type LoggedEntry =
  | { readonly kind: 'message'; readonly row: EntryRow; readonly message: Message }
  | { readonly kind: 'touch'; readonly row: EntryRow; readonly touch: StampedTouch }
  /** It is not void, and its bytes are gone: a message, or a piece of one. */
  | { readonly kind: 'erased'; readonly row: EntryRow; readonly author: UserId }

export class MessageReplay {
  readonly #store: ConversationStore
  readonly #id: ConversationId
  readonly #findings: Findings
  /** Slim copies of messages that were changed, as far as the log was read. */
  readonly #changed = new Map<MessageId, StampedMessage>()
  /** Seqs of erased pieces, and those of them whose message was redacted. */
  readonly #erased = new Set<number>()
  readonly #accounted = new Set<number>()
  /** Ids of streams that were taken away. */
  readonly erasedStreams = new Set<MessageId>()
  messages = 0
  redactions = 0
  pieces = 0
  replies = 0

  constructor(store: ConversationStore, id: ConversationId, findings: Findings) {
    this.#store = store
    this.#id = id
    this.#findings = findings
  }

  /** How many messages were changed after they were stamped. */
  get changed(): number {
    return this.#changed.size
  }

  /** The next entries of the log, from seq `first` to `last`; the messages whose bytes are gone. */
  async take(
    entries: readonly LoggedEntry[],
    { first, last }: { readonly first: number; readonly last: number },
  ): Promise<readonly StampedMessage[]> {
    const range = { after: first - 1, before: last + 1 }
    const found = await this.#store.messages(this.#id, { ...range, limit: last + 1 - first, take: 'oldest' })
    const rows = new Map(found.map((message) => [message.seq, message]))
    const redacted: StampedTouch[] = []
    const erased: StampedMessage[] = []
    for (const entry of entries) {
      const { seq } = entry.row
      const row = rows.get(seq)
      if (entry.kind === 'touch') {
        if (entry.touch.entry.kind === 'redact') redacted.push(entry.touch)
        await this.#touch(entry.touch)
      } else if (entry.kind === 'message') {
        this.#begin(row, stampMessage(entry.message, seq, entry.row.timeMs))
        await this.#reply(entry.message, entry.row)
      } else if (row === undefined) {
        this.#erased.add(seq)
        this.pieces++
      } else {
        erased.push(row)
        this.#begin(row, blank(row, entry))
        if (row.redactedAt === undefined) this.#add('its bytes are gone, and it was not redacted', seq)
        await this.#reply({ ...row, user: entry.author }, entry.row)
      }
      rows.delete(seq)
    }
    for (const seq of rows.keys()) this.#add('a message row, and no message in the log', seq)
    for (const touch of redacted) await this.#accountFor(touch)
    return erased
  }

  /** The rows of pieces that entries of the log should have. */
  async comparePieces(pieces: readonly PieceRow[]): Promise<void> {
    this.pieces += pieces.length
    for (const id of new Set(pieces.map((piece) => piece.id))) {
      const found = new Set(await this.#store.pieces(this.#id, id))
      for (const piece of pieces) {
        if (piece.id === id && !found.has(piece.seq)) this.#add('its piece row is missing', piece.seq)
      }
    }
  }

  async end(): Promise<void> {
    const all = [...this.#changed.values()]
    for (let from = 0; from < all.length; from += rowsAtOnce) {
      const some = all.slice(from, from + rowsAtOnce)
      const seqs = some.map(({ seq }) => seq)
      const rows = await this.#store.messagesAt(this.#id, seqs)
      for (const [index, expected] of some.entries()) {
        const row = rows[index]
        if (row === undefined || !isEqual(slim(row), expected)) this.#isAnother(expected.seq)
      }
    }
    for (const seq of this.#erased) {
      if (!this.#accounted.has(seq)) this.#add('its bytes are gone, and no message with it was redacted', seq)
    }
    await this.#compareTouched(new Map(all.map(({ seq, revision }) => [seq, revision])))
  }

  #begin(row: StampedMessage | undefined, expected: StampedMessage): void {
    this.messages++
    if (row !== undefined && row.revision !== expected.seq) this.#changed.set(expected.id, slim(expected))
    else if (!isEqual(row, expected)) this.#isAnother(expected.seq)
  }

  /** What a message in a thread is to the root of it. */
  async #reply({ user, thread }: Message, { seq, timeMs }: EntryRow): Promise<void> {
    if (thread === undefined) return
    this.replies++
    await this.#touch({ user, timeMs, seq, entry: { kind: 'reply', of: thread } })
    const [found] = await this.#store.replies(this.#id, thread, { after: seq - 1, limit: 1, take: 'oldest' })
    if (found !== seq) this.#add('its reply row is missing', seq)
  }

  async #touch(touch: StampedTouch): Promise<void> {
    const { of } = touch.entry
    const before = this.#changed.get(of)
    if (before !== undefined) {
      const after = applyTouch(before, slimTouch(touch))
      if (before.redactedAt === undefined && after.redactedAt !== undefined) this.redactions++
      this.#changed.set(of, after)
      return
    }
    const [claim] = await this.#store.claims(this.#id, [of])
    const isStream = claim !== undefined && (claim.seq === undefined || claim.seq > touch.seq)
    if (!isStream) this.#add('its message row takes no account of it', touch.seq)
    else if (touch.entry.kind === 'redact' && claim.seq === undefined) this.erasedStreams.add(of)
  }

  /** What stood in the log before a redaction has no bytes any more. */
  async #accountFor({ seq: end, entry: { of } }: StampedTouch): Promise<void> {
    for (const seq of await this.#store.pieces(this.#id, of)) {
      if (seq > end) continue
      if (this.#erased.has(seq)) this.#accounted.add(seq)
      else this.#add('it holds words of a message that was redacted', seq)
    }
  }

  async #compareTouched(expected: ReadonlyMap<number, number>): Promise<void> {
    let [after, found] = [-1, 0]
    for (;;) {
      const rows = await this.#store.touched(this.#id, { after, limit: rowsAtOnce })
      for (const { seq, revision } of rows) {
        if (expected.get(seq) !== revision) this.#add('its touched row is not what the log makes of it', seq)
      }
      found += rows.length
      const last = rows.at(-1)
      if (last === undefined) break
      after = last.revision
    }
    if (found !== expected.size) {
      this.#findings.add(`there are ${found} touched rows, but ${expected.size} of them follow from the log`)
    }
  }

  #isAnother(seq: number): void {
    this.#add('the message row is not what the log makes of it', seq)
  }

  #add(sort: string, seq: number): void {
    this.#findings.add(sort, `log row ${seq}`)
  }
}

/** What an erased message was when it was stamped, as far as its row still tells. */
function blank(
  row: StampedMessage,
  { row: { seq, timeMs }, author }: { row: EntryRow; author: UserId },
): StampedMessage {
  const { editedAt: _editedAt, reactions: _reactions, redactedAt: _at, redactedBy: _by, pinned: _pinned, ...kept } = row
  const { replies: _replies, ...rest } = kept
  return stampMessage({ ...rest, user: author, content: '' }, seq, timeMs)
}

function slim(message: StampedMessage): StampedMessage {
  const { parts, content } = message
  return {
    ...message,
    content: checksum(content),
    ...(parts === undefined ? {} : { parts: [{ checksum: checksum(JSON.stringify(parts)) }] }),
  }
}

function slimTouch(touch: StampedTouch): StampedTouch {
  const { entry } = touch
  return entry.kind === 'edit' ? { ...touch, entry: { ...entry, content: checksum(entry.content) } } : touch
}

/** Of what was taken away nothing. */
function checksum(text: string): string {
  return text === '' ? '' : createHash('sha256').update(text).digest('base64url')
}
