import { expect, test } from 'vitest'
import { z } from 'zod'

import { nothingRead, type People, type Person, seenMessage } from './people.ts'

const users = z.object({ items: z.array(z.object({ user: z.string(), name: z.string().nullable() })) })

const profiles = z.object({
  items: z.array(z.object({ user: z.string(), name: z.string().nullable(), color: z.string().nullable() })),
})

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
        { user: ann.name, access: 'owner', name: 'Ann Müller 🎈', color: '#ffaa00', ...nothingRead },
        { user: bob.name, access: 'reader', ...nothingRead },
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
      items: expect.arrayContaining([{ user: ann.name, access: 'owner', name: 'Ann', ...nothingRead }]),
    })
  })

  test('[PROFILE1][USERS1] who appears in what one reads is told of, former members too; nobody else is, whatever is asked', async () => {
    const [ann, bob, eve] = [use().person('ann'), use().person('bob'), use().person('eve')]
    await put(bob, { name: 'Bob', color: '#00ff00' })
    await put(eve, { name: 'Eve' })
    const path = await ann.creates({ [bob.name]: 'admin' })
    const first = seenMessage(await ann.post(path, 'hello'))
    await bob.call('PUT', `${path}/messages/${first.id}/reactions/x`)
    await bob.call('PUT', `${path}/members/${eve.name}`, { body: { access: 'reader' } })
    const ofBob = seenMessage(await bob.post(path, 'of bob'))
    for (const who of [eve, bob]) await ann.call('DELETE', `${path}/members/${who.name}`)
    const at = async (who: Person, ...seqs: readonly number[]): Promise<unknown> => {
      const { body } = await who.call('GET', `${path}/profiles?${seqs.map((seq) => `seq=${seq}`).join('&')}`)
      return profiles.parse(body).items.toSorted((a, b) => (a.user < b.user ? -1 : 1))
    }
    const [annIs, bobIs, eveIs] = [
      { user: ann.name, name: null, color: null },
      { user: bob.name, name: 'Bob', color: '#00ff00' },
      { user: eve.name, name: 'Eve', color: null },
    ]
    expect(await at(ann, ofBob.seq)).toEqual([bobIs])
    // Who reacted, and who was added, is shown too.
    expect(await at(ann, first.seq)).toEqual([annIs, bobIs])
    expect(await at(ann, first.seq + 2)).toEqual([bobIs, eveIs])
    expect(await at(ann, first.seq + 1, 999_999)).toEqual([])
    for (const query of ['', '?seq=', '?seq=x', '?seq=-1', `?${'seq=1&'.repeat(51)}`, '?user=eve']) {
      expect([query, (await ann.call('GET', `${path}/profiles${query}`)).status]).toEqual([query, 422])
    }
    expect((await bob.call('GET', `${path}/profiles?seq=${ofBob.seq}`)).status).toBe(403)
    // A late joiner is told of nobody from before.
    await ann.call('PATCH', path, { body: { settings: { history: 'from-join' } } })
    const late = use().person('late')
    await ann.call('PUT', `${path}/members/${late.name}`, { body: { access: 'reader' } })
    const { seq } = seenMessage(await ann.post(path, 'later'))
    expect(await at(late, ofBob.seq, first.seq, seq)).toEqual([annIs])
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
