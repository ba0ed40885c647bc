// A log whose last batch is longer than a block, and of which a page never reached the disk.
import { readFile, writeFile } from 'node:fs/promises'

import { describe, expect, test } from 'vitest'

import { findDamage } from '../../../server/storage/level/files/log-file.ts'
import { openLevelStore } from '../../../server/storage/level/level-store.ts'
import { conversationId, entryAt, headAt, write } from '../../contract/store-rows.ts'
import { commitAndClose, filesEnding, inFolder } from './store-folder.ts'

const one = conversationId(1)
const damaged = { name: 'StoreError', code: 'damaged' }
const blockBytes = 32_768
const pageBytes = 4096

/** Commits entries of these lengths, one by one; the log and where each commit's record begins. */
async function makeLog(
  location: string,
  ...lengths: readonly number[]
): Promise<{ readonly path: string; readonly log: Buffer; readonly starts: readonly number[] }> {
  const calls = lengths.map((length, seq) => {
    const payload = new Uint8Array(length).fill(7)
    return [write(one, seq + 1, { head: { nextSeq: seq + 1 }, entries: [entryAt(seq, { payload })] })]
  })
  await commitAndClose(location, ...calls)
  const [path = ''] = await filesEnding(location, '.log')
  const log = await readFile(path)
  return { path, log, starts: recordsIn(log) }
}

/** Where FULL and FIRST fragments begin in a whole log. */
function recordsIn(log: Buffer): number[] {
  const starts: number[] = []
  for (let at = 0; at + 7 <= log.length;) {
    const left = blockBytes - (at % blockBytes)
    if (left < 7) {
      at += left
      continue
    }
    const type = log[at + 6] ?? 0
    if (type === 1 || type === 2) starts.push(at)
    at += 7 + log.readUInt16LE(at + 4)
  }
  return starts
}

function withoutPage(log: Buffer, page: number): Buffer {
  const torn = Buffer.from(log)
  torn.fill(0, page, page + pageBytes)
  return torn
}

/** Where the pages begin that lie in the log from `from` on. */
function pagesFrom(log: Buffer, from: number): number[] {
  const first = Math.ceil(from / pageBytes) * pageBytes
  return Array.from({ length: Math.floor((log.length - first) / pageBytes) }, (_, index) => first + index * pageBytes)
}

describe('a torn batch', () => {
  test('[STORE4][STORE1] whichever page of a long last batch is lost, it is a write that was cut short', async () => {
    await inFolder(async (location) => {
      const { path, log, starts } = await makeLog(location, 100, 200_000)
      const last = starts.at(-1) ?? 0
      const pages = pagesFrom(log, last)
      expect(pages.length).toBeGreaterThan(40)
      // Most of them have whole fragments of the same batch behind them.
      expect(pages.filter((page) => findDamage(withoutPage(log, page)) !== undefined)).toEqual([])
      await writeFile(path, withoutPage(log, pages[8] ?? 0))
      const store = await openLevelStore({ location })
      expect(await store.head(one)).toEqual({ kind: 'head', head: headAt(1, { nextSeq: 1 }) })
      await store.close()
    })
  })

  test.each([
    ['FULL', 100],
    ['FIRST', 100_000],
  ])('[STORE4] with the beginning of another record behind it (%s) the same is damage', async (_type, length) => {
    await inFolder(async (location) => {
      const { path, log, starts } = await makeLog(location, 100, 200_000, length)
      const [long = 0, behind = 0] = starts.slice(-2)
      const pages = pagesFrom(log.subarray(0, behind), long)
      expect(pages.length).toBeGreaterThan(40)
      expect(pages.filter((page) => findDamage(withoutPage(log, page)) === undefined)).toEqual([])
      const torn = withoutPage(log, pages[8] ?? 0)
      await writeFile(path, torn)
      await expect(openLevelStore({ location })).rejects.toMatchObject(damaged)
      expect(await readFile(path)).toEqual(torn)
    })
  })
})
