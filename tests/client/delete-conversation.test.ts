// Deleting a conversation by the SDK, with whole clients against a whole server.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

import { NoConnection, Refusal } from '../../client/api.ts'
import { hasSent, isLive, RealClients, shared } from '../helpers/real-clients.ts'
import { until } from '../helpers/until.ts'
import { when } from '../helpers/when.ts'

let real: RealClients

beforeAll(async () => {
  real = await RealClients.start()
})
afterEach(() => real.reset())
afterAll(() => real.close())

test('[ERASE2][SYNC3] an owner deletes it for everybody: it is listed as deleted, and stays to be read', async () => {
  const [ann, bob] = [real.client('ann'), real.client('bob')]
  const conversation = await shared(ann, 'bob')
  conversation.send('hello')
  await hasSent(conversation, 1)
  const theirs = await bob.open(conversation.id)
  await isLive(theirs)
  await hasSent(theirs, 1)
  await until('it is listed', () => bob.conversations.getSnapshot().length === 1)
  await conversation.delete()
  for (const client of [ann, bob])
    await when(client.conversations, (list) => list.length === 1 && list[0]?.gone === 'deleted')
  for (const open of [conversation, theirs]) {
    const { connection } = await when(open.status, (status) => status.connection.phase === 'refused')
    expect(connection).toMatchObject({ code: 'deleted' })
    expect(open.messages.getSnapshot()).toMatchObject([{ content: 'hello' }])
  }
  await conversation.delete()
})

test('[WIPE2] where its setting says so nothing of it is left on any device', async () => {
  const [ann, bob] = [real.client('anna'), real.client('bobby')]
  const conversation = await shared(ann, 'bobby')
  conversation.set('wipe', true)
  const said = conversation.send('hello')
  conversation.pin(said)
  conversation.send({ content: 'in a thread', thread: said })
  await hasSent(conversation, 2)
  const theirs = await bob.open(conversation.id)
  await hasSent(theirs, 2)
  for (const open of [conversation, theirs]) {
    expect(open.pins.getSnapshot()).toHaveLength(1)
    expect(open.threads.getSnapshot()).toHaveLength(1)
  }
  await conversation.delete()
  for (const client of [ann, bob]) await when(client.removed, (list) => list.length === 1)
  for (const open of [conversation, theirs])
    for (const store of [open.messages, open.pins, open.threads]) expect(store.getSnapshot()).toEqual([])
})

test('[POLICY1][REST6] nobody but an owner does, and offline nobody: nothing changes', async () => {
  const [ann, bob] = [real.client('amy'), real.client('ben')]
  const conversation = await shared(ann, 'ben')
  const theirs = await bob.open(conversation.id)
  await when(theirs.info, ({ access }) => access === 'writer')
  await expect(theirs.delete()).rejects.toThrow(Refusal)
  real.proxy.cut()
  await expect(conversation.delete()).rejects.toThrow(NoConnection)
  expect(ann.conversations.getSnapshot()).toHaveLength(1)
  conversation.send('still here')
  real.proxy.heal()
  await hasSent(theirs, 1)
  // What this device knows of its user's access may be old: the server knows better.
  real.proxy.cut()
  const direct = (input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response> =>
    globalThis.fetch(new Request(input).url.replace(real.proxy.url, real.server.url), init)
  const alone = await real.client('ben', { fetch: direct }).open(conversation.id)
  expect(alone.info.getSnapshot().access).toBeUndefined()
  await expect(alone.delete()).rejects.toMatchObject({ name: 'RestFailure', code: 'no-access' })
})
