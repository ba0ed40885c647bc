// A whole client on a store in memory and a network that a test switches on and off.
import { describe, expect, test, vi } from 'vitest'
import * as Y from 'yjs'

import type { ChatClient, Conversation, ConversationSummary } from '../../client/api.ts'
import { createClient } from '../../client/chat-client.ts'
import type { Platform } from '../../client/client-options.ts'
import type { ClientStorage } from '../../client/storage/client-storage.ts'
import { encodeEntry } from '../../shared/chat/entry.ts'
import { append } from '../helpers/chain-doc.ts'
import { conversationId, conversationRow, message, row, restItem } from '../helpers/client-rows.ts'
import { createFakeNet } from '../helpers/fake-net.ts'
import { keepingMemory } from '../helpers/open-rig.ts'
import { deferred, when } from '../helpers/when.ts'
import { timedClients } from './timed-clients.ts'

const one = conversationId(1)
const two = conversationId(2)

const { start, settle } = timedClients()

/** Time for a few attempts to connect. */
const later = (): Promise<unknown> => settle(60_000)

function only(client: ChatClient): ConversationSummary {
  const [summary, ...others] = client.conversations.getSnapshot()
  if (summary === undefined || others.length > 0) throw new Error('not exactly one')
  return summary
}

function shown(conversation: Conversation): readonly string[] {
  return conversation.messages.getSnapshot().map(({ content, delivery }) => `${content}: ${delivery.state}`)
}

describe('what it is given', () => {
  const platform: Platform = {
    openStorage: async () => keepingMemory(),
    WebSocket: createFakeNet().WebSocket,
    broadcast: false,
    fetch: () => Promise.reject(new Error('no network')),
    now: Date.now,
  }

  test.each([
    ['not a url', 'ann'],
    ['ftp://a.example', 'ann'],
    ['http://a.example', ''],
    ['http://a.example', 'ann/bob'],
  ])('what cannot be a server or a user is refused: %s, %s', (url, user) => {
    expect(() => createClient({ url, user, token: 't' }, platform)).toThrow(TypeError)
  })

  test('[LOCAL1] the store is opened for the server, in one spelling, and the user', async () => {
    const openStorage = vi.fn<Platform['openStorage']>(async () => keepingMemory())
    for (const url of ['http://A.example', 'http://a.example/', 'http://a.example:80//'])
      await createClient({ url, user: 'ann', token: 't' }, { ...platform, openStorage }).close()
    expect(openStorage.mock.calls).toEqual(
      Array.from({ length: 3 }, () => [
        'http://a.example',
        'ann',
        expect.objectContaining({ now: expect.any(Function) }),
      ]),
    )
  })

  test('ids, titles and members are looked at before anything is made', async () => {
    const { client } = start()
    await expect(client.open('7')).rejects.toThrow(TypeError)
    await expect(client.create({ title: 'x'.repeat(201) })).rejects.toThrow(TypeError)
    await expect(client.create({ members: [{ user: 'no user', access: 'writer' }] })).rejects.toThrow('no user')
    expect(client.conversations.getSnapshot()).toEqual([])
  })
})

describe('making and opening', () => {
  test('[CLIENT1][CLIENT3] a conversation is made offline: listed, open, writable', async () => {
    const { client, storage, registered } = start({ isOffline: true })
    const conversation = await client.create({ title: 'Harbour', members: [{ user: 'bob', access: 'writer' }] })
    conversation.send('Ahoy')
    expect(conversation.info.getSnapshot()).toEqual({
      id: conversation.id,
      title: 'Harbour',
      settings: new Map(),
      access: 'owner',
      members: [
        { user: 'ann', access: 'owner' },
        { user: 'bob', access: 'writer' },
      ],
    })
    expect(shown(conversation)).toEqual(['Ahoy: pending'])
    expect(only(client)).toMatchObject({ id: conversation.id, title: 'Harbour', access: 'owner', registered: false })
    await later()
    expect(conversation.status.getSnapshot()).toEqual({
      connection: { phase: 'offline', reason: 'The server cannot be reached.' },
      storage: { phase: 'persistent' },
      pending: 1,
    })
    expect(only(client)).toMatchObject({ lastMessage: 'Ahoy', registered: false })
    expect(await storage.unsent()).toEqual([conversation.id])
    expect(registered.size).toBe(0)
  })

  test('[CLIENT3] it is registered when a connection comes, and what was written is sent', async () => {
    const rig = start({ isOffline: true })
    const conversation = await rig.client.create({ title: 'Harbour', members: [{ user: 'bob', access: 'reader' }] })
    conversation.send('Ahoy')
    await later()
    rig.isOffline = false
    await later()
    expect([...rig.registered]).toEqual([
      [conversation.id, { title: 'Harbour', members: [{ user: 'bob', access: 'reader' }] }],
    ])
    expect(shown(conversation)).toEqual(['Ahoy: sent'])
    expect(only(rig.client).registered).toBe(true)
    expect(await rig.storage.unsent()).toEqual([])
    expect((await rig.storage.conversations())[0]?.unregistered).toBeUndefined()
  })

  test('[CLIENT3] a conversation without a title is registered without one', async () => {
    const rig = start()
    const { id, status } = await rig.client.create()
    await when(status, ({ connection }) => connection.phase === 'live')
    expect(rig.registered.get(id)).toEqual({ members: [] })
  })

  test('[CHAIN3] it is the same object while it is open', async () => {
    const { client, sync } = start()
    const made = await client.create()
    expect(await client.open(made.id)).toBe(made)
    const [first, second] = await Promise.all([client.open(one), client.open(one)])
    expect(first).toBe(second)
    await later()
    expect(sync.last().said.filter(({ type }) => type === 'open')).toHaveLength(2)
    expect(sync.sockets).toHaveLength(1)
  })

  test('[CHAIN1][CHAIN3] who opens it while it closes waits, and gets another one on the same chain', async () => {
    const inner = keepingMemory()
    const kept = deferred()
    const putOutbox: ClientStorage['putOutbox'] = async (id, entry) => {
      await kept.promise
      await inner.putOutbox(id, entry)
    }
    const { client } = start({ storage: { ...inner, putOutbox }, isOffline: true })
    const conversation = await client.create()
    conversation.send('Ahoy')
    const closing = conversation.close()
    let opened: Conversation | undefined
    const opening = Promise.all([client.open(conversation.id), client.open(conversation.id)]).then(([again, same]) => {
      expect(again).toBe(same)
      opened = again
      return again
    })
    await vi.advanceTimersByTimeAsync(1000)
    expect(opened).toBeUndefined()
    kept.resolve()
    const again = await opening
    await closing
    expect(again).not.toBe(conversation)
    expect(shown(again)).toEqual(['Ahoy: pending'])
    expect(await inner.pool(conversation.id)).toHaveLength(1)
  })

  test('[CHAIN3][OUTBOX2] a device whose chain is written elsewhere goes on with another, over a channel of its own', async () => {
    const rig = start()
    const conversation = await rig.client.create()
    conversation.send('before')
    await when(conversation.messages, () => shown(conversation).join() === 'before: sent')
    const [chain] = await rig.storage.pool(conversation.id)
    const server = rig.server(conversation.id)
    const twin = new Y.Doc()
    Y.applyUpdate(twin, Y.encodeStateAsUpdate(server.doc))
    twin.clientID = chain?.client ?? 0
    append(twin, 'ann', [encodeEntry(message(77, 'elsewhere'))])
    Y.applyUpdate(server.doc, Y.encodeStateAsUpdate(twin), 'twin')
    conversation.send('after')
    await later()
    expect(shown(conversation).toSorted()).toEqual(['after: sent', 'before: sent', 'elsewhere: sent'])
    expect(rig.sync.last().said.filter(({ type }) => type === 'open' || type === 'close')).toMatchObject([
      { type: 'open', channel: 1 },
      { type: 'close', channel: 1 },
      { type: 'open', channel: 2 },
    ])
    const pool = await rig.storage.pool(conversation.id)
    expect(pool).toHaveLength(1)
    expect(pool).not.toContainEqual(expect.objectContaining({ client: chain?.client }))
  })

  test('[OUTBOX3] a list that cannot be kept does not keep anybody from writing', async () => {
    const putConversation = (): Promise<void> => Promise.reject(new Error('the disk is full'))
    const { client } = start({ storage: { ...keepingMemory(), putConversation } })
    const conversation = await client.create()
    conversation.send('Ahoy')
    await when(conversation.messages, () => shown(conversation).join() === 'Ahoy: sent')
    expect(only(client).registered).toBe(true)
  })
})

describe('the list', () => {
  test('it shows what an open conversation shows, a moment later', async () => {
    const { client } = start()
    const conversation = await client.create()
    conversation.send('one')
    conversation.send('two')
    conversation.setTitle('Harbour')
    await later()
    expect(only(client)).toMatchObject({
      title: 'Harbour',
      lastMessage: 'two',
      unread: 0,
      mentions: 0,
      members: [{ user: 'ann', access: 'owner' }],
    })
    const last = conversation.messages.getSnapshot().at(-1)?.delivery
    expect(last).toMatchObject({ state: 'sent', createdAt: only(client).updatedAt })
  })

  test('it is refreshed from the server, or the reason is told', async () => {
    const rig = start()
    rig.listed.push(restItem(two, { title: 'Pier', unread: 3 }))
    await rig.client.refresh()
    expect(only(rig.client)).toMatchObject({ id: two, title: 'Pier', unread: 3, registered: true })
    rig.isOffline = true
    await expect(rig.client.refresh()).rejects.toThrow('fetch failed')
    expect(only(rig.client).id).toBe(two)
  })

  test('[CLIENT3] what the server does not know yet stays when the list is refreshed', async () => {
    const rig = start({ isOffline: true })
    const { id } = await rig.client.create()
    rig.isOffline = false
    await rig.client.refresh()
    expect(only(rig.client).id).toBe(id)
  })
})

describe('what was left unsent', () => {
  test('[OUTBOX2][CLIENT3] at the next start it is opened in the background, sent, and closed', async () => {
    const storage = keepingMemory()
    await storage.putOutbox(one, row(7, 0))
    await storage.putOutbox(one, row(7, 1, message(9, 'two')))
    await storage.putConversation(conversationRow(two, { unregistered: { members: [] } }))
    const rig = start({ storage, isOffline: true })
    await later()
    expect(rig.client.background.status.getSnapshot()).toEqual({ phase: 'offline', left: 2 })
    rig.isOffline = false
    await later()
    expect([...rig.registered.keys()]).toEqual([two])
    expect(await storage.unsent()).toEqual([])
    expect(rig.client.background.status.getSnapshot()).toEqual({ phase: 'current', left: 0 })
    const said = rig.sync.last().said.map(({ type }) => type)
    expect(said.filter((type) => type === 'close')).toHaveLength(2)
    const conversation = await rig.client.open(one)
    expect(shown(conversation)).toEqual(['message 1: sent', 'two: sent'])
  })

  test('[CHAIN3] what the application opens meanwhile is that one, and stays open', async () => {
    const storage = keepingMemory()
    await storage.putOutbox(one, row(7, 0))
    const rig = start({ storage, isOffline: true })
    await later()
    const conversation = await rig.client.open(one)
    rig.isOffline = false
    await later()
    expect(shown(conversation)).toEqual(['message 1: sent'])
    expect(conversation.status.getSnapshot().connection).toEqual({ phase: 'live' })
    expect(await rig.client.open(one)).toBe(conversation)
  })

  test('what cannot be opened disturbs nobody', async () => {
    const storage: ClientStorage = { ...keepingMemory(), unsent: () => Promise.reject(new Error('cannot be read')) }
    const { client } = start({ storage })
    await later()
    expect((await client.open(one)).id).toBe(one)
  })
})

describe('closing', () => {
  test('it closes every conversation and then the store, once, and opens nothing more', async () => {
    const storage = keepingMemory()
    const close = vi.spyOn(storage, 'close')
    const { client, sync } = start({ storage })
    const conversations = await Promise.all([client.create({ title: 'Harbour' }), client.open(one)])
    conversations[0].send('Ahoy')
    const closing = client.close()
    expect(client.close()).toBe(closing)
    await expect(client.open(two)).rejects.toThrow('the client is closed')
    await expect(client.create()).rejects.toThrow('the client is closed')
    await closing
    expect(close).toHaveBeenCalledTimes(1)
    expect(conversations.map(({ status }) => status.getSnapshot().connection.phase)).toEqual(['closed', 'closed'])
    expect(sync.sockets.filter(({ isOpen }) => isOpen)).toEqual([])
    expect((await storage.conversations())[0]).toMatchObject({ title: 'Harbour', lastMessage: 'Ahoy' })
    await later()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('one that is being opened is closed too', async () => {
    const { client, storage } = start()
    const opening = client.open(one)
    await client.close()
    const { status } = await opening
    expect(status.getSnapshot().connection).toEqual({ phase: 'closed' })
    const [chain] = await storage.pool(one)
    expect(chain && (await storage.lockChain(one, chain.client))).toBeTypeOf('function')
  })

  test('[OUTBOX3] a disk that is full keeps neither conversations nor the store from closing', async () => {
    const inner = keepingMemory()
    const full = new Error('the disk is full')
    const close = vi.fn<ClientStorage['close']>(inner.close)
    const storage: ClientStorage = {
      ...inner,
      close,
      openDocument: async () => ({ flushed: () => Promise.reject(full), close: () => Promise.reject(full) }),
    }
    const { client } = start({ storage })
    const conversation = await client.create()
    conversation.send('Ahoy')
    await client.close()
    expect(close).toHaveBeenCalledTimes(1)
    expect(conversation.status.getSnapshot().storage).toEqual({ phase: 'memory', reason: 'the disk is full' })
  })

  test('a store that cannot be opened is told to whoever opens a conversation', async () => {
    const { client } = start({ openStorage: () => Promise.reject(new Error('another process has it')) })
    await expect(client.open(one)).rejects.toThrow('another process has it')
    await expect(client.open(one)).rejects.toThrow('another process has it')
    await expect(client.refresh()).rejects.toThrow('another process has it')
  })
})
