// Everything of a user over HTTP: whole, nothing of others, line by line, and no faster than it is read.
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'

import { expect, onTestFinished, test } from 'vitest'
import type { z } from 'zod'

import type { Accounts } from '../../../server/account/accounts.ts'
import type { AccountPart } from '../../../server/account/export.ts'
import { exportLine } from '../../../server/http/shapes.ts'
import { createMemoryStore } from '../../../server/storage/memory/memory-store.ts'
import { freshId, People, type Person, seenMessage } from '../../contract/rest/people.ts'
import { tokenOf } from '../../contract/rest/rest-client.ts'
import { conversationId, messageId } from '../../helpers/client-rows.ts'
import { startTestServer, type TestServer } from '../../helpers/running-server.ts'
import { until } from '../../helpers/until.ts'
import { startFakeServer } from '../http/fake-server.ts'

type Line = z.output<typeof exportLine>

async function start(): Promise<{ readonly server: TestServer; readonly people: People }> {
  const server = await startTestServer({ openStore: async () => createMemoryStore() })
  onTestFinished(() => server.close())
  return { server, people: new People(server) }
}

async function exportOf(server: { readonly url: string }, { token }: Pick<Person, 'token'>): Promise<readonly Line[]> {
  const answer = await fetch(`${server.url}/api/me/export`, { headers: { authorization: `Bearer ${token}` } })
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/x-ndjson'])
  const text = await answer.text()
  expect(text.endsWith('\n')).toBe(true)
  return text
    .trimEnd()
    .split('\n')
    .map((line) => exportLine.parse(JSON.parse(line)))
}

const idOf = (path: string): string => path.split('/').at(-1) ?? ''

test('[ACCOUNT1] the export holds everything of a user, in an order that can be read again, and nothing of others', async () => {
  const { server, people } = await start()
  const [ann, bob] = [people.person('ann'), people.person('bob')]
  const [one, two] = [await ann.creates({ [bob.name]: 'writer' }), await bob.creates({ [ann.name]: 'admin' })]
  const secret = await bob.creates()
  await bob.post(secret, 'not for ann')
  const left = await bob.creates({ [ann.name]: 'writer' })
  await ann.post(left, 'said before she left')
  await ann.call('DELETE', `${left}/members/${ann.name}`)
  const first = seenMessage(await ann.post(one, 'first', { parts: [{ a: 1 }], mentions: [bob.name] }))
  const ofBob = seenMessage(await bob.post(one, 'of bob'))
  const gone = seenMessage(await ann.post(one, 'to be taken away'))
  for (const content of ['second', 'third']) {
    await ann.call('PATCH', `${one}/messages/${first.id}`, { body: { content } })
  }
  await ann.call('DELETE', `${one}/messages/${gone.id}`)
  for (const who of [ann, bob]) {
    await who.call('PUT', `${one}/messages/${first.id}/reactions/x`)
    await who.call('PUT', `${one}/messages/${ofBob.id}/reactions/y`)
  }
  const pinnedByBob = seenMessage(await bob.post(two, 'pinned by bob'))
  const pinnedByAnn = seenMessage(await bob.post(two, 'pinned by ann'))
  await bob.call('PUT', `${two}/messages/${pinnedByBob.id}/pin`)
  await ann.call('PUT', `${two}/messages/${pinnedByAnn.id}/pin`)
  await ann.call('PUT', `${two}/read`, { body: { through: 1 } })

  for (const who of [ann, bob]) {
    await who.call('PUT', '/api/me', { body: { name: `${who.name} by name` } })
    await who.call('PUT', '/api/me/state/mute%2Fx', { body: { value: true } })
    await who.call('PUT', '/api/me/state/draft%2Fx', { body: { value: { content: `a draft ${who.name}` } } })
  }

  const lines = await exportOf(server, ann)
  const common = { conversation_id: idOf(one) }
  expect(lines).toMatchObject([
    { kind: 'account', format: 1, user: ann.name },
    { kind: 'profile', name: `${ann.name} by name`, color: null },
    { kind: 'state', key: 'draft/x', value: { content: `a draft ${ann.name}` } },
    { kind: 'state', key: 'mute/x', value: true },
    {
      kind: 'conversation',
      id: idOf(one),
      access: 'owner',
      read_through: null,
      history_from: null,
      members: [
        { user: ann.name, access: 'owner' },
        { user: bob.name, access: 'writer' },
      ],
    },
    {
      kind: 'message',
      ...common,
      id: first.id,
      content: 'third',
      parts: [{ a: 1 }],
      versions: [{ content: 'first' }, { content: 'second' }, { content: 'third' }],
    },
    { kind: 'reaction', ...common, message_id: first.id, emoji: 'x' },
    { kind: 'reaction', ...common, message_id: ofBob.id, emoji: 'y' },
    { kind: 'message', ...common, id: gone.id, content: '', redacted_by: ann.name },
    { kind: 'conversation', id: idOf(two), access: 'admin', read_through: 1 },
    { kind: 'pin', conversation_id: idOf(two), message_id: pinnedByAnn.id },
    { kind: 'end' },
  ])
  const text = JSON.stringify(lines)
  for (const foreign of [
    'of bob',
    `a draft ${bob.name}`,
    `${bob.name} by name`,
    'not for ann',
    'pinned by bob',
    idOf(secret),
    idOf(left),
    'to be taken away',
    'users',
  ])
    expect(text).not.toContain(foreign)
  expect((await exportOf(server, ann)).slice(1)).toEqual(lines.slice(1))
  expect(await exportOf(server, people.person('nobody'))).toMatchObject([{ kind: 'account' }, { kind: 'end' }])
})

test('[ACCOUNT1] a history of several pages is told whole, with each message once', async () => {
  const { server, people } = await start()
  const ann = people.person('ann')
  const path = await ann.creates()
  await Promise.all(Array.from({ length: 230 }, (_, index) => ann.post(path, `message ${index}`)))
  const lines = await exportOf(server, ann)
  const seqs = lines.flatMap((line) => (line.kind === 'message' ? [line.seq] : []))
  expect(seqs).toEqual(Array.from({ length: 230 }, (_, seq) => seq))
})

/** Messages without end. */
function endless(): { readonly accounts: Accounts; readonly made: () => number; readonly isOver: () => boolean } {
  let [made, isOver] = [0, false]
  const message = {
    id: messageId(1),
    user: conversationId(1) as never,
    role: 'user' as const,
    content: 'x'.repeat(10_000),
    writtenAt: 1,
    seq: 1,
    createdAt: 1,
    revision: 1,
  }
  async function* parts(): AsyncGenerator<AccountPart, void> {
    try {
      for (;;) {
        made++
        // As a store would: what is read comes later.
        await new Promise((resolve) => setImmediate(resolve))
        yield { kind: 'message', id: conversationId(1), message, versions: undefined }
      }
    } finally {
      isOver = true
    }
  }
  return { accounts: { export: parts, erase: async () => 0 }, made: () => made, isOver: () => isOver }
}

test('[ACCOUNT1] it is read no faster than whoever asks reads, one at a time, and ends with the connection or the server', async () => {
  const source = endless()
  const server = await startFakeServer({ deps: { accounts: source.accounts } })
  onTestFinished(() => server.close())
  const ask = async (): Promise<IncomingMessage> => {
    const headers = { authorization: `Bearer ${tokenOf(server, 'ann')}` }
    const [answer] = (await once(get(`${server.url}/api/me/export`, { headers, agent: false }), 'response')) as [
      IncomingMessage,
    ]
    return answer
  }
  const reader = await ask()
  await once(reader, 'readable')
  expect((await ask()).statusCode).toBe(429)
  // Time enough for gigabytes, if anybody were in a hurry.
  for (let turn = 0; turn < 300; turn++) await fetch(`${server.url}/health/live`)
  expect(source.made()).toBeGreaterThan(1)
  expect(source.made() * 10_000).toBeLessThan(24 * 1024 * 1024)
  reader.destroy()
  await until('nobody reads any more', source.isOver)
  const another = await until('it may be asked again', async () => {
    const answer = await ask()
    return answer.statusCode === 200 ? answer : undefined
  })
  another.on('error', () => undefined)
  await server.app.close()
  await until('it is cut off', source.isOver)
})

test('[ACCOUNT2][REST2] an account is deleted over REST: only by choice, again and again the same', async () => {
  const { people } = await start()
  const [ann, bob] = [people.person('ann'), people.person('bob')]
  const path = await ann.creates({ [bob.name]: 'writer' })
  const { id } = seenMessage(await ann.post(path, 'of ann'))
  for (const body of [undefined, {}, { messages: 'all' }, 'erase']) {
    expect((await ann.call('DELETE', '/api/me', body === undefined ? {} : { body })).status).toBe(422)
  }
  expect((await people.call('DELETE', '/api/me', { body: { messages: 'erase' } })).status).toBe(401)
  expect((await ann.call('GET', path)).status).toBe(200)
  for (let time = 0; time < 2; time++) {
    const gone = await ann.call('DELETE', '/api/me', { body: { messages: 'erase' } })
    expect([gone.status, gone.body]).toEqual([204, undefined])
  }
  expect((await ann.call('GET', '/api/conversations')).body).toEqual({ items: [], next_cursor: null })
  expect((await ann.call('GET', path)).status).toBe(403)
  expect((await bob.call('GET', path)).body).toMatchObject({ access: 'owner' })
  expect((await bob.call('GET', `${path}/messages/${id}`)).body).toMatchObject({ content: '', redacted_by: ann.name })
  // Nothing keeps anybody from beginning anew.
  expect((await ann.post(await ann.creates(), 'again', { id: freshId() })).status).toBe(201)
})
