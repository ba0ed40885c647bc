// Deleting a conversation with the real LevelDB: all of it goes from the medium, bit by bit, and nobody waits for it.
import { performance } from 'node:perf_hooks'

import { describe, expect, test } from 'vitest'

import type { ConversationStore } from '../../../server/storage/conversation-store.ts'
import { openDatabase } from '../../../server/storage/level/database.ts'
import { decodeKey } from '../../../server/storage/level/keys.ts'
import { openLevelStore } from '../../../server/storage/level/level-store.ts'
import { checkRows } from '../../../server/storage/level/row-check.ts'
import { writeEntry } from '../../../server/storage/level/rows.ts'
import { writeErasing, writePurging } from '../../../server/storage/level/vanishing-rows.ts'
import { readBack } from '../../contract/read-back.ts'
import { conversationId, deletion, entryAt, fullCommit, headAt, messageAt, write } from '../../contract/store-rows.ts'
import { filesWith, newMarker } from './marked-files.ts'
import { commitAndClose, inFolder, putRow, rowsIn } from './store-folder.ts'

const one = conversationId(1)
const two = conversationId(2)

async function findingsIn(location: string): Promise<string[]> {
  const database = await openDatabase(location, { createIfMissing: false })
  const findings: string[] = []
  for await (const { text } of checkRows(database)) findings.push(text)
  await database.close()
  return findings
}

/** How many rows of conversation one are left, its head aside. */
async function leftIn(location: string): Promise<number> {
  const keys = (await rowsIn(location)).map(({ key }) => decodeKey(key))
  return keys.filter((key) => key !== undefined && 'conversation' in key && key.conversation === one).length - 1
}

/** Commits that take `count` entries into conversation one, some at a time. */
async function grow(store: ConversationStore, count: number): Promise<number> {
  const atOnce = 1000
  let revision = 0
  for (let from = 0; from < count; from += atOnce) {
    const seqs = Array.from({ length: Math.min(atOnce, count - from) }, (_, index) => from + index)
    revision++
    const head = { nextSeq: from + seqs.length }
    await store.commit([write(one, revision, { head, entries: seqs.map((seq) => entryAt(seq)) })])
  }
  return revision
}

describe('a deleted conversation', () => {
  test('[ERASE2] nothing of it is left in any file, and its neighbours are as they were', async () => {
    await inFolder(async (location) => {
      const store = await openLevelStore({ location })
      const [title, entry, record, message, setting] = Array.from({ length: 5 }, newMarker)
      const markers = [title, entry, record, message, setting].map((marker) => marker ?? '')
      const bytes = (text = ''): Uint8Array => new TextEncoder().encode(text)
      const commit = fullCommit(one, 3)
      await store.commit([fullCommit(conversationId(0), 3), fullCommit(two, 3)])
      await store.commit([
        {
          ...commit,
          head: { ...commit.head, title: title ?? '' },
          entries: [entryAt(0, { payload: bytes(entry) }), entryAt(1), entryAt(2)],
          records: [{ clock: 0, payload: bytes(record) }, ...commit.records.slice(1)],
          messages: [messageAt(0, { content: message ?? '' })],
          settings: [{ key: 'metadata', value: setting }],
        },
      ])
      await store.commit([write(one, 2, { head: { nextSeq: 3, nextRecord: 3, title: null } })])
      const neighbours = await Promise.all([readBack(store, conversationId(0), 3), readBack(store, two, 3)])
      for (const marker of markers) expect(await filesWith(location, marker)).not.toEqual([])
      await store.commit([deletion(one, 2)])
      await store.erased()
      for (const marker of markers) expect(await filesWith(location, marker)).toEqual([])
      expect(await Promise.all([readBack(store, conversationId(0), 3), readBack(store, two, 3)])).toEqual(neighbours)
      await store.close()
      expect(await leftIn(location)).toBe(0)
      expect(await findingsIn(location)).toEqual([])
    })
  })

  test('[ERASE2][STORE7] interrupted, it goes on when the store is opened again; nobody sees what is still there', async () => {
    await inFolder(async (location) => {
      const store = await openLevelStore({ location })
      const marker = newMarker()
      const payload = new TextEncoder().encode(marker)
      const commit = fullCommit(one, 2000)
      await store.commit([{ ...commit, entries: [...commit.entries.slice(0, -1), entryAt(1999, { payload })] }])
      const walk = store.entriesNewestFirst(one)[Symbol.asyncIterator]()
      await walk.next()
      await store.commit([deletion(one, 1)])
      const nothing = { entries: [], records: [], messages: [], single: undefined, members: [], settings: [], pins: [] }
      expect(await readBack(store, one, 2)).toMatchObject({
        ...nothing,
        head: deletion(one, 1).tombstone,
        inbox: false,
      })
      await store.close()
      const left = await leftIn(location)
      expect(left).toBeGreaterThan(1000)
      expect(await filesWith(location, marker)).not.toEqual([])
      // Rows that are still to be removed are nothing wrong; those of a conversation without a trace of that are.
      expect(await findingsIn(location)).toEqual([])

      const again = await openLevelStore({ location })
      expect(await readBack(again, one, 2)).toMatchObject({
        ...nothing,
        head: deletion(one, 1).tombstone,
        inbox: false,
      })
      await again.erased()
      expect(await filesWith(location, marker)).toEqual([])
      await again.close()
      expect(await leftIn(location)).toBe(0)
      await putRow(location, writeEntry(one, entryAt(5)))
      expect(await findingsIn(location)).toEqual(['log rows, but it was deleted'])
    })
  })

  test('[ERASE2][STORE9] a row that says so of a conversation that was not deleted is damage, and takes nothing along', async () => {
    await inFolder(async (location) => {
      await commitAndClose(location, [fullCommit(one, 3), fullCommit(two, 3)])
      const before = await leftIn(location)
      await putRow(location, writePurging(one))
      const erasing = writeErasing({ conversation: two, revision: 1, seqs: [0] })
      await putRow(location, { ...erasing, value: Uint8Array.of(1, 2, 3, 4, 5) })
      expect(await findingsIn(location)).toEqual([
        `an erasing row of conversation ${two} is damaged`,
        'purging rows, but it was not deleted',
      ])
      const store = await openLevelStore({ location })
      expect([...store.condemned().keys()]).toEqual([one, two])
      await store.erased()
      await expect(store.head(one)).rejects.toMatchObject({ code: 'damaged', conversation: one })
      await store.close()
      expect(await leftIn(location)).toBe(before + 1)
    })
  })

  test('[ERASE2] a long one does not hold up the commits of others', { timeout: 60_000 }, async () => {
    await inFolder(async (location) => {
      const store = await openLevelStore({ location })
      const revision = await grow(store, 50_000)
      let next = 1
      const timed = async (): Promise<number> => {
        const start = performance.now()
        await store.commit([write(two, next, { head: { nextSeq: next }, entries: [entryAt(next - 1)] })])
        next++
        return performance.now() - start
      }
      const quiet: number[] = []
      for (let count = 0; count < 100; count++) quiet.push(await timed())
      const start = performance.now()
      await store.commit([deletion(one, revision)])
      const deleting = performance.now() - start
      let isErased = false
      const erased = store.erased().then(() => (isErased = true))
      const busy: number[] = []
      while (!isErased) busy.push(await timed())
      await erased
      const purging = performance.now() - start
      const [usual, meanwhile, longest] = [median(quiet), median(busy), Math.max(...busy)]
      process.stdout.write(
        `purge of 50,000 entries: ${ms(purging)}, the commit ${ms(deleting)}; commits of others usually ${ms(usual)}, ` +
          `meanwhile ${ms(meanwhile)}, the longest of ${busy.length} ${ms(longest)}\n`,
      )
      expect(busy.length).toBeGreaterThan(20)
      expect(meanwhile).toBeLessThan(10 * usual + 5)
      expect(longest).toBeLessThan(purging / 2)
      expect(deleting).toBeLessThan(purging / 2)
      expect(await store.head(two)).toMatchObject({ head: headAt(next - 1, { nextSeq: next - 1 }) })
      await store.close()
      expect(await leftIn(location)).toBe(0)
    })
  })
})

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >>> 1] ?? 0
}

function ms(duration: number): string {
  return `${duration.toFixed(1)} ms`
}
