import { expect, test } from 'vitest'

import { limits } from '../../../shared/limits.ts'
import { freshId, nextMillisecond, type People, type Person, seenConversation, seenMessage } from './people.ts'

export function messageCases(use: () => People): void {
  /** A conversation with this many messages, `0`, `1`, … */
  const withMessages = async (who: Person, count: number): Promise<string> => {
    const path = await who.creates()
    for (let n = 0; n < count; n++) expect((await who.post(path, String(n))).status).toBe(201)
    return path
  }
  const numbers = (from: number, to: number): string[] =>
    Array.from({ length: to - from }, (_, index) => String(from + index))

  test('[REST4] a message is appended, moves updated_at, and reads back as it was answered', async () => {
    const ann = use().person('ann')
    const path = await ann.creates()
    const { updated_at: before, id } = seenConversation(await ann.call('GET', path))
    await nextMillisecond()
    const posted = await ann.post(path, 'hello', { role: 'assistant' })
    expect(posted.status).toBe(201)
    expect(posted.body).toMatchObject({ conversation_id: id, user_id: ann.name, role: 'assistant', content: 'hello' })
    const message = seenMessage(posted)
    expect(posted.headers.get('location')).toBe(`${path}/messages/${message.id}`)
    expect(message.created_at > before).toBe(true)
    const after = await ann.call('GET', path)
    expect(seenConversation(after).updated_at > before).toBe(true)
    expect(after.body).toMatchObject({ last_seq: message.seq })
    expect((await ann.call('GET', `${path}/messages/${message.id}`)).body).toEqual(posted.body)
    expect((await ann.call('GET', `${path}/messages`)).body).toEqual([posted.body])
  })

  test('[REST4] everything that a message may carry comes back', async () => {
    const [ann, bob] = [use().person('ann'), use().person('bob')]
    const path = await ann.creates({ [bob.name]: 'reader' })
    const root = seenMessage(await ann.post(path, 'root'))
    const more = {
      id: freshId(),
      reply_to: freshId(),
      thread: root.id,
      parent: freshId(),
      mentions: [bob.name],
      parts: [{ type: 'text', text: 'hi', deep: { list: [1, null, true] } }],
      status: 'complete',
    }
    const posted = await ann.post(path, 'ünïcödé 🎉 \u0000 "\\', more)
    expect(posted.status).toBe(201)
    expect(posted.body).toMatchObject({ ...more, content: 'ünïcödé 🎉 \u0000 "\\' })
    expect((await bob.call('GET', `${path}/messages/${more.id}`)).body).toEqual(posted.body)
  })

  test('[REST4] unknown fields are ignored', async () => {
    const ann = use().person('ann')
    const path = await ann.creates()
    const odd = { seq: 99, created_at: '2001-01-01T00:00:00.000Z', written_at: 7, at: 1, kind: 'set', nonsense: {} }
    const posted = await ann.post(path, 'hello', odd)
    expect(posted.status).toBe(201)
    expect(posted.body).not.toHaveProperty('nonsense')
    const { seq, created_at: created, written_at: written } = seenMessage(posted)
    expect(seq).not.toBe(99)
    expect(created > '2020' && written > '2020').toBe(true)
  })

  test.each<[string, unknown]>([
    ['no role', { content: 'a' }],
    ['a role outside the two', { role: 'system', content: 'a' }],
    ['a role in capitals', { role: 'User', content: 'a' }],
    ['a role that is a list', { role: ['user'], content: 'a' }],
    ['no content', { role: 'user' }],
    ['empty content', { role: 'user', content: '' }],
    ['blank content', { role: 'user', content: ' \n\t\u00a0 ' }],
    ['blank content and no parts', { role: 'user', content: ' ', parts: [] }],
    ['content that is a number', { role: 'user', content: 7 }],
    ['content that is null', { role: 'user', content: null }],
    ['content that is an object', { role: 'user', content: {} }],
    ['a list', [{ role: 'user', content: 'a' }]],
    ['text', 'hello'],
    ['null', null],
    ['an id that is no UUIDv7', { role: 'user', content: 'a', id: '123e4567-e89b-42d3-a456-426614174000' }],
    ['an id in capitals', { role: 'user', content: 'a', id: freshId().toUpperCase() }],
    ['an id that is a number', { role: 'user', content: 'a', id: 7 }],
    ['a reply to what is no id', { role: 'user', content: 'a', reply_to: 'x' }],
    ['mentions that are no list', { role: 'user', content: 'a', mentions: 'bob' }],
    ['a mention that is no user id', { role: 'user', content: 'a', mentions: ['b b'] }],
    ['parts that are no objects', { role: 'user', content: 'a', parts: ['text'] }],
    ['a status that is a number', { role: 'user', content: 'a', status: 7 }],
  ])('[REST4] %s is 422 and appends nothing', async (_name, body) => {
    const ann = use().person('ann')
    const path = await ann.creates()
    expect((await ann.call('POST', `${path}/messages`, { body })).status).toBe(422)
    expect(await ann.reads(path)).toEqual([])
  })

  test('[REST4] parts nested beyond what devices read are 422, and blank content with parts is a message', async () => {
    const ann = use().person('ann')
    const path = await ann.creates()
    for (const depth of [limits.jsonDepth, 10_000]) {
      const raw = `{"role":"user","content":"a","parts":[{"a":${'['.repeat(depth)}${']'.repeat(depth)}}]}`
      expect((await ann.call('POST', `${path}/messages`, { raw })).status).toBe(422)
    }
    expect((await ann.post(path, '', { parts: [{ type: 'image' }] })).status).toBe(201)
    expect(await ann.reads(path)).toHaveLength(1)
  })

  test('[REST4] history is chronological, by default exactly the newest 50', async () => {
    const ann = use().person('ann')
    const path = await withMessages(ann, 60)
    const messages = await ann.reads(path)
    expect(messages.map(({ content }) => content)).toEqual(numbers(10, 60))
    const seqs = messages.map(({ seq }) => seq)
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b))
    const times = messages.map(({ created_at: created }) => created)
    expect(times).toEqual(times.toSorted())

    for (const limit of [1, 7, 50, 60, 200]) {
      const newest = await ann.reads(path, `?limit=${limit}`)
      expect(newest.map(({ content }) => content)).toEqual(numbers(Math.max(0, 60 - limit), 60))
    }
  })

  test('[REST4] messages of one millisecond keep their order', async () => {
    const ann = use().person('ann')
    // Until some of them share a millisecond, or the test would prove nothing.
    for (let shared = false, round = 0; !shared; round++) {
      expect(round).toBeLessThan(20)
      const path = await ann.creates()
      const answers = await Promise.all(numbers(0, 100).map((content) => ann.post(path, content)))
      const answered = answers.map(seenMessage).toSorted((a, b) => a.seq - b.seq)
      const read = await ann.reads(path, '?limit=200')
      expect(read.map(({ id }) => id)).toEqual(answered.map(({ id }) => id))
      expect(new Set(read.map(({ seq }) => seq)).size).toBe(100)
      expect(await ann.reads(path, '?limit=200')).toEqual(read)
      shared = new Set(read.map(({ created_at: created }) => created)).size < 100
    }
  })

  test('[REST4] history goes on next to a seq, which is left out', async () => {
    const ann = use().person('ann')
    const path = await withMessages(ann, 12)
    const all = await ann.reads(path)
    const contents = async (query: string) => (await ann.reads(path, query)).map(({ content }) => content)
    const sixth = all[6]?.seq ?? Number.NaN
    expect(await contents(`?before=${sixth}`)).toEqual(numbers(0, 6))
    expect(await contents(`?before=${sixth}&limit=2`)).toEqual(['4', '5'])
    expect(await contents(`?after=${sixth}`)).toEqual(numbers(7, 12))
    expect(await contents(`?after=${sixth}&limit=2`)).toEqual(['7', '8'])
    expect(await contents(`?around=${sixth}&limit=4`)).toEqual(['4', '5', '7', '8'])
    expect(await contents(`?after=${all[11]?.seq}`)).toEqual([])
    expect(await contents('?before=0')).toEqual([])
    expect(await contents('?after=9007199254740991')).toEqual([])
  })

  test.each([
    ...['limit=0', 'limit=-1', 'limit=201', 'limit=1000000', 'limit=x', 'limit=1.5', 'limit=1e1', 'limit=', 'limit=+5'],
    ...['limit=%205', 'limit=0x10', 'limit=5&limit=6', 'before=x', 'after=-1', 'around=', 'before=9007199254740993'],
    ...['before=1&after=1', 'after=1&around=1', 'before=1&around=1'],
  ])('[REST4] %s is 422', async (query) => {
    const ann = use().person('ann')
    const path = await ann.creates()
    const answer = await ann.call('GET', `${path}/messages?${query}`)
    expect(answer.status).toBe(422)
    expect(answer.body).toMatchObject({ code: 'invalid', fields: expect.any(Array) })
  })

  test('[REST4] an empty history is an empty list; unknown queries are ignored', async () => {
    const ann = use().person('ann')
    const path = await ann.creates()
    const answer = await ann.call('GET', `${path}/messages?nonsense=1`)
    expect([answer.status, answer.body]).toEqual([200, []])
  })

  test('[REST4] history says how far it goes, and 304 when nothing has changed', async () => {
    const ann = use().person('ann')
    const path = await ann.creates()
    const message = seenMessage(await ann.post(path, 'hello'))
    const first = await ann.call('GET', `${path}/messages`)
    expect(first.headers.get('parley-as-of')).toBe(String(message.seq))
    const tag = first.headers.get('etag') ?? ''
    expect(tag).toMatch(/^"[\w-]+"$/)
    const ask = (known: string) => ann.call('GET', `${path}/messages`, { headers: { 'if-none-match': known } })
    for (const known of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
      const again = await ask(known)
      expect([known, again.status, again.body]).toEqual([known, 304, undefined])
    }
    expect((await ask('"other"')).status).toBe(200)
    expect((await ann.post(path, 'more')).status).toBe(201)
    const changed = await ask(tag)
    expect(changed.status).toBe(200)
    expect(changed.headers.get('etag')).not.toBe(tag)
  })

  test('[REST4] one message that is not there is 404', async () => {
    const ann = use().person('ann')
    const path = await ann.creates()
    const elsewhere = seenMessage(await ann.post(await ann.creates(), 'hello'))
    for (const id of [freshId(), 'nonsense', elsewhere.id, 'x'.repeat(500)]) {
      expect((await ann.call('GET', `${path}/messages/${id}`)).status).toBe(404)
    }
  })

  test('[REST4] everything is there after a restart', async () => {
    const [ann, bob] = [use().person('ann'), use().person('bob')]
    const path = await ann.creates({ [bob.name]: 'writer' })
    expect((await ann.call('PATCH', path, { body: { title: 'Tea' } })).status).toBe(200)
    for (let n = 0; n < 5; n++) expect((await (n % 2 === 0 ? ann : bob).post(path, String(n))).status).toBe(201)
    const everything = () =>
      Promise.all(['', '/messages', '/members'].map(async (rest) => (await bob.call('GET', path + rest)).body))
    const before = await everything()
    await use().restart()
    expect(await everything()).toEqual(before)
  })
}
