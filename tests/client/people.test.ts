// Profiles and invitations of the SDK, with whole clients against a whole server behind a proxy that can cut them off.
import { isDeepStrictEqual } from 'node:util'

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket as NodeWebSocket } from 'ws'

import { type ChatClient, type Conversation, NoConnection, type Profile, type ReadableStore } from '../../client/api.ts'
import { createClient } from '../../client/chat-client.ts'
import { createKnownProfiles } from '../../client/people/known-profiles.ts'
import { createOwnProfile } from '../../client/people/own-profile.ts'
import { RestFailure } from '../../client/rest-client.ts'
import type { ClientStorage } from '../../client/storage/client-storage.ts'
import { signByHand } from '../contract/rest/rest-client.ts'
import { ann as annId } from '../helpers/client-rows.ts'
import { CuttingProxy } from '../helpers/cutting-proxy.ts'
import { keepingMemory } from '../helpers/open-rig.ts'
import { startTestServer, type TestServer } from '../helpers/running-server.ts'
import { until } from '../helpers/until.ts'
import { when } from '../helpers/when.ts'

let server: TestServer
let proxy: CuttingProxy
const clients: ChatClient[] = []
/** Paths that were asked for. */
const asked: string[] = []

beforeAll(async () => {
  server = await startTestServer()
  proxy = await CuttingProxy.start(() => server.url)
})
afterEach(async () => {
  proxy.heal()
  await Promise.all(clients.splice(0).map((client) => client.close()))
  asked.length = 0
})
afterAll(async () => {
  await proxy.close()
  await server.close()
})

function start(user: string, storage: ClientStorage = keepingMemory(), url = proxy.url): ChatClient {
  const exp = Math.floor(Date.now() / 1000) + 3600
  const token = signByHand({ claims: { sub: user, exp }, secret: server.secret })
  const client = createClient(
    { url, user, token },
    {
      openStorage: async () => storage,
      WebSocket: NodeWebSocket as unknown as typeof WebSocket,
      broadcast: false,
      fetch: (input, init) => {
        const request = new Request(input)
        asked.push(`${init?.method ?? 'GET'} ${new URL(request.url).pathname}`)
        return globalThis.fetch(input, init)
      },
      now: Date.now,
      dropExitListener: (listener) => process.off('exit', listener),
    },
  )
  clients.push(client)
  return client
}

function isLive({ status }: Conversation): Promise<unknown> {
  return when(status, ({ connection }) => connection.phase === 'live')
}

function isNamed(store: ReadableStore<Profile | undefined>, name: string | null): Promise<unknown> {
  return when(store, (profile) => profile !== undefined && profile.name === name)
}

async function shared(owner: ChatClient, ...users: readonly string[]): Promise<Conversation> {
  const conversation = await owner.create({ members: users.map((user) => ({ user, access: 'writer' })) })
  await isLive(conversation)
  return conversation
}

describe('profiles', () => {
  test('[PROFILE1] what is chosen offline shows at once, is kept, and is sent and seen by others when a connection comes', async () => {
    const storage = keepingMemory()
    proxy.cut()
    const before = start('ann', storage)
    const unchanged = before.profiles.mine.getSnapshot()
    const kept = before.profiles.setMine({ name: '  Ann Müller ', color: '#FF0000' })
    expect(before.profiles.mine.getSnapshot()).toEqual({ user: 'ann', name: 'Ann Müller', color: '#ff0000' })
    expect(before.profiles.get('ann').getSnapshot()).toEqual(before.profiles.mine.getSnapshot())
    expect(unchanged).toEqual({ user: 'ann', name: null, color: null })
    expect(before.profiles.status.getSnapshot()).toEqual({ phase: 'pending' })
    await kept
    await before.profiles.setMine({ color: null })
    await before.close()

    const ann = start('ann', storage)
    await isNamed(ann.profiles.mine, 'Ann Müller')
    expect(ann.profiles.mine.getSnapshot()).toEqual({ user: 'ann', name: 'Ann Müller', color: null })
    await when(ann.profiles.status, ({ phase }) => phase === 'pending')
    proxy.heal()
    await when(ann.profiles.status, ({ phase }) => phase === 'sent')
    const { id } = await shared(ann, 'bob')
    const bobs = keepingMemory()
    const bob = start('bob', bobs)
    const conversation = await bob.open(id)
    await isLive(conversation)
    await isNamed(bob.profiles.get('ann'), 'Ann Müller')
    expect(bob.profiles.get('ann')).toBe(bob.profiles.get('ann'))
    await bob.close()

    proxy.cut()
    const away = start('bob', bobs)
    await away.open(id)
    await isNamed(away.profiles.get('ann'), 'Ann Müller')
    expect(away.profiles.get('stranger').getSnapshot()).toBeUndefined()
    expect(() => away.profiles.get('no user')).toThrow(TypeError)
  })

  test('[PROFILE1] members are asked for once for a conversation, however many they are and whatever happens in it', async () => {
    const ann = start('anna')
    const conversation = await shared(ann, 'b', 'c', 'd', 'e')
    await when(ann.profiles.get('e'), (profile) => profile !== undefined)
    for (const text of ['one', 'two', 'three']) conversation.send(text)
    await when(
      conversation.messages,
      (list) => list.length === 3 && list.every(({ delivery }) => delivery.state === 'sent'),
    )
    const ofMembers = (): readonly string[] => asked.filter((path) => path.endsWith('/members'))
    expect(ofMembers()).toEqual([`GET /api/conversations/${conversation.id}/members`])
    // Somebody of whom nothing is known.
    conversation.setMember('frieda', 'writer')
    await when(ann.profiles.get('frieda'), (profile) => profile !== undefined)
    expect(ofMembers().length).toBeLessThanOrEqual(3)
    expect(asked.filter((path) => path.includes('/api/users'))).toEqual([])
  })

  test('[PROFILE1] a new device shows what former members are called, who wrote, reacted or were only added; asked for once', async () => {
    const [ann, carl, bobs] = [start('ann-f'), start('carl'), keepingMemory()]
    await carl.profiles.setMine({ name: 'Carl', color: '#00ff00' })
    const conversation = await shared(ann, 'carl', 'bob-f')
    conversation.setMember('dan', 'reader')
    const theirs = await carl.open(conversation.id)
    await isLive(theirs)
    theirs.send('of carl')
    await when(conversation.messages, (list) => list.length === 1)
    for (const user of ['carl', 'dan']) conversation.setMember(user, null)
    await when(conversation.status, ({ pending }) => pending === 0)
    await when(theirs.status, ({ connection }) => connection.phase === 'refused')
    asked.length = 0
    const bob = start('bob-f', bobs)
    const here = await bob.open(conversation.id)
    await isNamed(bob.profiles.get('carl'), 'Carl')
    await isNamed(bob.profiles.get('dan'), null)
    for (const text of ['one', 'two']) here.send(text)
    await when(here.messages, (list) => list.length === 3 && list.every(({ delivery }) => 'seq' in delivery))
    expect(asked.filter((path) => path.endsWith('/profiles'))).toHaveLength(1)
    await bob.close()
    proxy.cut()
    const away = start('bob-f', bobs)
    await away.open(conversation.id)
    await isNamed(away.profiles.get('carl'), 'Carl')
  })

  test('[PROFILE1] what a tab chose offline, and was closed with, is sent by another one that is open', async () => {
    const storage = keepingMemory()
    proxy.cut()
    const [closed, open] = [start('ute', storage), start('ute', storage)]
    await closed.profiles.setMine({ name: 'Ute' })
    await closed.close()
    expect(open.profiles.mine.getSnapshot()).toMatchObject({ name: null })
    proxy.heal()
    await isNamed(open.profiles.mine, 'Ute')
    await until('it was sent', async () => (await storage.ownChoice()) === undefined)
    await isNamed(start('ute').profiles.mine, 'Ute')
  })

  test('[PROFILE1] what cannot be a name or a colour throws, and nothing changes', () => {
    const { profiles } = start('cleo')
    for (const change of [
      { name: '' },
      { name: 'x'.repeat(81) },
      { name: 'a\nb' },
      { color: 'red' },
      { color: '#fff' },
    ])
      expect(() => profiles.setMine(change)).toThrow(TypeError)
    expect(profiles.mine.getSnapshot()).toEqual({ user: 'cleo', name: null, color: null })
  })

  test('[PROFILE1] what is chosen while a choice is on its way is sent behind it; what the server refuses is told, and what it has shown', async () => {
    const known = createKnownProfiles(Promise.resolve(keepingMemory()), annId)
    const sent: unknown[] = []
    const choose = (change: object): Promise<void> => {
      const kept = known.setUnsent({ ...known.unsent(), ...change })
      noteChoice()
      return kept
    }
    const { proceed, close, status, noteChoice } = createOwnProfile(
      known,
      {
        me: async () => ({ user: annId, name: 'of the server', color: null }),
        changeMe: async (change) => {
          sent.push(change)
          if (sent.length === 1) await choose({ name: 'second', color: '#000001' })
          if (sent.length === 3) throw new RestFailure(422, 'invalid', 'Not here.')
          return { user: annId, name: change.name ?? null, color: change.color ?? null }
        },
      },
      () => true,
    )
    expect(status.getSnapshot()).toEqual({ phase: 'sent' })
    await choose({ name: 'first' })
    expect(status.getSnapshot()).toEqual({ phase: 'pending' })
    proceed()
    await until('both are sent', () => sent.length === 2 && known.unsent() === undefined)
    expect(sent).toEqual([{ name: 'first' }, { name: 'second', color: '#000001' }])
    expect(known.mine.getSnapshot()).toMatchObject({ name: 'second', color: '#000001' })
    await choose({ name: 'refused' })
    expect(known.mine.getSnapshot()).toMatchObject({ name: 'refused' })
    proceed()
    const refusal = { phase: 'refused', change: { name: 'refused' }, code: 'invalid', reason: 'Not here.' }
    expect(await when(status, ({ phase }) => phase === 'refused')).toEqual(refusal)
    expect(known.mine.getSnapshot()).toMatchObject({ name: 'second' })
    proceed()
    expect(status.getSnapshot()).toEqual(refusal)
    await choose({ name: 'third' })
    expect(status.getSnapshot()).toEqual({ phase: 'pending' })
    proceed()
    await when(status, ({ phase }) => phase === 'sent')
    expect(known.mine.getSnapshot()).toMatchObject({ name: 'third' })
    close()
  })

  test('[USERS1] people are found at the server when it can be reached, else among those this device knows', async () => {
    const [ann, zoe] = [start('ann-z'), start('zoe')]
    const conversation = await shared(ann, 'zoe', 'bob-z')
    await zoe.profiles.setMine({ name: 'Annabel', color: '#00ff00' })
    await when(zoe.conversations, (list) => list.length === 1)
    const found = async (client: ChatClient, text: string): Promise<readonly string[]> =>
      (await client.profiles.search(text)).map(({ user, name }) => `${user} ${name}`)
    const annabel = { user: 'zoe', name: 'Annabel', color: '#00ff00' }
    await until('the name is there', async () => (await ann.profiles.search('annab')).length > 0)
    expect(await ann.profiles.search('ANNA')).toEqual([annabel])
    expect(ann.profiles.get('zoe').getSnapshot()).toEqual(annabel)
    expect(await found(ann, 'z')).toEqual(['zoe Annabel', 'bob-z null'])
    proxy.cut()
    await when(conversation.status, ({ connection }) => connection.phase !== 'live')
    expect(await found(ann, 'z')).toEqual(['zoe Annabel', 'bob-z null'])
    expect(await found(ann, 'annabel')).toEqual(['zoe Annabel'])
    expect(await found(ann, 'nobody')).toEqual([])
    expect(await ann.profiles.search('', 1)).toHaveLength(1)
  })
})

describe('invitations', () => {
  test('[INVITE1][INVITE2] a link is made, told and withdrawn; who has its token joins, and the conversation is listed and open', async () => {
    const [ann, dora, emil] = [start('ann-i'), start('dora'), start('emil')]
    const conversation = await shared(ann)
    const made = await conversation.invitations.create({ access: 'reader', lifeMs: 60_000, uses: 2 })
    const { token, url, ...listed } = made
    expect(url).toBe(`${proxy.url}/#/join/${token}`)
    expect(listed).toMatchObject({ access: 'reader', usesLeft: 2, createdBy: 'ann-i' })
    expect(listed.expiresAt - listed.createdAt).toBe(60_000)
    expect(await conversation.invitations.list()).toEqual([listed])

    const joined = await dora.acceptInvitation(token)
    expect(joined.id).toBe(conversation.id)
    expect(dora.conversations.getSnapshot()).toMatchObject([{ id: joined.id, access: 'reader', registered: true }])
    await isLive(joined)
    expect(joined.info.getSnapshot()).toMatchObject({ access: 'reader' })
    await when(conversation.info, ({ members }) => members.some(({ user }) => user === 'dora'))
    const entry = { kind: 'member', user: 'dora', access: 'reader', invitation: made.id }
    for (const one of [conversation, joined])
      await when(one.events, (events) => events.some((event) => isDeepStrictEqual(event.entry, entry)))
    expect(await dora.acceptInvitation(token)).toBe(joined)
    expect(await conversation.invitations.list()).toMatchObject([{ usesLeft: 1 }])

    await conversation.invitations.revoke(made.id)
    await conversation.invitations.revoke(made.id)
    await expect(emil.acceptInvitation(token)).rejects.toMatchObject({ status: 410, code: 'expired-invitation' })
    await expect(emil.acceptInvitation('nonsense')).rejects.toMatchObject({ status: 404, code: 'not-found' })
    await expect(joined.invitations.create()).rejects.toMatchObject({ code: 'no-access' })
    expect(emil.conversations.getSnapshot()).toEqual([])
  })

  test('[INVITE1] what needs the server says so where it cannot be asked, and goes on when it can', async () => {
    const [ann, gina] = [start('ann-k'), start('gina')]
    const { invitations } = await shared(ann)
    const { id, token } = await invitations.create()
    proxy.cut()
    for (const ask of [
      () => invitations.create(),
      () => invitations.list(),
      () => invitations.revoke(id),
      () => gina.acceptInvitation(token),
    ])
      await expect(ask()).rejects.toThrow(NoConnection)
    expect(gina.conversations.getSnapshot()).toEqual([])
    proxy.heal()
    expect(await invitations.list()).toMatchObject([{ id }])
    expect((await gina.acceptInvitation(token)).info.getSnapshot()).toBeDefined()
  })

  test('[INVITE1] who was removed can be invited again, and goes on where the conversation is open', async () => {
    const [ann, finn] = [start('ann-j'), start('finn')]
    const conversation = await shared(ann, 'finn')
    const finns = await finn.open(conversation.id)
    await isLive(finns)
    conversation.setMember('finn', null)
    await when(finns.status, ({ connection }) => connection.phase === 'refused')
    const { token } = await conversation.invitations.create()
    expect(await finn.acceptInvitation(token)).toBe(finns)
    await isLive(finns)
    finns.send('back')
    await when(conversation.messages, (list) => list.some(({ content }) => content === 'back'))
  })
})
