// Erasing with the real LevelDB: what was redacted is in no file any more, whatever lay where.
import { randomBytes } from 'node:crypto'

import { describe, expect, onTestFinished, test, vi } from 'vitest'

import type { ConversationStore, EntryRow } from '../../../server/storage/conversation-store.ts'
import { compact, type Database, openDatabase } from '../../../server/storage/level/database.ts'
import { openLevelStore } from '../../../server/storage/level/level-store.ts'
import { bob, conversationId, entryAt, fullCommit, messageAt, write } from '../../contract/store-rows.ts'
import { createFaultyDisk } from '../../helpers/faulty-level.ts'
import { until } from '../../helpers/until.ts'
import { filesWith, newMarker } from './marked-files.ts'
import { inFolder } from './store-folder.ts'

const one = conversationId(1)
const two = conversationId(2)
const everything = { gte: Uint8Array.of(), lt: Uint8Array.of(0xff) }

interface Stand {
  readonly location: string
  readonly store: ConversationStore
  readonly database: () => Database
  readonly reopen: () => Promise<ConversationStore>
  /** What was told of passes that failed. */
  readonly failures: readonly unknown[]
}

async function withStore(run: (stand: Stand) => Promise<void>): Promise<void> {
  await inFolder(async (location) => {
    let database: Database | undefined
    const open: typeof openDatabase = async (...args) => {
      database = await openDatabase(...args)
      return database
    }
    const failures: unknown[] = []
    const onVanishingFailed = (error: unknown): void => void failures.push(error)
    let store = await openLevelStore({ location, open, onVanishingFailed })
    try {
      await run({
        location,
        store,
        failures,
        database: () => {
          if (database === undefined) throw new Error('no database was opened')
          return database
        },
        reopen: async () => {
          await store.close()
          store = await openLevelStore({ location, open, onVanishingFailed })
          return store
        },
      })
    } finally {
      await store.close()
    }
  })
}

/** An entry whose payload holds a text, and which nothing compresses. */
function said(seq: number, text: string): EntryRow {
  return entryAt(seq, { payload: new TextEncoder().encode(`\u0001{"content":"${text}"}`) })
}

/** The first commit of a conversation in which the marker is said at `seq`, among `count` messages of some length. */
function commitWith(marker: string, seq: number, count: number): ReturnType<typeof fullCommit> {
  const filler = (): string => randomBytes(500).toString('base64')
  const texts = Array.from({ length: count }, (_, index) => (index === seq ? marker : filler()))
  return {
    ...fullCommit(one, count),
    entries: texts.map((text, index) => said(index, text)),
    messages: texts.map((text, index) => messageAt(index, { content: text })),
  }
}

/** The redaction of what `commitWith` said. */
function redaction(seq: number, count: number, revision = 2): ReturnType<typeof write> {
  return write(one, revision, {
    head: { nextSeq: count, nextRecord: count, redactions: 1 },
    entries: [entryAt(seq, { payload: undefined })],
    messages: [messageAt(seq, { content: '', redactedAt: 1, redactedBy: bob, revision: count })],
    erases: [seq],
  })
}

describe('erasing', () => {
  test('[ERASE1] both versions in one memtable: nothing of the earlier one is left in any file', async () => {
    await withStore(async ({ location, store }) => {
      const marker = newMarker()
      await store.commit([commitWith(marker, 2, 5)])
      expect(await filesWith(location, marker)).not.toEqual([])
      await store.commit([redaction(2, 5)])
      await store.erased()
      expect(await filesWith(location, marker)).toEqual([])
      expect(await store.messagesAt(one, [1, 2])).toMatchObject([{ seq: 1 }, { content: '', redactedBy: bob }])
    })
  })

  test('[ERASE1] when nobody asks for that the marker stays, and the test finds it', async () => {
    await withStore(async ({ location, store, database }) => {
      const marker = newMarker()
      await store.commit([commitWith(marker, 2, 5)])
      await store.commit([{ ...redaction(2, 5), erases: [] }])
      await store.erased()
      await compact(database(), everything)
      await compact(database(), everything)
      expect(await filesWith(location, marker)).not.toEqual([])
    })
  })

  test('[ERASE1] the earlier version in a table, the later one in the log', async () => {
    await withStore(async ({ location, store, reopen }) => {
      const marker = newMarker()
      await store.commit([commitWith(marker, 2, 5)])
      // Opening moves the log into a table.
      const again = await reopen()
      expect(await filesWith(location, marker)).toEqual([expect.stringMatching(/\.ldb$/)])
      await again.commit([redaction(2, 5)])
      await again.erased()
      expect(await filesWith(location, marker)).toEqual([])
    })
  })

  test('[ERASE1] the earlier version deep below, among many other rows', async () => {
    await withStore(async ({ location, store, database }) => {
      const count = 6000
      const marker = newMarker()
      await store.commit([commitWith(marker, 2500, count)])
      // Down as far as it goes, and more rows above it, at several levels.
      for (const revision of [2, 3, 4]) {
        const messages = Array.from({ length: 1500 }, (_, index) =>
          messageAt(index * revision, { content: randomBytes(500).toString('base64') }),
        )
        await compact(database(), everything)
        await store.commit([
          write(one, revision, {
            head: { nextSeq: count, nextRecord: count },
            messages: messages.filter(({ seq }) => seq !== 2500),
          }),
        ])
      }
      expect(
        levelsOf(database())
          .slice(2)
          .some((files) => files > 0),
      ).toBe(true)
      expect(await filesWith(location, marker)).not.toEqual([])
      await store.commit([redaction(2500, count, 5)])
      await store.erased()
      expect(await filesWith(location, marker)).toEqual([])
      expect(await store.messagesAt(one, [2499, 2500])).toMatchObject([{ seq: 2499 }, { content: '' }])
    })
  })

  test('[ERASE1] while a reader is open that began before, it is not said to be erased; then it is', async () => {
    await withStore(async ({ location, store }) => {
      const marker = newMarker()
      await store.commit([commitWith(marker, 2, 900), fullCommit(two, 3)])
      const walk = store.entriesNewestFirst(one)[Symbol.asyncIterator]()
      expect(await walk.next()).toMatchObject({ value: { seq: 899 } })
      await store.commit([redaction(2, 900)])
      let isErased = false
      const erased = store.erased().then(() => (isErased = true))
      for (let revision = 2; revision < 30; revision++) {
        await store.commit([write(two, revision, { head: { nextSeq: 3, nextRecord: 3 } })])
        // Others that come and go meanwhile are not waited for.
        await store.messages(two, { take: 'newest', limit: 9 })
      }
      expect(isErased).toBe(false)
      expect(await filesWith(location, marker)).not.toEqual([])
      await walk.return?.()
      await erased
      expect(await filesWith(location, marker)).toEqual([])
    })
  })

  test('[ERASE1] a reader that begins while it is under way keeps files as well, and is waited for', async () => {
    await withStore(async ({ location, store, database, reopen }) => {
      const marker = newMarker()
      await store.commit([commitWith(marker, 2, 900), fullCommit(two, 600)])
      const again = await reopen()
      let walk: AsyncIterator<EntryRow> | undefined
      const compactions = onCompaction(database(), async (call) => {
        // The first call only empties the memtable; the next one merges the tables that the walk is reading.
        if (call !== 1) return true
        walk = again.entriesNewestFirst(two)[Symbol.asyncIterator]()
        await walk.next()
        return true
      })
      await again.commit([redaction(2, 900)])
      let isErased = false
      const erased = again.erased().then(() => (isErased = true))
      await vi.waitFor(() => expect(compactions.calls).toBeGreaterThanOrEqual(3))
      for (let revision = 2; revision < 50; revision++) {
        await again.commit([write(two, revision, { head: { nextSeq: 600, nextRecord: 600 } })])
      }
      expect(walk).toBeDefined()
      expect(isErased).toBe(false)
      expect(await filesWith(location, marker)).not.toEqual([])
      await walk?.return?.()
      await erased
      expect(await filesWith(location, marker)).toEqual([])
    })
  })

  test('[ERASE1] a compaction that left an earlier version is found out, and repeated', async () => {
    await withStore(async ({ location, store, database }) => {
      const marker = newMarker()
      await store.commit([commitWith(marker, 2, 900)])
      // Deeper than where LevelDB compacts by itself so soon.
      await compact(database(), everything)
      expect(levelsOf(database())[2]).toBeGreaterThan(0)
      const compactions = onCompaction(database(), async (call) => call === 0 || call > 3)
      await store.commit([redaction(2, 900)])
      await store.erased()
      // Emptied, left out three times, merged, the same for messages, and the files removed.
      expect(compactions.calls).toBeGreaterThanOrEqual(7)
      expect(await filesWith(location, marker)).toEqual([])
    })
  })

  test('[ERASE1] what does not go is told, and tried again', async () => {
    await withStore(async ({ location, store, database }) => {
      const marker = newMarker()
      await store.commit([commitWith(marker, 2, 900)])
      // Deeper than where LevelDB compacts by itself so soon.
      await compact(database(), everything)
      expect(levelsOf(database())[2]).toBeGreaterThan(0)
      let isStuck = true
      onCompaction(database(), async (call) => call === 0 || !isStuck)
      await store.commit([redaction(2, 900)])
      await expect(store.erased()).rejects.toMatchObject({ name: 'StoreError', code: 'failed' })
      expect(await filesWith(location, marker)).not.toEqual([])
      expect(await store.commit([write(two, 1)])).toEqual(['committed'])
      isStuck = false
      await store.erased()
      expect(await filesWith(location, marker)).toEqual([])
    })
  })

  test('[ERASE1] what does not go is tried again after a minute, although nobody asks', async () => {
    await withStore(async ({ location, store, database, failures }) => {
      const marker = newMarker()
      await store.commit([commitWith(marker, 2, 900)])
      await compact(database(), everything)
      let isStuck = true
      onCompaction(database(), async (call) => call === 0 || !isStuck)
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      onTestFinished(() => void vi.useRealTimers())
      await store.commit([redaction(2, 900)])
      await vi.waitUntil(() => failures.length > 0, { timeout: 30_000 })
      expect(failures).toMatchObject([{ name: 'StoreError', code: 'failed' }])
      isStuck = false
      vi.advanceTimersByTime(60_000)
      vi.useRealTimers()
      await until('it is gone', async () => (await filesWith(location, marker)).length === 0)
      expect(failures).toHaveLength(1)
    })
  })

  test('[ERASE1] what was not done when the store was closed is done when it is opened again', async () => {
    await withStore(async ({ location, store, reopen }) => {
      const marker = newMarker()
      await store.commit([commitWith(marker, 2, 900)])
      const walk = store.entriesNewestFirst(one)[Symbol.asyncIterator]()
      await walk.next()
      await store.commit([redaction(2, 900)])
      const erased = store.erased()
      await Promise.all([expect(erased).rejects.toMatchObject({ name: 'StoreError', code: 'closed' }), store.close()])
      expect(await filesWith(location, marker)).not.toEqual([])
      const again = await reopen()
      await again.erased()
      expect(await filesWith(location, marker)).toEqual([])
      expect(await again.message(one, 2)).toMatchObject({ content: '' })
    })
  })

  test('[ERASE1] several redactions, some far apart and one of them twice, are all erased', async () => {
    await withStore(async ({ location, store }) => {
      const markers = [0, 1, 1999].map((seq) => [seq, newMarker()] as const)
      const texts = new Map<number, string>(markers)
      const entries = Array.from({ length: 2000 }, (_, seq) => said(seq, texts.get(seq) ?? `nothing ${seq}`))
      await store.commit([{ ...fullCommit(one, 2000), entries, messages: [] }, fullCommit(two, 3)])
      for (const [index, [seq, marker]] of markers.entries()) {
        expect(await filesWith(location, marker)).not.toEqual([])
        await store.commit([{ ...redaction(seq, 2000, index + 2), erases: [seq, 0] }])
      }
      await store.erased()
      for (const [, marker] of markers) expect(await filesWith(location, marker)).toEqual([])
    })
  })

  test('[ERASE1][PROC4] redactions all over a long conversation do not cost a compaction each', async () => {
    await withStore(async ({ location, store, database }) => {
      const text = newMarker()
      await store.commit([commitWith(text, 3, 8)])
      await store.erased()
      const compactions = onCompaction(database(), async () => true)
      // As of a conversation of a hundred thousand messages; there need be none.
      const erases = [3, ...Array.from({ length: 100 }, (_, index) => 2000 * (index + 1))]
      await store.commit([{ ...redaction(3, 8), erases }])
      await store.erased()
      expect(await filesWith(location, text)).toEqual([])
      expect(compactions.calls).toBeLessThan(60)
    })
  })

  test('[ERASE1][STORE2] a write of it that fails fails the store; when that is opened again it goes on', async () => {
    await inFolder(async (location) => {
      const disk = createFaultyDisk()
      const store = await openLevelStore({ location, open: disk.open })
      const marker = newMarker()
      await store.commit([commitWith(marker, 2, 5)])
      disk.failWrite('refused', 1)
      await store.commit([redaction(2, 5)])
      const failed = { name: 'StoreError', code: 'failed' }
      await expect(store.erased()).rejects.toMatchObject(failed)
      await expect(store.erased()).rejects.toMatchObject(failed)
      await expect(store.commit([write(two, 1)])).rejects.toMatchObject(failed)
      expect([...(await store.recover())]).toEqual([])
      await store.erased()
      expect(await filesWith(location, marker)).toEqual([])
      expect(await store.commit([write(two, 1)])).toEqual(['committed'])
      await store.close()
    })
  })
})

/** Asks before every compaction whether it may take place, with the number of those before it. */
function onCompaction(database: object, may: (call: number) => Promise<boolean>): { readonly calls: number } {
  if (!('compactRange' in database) || typeof database.compactRange !== 'function') throw new Error('no LevelDB')
  const original = database.compactRange.bind(database) as (gte: Uint8Array, lt: Uint8Array) => Promise<void>
  let calls = 0
  const compactRange = async (gte: Uint8Array, lt: Uint8Array): Promise<void> => {
    if (await may(calls++)) await original(gte, lt)
    // As LevelDB does when it moves tables meanwhile: what is in memory becomes a table all the same.
    else await original(Uint8Array.of(0xff), Uint8Array.of(0xff))
  }
  Object.assign(database, { compactRange })
  return {
    get calls() {
      return calls
    },
  }
}

/** How many tables there are at each level. */
function levelsOf(database: object): number[] {
  if (!('getProperty' in database) || typeof database.getProperty !== 'function') throw new Error('no LevelDB')
  const getProperty = database.getProperty.bind(database) as (name: string) => string
  return Array.from({ length: 7 }, (_, level) => Number(getProperty(`leveldb.num-files-at-level${level}`)))
}
