import { expect, test } from 'vitest'
import { z } from 'zod'

import { limits } from '../../../shared/limits.ts'
import { freshId, nextMillisecond, nothingRead, type People, type Person, seenConversation } from './people.ts'

const page = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      title: z.string().nullable(),
      unread: z.number(),
      last_message: z.object({ content: z.string() }).nullable(),
    }),
  ),
  next_cursor: z.string().nullable(),
})

const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/

export function conversationCases(use: () => People): void {
  const list = async (who: Person, query = '') => page.parse((await who.call('GET', `/api/conversations${query}`)).body)

  test('[REST3] conversations are created distinct, with times of the server', async () => {
    const ann = use().person('ann')
    const before = new Date().toISOString()
    const made = await Promise.all(
      [1, 2, 3].map(() => ann.call('POST', '/api/conversations', { body: { title: 'Tea' } })),
    )
    expect(made.map((answer) => answer.status)).toEqual([201, 201, 201])
    const seen = made.map(seenConversation)
    expect(new Set(seen.map(({ id }) => id)).size).toBe(3)
    for (const { id, created_at: created, updated_at: updated } of seen) {
      expect(created).toMatch(rfc3339)
      expect(created >= before && created <= new Date().toISOString()).toBe(true)
      expect(updated >= created).toBe(true)
      const read = await ann.call('GET', `/api/conversations/${id}`)
      expect(read.status).toBe(200)
      expect(read.body).toMatchObject({ id, title: 'Tea', access: 'owner', created_at: created })
    }
  })

  test('[REST3] a body is optional, unknown fields are ignored, and times cannot be sent', async () => {
    const ann = use().person('ann')
    const bare = await ann.call('POST', '/api/conversations')
    expect(bare.status).toBe(201)
    expect(bare.body).toMatchObject({ title: null })
    expect(bare.headers.get('location')).toBe(`/api/conversations/${seenConversation(bare).id}`)
    const body = { created_at: '2001-01-01T00:00:00.000Z', updated_at: 7, id: 'mine', user_id: 'bob', access: 'reader' }
    const odd = await ann.call('POST', '/api/conversations', { body })
    expect(odd.status).toBe(201)
    expect(odd.body).toMatchObject({ access: 'owner' })
    expect(seenConversation(odd).created_at > '2020').toBe(true)
  })

  test.each<[string, unknown]>([
    ['no object', []],
    ['null', null],
    ['a title that is a number', { title: 7 }],
    ['a title too long', { title: 'x'.repeat(limits.titleLength + 1) }],
    ['members that are no list', { members: {} }],
    ['a member without access', { members: [{ user: 'bob' }] }],
    ['an access that does not exist', { members: [{ user: 'bob', access: 'king' }] }],
    ['a user id with a slash', { members: [{ user: 'b/b', access: 'reader' }] }],
    ['a member named twice', { members: [1, 2].map(() => ({ user: 'bob', access: 'reader' })) }],
    ['too many members', { members: Array.from({ length: 1001 }, (_, n) => ({ user: `u${n}`, access: 'reader' })) }],
  ])('[REST3] %s is 422', async (_name, body) => {
    const ann = use().person('ann')
    expect((await ann.call('POST', '/api/conversations', { body })).status).toBe(422)
    expect((await ann.call('PUT', `/api/conversations/${freshId()}`, { body })).status).toBe(422)
    expect((await list(ann)).items).toEqual([])
  })

  test('[REST3] whoever creates it is its owner, named or not', async () => {
    const [ann, bob] = [use().person('ann'), use().person('bob')]
    const create = (access: string) =>
      ann.call('POST', '/api/conversations', {
        body: {
          members: [
            { user: ann.name, access },
            { user: bob.name, access: 'writer' },
          ],
        },
      })
    expect((await create('reader')).status).toBe(422)
    const made = await create('owner')
    expect(made.status).toBe(201)
    const { body } = await bob.call('GET', `/api/conversations/${seenConversation(made).id}/members`)
    expect(body).toEqual({
      items: expect.arrayContaining([
        { user: ann.name, access: 'owner', ...nothingRead },
        { user: bob.name, access: 'writer', ...nothingRead },
      ]),
    })
  })

  test('[REST3] PUT creates once: again is 200 as it is, by others 403, under a wrong id 422', async () => {
    const [ann, bob] = [use().person('ann'), use().person('bob')]
    const path = `/api/conversations/${freshId()}`
    const first = await ann.call('PUT', path, { body: { title: 'One' } })
    expect(first.status).toBe(201)
    expect(first.body).toMatchObject({ title: 'One', access: 'owner' })
    for (const call of [{ body: { title: 'Two' } }, { body: { title: 7 } }, {}]) {
      const again = await ann.call('PUT', path, call)
      expect(again.status).toBe(200)
      expect(again.body).toEqual(first.body)
    }
    expect((await bob.call('PUT', path, { body: {} })).status).toBe(403)
    const wrong = ['nonsense', '123e4567-e89b-42d3-a456-426614174000', freshId().toUpperCase()]
    for (const id of wrong) expect((await ann.call('PUT', `/api/conversations/${id}`)).status).toBe(422)
  })

  test('[REST3] PUT at the same time creates one', async () => {
    const ann = use().person('ann')
    const path = `/api/conversations/${freshId()}`
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => ann.call('PUT', path, { body: { title: 'One' } })))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 200, 200, 200, 201])
    expect((await list(ann)).items).toHaveLength(1)
  })

  test('[REST3] a title is changed and cleared', async () => {
    const ann = use().person('ann')
    const path = await ann.creates()
    for (const title of ['Tea', null]) {
      const patched = await ann.call('PATCH', path, { body: { title } })
      expect(patched.status).toBe(200)
      expect(patched.body).toMatchObject({ title })
      expect((await ann.call('GET', path)).body).toMatchObject({ title })
    }
    for (const body of [{}, { title: 7 }, { title: 'x'.repeat(limits.titleLength + 1) }, []]) {
      expect((await ann.call('PATCH', path, { body })).status).toBe(422)
    }
  })

  test('[REST3] the list has the newest activity first, page by page, each once', async () => {
    const [ann, bob] = [use().person('ann'), use().person('bob')]
    const paths: string[] = []
    for (let n = 0; n < 5; n++) {
      paths.push(await ann.creates({ [bob.name]: 'writer' }))
      await nextMillisecond()
    }
    const [oldest = ''] = paths
    expect((await ann.post(oldest, 'up again')).status).toBe(201)
    const order = [oldest, ...paths.slice(1).toReversed()].map((path) => path.split('/').at(-1))
    const whole = await list(bob)
    expect(whole.items.map(({ id }) => id)).toEqual(order)
    expect(whole.next_cursor).toBeNull()
    expect(whole.items[0]).toMatchObject({ unread: 1, last_message: { content: 'up again' } })
    expect(whole.items[1]).toMatchObject({ unread: 0, last_message: null })

    const pages: string[][] = []
    for (let query: string | undefined = '?limit=2'; query !== undefined;) {
      const { items, next_cursor: next }: z.output<typeof page> = await list(bob, query)
      pages.push(items.map(({ id }) => id))
      query = next === null ? undefined : `?limit=2&cursor=${next}`
    }
    expect(pages.map((ids) => ids.length)).toEqual([2, 2, 1])
    expect(pages.flat()).toEqual(order)
  })

  test.each(['limit=0', 'limit=-1', 'limit=x', 'limit=201', 'limit=1.5', 'limit=', 'cursor=', 'cursor=nonsense'])(
    '[REST3] the list with %s is 422',
    async (query) => {
      expect((await use().person('ann').call('GET', `/api/conversations?${query}`)).status).toBe(422)
    },
  )

  test('[REST3] the list has only what one is a member of', async () => {
    const [ann, bob] = [use().person('ann'), use().person('bob')]
    await ann.creates()
    expect((await list(bob)).items).toEqual([])
    const shared = await ann.creates({ [bob.name]: 'reader' })
    expect((await list(bob)).items).toHaveLength(1)
    expect((await ann.call('DELETE', shared)).status).toBe(204)
    expect((await list(bob)).items).toEqual([])
    expect((await list(ann)).items).toHaveLength(1)
  })

  test('[REST3] a deleted conversation is gone for everybody, and its id stays taken', async () => {
    const [ann, bob] = [use().person('ann'), use().person('bob')]
    const path = await ann.creates({ [bob.name]: 'writer' })
    expect((await ann.call('DELETE', path)).status).toBe(204)
    expect((await ann.call('DELETE', path)).status).toBe(204)
    for (const who of [ann, bob]) {
      expect((await who.call('GET', path)).status).toBe(410)
      expect((await who.call('PUT', path)).status).toBe(410)
      expect((await who.call('GET', `${path}/messages`)).status).toBe(410)
      expect((await who.call('GET', `${path}/members`)).status).toBe(410)
      expect((await who.post(path, 'hello')).status).toBe(410)
    }
    expect((await ann.call('GET', path)).body).toMatchObject({ code: 'deleted' })
  })

  test('[HISTORY1] admins say whether later members are told what was before they joined; other values are 422', async () => {
    const [ann, bob, eve] = [use().person('ann'), use().person('bob'), use().person('eve')]
    const path = await ann.creates({ [bob.name]: 'writer' })
    await ann.post(path, 'before')
    const patch = (who: typeof ann, body: object) => who.call('PATCH', path, { body })
    expect((await patch(ann, { settings: { history: 'since-monday' } })).status).toBe(422)
    expect((await patch(ann, {})).status).toBe(422)
    expect((await patch(bob, { settings: { history: 'from-join' } })).status).toBe(403)
    expect((await patch(ann, { settings: { history: 'from-join' }, title: 'Tea' })).body).toMatchObject({
      title: 'Tea',
    })
    await ann.call('PUT', `${path}/members/${eve.name}`, { body: { access: 'reader' } })
    expect((await ann.call('GET', path)).body).toMatchObject({ history_from: null })
    const { body } = await eve.call('GET', path)
    expect(body).toMatchObject({ history_from: z.object({ last_seq: z.number() }).parse(body).last_seq })
  })
}
