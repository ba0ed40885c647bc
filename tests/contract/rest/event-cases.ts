import { expect, test } from 'vitest'

import { type People, seenMessage } from './people.ts'

/** What happened to people, settings and pins. */
export function eventCases(use: () => People): void {
  test('[EVENT1] members, settings and pins are told in order, by whom, and page by page', async () => {
    const [ann, bob] = [use().person('ann'), use().person('bob')]
    const path = await ann.creates()
    const message = seenMessage(await ann.post(path, 'hello'))
    await ann.call('PUT', `${path}/members/${bob.name}`, { body: { access: 'reader' } })
    await ann.call('PATCH', path, { body: { title: 'Tea' } })
    await ann.call('PUT', `${path}/messages/${message.id}/pin`)
    await bob.call('DELETE', `${path}/members/${bob.name}`)
    const happened = async (query = ''): Promise<readonly unknown[]> => {
      const { status, body } = await ann.call('GET', `${path}/events${query}`)
      expect(status).toBe(200)
      return (body as { readonly items: readonly unknown[] }).items
    }
    const { seq } = message
    const all = await happened()
    const [by, at] = [ann.name, expect.any(String) as string]
    expect(all).toEqual([
      { seq: seq + 1, user_id: by, created_at: at, kind: 'member', member: bob.name, access: 'reader' },
      { seq: seq + 2, user_id: by, created_at: at, kind: 'set', key: 'title', value: 'Tea' },
      { seq: seq + 3, user_id: by, created_at: at, kind: 'pin', message_id: message.id, on: true },
      { seq: seq + 4, user_id: bob.name, created_at: at, kind: 'member', member: bob.name, access: null },
    ])
    expect(await happened('?limit=2')).toEqual(all.slice(2))
    expect(await happened(`?before=${seq + 3}&limit=1`)).toEqual(all.slice(1, 2))
    expect(await happened(`?after=${seq + 1}&limit=2`)).toEqual(all.slice(1, 3))
    expect(await happened(`?after=${seq + 1}&before=${seq + 3}`)).toEqual(all.slice(1, 2))
    expect((await ann.call('GET', `${path}/events?limit=0`)).status).toBe(422)
    expect((await bob.call('GET', `${path}/events`)).status).toBe(403)
  })

  test('[EVENT1][INVITE1] who joins is told with the invitation, who is added without; of invitations alone nothing is told', async () => {
    const [ann, bob, cleo] = [use().person('ann'), use().person('bob'), use().person('cleo')]
    const path = await ann.creates()
    const invite = async (): Promise<{ readonly id: string; readonly token: string }> =>
      (await ann.call('POST', `${path}/invitations`)).body as { id: string; token: string }
    const [{ id, token }, withdrawn] = [await invite(), await invite()]
    expect((await ann.call('DELETE', `${path}/invitations/${withdrawn.id}`)).status).toBe(204)
    expect((await bob.call('POST', `/api/invitations/${token}/accept`)).status).toBe(200)
    const claim = { access: 'writer', invitation: id, invitation_id: id }
    await ann.call('PUT', `${path}/members/${cleo.name}`, { body: claim })
    const { items } = (await ann.call('GET', `${path}/events`)).body as { items: readonly object[] }
    const told = { seq: expect.any(Number), user_id: ann.name, created_at: expect.any(String), kind: 'member' }
    expect(items).toStrictEqual([
      { ...told, member: bob.name, access: 'writer', invitation_id: id },
      { ...told, member: cleo.name, access: 'writer' },
    ])
  })
}
