// The whole of an account by the SDK: taken along, and gone; whole clients against a whole server behind a proxy that can cut them off.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, expect, onTestFinished, test, vi } from 'vitest'

import { type AccountPart, type ChatClient, ExportCutOff, NoConnection } from '../../client/api.ts'
import { createAccount } from '../../client/account/account.ts'
import { RestFailure } from '../../client/rest-client.ts'
import { openNodeStorage } from '../../client/storage/node/node-storage.ts'
import { userId } from '../helpers/client-rows.ts'
import { hasSent, RealClients, shared } from '../helpers/real-clients.ts'
import { until } from '../helpers/until.ts'
import { when } from '../helpers/when.ts'
import { filesWith, newMarker } from '../server/storage/marked-files.ts'

let real: RealClients

beforeAll(async () => {
  real = await RealClients.start()
})
afterEach(() => real.reset())
afterAll(() => real.close())

async function exportOf(client: ChatClient): Promise<readonly AccountPart[]> {
  const parts: AccountPart[] = []
  for await (const part of client.exportAccount()) parts.push(part)
  return parts
}

test('[ACCOUNT1] an export is told part by part, with types and in its order, and nothing of others', async () => {
  const [ann, bob] = [real.client('ann'), real.client('bob')]
  await ann.profiles.setMine({ name: 'Ann' })
  const conversation = await shared(ann, 'bob')
  const { id } = conversation
  const theirs = await bob.open(id)
  const ofBob = theirs.send('of bob')
  await when(conversation.messages, (list) => list.length === 1)
  const first = conversation.send('first')
  conversation.edit(first, 'second')
  conversation.react(ofBob, '👍')
  conversation.pin(ofBob)
  await hasSent(conversation, 2)
  await when(conversation.status, ({ pending }) => pending === 0)
  ann.personal.mute(id)
  await until('all of it is there', async () => {
    const kinds = new Set((await exportOf(ann)).map(({ kind }) => kind))
    return ['state', 'reaction', 'pin', 'profile'].every((kind) => kinds.has(kind as AccountPart['kind']))
  })
  const parts = await exportOf(ann)
  const time = expect.any(Number)
  expect(parts.map(({ kind }) => kind)).toEqual([
    'account',
    'profile',
    'state',
    'conversation',
    'reaction',
    'message',
    'pin',
  ])
  const [account, profile, state, line, reaction, message, pin] = parts
  expect(account).toEqual({ kind: 'account', user: 'ann', exportedAt: time })
  expect(profile).toEqual({ kind: 'profile', name: 'Ann', color: null, updatedAt: time })
  expect(state).toEqual({ kind: 'state', key: `mute/${id}`, value: true })
  expect(line).toMatchObject({
    conversation: {
      id,
      access: 'owner',
      historyFrom: null,
      members: expect.arrayContaining([{ user: 'bob', access: 'writer' }]),
    },
  })
  expect(reaction).toEqual({ kind: 'reaction', conversation: id, message: ofBob, emoji: '👍' })
  expect(message).toMatchObject({
    conversation: id,
    message: { id: first, user: 'ann', content: 'second', createdAt: time },
    versions: [{ content: 'first' }, { content: 'second', writtenAt: time }],
  })
  expect(message).not.toHaveProperty('message.versions')
  expect(message).not.toHaveProperty('message.kind')
  expect(pin).toEqual({ kind: 'pin', conversation: id, message: ofBob })
  expect(JSON.stringify(parts)).not.toContain('of bob')

  // Whoever has heard enough may ask again.
  for await (const part of ann.exportAccount()) {
    expect(part.kind).toBe('account')
    break
  }
  await until('the server has let go', () =>
    exportOf(ann).then(
      () => true,
      (error: unknown) => !(error instanceof RestFailure && error.code === 'overloaded'),
    ),
  )
})

test.each(['ends', 'fails'] as const)('[ACCOUNT1] an export that %s before its end says so', async (how) => {
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const answer = await globalThis.fetch(input, init)
    if (!new Request(input).url.endsWith('/api/me/export')) return answer
    const [first = ''] = (await answer.text()).split('\n')
    const body = new ReadableStream({
      start: (stream) => stream.enqueue(new TextEncoder().encode(`${first}\n{"kind":"from-later"}\n{"kind":"e`)),
      pull: (stream) => (how === 'ends' ? stream.close() : stream.error(new TypeError('terminated'))),
    })
    return new Response(body, { status: answer.status })
  }
  const parts: AccountPart[] = []
  const reading = (async () => {
    for await (const part of real.client('amy', { fetch }).exportAccount()) parts.push(part)
  })()
  await expect(reading).rejects.toThrow(ExportCutOff)
  expect(parts).toMatchObject([{ kind: 'account', user: 'amy' }])
})

test('[ACCOUNT1][ACCOUNT2] offline neither begins, and nothing has changed', async () => {
  const ann = real.client('anna')
  const conversation = await shared(ann)
  real.proxy.cut()
  await expect(exportOf(ann)).rejects.toThrow(NoConnection)
  await expect(ann.deleteAccount({ messages: 'erase' })).rejects.toThrow(NoConnection)
  expect(ann.conversations.getSnapshot()).toHaveLength(1)
  conversation.send('still here')
  real.proxy.heal()
  await hasSent(conversation, 1)
})

test('[ACCOUNT2][WIPE1] the account is deleted bit by bit, and then what this device has of it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-account-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const marker = newMarker()
  let asked = 0
  const adam = real.client('adam', {
    openStorage: () => openNodeStorage(folder, real.proxy.url, userId('adam')),
    fetch: async (input, init) => {
      // As when there is more than one request may do.
      const isFirst = init?.method === 'DELETE' && asked++ === 0
      return isFirst ? Response.json({ left: 3 }, { status: 202 }) : globalThis.fetch(input, init)
    },
  })
  const bob = real.client('bobby')
  await adam.profiles.setMine({ name: 'Adam' })
  const conversation = await shared(adam, 'bobby')
  for (let number = 0; number < 20; number++) conversation.send(`${marker} ${number}`)
  const theirs = await bob.open(conversation.id)
  theirs.send('of bob')
  await when(conversation.status, ({ pending }) => pending === 0)
  await hasSent(theirs, 21)
  const info = when(theirs.info, ({ members }) => members.length === 1)
  adam.personal.set('app/x', marker)
  await conversation.flush()
  expect(await filesWith(folder, marker)).not.toEqual([])
  const progress: number[] = []
  await adam.deleteAccount({ messages: 'erase', onProgress: (left) => void progress.push(left) })
  expect(progress).toEqual([3])
  expect(await filesWith(folder, marker)).toEqual([])
  // Whoever is left owns it now, and sees no word of it.
  expect(await info).toMatchObject({ members: [{ user: 'bobby', access: 'owner' }] })
  await when(theirs.messages, (list) => list.every(({ content }) => content === '' || content === 'of bob'))
  const parts = await exportOf(real.client('adam'))
  expect(parts.map(({ kind }) => kind)).toEqual(['account'])
})

test('[ACCOUNT2] messages that are kept stay where they are', async () => {
  const [zoe, bob] = [real.client('zoe'), real.client('bob-2')]
  const conversation = await shared(zoe, 'bob-2')
  conversation.send('to stay')
  await hasSent(conversation, 1)
  const theirs = await bob.open(conversation.id)
  await hasSent(theirs, 1)
  const left = when(theirs.info, ({ members }) => members.length === 1)
  await zoe.deleteAccount({ messages: 'keep' })
  await left
  expect(theirs.messages.getSnapshot()).toMatchObject([{ user: 'zoe', content: 'to stay' }])
  // It is closed, and does nothing more.
  await zoe.close()
})

/** An account upon a server that tells its lines when it is told to. */
function slowExport() {
  let stream: ReadableStreamDefaultController | undefined
  const account = createAccount({
    request: async (_method, _path, _body, signal) => {
      const body = new ReadableStream({
        start: (controller) => {
          stream = controller
          signal?.addEventListener('abort', () => controller.error(signal.reason))
        },
      })
      return new Response(body)
    },
    close: async () => undefined,
    wipe: async () => undefined,
  })
  const say = (line: object): void => stream?.enqueue(new TextEncoder().encode(`${JSON.stringify(line)}\n`))
  return { account, say }
}

test('[ACCOUNT1] an export takes as long as it takes, and is cut off when nothing comes for a while', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const { account, say } = slowExport()
  const parts = account.exportAccount()[Symbol.asyncIterator]()
  for (let index = 0; index < 5; index++) {
    const next = parts.next()
    await vi.advanceTimersByTimeAsync(10_000)
    say({ kind: 'state', key: `app/${index}`, value: index })
    expect(await next).toMatchObject({ done: false, value: { key: `app/${index}` } })
    // However slowly it is read.
    await vi.advanceTimersByTimeAsync(60_000)
  }
  const cutOff = parts.next().catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(20_000)
  expect(await cutOff).toBeInstanceOf(ExportCutOff)
})
