// Opening: what is a store, what is a new one, and what is neither.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { writeFormat } from '../../../server/storage/level/rows.ts'
import { openLevelStore } from '../../../server/storage/level/level-store.ts'
import { readBack } from '../../contract/read-back.ts'
import { conversationId, fullCommit, headAt, write } from '../../contract/store-rows.ts'
import { childEnv } from '../../helpers/coverage-env.ts'
import { root } from '../../helpers/root.ts'
import { commitAndClose, inFolder, putRow, withDatabase } from './store-folder.ts'

const one = conversationId(1)
const two = conversationId(2)
const damaged = { name: 'StoreError', code: 'damaged' }
const failed = { name: 'StoreError', code: 'failed' }
const locked = { name: 'StoreError', code: 'locked' }

/** A store whose rows lie in a table and in the log. */
async function makeStore(location: string): Promise<void> {
  await commitAndClose(location, [fullCommit(one, 3)])
  await commitAndClose(location, [fullCommit(two, 3)])
}

describe('what is no store', () => {
  test.each(['CURRENT', 'MANIFEST-', '.ldb', '.log'])(
    '[STORE4] a store without its %s is damaged, not new',
    async (file) => {
      await inFolder(async (location) => {
        await makeStore(location)
        const names = (await readdir(location)).filter((name) => name.startsWith(file) || name.endsWith(file))
        expect(names).not.toEqual([])
        for (const name of names) await rm(join(location, name))
        await expect(openLevelStore({ location })).rejects.toMatchObject(damaged)
        // And it stays so: the first attempt has not made a new one.
        await expect(openLevelStore({ location })).rejects.toMatchObject(damaged)
      })
    },
  )

  test('[STORE4] a store of which only one file is left is damaged', async () => {
    await inFolder(async (location) => {
      await makeStore(location)
      for (const name of await readdir(location)) if (name !== 'LOCK') await rm(join(location, name))
      await expect(openLevelStore({ location })).rejects.toMatchObject(damaged)
      expect(await readdir(location)).toEqual(['LOCK'])
    })
  })

  test('[STORE4] a folder with other files is no place for a store, and is left as it is', async () => {
    await inFolder(async (location) => {
      await mkdir(location)
      await writeFile(join(location, 'photo.jpg'), '')
      await expect(openLevelStore({ location })).rejects.toMatchObject(damaged)
      expect(await readdir(location)).toEqual(['photo.jpg'])
    })
  })

  test("[STORE4] another program's database is no store", async () => {
    await inFolder(async (location) => {
      await withDatabase(location, async (database) => await database.put(Buffer.from('key'), Buffer.from('value')))
      await expect(openLevelStore({ location })).rejects.toMatchObject(damaged)
    })
  })

  test('[STORE4] a store of another format is refused by its number', async () => {
    await inFolder(async (location) => {
      await makeStore(location)
      await putRow(location, writeFormat(2))
      await expect(openLevelStore({ location })).rejects.toMatchObject(failed)
      await expect(openLevelStore({ location })).rejects.toThrow('has format 2; this program reads format 1')
    })
  })

  test('[STORE4] a file is no folder', async () => {
    await inFolder(async (location) => {
      await writeFile(location, '')
      await expect(openLevelStore({ location })).rejects.toMatchObject(failed)
      await expect(openLevelStore({ location: join(location, 'below') })).rejects.toMatchObject(failed)
      await expect(openLevelStore({ location: `${location}\0` })).rejects.toMatchObject(failed)
    })
  })
})

describe('what is a new store', () => {
  test('an absent folder, below absent ones, and an empty one', async () => {
    await inFolder(async (location) => {
      await mkdir(location)
      for (const place of [location, join(location, '..', 'a/b/store')]) {
        await commitAndClose(place, [write(one, 1)])
        const store = await openLevelStore({ location: place })
        expect(await store.head(one)).toEqual({ kind: 'head', head: headAt(1) })
        await store.close()
        expect(await readdir(place)).not.toContain('creating')
      }
    })
  })

  test('[STORE4] one whose making was interrupted, at any step, for nothing was acknowledged in it', async () => {
    await inFolder(async (location) => {
      const steps = [
        async () => await mkdir(location),
        async () => await writeFile(join(location, 'creating'), ''),
        async () => await withDatabase(location, async () => {}),
        async () => await putRow(location, writeFormat(1)),
      ]
      for (const length of steps.keys()) {
        await rm(location, { recursive: true, force: true })
        for (const step of steps.slice(0, length + 1)) await step()
        await commitAndClose(location, [write(one, 1)])
        expect(await readdir(location)).not.toContain('creating')
      }
    })
  })

  test('[STORE4] a mark that was left behind does not empty a store', async () => {
    await inFolder(async (location) => {
      await makeStore(location)
      await writeFile(join(location, 'creating'), '')
      const store = await openLevelStore({ location })
      expect(await store.heads([one, two])).toMatchObject([{ kind: 'head' }, { kind: 'head' }])
      await store.close()
    })
  })
})

describe('what is locked', () => {
  test('[STORE4] a store opens once in a process, and again when it is closed', async () => {
    await inFolder(async (location) => {
      await makeStore(location)
      const store = await openLevelStore({ location })
      await expect(openLevelStore({ location })).rejects.toMatchObject(locked)
      // The refusal took nothing from the one that has it.
      expect(await store.commit([write(conversationId(3), 1)])).toEqual(['committed'])
      await store.close()
      await commitAndClose(location, [write(conversationId(4), 1)])
    })
  })

  test('[STORE4] a store that another process has open is locked, until that process is gone', async () => {
    await inFolder(async (location) => {
      await makeStore(location)
      const code = `
        import { Level } from 'level'
        const database = new Level(process.argv[1])
        await database.open()
        process.stdout.write('open')
        setInterval(() => {}, 1000)`
      const args = ['--input-type=module', '--eval', code, location]
      const other = spawn(process.execPath, args, { cwd: root, env: childEnv(), stdio: ['ignore', 'pipe', 'inherit'] })
      try {
        await once(other.stdout, 'data')
        await expect(openLevelStore({ location })).rejects.toMatchObject(locked)
      } finally {
        other.kill('SIGKILL')
        await once(other, 'exit')
      }
      const store = await openLevelStore({ location })
      expect(await readBack(store, one, 3)).toMatchObject({ inbox: true, single: { seq: 0 } })
      await store.close()
    })
  })
})
