import { expect, test } from 'vitest'
import { z } from 'zod'

import { freshId, type People, type Person, seenMessage, type SeenMessage } from './people.ts'

const changed = z.array(z.object({ id: z.string(), revision: z.number(), content: z.string() }))

/** What somebody has read, what is unread, and what has changed since. */
export function readingCases(use: () => People): void {
  const start = async (): Promise<{ ann: Person; bob: Person; path: string }> => {
    const [ann, bob] = [use().person('ann'), use().person('bob')]
    return { ann, bob, path: await ann.creates({ [bob.name]: 'reader' }) }
  }
  const say = async (who: Person, path: string, content: string, more: object = {}): Promise<SeenMessage> =>
    seenMessage(await who.post(path, content, more))
  const badge = async (who: Person, path: string): Promise<unknown> => {
    const told = z.looseObject({ unread: z.number(), mentions: z.number() }).parse((await who.call('GET', path)).body)
    const { read_threads: _threads, settings: _settings, ...alone } = told
    const { items } = z
      .object({ items: z.array(z.looseObject({ id: z.string() })) })
      .parse((await who.call('GET', '/api/conversations')).body)
    // The list says the same, threads aside.
    expect(items.find(({ id }) => path.endsWith(id))).toMatchObject(alone)
    const { unread, mentions } = alone
    return { unread, mentions, through: alone['read_through'], received: alone['received'] }
  }

  test('[UNREAD1] others’ messages count until they are read or redacted, own ones never', async () => {
    const { ann, bob, path } = await start()
    const nothing = { unread: 0, mentions: 0, through: null, received: null }
    expect(await badge(bob, path)).toEqual(nothing)
    const first = await say(ann, path, 'one', { mentions: [bob.name] })
    const second = await say(ann, path, 'two', { mentions: [bob.name, ann.name] })
    await say(ann, path, 'three')
    expect(await badge(bob, path)).toEqual({ ...nothing, unread: 3, mentions: 2 })
    expect(await badge(ann, path)).toEqual(nothing)
    await ann.call('DELETE', `${path}/messages/${second.id}`)
    expect(await badge(bob, path)).toEqual({ ...nothing, unread: 2, mentions: 1 })
    await ann.call('PATCH', `${path}/messages/${first.id}`, { body: { content: 'edited' } })
    expect(await badge(bob, path)).toEqual({ ...nothing, unread: 2, mentions: 1 })
    const read = await bob.call('PUT', `${path}/read`, { body: { through: first.seq } })
    expect([read.status, read.body]).toEqual([200, { through: first.seq, received: first.seq }])
    expect(await badge(bob, path)).toEqual({ unread: 1, mentions: 0, through: first.seq, received: first.seq })
  })

  test('[PRIVATE2][UNREAD1] what is read in private counts for whoever reads, in every answer, and nobody else is told', async () => {
    const { ann, bob, path } = await start()
    const root = await say(ann, path, 'root')
    const second = await say(ann, path, 'two', { mentions: [bob.name] })
    const answer = await say(ann, path, 'answer', { thread: root.id })
    const read = (body: object) => bob.call('PUT', `${path}/read`, { body: { private: true, ...body } })
    const thread = async (): Promise<unknown> => (await bob.call('GET', `${path}/threads/${root.id}`)).body
    const keys = async (): Promise<readonly unknown[]> => {
      const { body } = await bob.call('GET', '/api/me/state')
      return z.object({ items: z.array(z.object({ key: z.string(), value: z.unknown() })) }).parse(body).items
    }
    const last = async (): Promise<unknown> => z.looseObject({}).parse((await ann.call('GET', path)).body)['last_seq']
    const [lastSeq, id] = [await last(), path.split('/').at(-1) ?? '']
    const ofThread = { key: `read/${id}/${root.id}`, value: answer.seq }
    // Reading alone makes no private state.
    expect(await badge(bob, path)).toMatchObject({ unread: 3, mentions: 1 })
    expect(await keys()).toEqual([])
    expect((await read({ through: answer.seq, thread: root.id })).body).toEqual({ through: answer.seq, received: null })
    expect(await thread()).toMatchObject({ unread: 0, read_through: answer.seq })
    expect((await bob.call('GET', path)).body).toMatchObject({ read_threads: { [root.id]: answer.seq } })
    expect(await badge(bob, path)).toEqual({ unread: 2, mentions: 1, through: null, received: null })
    expect(await keys()).toEqual([ofThread])
    expect((await read({ through: root.seq })).body).toEqual({ through: root.seq, received: null })
    expect(await badge(bob, path)).toEqual({ unread: 1, mentions: 1, through: root.seq, received: null })
    // Never back, and what all was read of is not said of a thread any more.
    for (const through of [answer.seq, second.seq]) expect((await read({ through })).status).toBe(200)
    expect(await badge(bob, path)).toEqual({ unread: 0, mentions: 0, through: answer.seq, received: null })
    expect(await keys()).toContainEqual({ key: `read/${id}`, value: answer.seq })
    const mark = encodeURIComponent(`unread/${id}`)
    expect(await last()).toBe(lastSeq)
    for (const isPrivate of [true, false]) {
      expect((await bob.call('PUT', `/api/me/state/${mark}`, { body: { value: true } })).status).toBe(204)
      expect((await read({ through: second.seq, private: isPrivate })).status).toBe(200)
      expect((await keys()).filter((row) => JSON.stringify(row).includes('unread'))).toEqual([])
    }
    expect(await badge(bob, path)).toMatchObject({ unread: 0, through: answer.seq, received: second.seq })
  })

  test('[PRIVATE2][THREAD2] in private the rules are those of what is told, and a register is all that it takes', async () => {
    const { ann, bob, path } = await start()
    const root = await say(ann, path, 'root')
    const answer = await say(ann, path, 'answer', { thread: root.id })
    const put = async (body: object, who: Person = bob): Promise<unknown[]> => {
      const given = await who.call('PUT', `${path}/read`, { body: { private: true, ...body } })
      return [given.status, z.looseObject({ code: z.string() }).parse(given.body).code]
    }
    expect(await put({ through: answer.seq + 1 })).toEqual([422, 'beyond-end'])
    for (const thread of [answer.id, freshId()]) expect(await put({ through: 0, thread })).toEqual([404, 'no-target'])
    for (const body of [{}, { received: 0 }, { through: 0, received: 0 }, { through: 0, private: 1 }])
      expect(await put(body)).toEqual([422, 'invalid'])
    expect(await put({ through: 0 }, use().person('eve'))).toEqual([403, 'no-access'])
    expect((await bob.call('GET', '/api/me/state')).body).toEqual({ items: [] })
  })

  test('[UNREAD1] registers never go back, and no further than the last entry', async () => {
    const { ann, bob, path } = await start()
    const { seq } = await say(ann, path, 'one')
    const put = async (body: unknown): Promise<unknown[]> => {
      const answer = await bob.call('PUT', `${path}/read`, { body })
      return [
        answer.status,
        answer.status === 200 ? answer.body : z.object({ code: z.string() }).parse(answer.body).code,
      ]
    }
    expect(await put({ received: seq })).toEqual([200, { through: null, received: seq }])
    expect(await put({ through: seq })).toEqual([200, { through: seq, received: seq }])
    expect(await put({ through: 0, received: 0 })).toEqual([200, { through: seq, received: seq }])
    expect(await put({ through: seq + 100 })).toEqual([422, 'beyond-end'])
    for (const body of [{}, { through: -1 }, { received: 'x' }, { through: 1.5 }, [], null]) {
      expect(await put(body)).toEqual([422, 'invalid'])
    }
    expect(
      (
        await use()
          .person('eve')
          .call('PUT', `${path}/read`, { body: { through: 0 } })
      ).status,
    ).toBe(403)
    // Whoever only reads does not move the conversation to the top of the list.
    const before = await ann.call('GET', path)
    expect((await ann.call('PUT', `${path}/read`, { body: { through: seq } })).status).toBe(200)
    const updated = z.looseObject({ updated_at: z.string() })
    expect(updated.parse((await ann.call('GET', path)).body).updated_at).toBe(updated.parse(before.body).updated_at)
  })

  test('[UNREAD1][HISTORY1] members tell how far each has read and received; a late joiner nothing from before them', async () => {
    const { ann, bob, path } = await start()
    const registers = async (who: Person): Promise<Record<string, unknown>> => {
      const { body } = await who.call('GET', `${path}/members`)
      const { items } = z.object({ items: z.array(z.looseObject({ user: z.string() })) }).parse(body)
      return Object.fromEntries(items.map(({ user, read_through: through, received }) => [user, [through, received]]))
    }
    const first = await say(ann, path, 'one')
    const second = await say(ann, path, 'two')
    expect(await registers(ann)).toEqual({ [ann.name]: [null, null], [bob.name]: [null, null] })
    await bob.call('PUT', `${path}/read`, { body: { through: first.seq, received: second.seq } })
    const told = { [ann.name]: [null, null], [bob.name]: [first.seq, second.seq] }
    expect(await registers(ann)).toEqual(told)
    // Of all, not of threads.
    await say(ann, path, 'in a thread', { thread: second.id })
    await bob.call('PUT', `${path}/read`, { body: { through: second.seq, thread: second.id } })
    expect(await registers(bob)).toEqual(told)

    await ann.call('PATCH', path, { body: { settings: { history: 'from-join' } } })
    const eve = use().person('eve')
    await ann.call('PUT', `${path}/members/${eve.name}`, { body: { access: 'writer' } })
    const nothing = { [ann.name]: [null, null], [bob.name]: [null, null], [eve.name]: [null, null] }
    expect(await registers(eve)).toEqual(nothing)
    expect(await registers(ann)).toEqual({ ...told, [eve.name]: [null, null] })
    const later = await say(ann, path, 'three')
    await bob.call('PUT', `${path}/read`, { body: { received: later.seq } })
    expect(await registers(eve)).toEqual({ ...nothing, [bob.name]: [null, later.seq] })
    expect(await registers(ann)).toEqual({ ...nothing, [bob.name]: [first.seq, later.seq] })
    // Whoever is removed loses theirs.
    await ann.call('DELETE', `${path}/members/${bob.name}`)
    await ann.call('PUT', `${path}/members/${bob.name}`, { body: { access: 'reader' } })
    expect(await registers(ann)).toEqual(nothing)
  })

  test('[PAGE2] changes tell each message once, as it is now, by ascending revision', async () => {
    const { ann, path } = await start()
    const said = [await say(ann, path, 'a'), await say(ann, path, 'b'), await say(ann, path, 'c')]
    const [a, b, c] = said.map(({ id }) => `${path}/messages/${id}`)
    const changes = async (query = '') => {
      const { body, headers } = await ann.call('GET', `${path}/changes${query}`)
      const messages = changed.parse(body)
      return {
        contents: messages.map(({ content }) => content),
        revisions: messages.map(({ revision }) => revision),
        asOf: Number(headers.get('parley-as-of')),
        more: headers.get('parley-more'),
      }
    }
    const last = said[2]?.seq ?? Number.NaN
    expect(await changes()).toEqual({ contents: [], revisions: [], asOf: last, more: 'false' })
    await ann.call('PATCH', b ?? '', { body: { content: 'b2' } })
    await ann.call('PATCH', a ?? '', { body: { content: 'a2' } })
    await ann.call('PUT', `${c ?? ''}/reactions/x`)
    await ann.call('PATCH', b ?? '', { body: { content: 'b3' } })
    const end = last + 4
    expect(await changes()).toEqual({
      contents: ['a2', 'c', 'b3'],
      revisions: [last + 2, last + 3, end],
      asOf: end,
      more: 'false',
    })
    expect(await changes(`?after=${last + 2}`)).toMatchObject({ contents: ['c', 'b3'], more: 'false' })
    expect(await changes(`?after=${end}`)).toMatchObject({ contents: [], asOf: end })
    // Page by page, each behind the last.
    const first = await changes('?limit=2')
    expect(first).toEqual({ contents: ['a2', 'c'], revisions: [last + 2, last + 3], asOf: last + 3, more: 'true' })
    expect(await changes(`?limit=2&after=${first.asOf}`)).toMatchObject({ contents: ['b3'], asOf: end, more: 'false' })
    for (const query of ['after=x', 'after=-1', 'limit=0', 'limit=201']) {
      expect((await ann.call('GET', `${path}/changes?${query}`)).status).toBe(422)
    }
  })

  test('[PAGE1] pages carry revisions, what they take account of, and a tag that changes with any of it', async () => {
    const { ann, path } = await start()
    const { id, seq } = await say(ann, path, 'a')
    const page = async (headers: Readonly<Record<string, string>> = {}) =>
      await ann.call('GET', `${path}/messages`, { headers })
    const before = await page()
    const tag = before.headers.get('etag') ?? ''
    expect([before.headers.get('parley-as-of'), before.body]).toMatchObject([String(seq), [{ revision: seq }]])
    expect((await page({ 'if-none-match': tag })).status).toBe(304)
    await ann.call('PATCH', `${path}/messages/${id}`, { body: { content: 'b' } })
    const after = await page({ 'if-none-match': tag })
    expect([after.status, after.headers.get('parley-as-of')]).toEqual([200, String(seq + 1)])
    expect(after.body).toMatchObject([{ content: 'b', revision: seq + 1 }])
    // A change of something else is taken account of, and changes no byte of it.
    const other = await page()
    await ann.call('PATCH', path, { body: { title: 'Tea' } })
    const same = await page({ 'if-none-match': other.headers.get('etag') ?? '' })
    expect([same.status, same.headers.get('parley-as-of')]).toEqual([304, String(seq + 2)])
  })

  test('[REST6] pins, changes and the register are for members alone', async () => {
    const { path } = await start()
    const eve = use().person('eve')
    for (const name of ['pins', 'changes', 'changes?after=x']) {
      expect((await eve.call('GET', `${path}/${name}`)).status).toBe(403)
    }
    expect((await eve.call('GET', `/api/conversations/${freshId()}/pins`)).status).toBe(404)
  })
}
