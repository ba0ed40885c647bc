// The SDK on the store of Node programs, against a real server: devices that forked, and servers that were put back from a copy.
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket as NodeWebSocket } from 'ws'

import type { ChatClient, Conversation } from '../../client/api.ts'
import { createClient } from '../../client/chat-client.ts'
import { openNodeStorage } from '../../client/storage/node/node-storage.ts'
import { parseRoot } from '../../shared/sync/roots.ts'
import { runProgram } from '../helpers/program.ts'
import { root } from '../helpers/root.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'
import { StockClient } from '../helpers/stock-client.ts'
import { when } from '../helpers/when.ts'

/** Servers and devices start again and again, each with a disk to wait for; a busy machine takes its time. */
const testMs = 120_000

type Transport = 'multiplexed' | 'stock'

let server: ServerProcess
let folder: string
const clients: ChatClient[] = []
const wakes = new Set<() => void>()

beforeEach(async () => {
  server = await startServerProcess()
  folder = await mkdtemp(join(tmpdir(), 'parley-healing-'))
})
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()))
  await server.dispose()
  await rm(folder, { recursive: true, force: true })
})

/** A program of ann's on a folder; one that is offline never gets as far as the server. */
function start(device: string, transport: Transport, isOnline = true, user = 'ann'): ChatClient {
  const client = createClient(
    {
      url: server.url,
      user,
      transport,
      token: () => (isOnline ? server.token(user) : Promise.reject(new Error('no network'))),
    },
    {
      openStorage: (at, who) => openNodeStorage(join(folder, device), at, who),
      // Its class has the browser's shape, and more.
      WebSocket: NodeWebSocket as unknown as typeof WebSocket,
      broadcast: false,
      fetch: globalThis.fetch,
      now: Date.now,
      dropExitListener: (listener) => process.off('exit', listener),
      onWake: (wake) => {
        wakes.add(wake)
        return () => wakes.delete(wake)
      },
    },
  )
  clients.push(client)
  return client
}

async function stop(client: ChatClient): Promise<void> {
  clients.splice(clients.indexOf(client), 1)
  await client.close()
}

/** Opens the conversation on a device, does something there, and closes it again. */
async function visit(
  device: string,
  transport: Transport,
  id: string,
  act: (conversation: Conversation) => unknown,
  isOnline = true,
): Promise<void> {
  const client = start(device, transport, isOnline)
  const conversation = await client.open(id)
  await act(conversation)
  await conversation.flush()
  await stop(client)
}

/** Each message, and whether it is sent: how far others have come with it is not what is asked for here. */
function texts(conversation: Conversation): readonly string[] {
  return conversation.messages
    .getSnapshot()
    .map(({ content, delivery }) => `${content}: ${'seq' in delivery ? 'sent' : delivery.state}`)
}

/** Until it shows exactly so many messages, all of them sent. */
async function allSent(conversation: Conversation, count: number): Promise<readonly string[]> {
  const messages = await when(
    conversation.messages,
    (list) => list.length === count && list.every(({ delivery }) => 'seq' in delivery),
  )
  return messages.map(({ content }) => content)
}

/** What a newcomer sees: messages in their order, voids not counted, and how many chains ann's devices have. */
async function look(id: string): Promise<{ readonly texts: readonly string[]; readonly chains: number }> {
  const client = new StockClient({
    url: server.url,
    conversation: id,
    user: 'bob',
    token: await server.token('bob'),
  })
  try {
    await client.synced()
    const roots = [...client.doc.share.keys()].map(parseRoot)
    const chains = roots.filter((each) => each?.kind === 'chain' && each.user === 'ann').length
    return { texts: client.sentTexts(), chains }
  } finally {
    client.destroy()
  }
}

/** Nobody waits for the next attempt. */
async function startServer(): Promise<void> {
  await server.start()
  for (const wake of wakes) wake()
}

async function restore(): Promise<void> {
  const program = runProgram([join(root, 'dist/server/main.js'), 'restore', '--data', server.dataDir])
  expect(await program.ended).toMatchObject({ code: 0 })
}

async function copyDevice(from: string, to: string): Promise<void> {
  await rm(join(folder, to), { recursive: true, force: true })
  await cp(join(folder, from), join(folder, to), { recursive: true })
}

describe.each(['multiplexed', 'stock'] as const)('%s', { timeout: testMs }, (transport) => {
  test('[FORK1] a device copied while offline, and both written to: one conversation, each message once', async () => {
    const id = await server.createConversation('bob', 'ann')
    await visit('original', transport, id, async (conversation) => {
      conversation.send('before')
      await allSent(conversation, 1)
    })
    await copyDevice('original', 'copy')
    for (const device of ['original', 'copy']) {
      await visit(
        device,
        transport,
        id,
        (conversation) => {
          conversation.send(`${device} one`)
          conversation.send(`${device} two`)
        },
        false,
      )
    }
    const original = await start('original', transport).open(id)
    await allSent(original, 3)
    const copy = await start('copy', transport).open(id)
    expect(await allSent(copy, 5)).toEqual(['before', 'original one', 'original two', 'copy one', 'copy two'])
    expect(await allSent(original, 5)).toEqual(await allSent(copy, 5))
    // And they go on without each other.
    copy.send('copy three')
    await allSent(copy, 6)
    original.send('original three')
    const all = await allSent(copy, 7)
    expect(await allSent(original, 7)).toEqual(all)
    expect(await look(id)).toEqual({ texts: all, chains: 2 })
    expect([original, copy].map(({ status }) => status.getSnapshot().pending)).toEqual([0, 0])
  })

  test('[FORK1] a device that was put back from an older copy of itself, and written to before it is told', async () => {
    const id = await server.createConversation('bob', 'ann')
    await visit('device', transport, id, async (conversation) => {
      conversation.send('one')
      await allSent(conversation, 1)
    })
    await copyDevice('device', 'backup')
    await visit('device', transport, id, async (conversation) => {
      conversation.send('two')
      await allSent(conversation, 2)
    })
    await copyDevice('backup', 'device')
    await visit('device', transport, id, (conversation) => conversation.send('three'), false)
    const client = start('device', transport)
    const conversation = await client.open(id)
    expect(texts(conversation)).toEqual(['one: sent', 'three: pending'])
    expect(await allSent(conversation, 3)).toEqual(['one', 'two', 'three'])
    await stop(client)
    const again = await start('device', transport, false).open(id)
    expect(texts(again)).toEqual(['one: sent', 'two: sent', 'three: sent'])
    expect((await look(id)).chains).toBe(2)
  })

  test('[FORK2] a server put back by `parley restore`: what clients still have comes back, in order, once', async () => {
    const id = await server.createConversation('bob', 'ann')
    const ann = start('ann', transport)
    const bob = start('bob', transport, true, 'bob')
    const [anns, bobs] = [await ann.open(id), await bob.open(id)]
    anns.send('in the backup')
    await Promise.all([allSent(anns, 1), allSent(bobs, 1)])
    await server.stop()
    const putBack = await server.backup()
    await startServer()
    await Promise.all([anns, bobs].map((each) => when(each.status, ({ connection }) => connection.phase === 'live')))
    anns.send('ann lost')
    await Promise.all([allSent(anns, 2), allSent(bobs, 2)])
    bobs.send('bob lost')
    bobs.setTitle('Harbour')
    await Promise.all([allSent(anns, 3), allSent(bobs, 3)])
    await when(anns.info, ({ title }) => title === 'Harbour')
    await server.stop()
    await putBack()
    anns.send('while away')
    await restore()
    await startServer()
    for (const each of [anns, bobs]) {
      await when(each.messages, (list) => {
        const sent = list.filter(({ delivery }) => 'seq' in delivery).map(({ content }) => content)
        return sent.length === 4 && list.length === 4
      })
      await when(each.status, ({ connection }) => connection.phase === 'live')
    }
    const all = await allSent(anns, 4)
    expect(await allSent(bobs, 4)).toEqual(all)
    expect(all.toSorted()).toEqual(['ann lost', 'bob lost', 'in the backup', 'while away'])
    expect(all.indexOf('in the backup')).toBe(0)
    expect(all.indexOf('ann lost')).toBeLessThan(all.indexOf('while away'))
    await when(anns.info, ({ title }) => title === 'Harbour')
    anns.send('afterwards')
    await Promise.all([allSent(anns, 5), allSent(bobs, 5)])
    expect((await look(id)).texts).toEqual([...all, 'afterwards'])
    await Promise.all([stop(ann), stop(bob)])
    const again = await start('ann', transport, false).open(id)
    expect(texts(again)).toEqual([...all, 'afterwards'].map((text) => `${text}: sent`))
  })

  test('[FORK2][CLIENT3] a conversation newer than the backup is registered again, and everybody’s messages come back', async () => {
    await server.createConversation('bob', 'ann')
    await server.stop()
    const putBack = await server.backup()
    await startServer()
    const ann = start('ann', transport)
    const bob = start('bob', transport, true, 'bob')
    const made = await ann.create({ title: 'Harbour', members: [{ user: 'bob', access: 'writer' }] })
    const { id } = made
    made.send('ann lost')
    await allSent(made, 1)
    let bobs = await bob.open(id)
    bobs.send('bob lost')
    await Promise.all([allSent(made, 2), allSent(bobs, 2)])
    await when(bobs.status, ({ connection }) => connection.phase === 'live')
    // Nobody looks at it where it was made.
    await made.close()
    await server.stop()
    await when(bobs.status, ({ connection }) => connection.phase !== 'live')
    await putBack()
    await restore()
    await startServer()
    // Over stock sockets there is no news.
    if (transport === 'stock') {
      await when((await ann.open(id)).status, ({ connection }) => connection.phase === 'live')
      await bobs.close()
      bobs = await bob.open(id)
    }
    await when(bobs.status, ({ connection }) => connection.phase === 'live')
    expect((await allSent(bobs, 2)).toSorted()).toEqual(['ann lost', 'bob lost'])
    expect((await look(id)).texts.toSorted()).toEqual(['ann lost', 'bob lost'])
    expect((await server.rest('bob', 'GET', `/api/conversations/${id}`)).body).toMatchObject({ title: 'Harbour' })
    const anns = await ann.open(id)
    anns.send('typed later')
    await Promise.all([allSent(anns, 3), allSent(bobs, 3)])
    await ann.refresh()
    expect(ann.conversations.getSnapshot().find((one) => one.id === id)).toMatchObject({
      registered: true,
      access: 'owner',
    })
  })

  test('[FORK2] a server put back by a mere copy of files: told so, nothing forced, nothing lost here', async () => {
    const id = await server.createConversation('bob', 'ann')
    const client = start('ann', transport)
    const conversation = await client.open(id)
    conversation.send('in the backup')
    await allSent(conversation, 1)
    await server.stop()
    const putBack = await server.backup()
    await startServer()
    await when(conversation.status, ({ connection }) => connection.phase === 'live')
    conversation.send('lost')
    await allSent(conversation, 2)
    await server.stop()
    await putBack()
    await startServer()
    const { connection } = await when(conversation.status, (status) => status.connection.phase === 'refused')
    expect(connection).toMatchObject({ phase: 'refused', code: 'server-behind' })
    conversation.send('typed since')
    expect(texts(conversation)).toEqual(['in the backup: sent', 'lost: sent', 'typed since: pending'])
    await conversation.flush()
    expect((await look(id)).texts).toEqual(['in the backup'])
    await stop(client)
    // The operator hears of it and does what is to be done.
    await server.stop()
    await restore()
    await startServer()
    const again = await start('ann', transport).open(id)
    expect(await allSent(again, 3)).toEqual(['in the backup', 'lost', 'typed since'])
  })
})

test('[CHAIN4] 200 sessions of one device leave one chain, and every message once', { timeout: testMs }, async () => {
  const id = await server.createConversation('bob', 'ann')
  const sent: string[] = []
  for (let session = 0; session < 200; session++) {
    await visit('device', session % 2 === 0 ? 'multiplexed' : 'stock', id, async (conversation) => {
      // Most leave before it is sent, or even before there is a connection.
      if (session % 4 === 0) return
      conversation.send(`message ${session}`)
      sent.push(`message ${session}`)
      if (session % 10 === 1) await allSent(conversation, sent.length)
    })
  }
  const last = await start('device', 'multiplexed').open(id)
  expect(await allSent(last, sent.length)).toEqual(sent)
  expect(await look(id)).toEqual({ texts: sent, chains: 1 })
})
