/**
 * Reading rows of conversations: whoever asks waits while the store is opened again, a damaged conversation is refused
 * (SPEC STORE9), and numbered rows lack nothing (SPEC STORE3). What rows hold it is told by those who ask.
 */

import type { ConversationId } from '../../../shared/sync/ids.ts'
import { type Head, isDamage } from '../conversation-store.ts'
import type { Damages } from '../damages.ts'
import { type Run, RunWalk } from '../seq-run.ts'
import type { StoreLife } from '../store-life.ts'
import { type Database, getRows, scan, type ScanOptions } from './database.ts'
import { encodeKey, type Key, type KeyRange, numberedRange, type RangeKind, rangeOf } from './keys.ts'
import { readHead } from './rows.ts'
import type { Row } from './seal.ts'

/** A key of a row of one conversation. */
export type ConversationKey = Exclude<Key, { readonly kind: 'format' | 'generation' | 'inbox' | 'profile' }>

/** A run of numbered rows, in one direction. */
export interface Walk<T> {
  readonly kind: 'log' | 'record'
  readonly conversation: ConversationId
  /** Which numbers, given the head; in the order in which they are read. */
  readonly runsIn: (head: Head) => readonly Run[]
  readonly direction: 'ascending' | 'descending'
  readonly read: (row: Row) => T
  readonly numberOf: (content: T) => number
}

export class Reading {
  readonly #life: StoreLife
  readonly #damages: Damages
  readonly #database: () => Database
  readonly #hides: (conversation: ConversationId) => boolean

  /**
   * `database` is asked anew for each read: it is another one after the store was opened again. Of a conversation that
   * `hides` says so of there is only the head.
   */
  constructor(
    life: StoreLife,
    damages: Damages,
    database: () => Database,
    hides: (conversation: ConversationId) => boolean,
  ) {
    this.#life = life
    this.#damages = damages
    this.#database = database
    this.#hides = hides
  }

  async get<T>(key: ConversationKey, read: (row: Row) => T): Promise<T | undefined> {
    const [value] = await this.getMany(key.conversation, [key], read)
    return value
  }

  async getMany<T>(
    conversation: ConversationId,
    keys: readonly ConversationKey[],
    read: (row: Row) => T,
  ): Promise<(T | undefined)[]> {
    return await this.#ofOne(conversation, async (database) => {
      const rows = await getRows(database, keys.map(encodeKey))
      const hidden = this.#hides(conversation)
      return rows.map((row, index) =>
        row === undefined || (hidden && keys[index]?.kind !== 'head') ? undefined : read(row),
      )
    })
  }

  /** The same row of many conversations: one that is damaged does not keep the others from being read. */
  async getEach<T>(
    keys: readonly ConversationKey[],
    read: (row: Row) => T,
  ): Promise<(T | { readonly kind: 'damaged' } | undefined)[]> {
    try {
      const rows = await this.#rowsOf(keys)
      return keys.map(({ conversation }, index) => {
        this.#damages.assertWhole(conversation)
        const row = rows[index]
        return row === undefined ? undefined : read(row)
      })
    } catch (error) {
      if (!isDamage(error)) throw error
    }
    // Not often: one by one, to find out whose damage it is.
    return await Promise.all(keys.map(async (key) => await this.get(key, read).catch(damagedOrThrow)))
  }

  async list<T>(kind: RangeKind, conversation: ConversationId, read: (row: Row) => T): Promise<T[]> {
    return await this.listRange(conversation, rangeOf(kind, conversation), read)
  }

  async listRange<T>(
    conversation: ConversationId,
    range: KeyRange,
    read: (row: Row) => T,
    options?: ScanOptions,
  ): Promise<T[]> {
    return await this.#ofOne(conversation, async (database) => {
      const list: T[] = []
      if (this.#hides(conversation)) return list
      for await (const rows of scan(database, range, options)) for (const row of rows) list.push(read(row))
      return list
    })
  }

  /** A row of the store, which is of no conversation. */
  async getOfStore<T>(key: Key, read: (row: Row) => T): Promise<T | undefined> {
    await this.#life.untilReadable()
    const [row] = await getRows(this.#database(), [encodeKey(key)])
    return row === undefined ? undefined : read(row)
  }

  /** Rows of keys that are of no conversation: it is for the caller to say whose damage that is. */
  async rowsAt(keys: readonly Key[]): Promise<(Row | undefined)[]> {
    await this.#life.untilReadable()
    return await getRows(this.#database(), keys.map(encodeKey))
  }

  /** The rows of a range of many conversations: it is for the caller to say whose damage that is. */
  async rowsIn(range: KeyRange): Promise<Row[]> {
    await this.#life.untilReadable()
    const list: Row[] = []
    for await (const rows of scan(this.#database(), range)) list.push(...rows)
    return list
  }

  /** Reads a run of numbered rows that lack nothing, up to where the head says that they end. */
  async *walk<T>({ kind, conversation, runsIn, direction, read, numberOf }: Walk<T>): AsyncGenerator<T> {
    await this.#life.untilReadable()
    this.#damages.assertWhole(conversation)
    const database = this.#database()
    const end = database.readers.begin()
    const snapshot = database.snapshot()
    try {
      const [headRow] = await getRows(database, [encodeKey({ kind: 'head', conversation })], snapshot)
      const stored = headRow === undefined ? undefined : readHead(headRow)
      if (stored?.kind !== 'head') return
      for (const run of runsIn(stored.head)) {
        if (run.from >= run.to) continue
        const walk = new RunWalk(run, direction, kind, conversation)
        const range = numberedRange(kind, conversation, run)
        for await (const rows of scan(database, range, { reverse: direction === 'descending', snapshot })) {
          for (const row of rows) {
            const content = read(row)
            walk.step(numberOf(content))
            yield content
          }
        }
        walk.end()
      }
    } catch (error) {
      throw this.#damages.note(conversation, error)
    } finally {
      await snapshot.close()
      end()
    }
  }

  async #rowsOf(keys: readonly ConversationKey[]): Promise<(Row | undefined)[]> {
    await this.#life.untilReadable()
    return await getRows(this.#database(), keys.map(encodeKey))
  }

  async #ofOne<T>(conversation: ConversationId, read: (database: Database) => Promise<T>): Promise<T> {
    await this.#life.untilReadable()
    this.#damages.assertWhole(conversation)
    try {
      return await read(this.#database())
    } catch (error) {
      throw this.#damages.note(conversation, error)
    }
  }
}

function damagedOrThrow(error: unknown): { readonly kind: 'damaged' } {
  if (isDamage(error)) return { kind: 'damaged' }
  throw error
}
