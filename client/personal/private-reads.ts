/**
 * How far the user has read where others are told nothing (SPEC PRIVATE2): written down for the own devices, and taken over from
 * them. A register: it only grows, on each device and, for whoever knows more says it again, on all of them.
 */

import { limits } from '../../shared/limits.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import type { BackgroundSync } from '../background-sync.ts'
import type { ConversationList } from '../conversation-list.ts'
import type { OpenConversation } from '../open-conversation.ts'
import type { ConversationRow } from '../storage/client-storage.ts'
import { GatheredWrites } from './gathered-writes.ts'
import { parsePersonalKey, parseSeqValue, personalKey } from './personal-keys.ts'
import type { PersonalValues } from './personal-values.ts'

export interface PrivateReadsDeps {
  readonly values: PersonalValues
  readonly list: ConversationList
  readonly open: () => Iterable<OpenConversation>
  readonly background: () => Pick<BackgroundSync, 'add'>
  /** This device reads in private itself: what others of the user wrote it may correct. */
  readonly writes: boolean
}

export class PrivateReads {
  readonly #deps: PrivateReadsDeps
  readonly #gathered: GatheredWrites
  /** Seqs, by conversation. */
  readonly #known = new Map<ConversationId, number>()
  /** Up to where they were counted by opening them, or are about to be. */
  readonly #asked = new Map<ConversationId, number>()

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

  /** Seq up to which the user has read; -1 when nothing is known. */
  through(id: ConversationId): number {
    return this.#known.get(id) ?? -1
  }

  /** The user has read here. */
  read(id: ConversationId, through: number): void {
    if (through <= this.through(id)) return
    this.#known.set(id, through)
    this.#write(id)
  }

  /** What stands under these keys is perhaps another value. */
  note(keys: Iterable<string>): void {
    const { values, writes, list } = this.#deps
    for (const key of keys) {
      const parsed = parsePersonalKey(key)
      const told = parsed?.kind === 'read' ? parseSeqValue(values.get(key)) : undefined
      if (parsed === undefined || told === undefined) continue
      const id = parsed.conversation
      // What was read here in private before this start stands in the list.
      const here = Math.max(this.through(id), writes ? (list.row(id)?.readThrough ?? -1) : -1)
      this.#known.set(id, Math.max(told, here))
      if (told > here) this.#take(id, told)
      else if (told < here && writes) this.#write(id)
    }
  }

  /** Lines have come, or changed. */
  noteList(): void {
    for (const [id, through] of this.#known) if (!this.#isOpen(id)) this.#count(id, through)
  }

  flush(): void {
    this.#gathered.flush()
  }

  close(): void {
    this.#gathered.close()
  }

  #write(id: ConversationId): void {
    const key = personalKey('read', id)
    // Rejects nothing: what cannot be kept the status tells.
    void this.#gathered.put(key, this.through(id))
  }

  #take(id: ConversationId, through: number): void {
    for (const conversation of this.#deps.open()) if (conversation.id === id) return conversation.noteRead(through)
    this.#count(id, through)
  }

  #isOpen(id: ConversationId): boolean {
    for (const conversation of this.#deps.open()) if (conversation.id === id) return true
    return false
  }

  /** Of a conversation that is not open: all is read, or it is opened in the background and counted there. */
  #count(id: ConversationId, through: number): void {
    const { list, background } = this.#deps
    const row = list.row(id)
    if (row?.access === undefined || (row.readThrough ?? -1) >= through) return
    if (through >= (row.lastMessageSeq ?? row.lastSeq ?? Infinity)) {
      // A line that cannot be kept is counted again after the next start.
      list.change(id, (now) => readRow(now, through)).catch(() => undefined)
      return
    }
    if ((this.#asked.get(id) ?? -1) >= through) return
    this.#asked.set(id, through)
    background().add([id])
  }
}

function readRow(row: ConversationRow, readThrough: number): ConversationRow {
  return { ...row, unread: 0, mentions: 0, readThrough: Math.max(readThrough, row.readThrough ?? -1) }
}
