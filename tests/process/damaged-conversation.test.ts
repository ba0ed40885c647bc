// One conversation whose rows were changed on the disk, beside one whose rows were not.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'

import { decodeKey, type Key } from '../../server/storage/level/keys.ts'
import { encodeStateVector } from '../../shared/sync/state-vector.ts'
import { encodeStep1 } from '../../shared/sync/wire.ts'
import { RawSocket } from '../helpers/raw-socket.ts'
import { type RestAnswer, type ServerProcess, startServerProcess } from '../helpers/server-process.ts'
import { StockClient } from '../helpers/stock-client.ts'
import { putRow, rowsIn } from '../server/storage/store-folder.ts'

const created = z.object({ id: z.string() })
const listed = z.object({ items: z.array(z.object({ id: z.string() })) })

interface Damaged {
  readonly server: ServerProcess
  readonly bad: string
  readonly good: string
}

/** A running server on data in which the last row of this kind of one conversation was changed. */
async function serverWithDamaged(server: ServerProcess, kind: Key['kind']): Promise<Damaged> {
  const [bad, good] = await Promise.all([
    server.createConversation('ann', 'bob'),
    server.createConversation('ann', 'bob'),
  ])
  for (const id of [bad, good]) {
    for (const content of ['one', 'two']) {
      expect((await post(server, id, content)).status).toBe(201)
    }
  }
  await server.stop()
  const store = `${server.dataDir}/store`
  const row = (await rowsIn(store)).findLast(({ key }) => {
    const read = decodeKey(key)
    return read?.kind === kind && 'conversation' in read && read.conversation === bad
  })
  if (row === undefined) throw new Error(`there is no ${kind} row`)
  const value = Uint8Array.from(row.value)
  value[value.length >>> 1] = (value[value.length >>> 1] ?? 0) ^ 4
  await putRow(store, { key: row.key, value })
  await server.start()
  return { server, bad, good }
}

async function post(server: ServerProcess, id: string, content: string): Promise<RestAnswer> {
  return await server.rest('ann', 'POST', `/api/conversations/${id}/messages`, { role: 'user', content })
}

/** How the server ends a socket of a device that has nothing. */
async function closeOf(server: ServerProcess, room: string): Promise<unknown> {
  const socket = new RawSocket({ url: server.url, room, token: await server.token('ann') })
  await socket.opened()
  socket.send(encodeStep1(encodeStateVector(new Map())))
  return await socket.closed
}

async function ready(server: ServerProcess): Promise<unknown> {
  const answer = await fetch(`${server.url}/health/ready`)
  return { status: answer.status, body: await answer.json() }
}

describe('a damaged conversation', () => {
  let server: ServerProcess
  beforeAll(async () => {
    server = await startServerProcess()
  })
  afterAll(async () => await server.dispose())

  test.each(['head', 'log', 'record', 'member', 'chain'] as const)(
    '[STORE9][SYNC3] damaged in a %s row: it is refused, 4503 and 503, and the others are not',
    async (kind) => {
      const { bad, good } = await serverWithDamaged(server, kind)
      const said = server.stderr.length
      for (let each = 0; each < 3; each++) {
        expect(await closeOf(server, bad)).toEqual({ code: 4503, reason: 'unavailable' })
      }
      const path = `/api/conversations/${bad}`
      for (const refused of [
        await server.rest('ann', 'GET', path),
        await server.rest('ann', 'GET', `${path}/messages`),
        await server.rest('ann', 'GET', `${path}/members`),
        await server.rest('ann', 'PATCH', path, { title: 'new' }),
        await server.rest('ann', 'PUT', path),
        await server.rest('ann', 'DELETE', path),
        await post(server, bad, 'three'),
      ]) {
        expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } })
      }
      const { items } = listed.parse((await server.rest('ann', 'GET', '/api/conversations?limit=100')).body)
      expect(items.map(({ id }) => id)).toContain(good)
      expect(items.map(({ id }) => id)).not.toContain(bad)

      expect((await post(server, good, 'three')).status).toBe(201)
      const client = new StockClient({
        url: server.url,
        conversation: good,
        user: 'bob',
        token: await server.token('bob'),
      })
      await client.synced()
      expect(client.sentTexts()).toEqual(['one', 'two', 'three'])
      client.destroy()
      const fresh = created.parse((await server.rest('ann', 'POST', '/api/conversations')).body)
      expect((await server.rest('ann', 'GET', `/api/conversations/${fresh.id}`)).status).toBe(200)

      const health = await ready(server)
      expect(health).toMatchObject({ status: 200, body: { status: 'ok' } })
      expect(JSON.stringify(health)).toContain(bad)
      expect(JSON.stringify(health)).not.toContain(good)
      const lines = server.stderr.slice(said).split('\n')
      // Told once, however often it is met.
      expect(lines.filter((line) => line.includes(bad))).toHaveLength(1)
    },
  )

  test('[STORE9] damaged in a message row: found by whoever reads the history, and then refused as a whole', async () => {
    const { bad, good } = await serverWithDamaged(server, 'message')
    expect((await server.rest('ann', 'GET', `/api/conversations/${good}/messages`)).status).toBe(200)
    expect((await server.rest('ann', 'GET', `/api/conversations/${bad}/messages`)).status).toBe(503)
    expect((await server.rest('ann', 'GET', `/api/conversations/${bad}`)).status).toBe(503)
    expect(await closeOf(server, bad)).toEqual({ code: 4503, reason: 'unavailable' })
    expect(JSON.stringify(await ready(server))).toContain(`a message row of conversation ${bad} is damaged`)
  })

  test('[STORE9] damaged in an inbox row: the list goes on without it', async () => {
    const { bad, good } = await serverWithDamaged(server, 'inbox')
    for (const user of ['ann', 'bob']) {
      const answer = await server.rest(user, 'GET', '/api/conversations?limit=100')
      expect(answer.status).toBe(200)
      expect(listed.parse(answer.body).items.map(({ id }) => id)).toContain(good)
    }
    expect(JSON.stringify(await ready(server))).toContain(`an inbox row of conversation ${bad} is damaged`)
  })
})
