// How LevelDB is written to: one synced batch for a call, and none after one that failed.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { Level } from 'level'
import { describe, expect, test, vi } from 'vitest'

import { openLevelStore } from '../../../server/storage/level/level-store.ts'
import { everyRecord, listOf } from '../../contract/read-back.ts'
import { conversationId, deletion, fullCommit, write } from '../../contract/store-rows.ts'
import { childEnv } from '../../helpers/coverage-env.ts'
import { root } from '../../helpers/root.ts'
import { fillDisk, type FillReport } from './fill-disk.ts'
import { inFolder, withDatabase } from './store-folder.ts'
import { watchWrites } from './watch-writes.ts'

describe('writes', () => {
  test('[STORE1] a call of commit is one batch and one sync, however much is in it', async () => {
    await inFolder(async (location) => {
      const store = await openLevelStore({ location })
      const watch = watchWrites()
      try {
        await store.commit([fullCommit(conversationId(1), 2), fullCommit(conversationId(2), 2)])
        expect(watch.writes).toEqual([{ rows: 2 * 23, options: { sync: true } }])
        await store.commit([write(conversationId(3), 9)])
        await store.commit([])
        expect(watch.writes).toHaveLength(1)
        await store.commit([deletion(conversationId(1), 1), write(conversationId(3), 1), write(conversationId(4), 9)])
        // The tombstone, that the rest is to be purged, and two inbox rows.
        expect(watch.writes[1]).toEqual({ rows: 4 + 1, options: { sync: true } })
        await store.erased()
        expect(watch.writes.length).toBeGreaterThan(2)
        for (const { options } of watch.writes) expect(options).toEqual({ sync: true })
      } finally {
        watch.restore()
        await store.close()
      }
    })
  })

  test('[STORE7] after a deletion only the tombstone is left in the database', async () => {
    await inFolder(async (location) => {
      const store = await openLevelStore({ location })
      await store.commit([fullCommit(conversationId(1), 700)])
      await store.commit([deletion(conversationId(1), 1)])
      await store.erased()
      await store.close()
      const keys = await withDatabase(location, async (database) => await database.keys().all())
      // The format row, and the head.
      expect(keys.map((key) => key.length)).toEqual([1, 17])
    })
  })

  test('[STORE2] when the disk was full and has room again, nothing is acknowledged, and what was is there', async () => {
    await inFolder(async (location) => {
      const module = pathToFileURL(join(root, 'dist/tests/server/storage/fill-disk.js')).href
      const code = `import('${module}').then((module) => module.${fillDisk.name}(process.argv[1]))`
      // Files of at most 300 blocks of 512 or 1024 bytes; a write beyond fails instead of ending the process.
      const script = 'trap "" XFSZ; ulimit -S -f 300; exec "$@"'
      const args = ['-c', script, 'sh', process.execPath, '--eval', code, location]
      const child = spawnSync('sh', args, { env: childEnv(), encoding: 'utf8' })
      expect(child.stderr).toBe('')
      const { acknowledged, codes, roomAgain } = JSON.parse(child.stdout) as FillReport
      expect(acknowledged).toBeGreaterThan(10)
      expect(roomAgain).toBe(true)
      expect(codes).toEqual(Array.from({ length: 21 }, () => 'failed'))

      const store = await openLevelStore({ location })
      const entries = await listOf(store.entriesNewestFirst(conversationId(1)))
      expect(entries).toHaveLength(acknowledged)
      await store.close()
    })
  })
})

describe('reads', () => {
  test('[STORE1] iterators and snapshots are closed however a read ends: they would keep erased bytes on disk', async () => {
    await inFolder(async (location) => {
      const store = await openLevelStore({ location })
      const one = conversationId(1)
      await store.commit([{ ...fullCommit(one, 600), head: { ...fullCommit(one, 600).head, nextSeq: 601 } }])
      const iterators = vi.spyOn(Level.prototype, 'iterator')
      const snapshots = vi.spyOn(Level.prototype, 'snapshot')
      try {
        for await (const { clock } of store.records(one, everyRecord)) if (clock === 3) break
        await listOf(store.records(one, { from: 5, to: 600 }))
        await store.messages(one, { take: 'newest', limit: 5 })
        await expect(listOf(store.entriesNewestFirst(one))).rejects.toMatchObject({ code: 'damaged' })
        expect(iterators.mock.results).toHaveLength(4)
        for (const { value } of iterators.mock.results) {
          await expect((value as { next(): Promise<unknown> }).next()).rejects.toMatchObject({
            code: 'LEVEL_ITERATOR_NOT_OPEN',
          })
        }
        expect(snapshots.mock.results).toHaveLength(3)
        for (const { value } of snapshots.mock.results) {
          expect(() => (value as { ref(): void }).ref()).toThrow('Snapshot is not open')
        }
      } finally {
        iterators.mockRestore()
        snapshots.mockRestore()
        await store.close()
      }
    })
  })
})
