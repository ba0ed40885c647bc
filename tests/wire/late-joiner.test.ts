// A late joiner on real sockets, of both kinds, against a real store: the bytes that come are the witness.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'

import { encodeStep1 } from '../../shared/sync/wire.ts'
import { MuxSocket } from '../helpers/mux-socket.ts'
import { People } from '../contract/rest/people.ts'
import { RawSocket } from '../helpers/raw-socket.ts'
import { startTestServer, type TestServer } from '../helpers/running-server.ts'

let server: TestServer
let people: People

beforeAll(async () => {
  server = await startTestServer()
  people = new People(server)
})
afterAll(() => server.close())

test('[HISTORY1] no byte that a late joiner is sent has a word from before, after a restart too', async () => {
  const [ann, bob] = [people.person('ann'), people.person('bob')]
  const path = await ann.creates()
  const room = path.split('/').at(-1) ?? ''
  await ann.post(path, 'before the door')
  await ann.call('PATCH', path, { body: { settings: { history: 'from-join' } } })
  // Nobody has it open: what he must not get is in the document until he comes.
  await ann.call('PUT', `${path}/members/${bob.name}`, { body: { access: 'reader' } })
  await ann.post(path, 'behind the door')
  const nothing = encodeStep1(Uint8Array.of(0))
  for (const _ of ['at first', 'and after a restart']) {
    const raw = await new RawSocket({ url: server.url, room, token: bob.token }).opened()
    raw.send(nothing)
    const step2 = await raw.next('step2')
    const mux = await new MuxSocket({ url: server.url }).opened()
    await mux.hello(bob.token)
    await mux.open(1, room)
    mux.send(1, nothing)
    const channel = await mux.next(1, 'step2')
    const sent = Buffer.concat([...raw.frames.map(({ bytes }) => bytes), step2.update, channel.update])
    expect(sent.includes('behind the door')).toBe(true)
    expect(sent.includes('before the door')).toBe(false)
    raw.terminate()
    mux.terminate()
    await server.restart()
  }
  expect((await bob.reads(path)).map(({ content }) => content)).toEqual(['behind the door'])
  expect((await ann.reads(path)).map(({ content }) => content)).toEqual(['before the door', 'behind the door'])
})

test('[HISTORY1][REST5] who is taken back can still name what they said before, and is told nothing of what others did to it', async () => {
  const [ann, bob] = [people.person('ann'), people.person('bob')]
  const path = await ann.creates({ [bob.name]: 'writer' })
  await ann.call('PATCH', path, { body: { settings: { history: 'from-join' } } })
  const key = { 'idempotency-key': 'once' }
  const sent = await bob.post(path, 'said before', {}, key)
  const { id } = z.object({ id: z.string() }).parse(sent.body)
  const message = `${path}/messages/${id}`
  await ann.call('DELETE', `${path}/members/${bob.name}`)
  await ann.call('PUT', `${message}/reactions/${encodeURIComponent('🎉')}`)
  await ann.call('PUT', `${message}/pin`)
  await ann.post(path, 'behind his back', { thread: id })
  await ann.call('PUT', `${path}/members/${bob.name}`, { body: { access: 'writer' } })
  const again = await bob.post(path, 'said before', {}, key)
  expect([again.status, again.body]).toMatchObject([200, { id, content: 'said before' }])
  expect(Object.keys(z.object({}).loose().parse(again.body)).join()).not.toMatch(/reactions|replies|pinned/)
  // Not found, and not done all the same.
  const edited = await bob.call('PATCH', message, { body: { content: 'never said' } })
  expect(edited.status).toBe(404)
  expect((await bob.call('GET', message)).status).toBe(404)
  expect((await ann.call('GET', message)).body).toMatchObject({ content: 'said before', replies: { count: 1 } })
})
