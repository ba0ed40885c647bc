// Somebody's place in a conversation changes while their device is away: two clients at a whole server in this process.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { type ChatClient, type Conversation, createChatClient } from '../../client/node.ts'
import { signByHand } from '../contract/rest/rest-client.ts'
import { startTestServer, type TestServer } from '../helpers/running-server.ts'
import { when } from '../helpers/when.ts'

let server: TestServer
let folder: string

beforeAll(async () => {
  server = await startTestServer()
  folder = await mkdtemp(join(tmpdir(), 'parley-away-'))
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

function start(user: string): ChatClient {
  // Tokens end in an hour.
  const token = async (): Promise<string> =>
    signByHand({ claims: { sub: user, exp: Math.floor(Date.now() / 1000) + 3600 }, secret: server.secret })
  return createChatClient({ url: server.url, user, token, folder })
}

/** Without a token it never gets as far as the server. */
function startOffline(user: string): ChatClient {
  return createChatClient({ url: server.url, user, token: () => Promise.reject(new Error('no network')), folder })
}

const isLive = ({ status }: Conversation): Promise<unknown> =>
  when(status, ({ connection }) => connection.phase === 'live')

/** Everything that this client has written is durable. */
async function isSent(client: ChatClient): Promise<void> {
  await expect.poll(() => client.unsent(), { timeout: 30_000 }).toBe(0)
}

test('[SETTINGS1][SETTINGS3][HISTORY1] made offline to begin with from-join: its members read that, and who joins later gets nothing from before', async () => {
  const offline = startOffline('dan')
  const settings = { history: 'from-join', topic: { tea: true } }
  const made = await offline.create({ title: 'Plans', members: [{ user: 'eve', access: 'writer' }], settings })
  made.send('before')
  await made.flush()
  await offline.close()
  const [dan, eve, fay] = [start('dan'), start('eve'), start('fay')]
  const dans = await dan.open(made.id)
  await isLive(dans)
  await isSent(dan)
  await eve.refresh()
  const eves = await eve.open(made.id)
  await isLive(eves)
  for (const { info } of [dans, eves]) expect(info.getSnapshot().settings).toEqual(new Map(Object.entries(settings)))
  expect(eves.messages.getSnapshot().map(({ content }) => content)).toEqual(['before'])
  dans.setMember('fay', 'writer')
  await isSent(dan)
  await fay.refresh()
  const fays = await fay.open(made.id)
  await isLive(fays)
  expect(fays.info.getSnapshot().settings.get('history')).toBe('from-join')
  expect(fays.messages.getSnapshot()).toEqual([])
  await Promise.all([dan, eve, fay].map((client) => client.close()))
})

test('[OUTBOX4] of an admin who was demoted while away each setting and member is told as refused, until it is dismissed', async () => {
  const [ann, first] = [start('ann'), start('bob')]
  const anns = await ann.create({ title: 'Harbour', members: [{ user: 'bob', access: 'admin' }] })
  await isLive(anns)
  await first.refresh()
  await isLive(await first.open(anns.id))
  await first.close()
  const offline = startOffline('bob')
  const away = await offline.open(anns.id)
  away.setTitle('Mine')
  away.set('history', 'from-join')
  away.setMember('cleo', 'writer')
  expect(away.info.getSnapshot().title).toBe('Mine')
  await away.flush()
  await offline.close()

  anns.setMember('bob', 'writer')
  await isSent(ann)
  const back = start('bob')
  const bobs = await back.open(anns.id)
  const changes = await when(bobs.failedChanges, ({ length }) => length === 3)
  expect(changes.map(({ entry, reason }) => [entry.kind, reason])).toEqual([
    ['set', 'access'],
    ['set', 'access'],
    ['member', 'access'],
  ])
  expect(bobs.info.getSnapshot()).toMatchObject({ title: 'Harbour', access: 'writer' })
  expect(await back.unsent()).toBe(3)
  await back.close()
  const again = startOffline('bob')
  const reopened = await again.open(anns.id)
  expect(reopened.failedChanges.getSnapshot()).toEqual(changes)
  for (const change of reopened.failedChanges.getSnapshot()) reopened.dismiss(change)
  await reopened.flush()
  expect(await again.unsent()).toBe(0)
  await Promise.all([again.close(), ann.close()])
})

test('[MEMBER2] who leaves keeps what they have, to read without a server too, until they forget it; and can come back', async () => {
  const [guy, hal] = [start('guy'), start('hal')]
  const guys = await guy.create({ title: 'Harbour', members: [{ user: 'hal', access: 'writer' }] })
  guys.send('Ahoy')
  await isSent(guy)
  await hal.refresh()
  const hals = await hal.open(guys.id)
  await when(hals.messages, ({ length }) => length === 1)
  hals.setMember('hal', null)
  await when(hal.conversations, ([line]) => line?.gone === 'no-access')
  expect((await when(hals.info, ({ gone }) => gone === 'no-access')).access).toBeUndefined()
  expect(hals.failedChanges.getSnapshot()).toEqual([])
  await hal.close()

  const offline = startOffline('hal')
  const away = await offline.open(guys.id)
  expect(away.info.getSnapshot()).toMatchObject({ title: 'Harbour', access: undefined, gone: 'no-access' })
  expect(away.messages.getSnapshot().map(({ content }) => content)).toEqual(['Ahoy'])
  expect(offline.conversations.getSnapshot()).toMatchObject([{ id: guys.id, gone: 'no-access' }])
  await offline.close()

  guys.setMember('hal', 'reader')
  await isSent(guy)
  const back = start('hal')
  const again = await back.open(guys.id)
  await when(again.info, ({ access, gone }) => access === 'reader' && gone === undefined)
  await when(back.conversations, ([line]) => line?.access === 'reader' && line.gone === undefined)
  again.setMember('hal', null)
  await when(back.conversations, ([line]) => line?.gone === 'no-access')
  await back.forget(guys.id)
  expect(back.conversations.getSnapshot()).toEqual([])
  await Promise.all([back.close(), guy.close()])
})
