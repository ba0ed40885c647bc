/** Threads, and the private state of whoever asks. */

import { expect, test } from 'vitest'

import { privateConversationOf } from '../../../shared/chat/private-conversation.ts'
import { userId } from '../../helpers/chain-doc.ts'
import { freshId, type People, seenMessage, seenProblem as problem } from './people.ts'

export function threadCases(use: () => People): void {
  test('[THREAD1] the root tells of its answers, and a thread is read page by page', async () => {
    const [ann, bob] = [use().person('ann'), use().person('bob')]
    const path = await ann.creates({ [bob.name]: 'writer' })
    const root = seenMessage(await ann.post(path, 'root'))
    const answers = []
    for (let index = 0; index < 5; index++) {
      answers.push(seenMessage(await bob.post(path, `answer ${index}`, { thread: root.id })))
      await ann.post(path, 'elsewhere')
    }
    expect((await ann.call('GET', `${path}/messages/${root.id}`)).body).toMatchObject({
      replies: { count: 5, users: [bob.name], last_at: answers.at(-1)?.created_at },
      revision: answers.at(-1)?.seq,
    })
    const contents = async (query: string): Promise<readonly string[]> =>
      (await ann.reads(path, `?thread=${root.id}${query}`)).map(({ content }) => content)
    expect(await contents('')).toEqual([0, 1, 2, 3, 4].map((index) => `answer ${index}`))
    expect(await contents('&limit=2')).toEqual(['answer 3', 'answer 4'])
    expect(await contents(`&limit=2&before=${answers[3]?.seq}`)).toEqual(['answer 1', 'answer 2'])
    expect(await contents(`&after=${answers[3]?.seq}`)).toEqual(['answer 4'])
    expect(await contents(`&around=${answers[2]?.seq}&limit=2`)).toEqual(['answer 1', 'answer 3'])
    expect((await ann.call('GET', `${path}/messages?thread=x`)).status).toBe(422)
    const changes = await ann.call('GET', `${path}/changes?after=${root.seq}`)
    expect(changes.body).toMatchObject([{ id: root.id, replies: { count: 5 } }])
  })

  test('[THREAD2][MENTION1] what is no root is 404, a mention of a stranger 422, and nothing is written', async () => {
    const ann = use().person('ann')
    const path = await ann.creates()
    const root = seenMessage(await ann.post(path, 'root'))
    const answer = seenMessage(await ann.post(path, 'answer', { thread: root.id }))
    for (const thread of [answer.id, freshId()])
      expect(problem(await ann.post(path, 'deeper', { thread }))).toEqual([404, 'no-target'])
    expect(problem(await ann.post(path, 'hello', { mentions: ['nobody'] }))).toEqual([422, 'not-member'])
    const read = (body: object) => ann.call('PUT', `${path}/read`, { body })
    expect(problem(await read({ through: 0, thread: answer.id }))).toEqual([404, 'no-target'])
    expect(problem(await read({ through: 9, thread: root.id }))).toEqual([422, 'beyond-end'])
    expect((await ann.call('GET', `${path}/threads/${freshId()}`)).status).toBe(404)
    expect(await ann.reads(path)).toHaveLength(2)
  })

  test('[THREAD3][UNREAD1] a thread is read by itself, and with all', async () => {
    const [ann, bob] = [use().person('ann'), use().person('bob')]
    const path = await ann.creates({ [bob.name]: 'reader' })
    const root = seenMessage(await ann.post(path, 'root'))
    const answer = seenMessage(await ann.post(path, 'answer', { thread: root.id, mentions: [bob.name] }))
    const thread = () => bob.call('GET', `${path}/threads/${root.id}`)
    expect((await thread()).body).toMatchObject({ unread: 1, mentions: 1, read_through: null, root: { id: root.id } })
    const read = await bob.call('PUT', `${path}/read`, { body: { through: answer.seq, thread: root.id } })
    expect(read.body).toEqual({ through: answer.seq, received: null })
    expect((await thread()).body).toMatchObject({ unread: 0, mentions: 0, read_through: answer.seq })
    expect((await bob.call('GET', path)).body).toMatchObject({ unread: 1, mentions: 0, read_through: null })
    await bob.call('PUT', `${path}/read`, { body: { through: answer.seq } })
    expect((await bob.call('GET', path)).body).toMatchObject({ unread: 0, read_through: answer.seq })
  })

  test('[PRIVATE1] private state is kept by key, for its user alone', async () => {
    const [ann, bob] = [use().person('ann'), use().person('bob')]
    const key = encodeURIComponent(`draft/${freshId()}`)
    const put = (value: unknown) => ann.call('PUT', `/api/me/state/${key}`, { body: { value } })
    for (const value of ['first', { text: 'ünï', at: [1, null] }]) expect((await put(value)).status).toBe(204)
    const state = async (): Promise<unknown> => (await ann.call('GET', '/api/me/state')).body
    expect(await state()).toEqual({ items: [{ key: decodeURIComponent(key), value: { text: 'ünï', at: [1, null] } }] })
    expect((await bob.call('GET', '/api/me/state')).body).toEqual({ items: [] })
    const own = `/api/conversations/${privateConversationOf(userId(ann.name))}`
    for (const where of [own, `${own}/messages`, `${own}/members`])
      expect((await bob.call('GET', where)).status).toBe(403)
    expect((await bob.call('PUT', own)).status).toBe(403)
    expect((await ann.post(own, 'a message')).status).toBe(403)
    expect((await ann.call('GET', '/api/conversations')).body).toEqual({ items: [], next_cursor: null })
    expect(problem(await put('x'.repeat(300_000)))).toEqual([413, 'too-large'])
    const long = encodeURIComponent('x'.repeat(129))
    expect((await ann.call('PUT', `/api/me/state/${long}`, { body: { value: 1 } })).status).toBe(422)
    for (let time = 0; time < 2; time++) expect((await ann.call('DELETE', `/api/me/state/${key}`)).status).toBe(204)
    expect(await state()).toEqual({ items: [] })
  })
}
