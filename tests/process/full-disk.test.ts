// A disk that is full, and has room again: first what LevelDB does then, and after that what the server does.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import { Level } from 'level'
import { v7 } from 'uuid'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'

import { verifyStore } from '../../server/verify/verify-store.ts'
import { rounds } from '../helpers/long-run.ts'
import { ServerProcess } from '../helpers/server-process.ts'
import { mountSmallDisk, type SmallDisk } from '../helpers/small-disk.ts'

const mebibyte = 1024 * 1024
/** Times that the disk is filled; twice shows both ways it can go on. */
const fills = rounds(2, 20)
const probe = await mountSmallDisk(1)
const canMount = !('refused' in probe)
if ('refused' in probe) {
  console.log(
    `full disk: nothing can be mounted here (${probe.refused}); the faulty disk of level-recovery.test.ts covers it`,
  )
} else await probe.dispose()

/** Undefined where nothing can be mounted: then the test has said so in its name. */
async function smallDisk(mebibytes: number): Promise<SmallDisk | undefined> {
  const disk = await mountSmallDisk(mebibytes)
  if ('refused' in disk) return undefined
  onTestFinished(() => disk.dispose())
  return disk
}

const how = canMount ? 'on a small file system in memory' : 'NOT PROVED HERE: no file system can be mounted'
const page = z.array(z.object({ id: z.string(), content: z.string(), seq: z.number() }))

describe('a full disk', () => {
  test(`[STORE2] the trap: LevelDB acknowledges synced writes that are gone when it is opened again (${how})`, async () => {
    const disk = await smallDisk(3)
    if (disk === undefined) return
    await disk.fill(mebibyte)
    const database = new Level(join(disk.folder, 'database'))
    await database.open()
    const write = async (key: string): Promise<boolean> =>
      await database.put(key, 'x'.repeat(1000), { sync: true }).then(
        () => true,
        () => false,
      )
    let before = 0
    while (await write(`before ${before}`)) before++
    await disk.free()
    for (let index = 0; index < 200; index++) expect(await write(`after ${index}`)).toBe(true)
    expect(await database.get('after 199')).toBeDefined()
    await database.close()
    await database.open()
    const keys = await database.keys().all()
    await database.close()
    const lost = 200 - keys.filter((key) => key.startsWith('after')).length
    console.log(`full disk: of ${before} writes before and 200 after, LevelDB alone lost ${lost}`)
    expect(keys.filter((key) => key.startsWith('before'))).toHaveLength(before)
    expect(lost).toBeGreaterThan(0)
  })

  test(
    `[STORE10][STORE2][CRASH1] the server loses nothing that it acknowledged, goes on or ends with a clear line (${how})`,
    { timeout: fills * 60_000 },
    async () => {
      const disk = await smallDisk(24)
      if (disk === undefined) return
      const folder = join(disk.folder, 'server')
      await mkdir(folder)
      const server = new ServerProcess(folder, {})
      onTestFinished(() => server.dispose())
      await server.start()
      const conversation = await server.createConversation('ann', 'bob')
      const acknowledged = new Map<string, string>()
      const counts = { wentOn: 0, ended: 0, refused: 0 }

      /** Whether it was acknowledged; a server that has ended answers nothing. */
      const post = async (content: string): Promise<number | 'no answer'> => {
        const id = v7()
        const path = `/api/conversations/${conversation}/messages`
        try {
          const { status } = await server.rest('ann', 'POST', path, { id, role: 'user', content })
          if (status === 201) acknowledged.set(id, content)
          return status
        } catch {
          return 'no answer'
        }
      }

      for (let round = 0; round < fills; round++) {
        // Room for some hundred more; when LevelDB is opened again it needs some of its own, in every other round too much.
        await disk.fill((round % 2 === 0 ? 0.4 : 3) * mebibyte)
        const ended = server.exited()
        let failed: number | 'no answer' = 201
        while (failed === 201) failed = await post(`round ${round} ${'x'.repeat(6000)}`)
        expect([503, 'no answer']).toContain(failed)
        counts.refused++
        // In every other round there is room again before the store is opened again; else it tries on the full disk.
        if (round % 2 === 1) await disk.free()
        while (failed === 503) failed = await post(`full disk, round ${round}`)
        await disk.free()
        const wentOn = failed === 201
        counts[wentOn ? 'wentOn' : 'ended']++
        // The port is closed before the process ends.
        const ending = wentOn ? undefined : await ended
        expect([undefined, { code: 1, signal: null }]).toContainEqual(ending)
        expect(/Parley ends: .*No space left on device/.test(server.stderr)).toBe(counts.ended > 0)
        if (!wentOn) await server.start()
        for (let index = 0; index < 30; index++) expect(await post(`after round ${round}`)).toBe(201)
        if (round % 2 === 0) await server.restart()
        else {
          await server.kill()
          await server.start()
        }
        const found = await readAll(server, conversation)
        const lost = [...acknowledged].filter(([id, content]) => found.get(id) !== content)
        expect(lost).toEqual([])
      }
      await server.stop()
      const problems: string[] = []
      await verifyStore(
        join(server.dataDir, 'store'),
        ({ kind, text }) => void (kind === 'problem' && problems.push(text)),
      )
      expect(problems).toEqual([])
      console.log(
        `full disk: ${acknowledged.size} messages acknowledged, none lost; after ${counts.refused} full disks the server went on ${counts.wentOn} times and ended ${counts.ended} times`,
      )
      expect(acknowledged.size).toBeGreaterThan(fills * 30)
    },
  )
})

async function readAll(server: ServerProcess, conversation: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  // Seq 0 is the member that was added.
  for (let after = 0; ;) {
    const path = `/api/conversations/${conversation}/messages?limit=200&after=${after}`
    const { status, body } = await server.rest('ann', 'GET', path)
    expect(status).toBe(200)
    const messages = page.parse(body)
    for (const { id, content } of messages) {
      expect(found.has(id)).toBe(false)
      found.set(id, content)
    }
    const last = messages.at(-1)
    if (last === undefined) return found
    after = last.seq
  }
}
