// Every route that openapi.json describes, asked by nobody and by a stranger: a new route is held to it without a new test.
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'

import { createMemoryStore } from '../../../server/storage/memory/memory-store.ts'
import { freshId, People } from '../../contract/rest/people.ts'
import { startTestServer } from '../../helpers/running-server.ts'

interface Operation {
  readonly method: string
  readonly template: string
  readonly isPublic: boolean
}

const openapi = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.object({ security: z.array(z.unknown()).optional() }))),
})

async function start(): Promise<{ readonly people: People; readonly operations: readonly Operation[] }> {
  const server = await startTestServer({ openStore: async () => createMemoryStore() })
  onTestFinished(() => server.close())
  const people = new People(server)
  const { paths } = openapi.parse((await people.call('GET', '/api/openapi.json')).body)
  const operations = Object.entries(paths).flatMap(([template, verbs]) =>
    Object.entries(verbs).map(([verb, { security }]) => ({
      method: verb.toUpperCase(),
      template,
      isPublic: security?.length === 0,
    })),
  )
  return { people, operations }
}

function pathOf({ template }: Operation, conversation: string): string {
  return template
    .replace('/api/conversations/{id}', conversation)
    .replace('{user}', 'bob')
    .replace('{client}', '7')
    .replace('{message}', freshId())
    .replace('{root}', freshId())
    .replace('{invitation}', freshId())
    .replace('{token}', 'nonsense')
}

function bodyOf({ method }: Operation, raw: string): { readonly raw?: string } {
  return method === 'GET' || method === 'DELETE' ? {} : { raw }
}

test('[AUTH1] without a token every route is 401, but for those that say they are public', async () => {
  const { people, operations } = await start()
  const open = operations.filter(({ isPublic }) => isPublic).map(({ method, template }) => `${method} ${template}`)
  expect(open.toSorted()).toEqual([
    'GET /api/openapi.json',
    'GET /health/live',
    'GET /health/ready',
    'POST /api/demo/token',
  ])
  const path = await people.person('ann').creates()
  const closed = operations.filter(({ isPublic }) => !isPublic)
  expect(closed.length).toBeGreaterThan(12)
  for (const operation of closed) {
    const where = pathOf(operation, path)
    for (const token of [undefined, 'nonsense']) {
      const { status } = await people.call(operation.method, where, { token, ...bodyOf(operation, '{') })
      expect([operation.method, where, status]).toEqual([operation.method, where, 401])
    }
  }
})

test('[REST6] every route of a conversation is 403 to a stranger, who leaves no trace', async () => {
  const { people, operations } = await start()
  const [ann, eve] = [people.person('ann'), people.person('eve')]
  const path = await ann.creates()
  await ann.post(path, 'hello')
  const before = await ann.call('GET', path)
  const inside = operations.filter(({ template }) => template.startsWith('/api/conversations/{id}'))
  expect(inside.length).toBeGreaterThan(9)
  for (const operation of inside) {
    const where = pathOf(operation, path)
    const { status } = await eve.call(operation.method, where, bodyOf(operation, '{}'))
    expect([operation.method, where, status]).toEqual([operation.method, where, 403])
  }
  expect((await ann.call('GET', path)).body).toEqual(before.body)
  expect(await ann.reads(path)).toMatchObject([{ content: 'hello' }])
  expect((await eve.call('GET', '/api/conversations')).body).toEqual({ items: [], next_cursor: null })
})
