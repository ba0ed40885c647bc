import { expect, test } from 'vitest'

import { freshId, type People, seenMessage } from './people.ts'

/** What an own message said before. */
export function versionCases(use: () => People): void {
  test('[VERSION1] the author reads all that a message said, the first of it first, until it is taken away', async () => {
    const ann = use().person('ann')
    const path = await ann.creates()
    const message = seenMessage(await ann.post(path, 'one'))
    const where = `${path}/messages/${message.id}`
    const versions = async (): Promise<unknown> => (await ann.call('GET', `${where}/versions`)).body
    const { created_at, written_at, seq } = message
    expect(await versions()).toEqual({ items: [{ content: 'one', created_at, written_at, seq }] })
    // What is so already is no edit, and what else is done to it changes nothing that it says.
    for (const content of ['two', 'two', 'one']) await ann.call('PATCH', where, { body: { content } })
    for (const touch of ['reactions/x', 'pin']) await ann.call('PUT', `${where}/${touch}`)
    expect(await versions()).toMatchObject({
      items: [
        { content: 'one', seq },
        { content: 'two', seq: seq + 1 },
        { content: 'one', seq: seq + 2 },
      ],
    })
    await ann.call('DELETE', where)
    expect(await ann.call('GET', `${where}/versions`)).toMatchObject({ status: 410, body: { code: 'redacted' } })
  })

  test('[VERSION1][REST2] nobody else reads it, an owner neither, and what is not there has none', async () => {
    const [ann, bob, eve] = [use().person('ann'), use().person('bob'), use().person('eve')]
    const path = await ann.creates({ [bob.name]: 'writer' })
    const { id } = seenMessage(await bob.post(path, 'one'))
    const where = `${path}/messages/${id}/versions`
    await bob.call('PATCH', `${path}/messages/${id}`, { body: { content: 'two' } })
    expect(await bob.call('GET', where)).toMatchObject({ status: 200, body: { items: [{}, {}] } })
    expect(await ann.call('GET', where)).toMatchObject({ status: 403, body: { code: 'not-author' } })
    expect((await eve.call('GET', where)).status).toBe(403)
    for (const nothing of [freshId(), 'nothing']) {
      expect((await bob.call('GET', `${path}/messages/${nothing}/versions`)).status).toBe(404)
    }
    // No longer a member: not even of one's own.
    await ann.call('DELETE', `${path}/members/${bob.name}`)
    expect((await bob.call('GET', where)).status).toBe(403)
    await ann.call('DELETE', `${path}/messages/${id}`)
    expect((await ann.call('GET', where)).status).toBe(410)
  })
}
