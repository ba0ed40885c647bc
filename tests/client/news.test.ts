// What a client does when the server tells that conversations moved: without a network, and with the clock in the test's hand.
import { describe, expect, test, vi } from 'vitest'
import * as Y from 'yjs'

import type { Conversation } from '../../client/api.ts'
import { encodeEntry } from '../../shared/chat/entry.ts'
import type { RestConversationItem } from '../../shared/rest.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import { append, createDoc } from '../helpers/chain-doc.ts'
import { conversationId, message, restItem } from '../helpers/client-rows.ts'
import type { ClientRig } from '../helpers/client-rig.ts'
import { keepingMemory } from '../helpers/open-rig.ts'
import type { StampingServer } from '../helpers/stamping-server.ts'
import { deferred } from '../helpers/when.ts'
import { timedClients } from './timed-clients.ts'

const [one, two, three] = [conversationId(1), conversationId(2), conversationId(3)]
const { start, settle: pass } = timedClients()
const settle = (ms = 2000): Promise<unknown> => pass(ms)

/** A start over on the same device and against the same server. */
async function again(rig: ClientRig, servers: Map<string, StampingServer>): Promise<ClientRig> {
  await rig.client.close()
  return start({ storage: rig.storage, servers })
}

function item(id: ConversationId, updatedMs: number): RestConversationItem {
  const updated = new Date(updatedMs).toISOString()
  return restItem(id, { created_at: updated, updated_at: updated, last_seq: 0, unread: 1 })
}

let written = 0

/** Somebody else writes, and the server stamps it. */
function write(server: StampingServer, content: string): void {
  const doc = createDoc(0x1000 + written++)
  append(doc, 'ann', [encodeEntry(message(5000 + written, content))])
  Y.applyUpdate(server.doc, Y.encodeStateAsUpdate(doc), 'device')
}

function shown(conversation: Conversation): readonly string[] {
  return conversation.messages.getSnapshot().map(({ content, delivery }) => `${content}: ${delivery.state}`)
}

function opensSaid({ sync }: ClientRig): readonly unknown[] {
  return sync.last().said.filter(({ type }) => type === 'open')
}

/** What the server has of it, or had before it `lost` some of that. */
function tellOfOne(rig: ClientRig, lost = 0): void {
  const { doc } = rig.server(one)
  const version = { server: doc.clientID, records: Y.getState(doc.store, doc.clientID) - lost }
  rig.sync.last().say({ type: 'activity', moved: [{ conversation: one, seq: 0, version }], gone: [] })
}

describe('versions', () => {
  test('[MUX2] what a device has is stated at the next start, and what did not move is not opened', async () => {
    const servers = new Map<string, StampingServer>()
    const first = start({ servers })
    write(first.server(one), 'one')
    write(first.server(two), 'two')
    await settle(20_000)
    expect(first.client.background.status.getSnapshot()).toEqual({ phase: 'current', left: 0 })
    const second = await again(first, servers)
    await settle()
    const [hello] = second.sync.last().said
    const stated = hello?.type === 'hello' ? hello.versions : new Map()
    const expected = [one, two].map((id) => {
      const { doc } = second.server(id)
      return [id, { server: doc.clientID, records: Y.getState(doc.store, doc.clientID) }] as const
    })
    expect(new Map(stated)).toEqual(new Map(expected))
    expect(opensSaid(second)).toEqual([])
    // What moved while it was away is.
    write(second.server(two), 'more')
    const third = await again(second, servers)
    await settle()
    expect(opensSaid(third)).toMatchObject([{ conversation: two }])
    expect(shown(await third.client.open(two))).toEqual(['two: sent', 'more: sent'])
  })

  test('[MUX2] opened, it is current without an exchange', async () => {
    const servers = new Map<string, StampingServer>()
    const first = start({ servers })
    write(first.server(one), 'one')
    await settle(20_000)
    const second = await again(first, servers)
    const conversation = await second.client.open(one)
    await settle()
    expect(opensSaid(second)).toMatchObject([{ conversation: one, version: { records: 2 } }])
    expect(conversation.status.getSnapshot().connection).toEqual({ phase: 'live' })
    // Hello and open: no SyncStep1.
    expect(second.sync.last().sent).toHaveLength(2)
  })

  test('[MUX2][OUTBOX2] with something unsent no version is stated, and it goes up', async () => {
    const servers = new Map<string, StampingServer>()
    const first = start({ servers })
    write(first.server(one), 'one')
    await settle(20_000)
    first.isOffline = true
    const conversation = await first.client.open(one)
    conversation.send('offline')
    await settle()
    const second = await again(first, servers)
    await settle(10_000)
    expect(opensSaid(second)[0]).toMatchObject({ conversation: one, version: undefined })
    expect(shown(await second.client.open(one))).toEqual(['one: sent', 'offline: sent'])
  })

  test('[MUX2][OUTBOX2] a device that lost its copy is sent all of it, whatever its row says', async () => {
    const servers = new Map<string, StampingServer>()
    const first = start({ servers })
    write(first.server(one), 'one')
    await settle(20_000)
    const rows = await first.storage.conversations()
    await first.client.close()
    const storage = keepingMemory()
    for (const row of rows) await storage.putConversation(row)
    const second = start({ storage, servers })
    const conversation = await second.client.open(one)
    await settle()
    expect(opensSaid(second)[0]).toMatchObject({ conversation: one, version: undefined })
    expect(shown(conversation)).toEqual(['one: sent'])
  })

  test('[MUX2] an exchange that was cut short is begun again: its version does not count', async () => {
    const servers = new Map<string, StampingServer>()
    const rig = start({ servers })
    const server = rig.server(one)
    write(server, 'one')
    await settle(0)
    const whole = Y.encodeStateAsUpdate(server.doc)
    // The copy has every record, but it was never live with it.
    const cache = await rig.storage.openDocument(two, new Y.Doc())
    await cache.close()
    const doc = new Y.Doc()
    const partly = await rig.storage.openDocument(three, doc)
    Y.applyUpdate(doc, whole)
    await partly.close()
    servers.set(three, server)
    const conversation = await rig.client.open(three)
    await settle()
    expect(opensSaid(rig).filter((said) => (said as { conversation: string }).conversation === three)).toMatchObject([
      { version: undefined },
    ])
    expect(conversation.status.getSnapshot().connection).toEqual({ phase: 'live' })
  })

  test('[OUTBOX3] a device that keeps nothing states nothing of what it could not keep', async () => {
    const inner = keepingMemory()
    const full = new Error('the disk is full')
    const storage = {
      ...inner,
      openDocument: async () => ({ flushed: () => Promise.reject(full), close: () => Promise.reject(full) }),
    }
    const rig = start({ storage })
    write(rig.server(one), 'one')
    await settle(20_000)
    await rig.client.close()
    expect((await inner.conversations()).map(({ version }) => version)).toEqual([undefined])
  })
})

describe('news', () => {
  test('[BACK1] a conversation that somebody made elsewhere appears, is fetched, and costs one request', async () => {
    const rig = start()
    await settle()
    expect(rig.asked).toEqual([])
    rig.listed.push(item(one, 5000))
    write(rig.server(one), 'Ahoy')
    await settle(10_000)
    expect(rig.asked).toEqual(['http://a.example/api/conversations?limit=1'])
    expect(rig.client.conversations.getSnapshot()).toMatchObject([{ id: one, lastMessage: 'Ahoy' }])
    rig.isOffline = true
    expect(shown(await rig.client.open(one))).toEqual(['Ahoy: sent'])
  })

  test('[BACK1][EPOCH3] what is told of again when it is here already costs nothing; a server that has less is met, and hears of it', async () => {
    const rig = start()
    write(rig.server(one), 'Ahoy')
    await settle(0)
    await settle(0)
    expect(rig.client.background.status.getSnapshot()).toEqual({ phase: 'current', left: 0 })
    tellOfOne(rig)
    await settle(60_000)
    expect([opensSaid(rig).length, rig.asked.length]).toEqual([1, 1])
    tellOfOne(rig, 1)
    await settle(60_000)
    expect(opensSaid(rig)).toHaveLength(2)
  })

  test('[BACK1] a burst costs one request for as many lines as moved', async () => {
    const servers = new Map<string, StampingServer>()
    const rig = start({ servers })
    for (let count = 0; count < 30; count++) write(rig.server(conversationId(count)), 'Ahoy')
    await settle(60_000)
    expect(rig.asked).toHaveLength(1)
    expect(rig.asked[0]).toMatch(/limit=30$/)
    expect(rig.client.background.status.getSnapshot()).toEqual({ phase: 'current', left: 0 })
    expect(rig.sync.last().said.filter(({ type }) => type === 'close')).toHaveLength(30)
  })

  test('[BACK1] the newest is fetched first, as the server’s list tells', async () => {
    const rig = start()
    rig.listed.push(item(one, 1000), item(two, 3000), item(three, 2000))
    for (const id of [one, two, three]) write(rig.server(id), 'Ahoy')
    await settle(10_000)
    expect(opensSaid(rig)).toMatchObject([{ conversation: two }, { conversation: three }, { conversation: one }])
  })

  test('[BACK1] what is open comes first', async () => {
    const registering = deferred()
    const rig = start({ registering: registering.promise })
    const conversation = await rig.client.create()
    write(rig.server(one), 'Ahoy')
    await settle(10_000)
    expect(rig.client.background.status.getSnapshot()).toEqual({ phase: 'syncing', left: 1 })
    expect(opensSaid(rig)).toEqual([])
    registering.resolve()
    await settle()
    expect(opensSaid(rig)).toMatchObject([{ conversation: conversation.id }, { conversation: one }])
    expect(rig.client.background.status.getSnapshot()).toEqual({ phase: 'current', left: 0 })
  })

  test('[BACK1] one that is open and that the server never answers keeps the others waiting for 30 s and no longer', async () => {
    const rig = start()
    rig.sync.isSilent = true
    const conversation = await rig.client.open(two)
    await settle()
    rig.sync.isSilent = false
    write(rig.server(one), 'Ahoy')
    await settle(27_000)
    expect(opensSaid(rig)).toMatchObject([{ conversation: two }])
    await settle(2000)
    expect(conversation.status.getSnapshot().connection).toEqual({ phase: 'syncing' })
    expect(opensSaid(rig)).toMatchObject([{ conversation: two }, { conversation: one }])
    await settle()
    expect(rig.client.background.status.getSnapshot()).toEqual({ phase: 'current', left: 0 })
  })

  test('[BACK1] a clock that is set back by a month changes nothing', async () => {
    const rig = start()
    write(rig.server(one), 'Ahoy')
    await settle(10_000)
    vi.setSystemTime(Date.now() - 30 * 24 * 3600 * 1000)
    write(rig.server(one), 'once more')
    await settle(10_000)
    expect(opensSaid(rig)).toHaveLength(2)
    expect(rig.client.background.status.getSnapshot()).toEqual({ phase: 'current', left: 0 })
  })

  test('[BACK1] what is being opened comes first too', async () => {
    const inner = keepingMemory()
    const reading = deferred()
    const openDocument: typeof inner.openDocument = async (...given) => {
      if (given[0] === two) await reading.promise
      return inner.openDocument(...given)
    }
    const rig = start({ storage: { ...inner, openDocument } })
    const opening = rig.client.open(two)
    write(rig.server(one), 'Ahoy')
    await settle(10_000)
    expect(opensSaid(rig)).toEqual([])
    reading.resolve()
    await opening
    await settle()
    expect(opensSaid(rig)).toMatchObject([{ conversation: two }, { conversation: one }])
  })

  test('[BACK1] paused, lines move and nothing is fetched', async () => {
    const rig = start()
    rig.client.background.pause()
    rig.listed.push(item(one, 5000))
    write(rig.server(one), 'Ahoy')
    await settle(10_000)
    expect(rig.client.conversations.getSnapshot()).toMatchObject([{ id: one, unread: 1 }])
    expect([opensSaid(rig), rig.client.background.status.getSnapshot()]).toEqual([[], { phase: 'paused', left: 1 }])
    rig.client.background.resume()
    await settle()
    expect(opensSaid(rig)).toHaveLength(1)
    expect(rig.client.background.status.getSnapshot()).toEqual({ phase: 'current', left: 0 })
  })

  test('[BACK1][MEMBER2] what can no longer be opened is listed as gone, and what is open of it is refused', async () => {
    const rig = start()
    rig.listed.push(item(one, 5000), item(two, 4000))
    write(rig.server(one), 'Ahoy')
    write(rig.server(two), 'Ahoy')
    await settle(10_000)
    const conversation = await rig.client.open(one)
    await settle()
    rig.sync.remove(one)
    rig.sync.remove(two, 'deleted')
    await settle(10_000)
    expect(conversation.status.getSnapshot().connection).toMatchObject({ phase: 'refused', code: 'no-access' })
    const gone = (): readonly unknown[] =>
      rig.client.conversations
        .getSnapshot()
        .map(({ id, gone: why }) => `${id === one ? 1 : 2}: ${why}`)
        .toSorted()
    const wanted = ['1: no-access', '2: deleted']
    expect(gone()).toEqual(wanted)
    // What is open of it does not bring it back.
    rig.listed.splice(0)
    await rig.client.refresh()
    await settle()
    expect(gone()).toEqual(wanted)
  })

  test('[BACK1] the device that comes back looks at once', async () => {
    const rig = start({ isOffline: true })
    await settle(120_000)
    rig.isOffline = false
    write(rig.server(one), 'Ahoy')
    rig.wake()
    await settle(1000)
    expect(shown(await rig.client.open(one))).toEqual(['Ahoy: sent'])
  })
})
