import { expect, test } from 'vitest'
import { z } from 'zod'

import { limits } from '../../../shared/limits.ts'
import type { Answer } from './rest-client.ts'
import { freshId, type People, type Person, seenMessage } from './people.ts'

const invitation = z.object({ id: z.string(), token: z.string(), expires_at: z.string(), created_at: z.string() })

export function invitationCases(use: () => People): void {
  const invite = async (who: Person, path: string, body?: object): Promise<z.output<typeof invitation>> => {
    const answer = await who.call('POST', `${path}/invitations`, body === undefined ? {} : { body })
    if (answer.status !== 201) throw new Error(`no invitation: ${JSON.stringify(answer.body)}`)
    return invitation.parse(answer.body)
  }
  const join = (who: Person, token: string): Promise<Answer> => who.call('POST', `/api/invitations/${token}/accept`)
  const over = { status: 410, body: { code: 'expired-invitation' } }

  test('[INVITE1] who has the token joins once, by the act of whoever invited; again changes and spends nothing', async () => {
    const [ann, bob, cleo, dan] = [
      use().person('ann'),
      use().person('bob'),
      use().person('cleo'),
      use().person('dan'),
    ] as const
    const path = await ann.creates()
    const { token, id, ...made } = await invite(ann, path)
    const life = Date.parse(made.expires_at) - Date.parse(made.created_at)
    expect(life).toBe(limits.invitationMs)
    const listed = { id, access: 'writer', uses_left: 1, created_by: ann.name, ...made }
    expect((await ann.call('GET', `${path}/invitations`)).body).toEqual({ items: [listed] })

    const joined = await join(bob, token)
    expect([joined.status, joined.body]).toEqual([200, (await bob.call('GET', path)).body])
    expect(joined.body).toMatchObject({ access: 'writer', unread: 0 })
    expect((await bob.post(path, 'hello')).status).toBe(201)
    expect((await ann.call('GET', `${path}/invitations`)).body).toEqual({ items: [] })
    expect(await join(cleo, token)).toMatchObject(over)
    expect(await join(bob, token)).toMatchObject({ status: 200, body: { access: 'writer' } })

    const readers = await invite(ann, path, { access: 'reader', uses: 2 })
    expect(await join(bob, readers.token)).toMatchObject({ status: 200, body: { access: 'writer' } })
    expect(await join(ann, readers.token)).toMatchObject({ status: 200, body: { access: 'owner' } })
    expect(await join(cleo, readers.token)).toMatchObject({ status: 200, body: { access: 'reader' } })
    expect(await join(cleo, readers.token)).toMatchObject({ status: 200, body: { access: 'reader' } })
    expect((await ann.call('GET', `${path}/invitations`)).body).toMatchObject({ items: [{ uses_left: 1 }] })
    expect((await join(dan, readers.token)).status).toBe(200)
    const open = await invite(ann, path, { uses: null, expires_in_s: 60 })
    for (const name of ['eve', 'fred', 'gina']) expect((await join(use().person(name), open.token)).status).toBe(200)
    expect((await ann.call('GET', `${path}/invitations`)).body).toMatchObject({ items: [{ uses_left: null }] })
  })

  test('[INVITE1][THREAD3] a member who takes one is told all that is told of the conversation alone', async () => {
    const [ann, bob] = [use().person('ann'), use().person('bob')]
    const path = await ann.creates({ [bob.name]: 'reader' })
    const { id: thread } = seenMessage(await ann.post(path, 'root'))
    const { seq: through } = seenMessage(await ann.post(path, 'answer', { thread }))
    await bob.call('PUT', `${path}/read`, { body: { through, thread } })
    const { body } = await join(bob, (await invite(ann, path)).token)
    expect(body).toMatchObject({ read_threads: { [thread]: through } })
    expect(body).toEqual((await bob.call('GET', path)).body)
  })

  test('[INVITE1] of people who race for the last use as many join as there are uses', async () => {
    const ann = use().person('ann')
    const path = await ann.creates()
    const { token } = await invite(ann, path, { uses: 2 })
    const racers = Array.from({ length: 8 }, (_, index) => use().person(`racer-${index}`))
    const answers = await Promise.all(racers.map((racer) => join(racer, token)))
    const statuses = answers.map(({ status }) => status)
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 200, 410, 410, 410, 410, 410, 410])
    const { body } = await ann.call('GET', `${path}/members`)
    expect(z.object({ items: z.array(z.object({})) }).parse(body).items).toHaveLength(3)
  })

  test('[INVITE2] what was withdrawn, forged, or made by somebody who is no admin any more lets nobody in', async () => {
    const [ann, adam, bob] = [use().person('ann'), use().person('adam'), use().person('bob')]
    const path = await ann.creates({ [adam.name]: 'admin' })
    const withdrawn = await invite(ann, path)
    for (let time = 0; time < 2; time++)
      expect((await adam.call('DELETE', `${path}/invitations/${withdrawn.id}`)).status).toBe(204)
    expect(await join(bob, withdrawn.token)).toMatchObject(over)
    expect((await ann.call('DELETE', `${path}/invitations/nonsense`)).status).toBe(404)

    const { token } = await invite(adam, path)
    const middle = Math.floor(token.length / 2)
    const turned = (at: number): string => token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
    const forged = [turned(1), turned(10), turned(middle), turned(token.length - 2), `${token}A`, token.slice(1)]
    for (const bad of [...forged, 'nonsense', freshId(), `${token}%20`, 'x'.repeat(900)]) {
      expect(await join(bob, bad)).toMatchObject({ status: 404, body: { code: 'not-found' } })
    }
    const grant = (access: string) => ann.call('PUT', `${path}/members/${adam.name}`, { body: { access } })
    expect((await grant('writer')).status).toBe(200)
    expect(await join(bob, token)).toMatchObject(over)
    expect((await bob.call('GET', path)).status).toBe(403)
    expect((await grant('admin')).status).toBe(200)
    expect((await join(bob, token)).status).toBe(200)

    const { token: last } = await invite(ann, path)
    expect((await ann.call('DELETE', path)).status).toBe(204)
    expect(await join(use().person('cleo'), last)).toMatchObject({ status: 410, body: { code: 'deleted' } })
  })

  test('[INVITE2][REST2] only admins invite, list and withdraw, and an invitation gives no more than they may', async () => {
    const [ann, will, eve] = [use().person('ann'), use().person('will'), use().person('eve')]
    const path = await ann.creates({ [will.name]: 'writer' })
    const { id } = await invite(ann, path)
    for (const who of [will, eve]) {
      for (const [method, where, body] of [
        ['POST', `${path}/invitations`, { access: 'king' }],
        ['GET', `${path}/invitations`, undefined],
        ['DELETE', `${path}/invitations/${id}`, undefined],
        ['DELETE', `${path}/invitations/nonsense`, undefined],
      ] as const) {
        expect([method, (await who.call(method, where, { body })).status]).toEqual([method, 403])
      }
    }
    for (const body of [
      { access: 'admin' },
      { access: 'owner' },
      { uses: 0 },
      { uses: 1001 },
      { uses: 1.5 },
      { expires_in_s: 0 },
      { expires_in_s: 30 * 24 * 60 * 60 + 1 },
      { expires_in_s: null },
      [],
    ]) {
      expect([body, (await ann.call('POST', `${path}/invitations`, { body })).status]).toEqual([body, 422])
    }
    expect((await ann.call('GET', `${path}/invitations`)).body).toMatchObject({ items: [{ id }] })
    expect((await ann.call('POST', `/api/conversations/${freshId()}/invitations`)).status).toBe(404)
  })
}
