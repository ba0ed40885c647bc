// A disk that answers a sync with EIO, once or for ever.
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'

import { makeFaultySync } from '../helpers/faulty-sync.ts'
import { startServerProcess } from '../helpers/server-process.ts'

const folder = await mkdtemp(join(tmpdir(), 'parley-sync-'))
const faulty = await makeFaultySync(folder)
if ('refused' in faulty) {
  console.log(
    `failed sync: nothing can be built here (${faulty.refused}); the faulty disk of level-recovery.test.ts covers it`,
  )
}
const how = 'refused' in faulty ? 'NOT PROVED HERE: there is no C compiler' : 'by a library put before libc'
const page = z.array(z.object({ content: z.string() }))

test(
  `[STORE10][STORE2][CRASH1] EIO of a sync: nothing is acknowledged that is gone; at last a clear line (${how})`,
  { timeout: 60_000 },
  async () => {
    onTestFinished(() => rm(folder, { recursive: true }))
    if ('refused' in faulty) return
    const server = await startServerProcess(faulty.env)
    onTestFinished(() => server.dispose())
    const conversation = await server.createConversation('ann', 'bob')
    const path = `/api/conversations/${conversation}/messages`
    const acknowledged: string[] = []
    const post = async (content: string): Promise<number> => {
      const { status } = await server.rest('ann', 'POST', path, { role: 'user', content })
      if (status === 201) acknowledged.push(content)
      return status
    }
    const contents = async (): Promise<string[]> => {
      const { body } = await server.rest('ann', 'GET', `${path}?limit=200`)
      return page.parse(body).map(({ content }) => content)
    }
    expect(await post('before')).toBe(201)
    for (let round = 0; round < 2; round++) {
      await faulty.failOnce()
      expect(await post(`in doubt ${round}`)).toBe(503)
      // The library has done its work.
      await expect(stat(faulty.env['PARLEY_SYNC_FAULT'] ?? '')).rejects.toMatchObject({ code: 'ENOENT' })
      expect(await post(`after ${round}`)).toBe(201)
      const told = server.stderr.split('\n').filter((line) => line.includes('the store was opened again'))
      expect(told).toHaveLength(round + 1)
    }
    const ended = server.exited()
    await faulty.failAlways()
    expect(await post('too often')).toBe(503)
    expect(await ended).toEqual({ code: 1, signal: null })
    expect(server.stderr).toMatch(
      /^Parley ends: writes failed 3 times within a minute \(failed\): .*Input\/output error/m,
    )
    await faulty.stop()
    await server.start()
    const found = await contents()
    // What was in doubt may be there: nobody was told.
    expect(found.filter((content) => acknowledged.includes(content))).toEqual(acknowledged)
    expect(found.every((content) => acknowledged.includes(content) || /in doubt|too often/.test(content))).toBe(true)
    expect(acknowledged).toHaveLength(3)
  },
)
