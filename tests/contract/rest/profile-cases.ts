import { expect, test } from 'vitest'
import { z } from 'zod'

import type { People, Person } from './people.ts'

const users = z.object({ items: z.array(z.object({ user: z.string(), name: z.string().nullable() })) })

export function profileCases(use: () => People): void {
  const put = (who: Person, body: unknown) => who.call('PUT', '/api/me', { body })
  const found = async (who: Person, query: string): Promise<readonly string[]> =>
    users.parse((await who.call('GET', `/api/users${query}`)).body).items.map(({ user }) => user)

  test('[PROFILE1] a name and a colour are chosen, changed one by one, cleared, and told of members', async () => {
    const [ann, bob] = [use().person('ann'), use().person('bob')]
    const path = await ann.creates({ [bob.name]: 'reader' })
    const nothing = { user: ann.name, name: null, color: null, updated_at: null }
    expect((await ann.call('GET', '/api/me')).body).toEqual(nothing)
    const first = await put(ann, { name: '  Ann Müller 🎈 ', color: '#FFaa00' })
    const time = expect.stringMatching(/^2.*Z$/)
    expect([first.status, first.body]).toEqual([
      200,
      { user: ann.name, name: 'Ann Müller 🎈', color: '#ffaa00', updated_at: time },
    ])
    expect((await ann.call('GET', '/api/me')).body).toEqual(first.body)
    const members = async () => (await bob.call('GET', `${path}/members`)).body
    expect(await members()).toEqual({
      items: expect.arrayContaining([
        { user: ann.name, access: 'owner', name: 'Ann Müller 🎈', color: '#ffaa00' },
        { user: bob.name, access: 'reader' },
      ]),
    })
    expect((await put(ann, { name: 'Ann' })).body).toMatchObject({ name: 'Ann', color: '#ffaa00' })
    expect((await put(ann, { color: null, user: bob.name })).body).toMatchObject({
      user: ann.name,
      name: 'Ann',
      color: null,
    })
    expect((await bob.call('GET', '/api/me')).body).toMatchObject({ name: null, updated_at: null })
    expect(await members()).toMatchObject({
      items: expect.arrayContaining([{ user: ann.name, access: 'owner', name: 'Ann' }]),
    })
  })

  test('[PROFILE1] what is no name and no colour is 422, and changes nothing', async () => {
    const ann = use().person('ann')
    await put(ann, { name: 'x'.repeat(80) })
    for (const body of [
      { name: '' },
      { name: '  ' },
      { name: 'x'.repeat(81) },
      { name: 'a\u0000b' },
      { name: 'a\nb' },
      { name: 'half \ud83d' },
      { name: 7 },
      { color: 'red' },
      { color: '#fff' },
      { color: '#gggggg' },
      { name: 'Ann', color: '' },
      [],
      'Ann',
    ]) {
      expect([body, (await put(ann, body)).status]).toEqual([body, 422])
    }
    expect((await ann.call('GET', '/api/me')).body).toMatchObject({ name: 'x'.repeat(80), color: null })
  })

  test('[USERS1] people are found by id and name, prefixes first, among those one shares a conversation with', async () => {
    const [ann, bob, bobby, lily, eve] = [
      use().person('ann'),
      use().person('bob'),
      use().person('Xbobby'),
      use().person('lily'),
      use().person('eve-bob'),
    ] as const
    const path = await ann.creates({ [bob.name]: 'writer', [bobby.name]: 'reader' })
    await ann.creates({ [lily.name]: 'writer', [bob.name]: 'reader' })
    await eve.creates()
    await put(lily, { name: 'BOBETTE', color: '#000001' })
    expect(await found(ann, '?q=BoB')).toEqual([bob.name, lily.name, bobby.name])
    expect(await found(ann, '?q=bob&limit=2')).toEqual([bob.name, lily.name])
    expect((await found(ann, '')).toSorted()).toEqual([bob.name, bobby.name, lily.name].toSorted())
    expect((await ann.call('GET', '/api/users?q=bobette')).body).toEqual({
      items: [{ user: lily.name, name: 'BOBETTE', color: '#000001' }],
    })
    expect(await found(eve, `?q=${ann.name}`)).toEqual([])
    expect(await found(lily, `?q=${bobby.name}`)).toEqual([])
    // Who leaves neither finds nor is found any more.
    expect((await bobby.call('DELETE', `${path}/members/${bobby.name}`)).status).toBe(204)
    expect(await found(ann, '?q=Xbobby')).toEqual([])
    expect(await found(bobby, '')).toEqual([])
    for (const query of ['?limit=0', '?limit=51', '?limit=x', `?q=${'x'.repeat(129)}`, '?q=a&q=b']) {
      expect([query, (await ann.call('GET', `/api/users${query}`)).status]).toEqual([query, 422])
    }
  })
}
