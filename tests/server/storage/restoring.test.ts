// Putting a store back from a backup that has more, or less, in it than a store.
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { expect, test } from 'vitest'

import { openLevelStore } from '../../../server/storage/level/level-store.ts'
import { restoreFrom } from '../../../server/storage/level/restoring.ts'
import { writeFormat } from '../../../server/storage/level/rows.ts'
import { conversationId, fullCommit } from '../../contract/store-rows.ts'
import { commitAndClose, inFolder, putRow } from './store-folder.ts'

const one = conversationId(1)
const failed = { name: 'StoreError', code: 'failed' }
const nowMs = 1_800_000_000_000

/** Runs a test with the store of a backup in a folder; `beside` names a place in that folder. */
async function withBackup(run: (backup: string, beside: (name: string) => string) => Promise<void>): Promise<void> {
  await inFolder(async (backup) => {
    await commitAndClose(backup, [fullCommit(one, 3)])
    await run(backup, (name) => join(dirname(backup), name))
  })
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).toSorted()
}

test('[STORE4] only the files of the store are copied: folders and links that lie with them are left', async () => {
  await withBackup(async (backup, beside) => {
    await mkdir(join(backup, 'lost'))
    await symlink(beside('nowhere'), join(backup, 'link'))
    await writeFile(join(backup, 'notes.txt'), '')
    const location = join(beside('new'), 'store')
    expect(await restoreFrom(backup, location, nowMs)).toBe(nowMs)
    expect(await namesIn(beside('new'))).toEqual(['store'])
    const names = await namesIn(location)
    for (const name of ['lost', 'link', 'notes.txt']) expect(names).not.toContain(name)
    expect(await namesIn(dirname(backup))).toEqual(['new', 'store'])
    const store = await openLevelStore({ location })
    expect(await store.head(one)).toMatchObject({ kind: 'head' })
    await store.close()
  })
})

test('[STORE4] a place in the backup itself is refused, however it is named', async () => {
  await withBackup(async (backup, beside) => {
    const before = await namesIn(backup)
    await symlink(backup, beside('link'))
    for (const place of [join(backup, 'store'), join(beside('link'), 'a', 'store')]) {
      await expect(restoreFrom(backup, place, nowMs)).rejects.toMatchObject(failed)
      await expect(restoreFrom(beside('link'), place, nowMs)).rejects.toMatchObject(failed)
    }
    expect(await namesIn(backup)).toEqual(before)
  })
})

test('[STORE4] a link to nowhere is not taken for a free place', async () => {
  await withBackup(async (backup, beside) => {
    await symlink(beside('nowhere'), beside('place'))
    await expect(restoreFrom(backup, beside('place'), nowMs)).rejects.toMatchObject(failed)
    expect(await namesIn(dirname(backup))).toEqual(['place', 'store'])
  })
})

test('[STORE4] what fails after it was copied leaves nothing behind', async () => {
  await withBackup(async (backup, beside) => {
    await putRow(backup, writeFormat(99))
    const place = join(beside('new'), 'deep', 'store')
    await expect(restoreFrom(backup, place, nowMs)).rejects.toThrow(/has format 99/)
    expect(await namesIn(dirname(backup))).toEqual(['store'])
  })
})
