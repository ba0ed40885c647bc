/**
 * How far the user has read where others are told nothing (SPEC PRIVATE2), of conversations and of threads: written down for the
 * own devices, and taken over from them. Registers: they only grow, on each device and, for whoever knows more says it again, on
 * all of them. That of a thread goes when its conversation was read as far.
 */

import type { MessageId } from '../../shared/chat/entry.ts'
import { parseSeqValue, type ReadSoFar } from '../../shared/chat/private-reads.ts'
import { noThreads } from '../../shared/chat/roster.ts'
import { limits } from '../../shared/limits.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import type { BackgroundSync } from '../background-sync.ts'
import type { ConversationList } from '../conversation-list.ts'
import type { OpenConversation } from '../open-conversation.ts'
import type { ConversationRow } from '../storage/client-storage.ts'
import { GatheredWrites } from './gathered-writes.ts'
import { parsePersonalKey, personalKey } from './personal-keys.ts'
import type { PersonalValues } from './personal-values.ts'

export interface PrivateReadsDeps {
  readonly values: PersonalValues
  readonly list: ConversationList
  /** Undefined when it is not open. */
  readonly opened: (id: ConversationId) => OpenConversation | undefined
  readonly background: () => Pick<BackgroundSync, 'add'>
  /** This device reads in private itself: what others of the user wrote it may correct. */
  readonly writes: boolean
}

export class PrivateReads {
  readonly #deps: PrivateReadsDeps
  readonly #gathered: GatheredWrites
  /** Seqs, by conversation. */
  readonly #known = new Map<ConversationId, number>()
  /** And by root, of threads that were read beyond that. */
  readonly #threads = new Map<ConversationId, Map<MessageId, number>>()
  /** Up to where they were counted by opening them, or are about to be. */
  readonly #asked = new Map<ConversationId, number>()
  #isClosed = false

  constructor(deps: PrivateReadsDeps) {
    const { values } = deps
    this.#deps = deps
    this.#gathered = new GatheredWrites({
      pauseMs: limits.receiptPauseMs,
      untakenPauseMs: limits.unsentDraftPauseMs,
      isUntaken: (key) => values.isUntaken(key),
      write: (key, value) => values.write(key, value),
    })
  }

  /** How far the user has read, as far as is known here. */
  of(id: ConversationId): ReadSoFar {
    return { through: this.#through(id), threads: this.#threads.get(id) ?? noThreads }
  }

  /** Seq up to which the user has read all of it, whether or not others were told; -1 when nothing is known. */
  passed(id: ConversationId): number {
    return Math.max(this.#through(id), this.#deps.list.row(id)?.readThrough ?? -1)
  }

  /** The user has read here. */
  read(id: ConversationId, through: number, thread?: MessageId): void {
    if (this.#isClosed) return
    if (thread !== undefined) return this.#readThread(id, thread, through)
    if (through <= this.#through(id)) return
    this.#known.set(id, through)
    this.#write(id)
    this.#dropPassed(id)
  }

  /** What stands under these keys is perhaps another value. */
  note(keys: Iterable<string>): void {
    const { values } = this.#deps
    for (const key of keys) {
      const parsed = parsePersonalKey(key)
      const told = parsed?.kind === 'read' ? parseSeqValue(values.get(key)) : undefined
      if (parsed === undefined || told === undefined) continue
      const { conversation, thread } = parsed
      if (thread === undefined) this.#note(conversation, told)
      else this.#noteThread(conversation, thread, told)
    }
  }

  /** Lines have come, or changed. */
  noteList(): void {
    for (const [id, through] of this.#known) if (this.#deps.opened(id) === undefined) this.#count(id, through)
    for (const id of this.#threads.keys()) this.#dropPassed(id)
  }

  flush(): void {
    this.#gathered.flush()
  }

  close(): void {
    this.#isClosed = true
    this.#gathered.close()
  }

  #through(id: ConversationId): number {
    return this.#known.get(id) ?? -1
  }

  #note(id: ConversationId, told: number): void {
    const { writes, list } = this.#deps
    // What was read here in private before this start stands in the list.
    const here = Math.max(this.#through(id), writes ? (list.row(id)?.readThrough ?? -1) : -1)
    this.#known.set(id, Math.max(told, here))
    if (told > here) this.#take(id, told)
    else if (told < here && writes) this.#write(id)
    this.#dropPassed(id)
  }

  #noteThread(id: ConversationId, thread: MessageId, told: number): void {
    if (told <= this.passed(id)) return this.#write(id, thread)
    const threads = this.#threadsOf(id)
    const here = threads.get(thread) ?? -1
    threads.set(thread, Math.max(told, here))
    if (told > here) this.#take(id, told, thread)
    else if (told < here && this.#deps.writes) this.#write(id, thread)
  }

  #readThread(id: ConversationId, thread: MessageId, through: number): void {
    const threads = this.#threadsOf(id)
    const before = threads.get(thread)
    if (through <= Math.max(this.passed(id), before ?? -1)) return
    // What is said already stays said; this one counts as long as the conversation is open here.
    if (before === undefined && threads.size >= limits.privateThreadReads) return
    threads.set(thread, through)
    this.#write(id, thread)
  }

  #threadsOf(id: ConversationId): Map<MessageId, number> {
    const threads = this.#threads.get(id) ?? new Map<MessageId, number>()
    this.#threads.set(id, threads)
    return threads
  }

  /** Registers of threads that say no more than that of their conversation. */
  #dropPassed(id: ConversationId): void {
    const { values } = this.#deps
    const threads = this.#threadsOf(id)
    for (const [thread, through] of threads) {
      if (through > this.passed(id)) continue
      threads.delete(thread)
      if (values.get(personalKey('read', id, thread)) !== undefined) this.#write(id, thread)
    }
    if (threads.size === 0) this.#threads.delete(id)
  }

  /** What it comes to where something stands already is found out when it is written. */
  #write(id: ConversationId, thread?: MessageId): void {
    // A register may still come while the private conversation is being closed.
    if (this.#isClosed) return
    const key = personalKey('read', id, thread)
    const through = thread === undefined ? this.#through(id) : (this.#threads.get(id)?.get(thread) ?? -1)
    // Rejects nothing: what cannot be kept the status tells.
    void this.#gathered.put(key, through)
  }

  #take(id: ConversationId, through: number, thread?: MessageId): void {
    const conversation = this.#deps.opened(id)
    if (conversation !== undefined) conversation.noteRead(through, thread)
    else if (thread === undefined) this.#count(id, through)
    else this.#countThread(id, through)
  }

  /** Of a conversation that is not open: all is read, or it is opened in the background and counted there. */
  #count(id: ConversationId, through: number): void {
    const { list } = this.#deps
    const row = list.row(id)
    if (row?.access === undefined || (row.readThrough ?? -1) >= through) return
    if (through >= (row.lastMessageSeq ?? row.lastSeq ?? Infinity)) {
      // A line that cannot be kept is counted again after the next start.
      list.change(id, (now) => readRow(now, through)).catch(() => undefined)
      return
    }
    if ((this.#asked.get(id) ?? -1) >= through) return
    this.#asked.set(id, through)
    this.#deps.background().add([id])
  }

  /** The line does not tell of which threads it takes account: where nothing is unread it need not. */
  #countThread(id: ConversationId, through: number): void {
    const row = this.#deps.list.row(id)
    if (row?.access === undefined || row.unread === 0 || (row.readThrough ?? -1) >= through) return
    this.#deps.background().add([id])
  }
}

function readRow(row: ConversationRow, readThrough: number): ConversationRow {
  return { ...row, unread: 0, mentions: 0, readThrough: Math.max(readThrough, row.readThrough ?? -1) }
}
