// What devices are told of a conversation that they may not open any more: whether what they have of it is to go.
import { afterAll, beforeAll, expect, test } from 'vitest'

import { People } from '../contract/rest/people.ts'
import { conversationId, MuxSocket } from '../helpers/mux-socket.ts'
import { startTestServer, type TestServer } from '../helpers/running-server.ts'

let server: TestServer
let people: People

beforeAll(async () => {
  server = await startTestServer()
  people = new People(server)
})
afterAll(() => server.close())

test.each([true, false])(
  '[WIPE2] a device that was removed is told at once, and one that was away when it comes, unless it has more than the server: %s',
  async (wipe) => {
    const [ann, bob] = [people.person('ann'), people.person('bob')]
    const path = await ann.creates({ [bob.name]: 'writer' })
    const conversation = conversationId(path.split('/').at(-1) ?? '')
    expect((await bob.call('PATCH', path, { body: { settings: { wipe } } })).status).toBe(403)
    expect((await ann.call('PATCH', path, { body: { settings: { wipe: 'yes' } } })).status).toBe(422)
    expect((await ann.call('PATCH', path, { body: { settings: { wipe } } })).status).toBe(200)
    const there = await new MuxSocket({ url: server.url }).opened()
    await there.hello(bob.token)
    // What moved before it came.
    const { moved } = await there.nextControl('activity')
    const version = moved.find((one) => one.conversation === conversation)?.version
    if (version === undefined) throw new Error('it has not moved')
    await ann.call('DELETE', `${path}/members/${bob.name}`)
    const gone = { conversation, code: 'no-access', ...(wipe ? { wipe: true } : {}) }
    let told = await there.nextControl('activity')
    while (told.gone.length === 0) told = await there.nextControl('activity')
    expect(told.gone).toEqual([gone])
    const away = await new MuxSocket({ url: server.url }).opened()
    await away.hello(bob.token, { versions: new Map([[conversation, version]]) })
    expect((await away.nextControl('activity')).gone).toEqual([gone])
    // What this server does not know of it was lost with it, and perhaps that the user was added.
    for (const unknown of [
      { server: version.server, records: version.records + 100 },
      { server: 1, records: 1 },
    ]) {
      const ahead = await new MuxSocket({ url: server.url }).opened()
      await ahead.hello(bob.token, { versions: new Map([[conversation, unknown]]) })
      expect((await ahead.nextControl('activity')).gone).toEqual([{ conversation, code: 'no-access' }])
      ahead.terminate()
    }
    there.terminate()
    away.terminate()
  },
)
