import { expect, test } from 'vitest'

import { freshId, nothingRead, type People, type Person, seenMessage } from './people.ts'

type Verb = readonly [method: string, path: string, body?: object]

export function accessCases(use: () => People): void {
  const verbs = (message: string, user: string): readonly Verb[] => [
    ['GET', ''],
    ['PUT', '', {}],
    ['PATCH', '', { title: 'Mine' }],
    ['DELETE', ''],
    ['GET', '/members'],
    ['GET', '/profiles?seq=0'],
    ['PUT', `/members/${user}`, { access: 'owner' }],
    ['DELETE', `/members/${user}`],
    ['GET', '/messages'],
    ['POST', '/messages', { role: 'user', content: 'hello' }],
    ['GET', `/messages/${message}`],
    ['GET', '/chains/7'],
  ]
  const grant = (who: Person, path: string, user: Person | string, access: string) =>
    who.call('PUT', `${path}/members/${typeof user === 'string' ? user : user.name}`, { body: { access } })
  const remove = (who: Person, path: string, user: Person | string) =>
    who.call('DELETE', `${path}/members/${typeof user === 'string' ? user : user.name}`)

  test("[REST6] someone else's conversation is 403 on every verb, and stays as it was", async () => {
    const [ann, eve] = [use().person('ann'), use().person('eve')]
    const path = await ann.creates()
    const message = seenMessage(await ann.post(path, 'private'))
    const state = async () => [(await ann.call('GET', path)).body, (await ann.call('GET', `${path}/members`)).body]
    const before = await state()
    for (const user of [eve.name, ann.name]) {
      for (const [method, rest, body] of verbs(message.id, user)) {
        const answer = await eve.call(method, path + rest, { body })
        expect([method, rest, answer.status]).toEqual([method, rest, 403])
        expect(answer.body).toMatchObject({ code: 'no-access' })
        expect(JSON.stringify(answer.body)).not.toContain('private')
      }
    }
    expect(await state()).toEqual(before)
    expect(await ann.reads(path)).toHaveLength(1)
  })

  test('[REST6] an unknown conversation is 404 on every verb, and so is what is no id', async () => {
    const ann = use().person('ann')
    const places = [
      freshId(),
      'nonsense',
      '123e4567-e89b-42d3-a456-426614174000',
      freshId().toUpperCase(),
      'x'.repeat(300),
    ]
    for (const place of places) {
      for (const [method, rest, body] of verbs(freshId(), 'bob')) {
        if (method === 'PUT' && rest === '') continue
        const answer = await ann.call(method, `/api/conversations/${place}${rest}`, { body })
        expect([method, place, rest, answer.status]).toEqual([method, place, rest, 404])
      }
    }
  })

  test('[REST6] each access may do what it may', async () => {
    const [ann, adam, will, rob] = ['ann', 'adam', 'will', 'rob'].map((name) => use().person(name)) as [
      Person,
      Person,
      Person,
      Person,
    ]
    const path = await ann.creates({ [adam.name]: 'admin', [will.name]: 'writer', [rob.name]: 'reader' })
    const everybody = [ann, adam, will, rob]
    const statuses = (ask: (who: Person) => Promise<{ readonly status: number }>) =>
      Promise.all(everybody.map(async (who) => (await ask(who)).status))

    expect(await statuses((who) => who.call('GET', path))).toEqual([200, 200, 200, 200])
    expect(await statuses((who) => who.call('GET', `${path}/members`))).toEqual([200, 200, 200, 200])
    expect(await statuses((who) => who.call('GET', `${path}/messages`))).toEqual([200, 200, 200, 200])
    expect(await statuses((who) => who.call('PUT', path))).toEqual([200, 200, 200, 200])
    expect(await statuses((who) => who.post(path, 'hello'))).toEqual([201, 201, 201, 403])
    expect(await statuses((who) => who.call('PATCH', path, { body: { title: who.name } }))).toEqual([
      200, 200, 403, 403,
    ])
    expect(await statuses((who) => grant(who, path, `new-${who.name}`, 'writer'))).toEqual([200, 200, 403, 403])
    expect(await statuses((who) => grant(who, path, `admin-${who.name}`, 'admin'))).toEqual([200, 403, 403, 403])
    expect(await statuses((who) => remove(who, path, `new-${ann.name}`))).toEqual([204, 204, 403, 403])
    expect(await statuses((who) => remove(who, path, `admin-${ann.name}`))).toEqual([204, 204, 403, 403])
    for (const who of [adam, will, rob]) {
      expect((await grant(who, path, ann, 'reader')).status).toBe(403)
      expect((await remove(who, path, ann)).status).toBe(403)
      expect((await grant(who, path, who, 'owner')).status).toBe(403)
      expect((await who.call('DELETE', path)).status).toBe(403)
    }
    expect((await ann.call('DELETE', path)).status).toBe(204)
  })

  test('[REST6] a member is added, changed and removed, and each shows at once', async () => {
    const [ann, bob] = [use().person('ann'), use().person('bob')]
    const path = await ann.creates()
    const added = await grant(ann, path, bob, 'reader')
    expect([added.status, added.body]).toEqual([200, { user: bob.name, access: 'reader' }])
    expect((await bob.call('GET', path)).body).toMatchObject({ access: 'reader' })
    expect((await bob.post(path, 'hello')).status).toBe(403)
    expect((await grant(ann, path, bob, 'writer')).status).toBe(200)
    expect((await bob.post(path, 'hello')).status).toBe(201)
    expect((await ann.call('GET', `${path}/members`)).body).toEqual({
      items: expect.arrayContaining([
        { user: ann.name, access: 'owner', ...nothingRead },
        { user: bob.name, access: 'writer', ...nothingRead },
      ]),
    })
    expect((await remove(ann, path, bob)).status).toBe(204)
    expect((await remove(ann, path, bob)).status).toBe(204)
    expect((await remove(ann, path, 'never-there')).status).toBe(204)
    expect((await bob.call('GET', path)).status).toBe(403)
    expect((await bob.post(path, 'hello')).status).toBe(403)
    expect((await ann.reads(path)).map(({ user_id: user }) => user)).toEqual([bob.name])
  })

  test('[REST6] whoever is not the last owner may leave; the last owner is 409', async () => {
    const [ann, bob] = [use().person('ann'), use().person('bob')]
    const path = await ann.creates({ [bob.name]: 'reader' })
    for (const answer of [await remove(ann, path, ann), await grant(ann, path, ann, 'writer')]) {
      expect(answer.status).toBe(409)
      expect(answer.body).toMatchObject({ code: 'last-owner' })
    }
    expect((await grant(ann, path, bob, 'owner')).status).toBe(200)
    expect((await remove(ann, path, ann)).status).toBe(204)
    expect((await ann.call('GET', path)).status).toBe(403)
    expect((await bob.call('GET', path)).body).toMatchObject({ access: 'owner' })
    expect((await remove(bob, path, bob)).status).toBe(409)
  })

  test('[REST6] a member has a user id and an access that exists, else 422', async () => {
    const ann = use().person('ann')
    const path = await ann.creates()
    for (const user of ['a%20b', 'a%2Fb', '%C3%A4', 'x'.repeat(129)]) {
      expect((await grant(ann, path, user, 'reader')).status).toBe(422)
      expect((await remove(ann, path, user)).status).toBe(422)
    }
    for (const body of [{}, { access: 'king' }, { access: null }, { access: 7 }, []]) {
      expect((await ann.call('PUT', `${path}/members/bob`, { body })).status).toBe(422)
    }
    const odd = encodeURIComponent('%?#&=+~')
    expect((await grant(ann, path, odd, 'reader')).body).toEqual({ user: '%?#&=+~', access: 'reader' })
    expect((await ann.call('GET', `${path}/members`)).body).toMatchObject({
      items: expect.arrayContaining([{ user: '%?#&=+~', access: 'reader', ...nothingRead }]),
    })
  })

  test('[REST8] a chain that is not there, or not yours, is 404', async () => {
    const ann = use().person('ann')
    const path = await ann.creates()
    for (const client of ['4294967295', 'nonsense', '-1', '01', '4294967296', '1.5']) {
      expect((await ann.call('GET', `${path}/chains/${client}`)).status).toBe(404)
    }
  })
}
