// What LevelDB does not tell: damaged rows, and rows that are gone. And it is never repaired behind anybody's back.
import { readFile } from 'node:fs/promises'

import { describe, expect, test } from 'vitest'

import { decodeKey, encodeKey } from '../../../server/storage/level/keys.ts'
import { openLevelStore } from '../../../server/storage/level/level-store.ts'
import { StoreError } from '../../../server/storage/conversation-store.ts'
import { readBack } from '../../contract/read-back.ts'
import { bob, conversationId, fullCommit, messageAt } from '../../contract/store-rows.ts'
import { commitAndClose, filesEnding, flipBit, inFolder, putRow, rowsIn, withDatabase } from './store-folder.ts'

const one = conversationId(1)
const two = conversationId(2)
const damaged = { name: 'StoreError', code: 'damaged' }

/** Opens the store and asks for everything in it; throws what it finds damaged, also where that keeps from nothing. */
async function readAll(location: string): Promise<readonly object[]> {
  const store = await openLevelStore({ location })
  try {
    const inbox = await store.conversationsOf(bob)
    const found = [await readBack(store, one, 2), await readBack(store, two, 2), inbox]
    const [damage] = store.condemned().values()
    if (damage !== undefined) throw new StoreError('damaged', damage)
    return found
  } finally {
    await store.close()
  }
}

async function withRows(
  run: (location: string, rows: Awaited<ReturnType<typeof rowsIn>>) => Promise<void>,
): Promise<void> {
  await inFolder(async (location) => {
    await commitAndClose(location, [fullCommit(one, 2), fullCommit(two, 2)])
    const rows = await rowsIn(location)
    // The format; head, 2 of each numbered kind and of ids, chain, deleted, 2 places, 2 members with inboxes, 1 key, and
    // one touched, piece, setting, pin and invitation.
    expect(rows).toHaveLength(1 + 2 * (1 + 6 + 2 + 2 + 2 + 2 + 2 + 1 + 5))
    await run(location, rows)
  })
}

describe('damaged rows', () => {
  test('[STORE3] a flipped bit in any row of the database is found', async () => {
    await withRows(async (location, rows) => {
      const whole = await readAll(location)
      for (const row of rows) {
        const value = Uint8Array.from(row.value)
        value[value.length >>> 1] = (value[value.length >>> 1] ?? 0) ^ 1
        await putRow(location, { key: row.key, value })
        await expect(readAll(location)).rejects.toMatchObject(damaged)
        await putRow(location, row)
      }
      expect(await readAll(location)).toEqual(whole)
    })
  })

  test('[STORE3] a row found under the key of another is found out, in the same conversation and across', async () => {
    await withRows(async (location, rows) => {
      for (const [index, row] of rows.entries()) {
        const kind = decodeKey(row.key)?.kind
        const others = rows.filter((other, place) => place !== index && decodeKey(other.key)?.kind === kind)
        for (const other of others) {
          await putRow(location, { key: row.key, value: other.value })
          await expect(readAll(location)).rejects.toMatchObject(damaged)
        }
        await putRow(location, row)
      }
    })
  })

  test('[STORE3] entries and records that are gone are missed', async () => {
    await withRows(async (location, rows) => {
      const numbered = rows.filter(({ key }) => ['log', 'record'].includes(decodeKey(key)?.kind ?? ''))
      expect(numbered).toHaveLength(8)
      for (const row of numbered) {
        await withDatabase(location, async (database) => await database.del(row.key))
        await expect(readAll(location)).rejects.toMatchObject(damaged)
        await putRow(location, row)
      }
    })
  })

  test('[STORE3] a flipped bit in a table file is found where LevelDB serves it as good', async () => {
    await inFolder(async (location) => {
      // Nothing in it repeats, so that compression leaves it as it is.
      const content = 'Zq8Kx2Vn5Jw'
      const commit = { ...fullCommit(one, 2), messages: [messageAt(0), messageAt(1, { content })] }
      await commitAndClose(location, [commit, fullCommit(two, 2)])
      // Opening moves the log into a table.
      await commitAndClose(location)
      const [table = ''] = await filesEnding(location, '.ldb')
      const at = (await readFile(table)).indexOf(content)
      expect(at).toBeGreaterThan(0)
      await flipBit(table, at)

      const key = encodeKey({ kind: 'message', conversation: one, seq: 1 })
      const served = await withDatabase(location, async (database) => await database.get(key))
      expect(Buffer.from(served).includes('[q8Kx2Vn5Jw')).toBe(true)
      const store = await openLevelStore({ location })
      await expect(store.message(one, 1)).rejects.toMatchObject(damaged)
      await expect(store.messages(one, { take: 'newest', limit: 1 })).rejects.toMatchObject(damaged)
      expect([...store.condemned().keys()]).toEqual([one])
      expect(await readBack(store, two, 2)).toMatchObject({ single: messageAt(0) })
      await store.close()
    })
  })

  test('[STORE3] a damaged head is no reason to write over it', async () => {
    await withRows(async (location, rows) => {
      const head = rows.find(({ key }) => decodeKey(key)?.kind === 'head')
      expect(head).toBeDefined()
      if (head === undefined) return
      const value = Uint8Array.from(head.value).fill(0, 3, 5)
      await putRow(location, { key: head.key, value })
      const store = await openLevelStore({ location })
      const commit = { ...fullCommit(one, 2), expectedRevision: 1, head: { ...fullCommit(one, 2).head, revision: 2 } }
      await expect(store.commit([commit])).rejects.toMatchObject(damaged)
      // Nothing was written, so nothing has failed: others go on.
      expect(await store.commit([fullCommit(conversationId(3), 1)])).toEqual(['committed'])
      await store.close()
      expect((await rowsIn(location)).find(({ key }) => Buffer.compare(key, head.key) === 0)?.value).toEqual(
        Buffer.from(value),
      )
    })
  })
})
