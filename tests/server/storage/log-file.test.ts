// LevelDB's log: damage that LevelDB passes over is found before LevelDB reads it.
import { readFile, truncate } from 'node:fs/promises'

import { describe, expect, test } from 'vitest'

import { findDamage } from '../../../server/storage/level/files/log-file.ts'
import { openLevelStore } from '../../../server/storage/level/level-store.ts'
import { conversationId, entryAt, headAt, write } from '../../contract/store-rows.ts'
import { commitAndClose, filesEnding, flipBit, inFolder, withDatabase } from './store-folder.ts'

const one = conversationId(1)
const damaged = { name: 'StoreError', code: 'damaged' }

/** Commits `count` times and returns the log, which holds one record for each. */
async function makeLog(location: string, count: number, payloadBytes: number): Promise<string> {
  const payload = new Uint8Array(payloadBytes).fill(7)
  const calls = Array.from({ length: count }, (_, seq) => [
    write(one, seq + 1, { head: { nextSeq: seq + 1 }, entries: [entryAt(seq, { payload })] }),
  ])
  await commitAndClose(location, ...calls)
  const [log = ''] = await filesEnding(location, '.log')
  return log
}

describe('the log', () => {
  test('[STORE4] a whole log is whole, over blocks and with records longer than one', async () => {
    await inFolder(async (location) => {
      const log = await readFile(await makeLog(location, 5, 50_000))
      expect(log.length).toBeGreaterThan(5 * 50_000)
      expect(findDamage(log)).toBeUndefined()
    })
  })

  test('[STORE4] a flipped bit anywhere before the last record is found', async () => {
    await inFolder(async (location) => {
      const path = await makeLog(location, 4, 10)
      const log = await readFile(path)
      let found = 0
      let missed = log.length
      for (let at = 0; at < log.length; at++) {
        const copy = Buffer.from(log)
        copy[at] = (copy[at] ?? 0) ^ 1
        if (findDamage(copy) === undefined) missed = Math.min(missed, at)
        else found++
      }
      // All of the records but the last, which may be a write that was cut short.
      expect(found).toBe(missed)
      expect(found).toBeGreaterThan(log.length / 2)
    })
  })

  test('[STORE4] where LevelDB opens with rows missing, the store does not open, and leaves the log as it is', async () => {
    await inFolder(async (location) => {
      const path = await makeLog(location, 20, 5000)
      await flipBit(path, 40_000)
      const before = await readFile(path)
      await expect(openLevelStore({ location })).rejects.toMatchObject(damaged)
      expect(await readFile(path)).toEqual(before)
      const keys = await withDatabase(location, async (database) => await database.keys().all())
      expect(keys.length).toBeGreaterThan(10)
      expect(keys.length).toBeLessThan(2 + 20 * 2)
    })
  })

  test('[STORE1] a write that a crash cut short is gone as a whole, and all before it is there', async () => {
    await inFolder(async (location) => {
      const path = await makeLog(location, 3, 100)
      const { length } = await readFile(path)
      await truncate(path, length - 20)
      const store = await openLevelStore({ location })
      expect(await store.head(one)).toEqual({ kind: 'head', head: headAt(2, { nextSeq: 2 }) })
      await store.close()
    })
  })

  test('[STORE4] zeros behind the last record, as a power failure leaves them, are no damage', async () => {
    await inFolder(async (location) => {
      const path = await makeLog(location, 3, 100)
      const log = await readFile(path)
      expect(findDamage(Buffer.concat([log, Buffer.alloc(100_000)]))).toBeUndefined()
      expect(findDamage(Buffer.concat([log.subarray(0, -20), Buffer.alloc(100_000)]))).toBeUndefined()
    })
  })
})
