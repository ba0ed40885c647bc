// The versions of rows in the tables: all but the last of each are told, and of a range only.
import { expect, test } from 'vitest'

import { compact, openDatabase } from '../../../server/storage/level/database.ts'
import { earlierVersions } from '../../../server/storage/level/files/row-versions.ts'
import { inFolder } from './store-folder.ts'

const key = (number: number): Uint8Array => Uint8Array.of(7, number >>> 8, number & 0xff)
const nothing = { gte: Uint8Array.of(0xff), lt: Uint8Array.of(0xff) }
const all = { gte: key(0), lt: key(0xffff) }

test('[ERASE1] earlier versions are found in every table, those of deleted rows too, until they are merged', async () => {
  await inFolder(async (location) => {
    const database = await openDatabase(location, { createIfMissing: true })
    const put = async (from: number, to: number): Promise<void> => {
      const batch = database.batch()
      for (let number = from; number < to; number++) batch.put(key(number), Buffer.alloc(200, number))
      await batch.write()
    }
    const sizeOf = async (range: typeof all): Promise<number | undefined> =>
      (await earlierVersions(location, range))?.size
    await put(0, 3000)
    await compact(database, nothing)
    expect(await sizeOf(all)).toBe(0)
    await put(100, 110)
    await put(105, 107)
    await database.del(key(2999))
    // What is only in memory, and in the log, is in no table.
    expect(await sizeOf(all)).toBe(0)
    await compact(database, nothing)
    expect(await sizeOf(all)).toBe(13)
    expect(await sizeOf({ gte: key(105), lt: key(107) })).toBe(4)
    expect(await sizeOf({ gte: key(107), lt: key(109) })).toBe(2)
    expect(await sizeOf({ gte: key(110), lt: key(2999) })).toBe(0)
    expect(await sizeOf({ gte: key(2999), lt: key(3000) })).toBe(1)
    await compact(database, all)
    await put(100, 110)
    await compact(database, all)
    expect(await sizeOf(all)).toBe(0)
    await database.close()
  })
})
