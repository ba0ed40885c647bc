/**
 * The store on LevelDB: one process, one folder. Turns a call of `commit` into one atomic, synced batch; what it is asked
 * stands in level-queries.ts.
 */

import type { ConversationId, UserId } from '../../../shared/sync/ids.ts'
import { assertCommits, isMoved } from '../commit-rules.ts'
import type { Commit, CommitOutcome, ConversationStore, InDoubt, StoreError } from '../conversation-store.ts'
import { type DamageOptions, Damages } from '../damages.ts'
import type { ProfileRow } from '../people-rows.ts'
import { StoreLife } from '../store-life.ts'
import { addDeletion, addWrites, type RowSink } from './batch.ts'
import { type Batch, type Database, getRowSync } from './database.ts'
import { encodeKey } from './keys.ts'
import { LevelQueries } from './level-queries.ts'
import { openAgain, openOrMake, type Place } from './opening.ts'
import { writeProfile } from './people-rows.ts'
import { Reading } from './reading.ts'
import { type Doubt, resolveDoubt } from './recovery.ts'
import { readHead, writeGeneration } from './rows.ts'
import { Vanishing, type VanishingOptions } from './vanishing.ts'

export interface LevelStoreOptions extends Place, DamageOptions, VanishingOptions {}

/**
 * Opens the store in a folder, or makes one where there is nothing. Throws StoreError `locked`, `damaged` or `failed`;
 * what was a store is never taken for a new one (SPEC STORE4).
 */
export async function openLevelStore(options: LevelStoreOptions): Promise<ConversationStore> {
  const store = await levelStoreOn(await openOrMake(options), options)
  store.goOn()
  return store
}

/** The store on a database that is open; what has yet to vanish stays until it is told to go on. */
export async function levelStoreOn(database: Database, options: LevelStoreOptions): Promise<LevelStore> {
  const store = new LevelStore(database, options)
  try {
    await store.load()
    return store
  } catch (error) {
    await database.close()
    throw error
  }
}

class LevelStore extends LevelQueries implements ConversationStore {
  readonly #place: Place
  readonly #life: StoreLife
  /** What is open; another one after the store was opened again. */
  readonly #open: { database: Database }
  readonly #vanishing: Vanishing
  /** What the write that failed was to write. */
  #doubts: readonly Doubt[] = []

  constructor(database: Database, options: LevelStoreOptions) {
    const open = { database }
    const life = new StoreLife()
    const damages = new Damages(options)
    const { location, onVanishingFailed } = options
    const vanishing = new Vanishing({ life, damages, location, onVanishingFailed, database: () => open.database })
    const hides = vanishing.hides.bind(vanishing)
    super(new Reading(life, damages, () => open.database, hides), damages)
    this.#open = open
    this.#vanishing = vanishing
    this.#life = life
    this.#place = options
  }

  async load(): Promise<void> {
    await this.#vanishing.load()
  }

  /** Begins with what has yet to vanish. */
  goOn(): void {
    this.#vanishing.start()
  }

  async commit(commits: readonly Commit[]): Promise<readonly CommitOutcome[]> {
    return await this.#life.commit(async () => await this.#write(commits))
  }

  async recover(): Promise<ReadonlyMap<ConversationId, InDoubt>> {
    return await this.#life.recover(async () => {
      await this.#vanishing.stop()
      await this.#open.database.close()
      this.#open.database = await openAgain(this.#place)
      try {
        const states = new Map<ConversationId, InDoubt>()
        for (const doubt of this.#doubts) {
          states.set(doubt.commit.conversation, await resolveDoubt(this.#open.database, doubt))
        }
        this.#doubts = []
        await this.#vanishing.resume()
        return states
      } catch (error) {
        await this.#open.database.close()
        throw error
      }
    })
  }

  condemn(conversation: ConversationId, what: string): StoreError {
    return this.damages.condemn(conversation, what)
  }

  condemned(): ReadonlyMap<ConversationId, string> {
    return this.damages.found()
  }

  async markRestored(nowMs: number): Promise<number> {
    const generation = Math.max(nowMs, (await this.generation()) + 1)
    const { key, value } = writeGeneration(generation)
    await this.#life.commit(async () => {
      const batch = this.#open.database.batch()
      batch.put(key, value)
      await this.#sync(batch, [])
    })
    return generation
  }

  async putProfile(row: ProfileRow): Promise<void> {
    const { key, value } = writeProfile(row)
    await this.#writeBeside((batch) => batch.put(key, value))
  }

  async removeProfile(user: UserId): Promise<void> {
    await this.#writeBeside((batch) => batch.del(encodeKey({ kind: 'profile', user })))
  }

  /** What needs no turn among the commits. */
  async #writeBeside(fill: (batch: RowSink) => void): Promise<void> {
    await this.#life.beside(async () => {
      const batch = this.#open.database.batch()
      try {
        fill(batch)
        await batch.write({ sync: true })
      } finally {
        await batch.close()
      }
    })
  }

  async erased(): Promise<void> {
    await this.#vanishing.finished()
  }

  async close(): Promise<void> {
    await this.#life.close(async () => {
      await this.#vanishing.stop()
      await this.#open.database.close()
    })
  }

  /** One batch, one sync (SPEC STORE1). What is read first is of this process alone, for LevelDB locks the folder. */
  async #write(commits: readonly Commit[]): Promise<readonly CommitOutcome[]> {
    assertCommits(commits)
    const batch = this.#open.database.batch()
    try {
      const outcomes: CommitOutcome[] = []
      const doubts: Doubt[] = []
      for (const commit of commits) {
        const doubt = await this.#addCommit(batch, commit)
        if (doubt !== undefined) doubts.push(doubt)
        outcomes.push(doubt === undefined ? 'moved' : 'committed')
      }
      if (batch.length > 0) await this.#sync(batch, doubts)
      this.#vanishing.add(doubts.map(({ commit }) => commit))
      return outcomes
    } finally {
      await batch.close()
    }
  }

  /** Undefined, and nothing added, when it was made for another head. */
  async #addCommit(batch: Batch, commit: Commit): Promise<Doubt | undefined> {
    const { conversation, expectedRevision } = commit
    this.damages.assertWhole(conversation)
    const { database } = this.#open
    try {
      const row = getRowSync(database, encodeKey({ kind: 'head', conversation }))
      const before = row === undefined ? undefined : readHead(row)
      const first = encodeKey({ kind: 'record', conversation, clock: 0 })
      if (before === undefined && getRowSync(database, first) !== undefined) throw this.lostHead(conversation)
      if (isMoved(before, expectedRevision)) return undefined
      if (commit.kind === 'write') addWrites(batch, commit)
      else await addDeletion(batch, commit, database)
      return { commit, before }
    } catch (error) {
      throw this.damages.note(conversation, error)
    }
  }

  async #sync(batch: Batch, doubts: readonly Doubt[]): Promise<void> {
    try {
      await batch.write({ sync: true })
    } catch (error) {
      this.#doubts = doubts
      throw this.#life.fail(error)
    }
  }
}
