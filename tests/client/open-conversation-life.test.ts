// The life of an open conversation: connections, renaming, devices that keep nothing, closing.
import { describe, expect, test, vi } from 'vitest'
import * as Y from 'yjs'

import type { ClientStorage } from '../../client/storage/client-storage.ts'
import { encodeEntry } from '../../shared/chat/entry.ts'
import { append } from '../helpers/chain-doc.ts'
import { ann, clientId, message } from '../helpers/client-rows.ts'
import { bobOn, bring, keepingMemory, type OpenRig, openRig, rigId, goLive } from '../helpers/open-rig.ts'
import { createServerArchive } from '../helpers/server-archive.ts'
import { createStampingServer } from '../helpers/stamping-server.ts'
import { deferred, turn, when } from '../helpers/when.ts'

describe('the connection', () => {
  test('it is asked for once, and its status is told', async () => {
    const { conversation, connections } = await openRig()
    expect(connections).toHaveLength(1)
    const heard: string[] = []
    conversation.status.subscribe(() => heard.push(conversation.status.getSnapshot().connection.phase))
    expect(conversation.status.getSnapshot()).toEqual({
      connection: { phase: 'connecting' },
      storage: { phase: 'persistent' },
      pending: 0,
    })
    connections[0]?.status({ phase: 'syncing' })
    connections[0]?.status({ phase: 'live' })
    conversation.send('Ahoy')
    expect(heard).toEqual(['syncing', 'live', 'live'])
  })
})

describe('renaming', () => {
  /** Makes Yjs rename the document of `rig`: it hears of its own chain from elsewhere. */
  function meetItself(rig: OpenRig): void {
    const twin = new Y.Doc()
    bring(rig.local.doc, twin)
    twin.clientID = rig.local.doc.clientID
    append(twin, 'ann', [encodeEntry(message(77))])
    const print = vi.spyOn(console, 'log').mockImplementation(() => undefined)
    bring(twin, rig.local.doc)
    print.mockRestore()
  }

  test('[CHAIN3] a renamed document gets a chain and a connection of its own at once, and the old chain is left', async () => {
    const rig = await openRig()
    const { conversation, local, storage, connections } = rig
    conversation.send('before')
    await conversation.flush()
    meetItself(rig)
    const renamed = clientId(local.doc.clientID)
    expect(renamed).not.toBe(100)
    expect(connections.map(({ isClosed }) => isClosed)).toEqual([true, false])
    await turn()
    expect(await storage.pool(rigId)).toEqual([])
    expect(await storage.lockChain(rigId, renamed)).toBeUndefined()
    expect(await storage.lockChain(rigId, clientId(100))).toBeTypeOf('function')
    connections[1]?.status({ phase: 'live' })
    expect(conversation.status.getSnapshot().connection).toEqual({ phase: 'live' })
  })

  test('[CHAIN3][OUTBOX2] what is sent afterwards goes to the new chain, and nothing is lost', async () => {
    const rig = await openRig()
    const { conversation, local, storage } = rig
    conversation.send('before')
    meetItself(rig)
    conversation.send('after')
    await conversation.flush()
    const renamed = local.doc.clientID
    expect((await storage.outbox(rigId)).map(({ client, clock }) => [client, clock])).toEqual(
      [
        [100, 0],
        [renamed, 0],
      ].toSorted(([a = 0], [b = 0]) => a - b),
    )
    rig.sync()
    expect(rig.shown().toSorted()).toEqual(['after: sent', 'before: sent', 'message 77: sent'])
    await conversation.close()
    expect(await storage.lockChain(rigId, clientId(renamed))).toBeTypeOf('function')
  })

  test('[CHAIN3] a conversation that is closed while it changes its chain holds no lock', async () => {
    const rig = await openRig()
    meetItself(rig)
    const renamed = clientId(rig.local.doc.clientID)
    await rig.conversation.close()
    await turn()
    expect(await rig.storage.lockChain(rigId, renamed)).toBeTypeOf('function')
  })

  test('[OUTBOX3] a device that does not take the change says so, and the conversation closes', async () => {
    const inner = keepingMemory()
    const storage: ClientStorage = { ...inner, removePool: () => Promise.reject(new Error('the disk is full')) }
    const rig = await openRig({ storage })
    meetItself(rig)
    rig.conversation.send('after')
    await turn()
    expect(rig.conversation.status.getSnapshot().storage).toEqual({ phase: 'memory', reason: 'the disk is full' })
    await rig.conversation.close()
    expect(await inner.lockChain(rigId, clientId(100))).toBeTypeOf('function')
    expect(await inner.outbox(rigId)).toHaveLength(1)
  })

  test('[CHAIN3] renamed again while the first change is under way, it ends at the last', async () => {
    const rig = await openRig()
    meetItself(rig)
    const first = rig.local.doc.clientID
    meetItself(rig)
    const second = rig.local.doc.clientID
    expect(new Set([100, first, second]).size).toBe(3)
    await turn()
    expect(await rig.storage.lockChain(rigId, clientId(first))).toBeTypeOf('function')
    expect(await rig.storage.lockChain(rigId, clientId(second))).toBeUndefined()
    expect(rig.connections.map(({ isClosed }) => isClosed)).toEqual([true, true, false])
  })

  test('[FORK1] a forked document that is renamed is not connected again', async () => {
    const rig = await openRig()
    rig.conversation.send('Ahoy')
    rig.upload()
    rig.server.commit([{ client: clientId(100), clock: 0 }], 5000, (payload) => payload.length)
    rig.download()
    meetItself(rig)
    expect(rig.connections.map(({ isClosed }) => isClosed)).toEqual([true])
    await turn()
    expect(rig.connections.map(({ document }) => document.generation)).toEqual([0, 1])
  })

  test('[FORK1][CHAIN3] what was written before and after a renaming goes along once, and no lock is left', async () => {
    const rig = await openRig()
    rig.conversation.send('before')
    meetItself(rig)
    rig.conversation.send('after')
    const renamed = rig.local.doc.clientID
    rig.connections.at(-1)?.status({ phase: 'refused', code: 'forked', reason: '' })
    await turn()
    goLive(rig)
    await when(rig.conversation.status, ({ connection }) => connection.phase === 'live')
    rig.sync()
    expect(rig.shown().toSorted()).toEqual(['after: sent', 'before: sent', 'message 77: sent'])
    await rig.conversation.flush()
    expect(await rig.storage.outbox(rigId)).toEqual([])
    for (const client of [100, renamed])
      expect(await rig.storage.lockChain(rigId, clientId(client))).toBeTypeOf('function')
  })
})

describe('a device that keeps nothing', () => {
  test('[OUTBOX3] it says so, and sending goes on', async () => {
    const failing: ClientStorage = {
      ...keepingMemory(),
      putOutbox: () => Promise.reject(new Error('the disk is full')),
    }
    const rig = await openRig({ storage: failing })
    rig.conversation.send('Ahoy')
    await rig.conversation.flush()
    expect(rig.conversation.status.getSnapshot().storage).toEqual({ phase: 'memory', reason: 'the disk is full' })
    const passed: string[] = []
    rig.connections[0]?.gate.pass(() => passed.push('sent'))
    expect(passed).toEqual(['sent'])
    rig.sync()
    expect(rig.shown()).toEqual(['Ahoy: sent'])
  })

  test('[OUTBOX3] a document whose copy cannot be written still closes, and keeps what is unsent', async () => {
    const inner = keepingMemory()
    const full = new Error('the disk is full')
    const failing: ClientStorage = {
      ...inner,
      openDocument: async (id, doc) => {
        await inner.openDocument(id, doc)
        return { flushed: () => Promise.reject(full), close: () => Promise.reject(full) }
      },
    }
    const rig = await openRig({ storage: failing })
    rig.conversation.send('Ahoy')
    rig.sync()
    await expect(rig.conversation.flush()).rejects.toThrow('the disk is full')
    await rig.conversation.close()
    expect(rig.told.closes).toBe(1)
    expect(rig.conversation.status.getSnapshot().storage).toEqual({ phase: 'memory', reason: 'the disk is full' })
    expect(await inner.outbox(rigId)).toHaveLength(1)
    expect(await inner.lockChain(rigId, clientId(100))).toBeTypeOf('function')
  })
})

describe('closing', () => {
  test('it is idempotent, waits for the outbox, and frees the chain', async () => {
    const inner = keepingMemory()
    const kept = deferred()
    const storage: ClientStorage = {
      ...inner,
      putOutbox: async (id, row) => {
        await kept.promise
        await inner.putOutbox(id, row)
      },
    }
    const rig = await openRig({ storage })
    rig.conversation.send('Ahoy')
    const closing = rig.conversation.close()
    expect(rig.conversation.close()).toBe(closing)
    expect(rig.conversation.isClosing).toBe(true)
    expect(rig.connections[0]?.isClosed).toBe(true)
    await turn()
    expect(rig.told.closes).toBe(0)
    kept.resolve()
    await closing
    expect(rig.told.closes).toBe(1)
    expect(await inner.outbox(rigId)).toHaveLength(1)
    expect(await inner.lockChain(rigId, clientId(100))).toBeTypeOf('function')
    expect(rig.conversation.status.getSnapshot().connection).toEqual({ phase: 'closed' })
  })

  test('what is closed takes nothing more, and shows what it showed', async () => {
    const rig = await openRig()
    rig.conversation.send('Ahoy')
    await rig.conversation.close()
    expect(() => rig.conversation.send('too late')).toThrow('closed')
    expect(() => rig.conversation.setTitle('too late')).toThrow('closed')
    expect(rig.shown()).toEqual(['Ahoy: pending'])
    const { changes } = rig.told
    append(rig.local.doc, 'ann', [encodeEntry(message(5))])
    expect(rig.told.changes).toBe(changes)
  })

  test('[EVENT1] what comes for it later changes nothing, least of all its line: others may have opened it again', async () => {
    const server = createStampingServer(900, 'bob')
    const archive = createServerArchive(server)
    const events = deferred<readonly []>()
    const write = bobOn(server)
    write({ kind: 'member', user: ann, access: 'writer' }, ...[1, 2, 3, 4, 5, 6].map((number) => message(number)))
    server.archive(4)
    const rig = await openRig({ server, archive, fetchEvents: () => events.promise })
    goLive(rig)
    await rig.conversation.loadAround(1, 2)
    await rig.conversation.close()
    const { changes } = rig.told
    events.resolve([])
    await turn()
    rig.conversation.showNewest()
    expect(rig.told.changes).toBe(changes)
  })

  test('[OUTBOX2] what was pending goes out when it is opened again, on the same chain, once', async () => {
    const first = await openRig()
    first.conversation.send('one')
    first.conversation.send('two')
    await first.conversation.close()
    const { storage, server } = first
    const second = await openRig({ storage, server, firstClient: 200 })
    expect(second.shown()).toEqual(['one: pending', 'two: pending'])
    expect(second.local.doc.clientID).toBe(100)
    second.sync()
    expect(second.shown()).toEqual(['one: sent', 'two: sent'])
    expect(Y.getState(server.doc.store, 100)).toBe(2)
  })

  test('[OUTBOX2] what was typed survives a crash before the document had a copy', async () => {
    const first = await openRig()
    first.conversation.send('one')
    first.conversation.send('two')
    await turn()
    // No close: its lock is all that it leaves.
    first.local.chain.release()
    const { storage, server } = first
    const second = await openRig({ storage, server, firstClient: 200 })
    expect(second.shown()).toEqual(['one: pending', 'two: pending'])
    second.sync()
    // The first one had been told to the server after all: the same bytes at the same places.
    first.upload()
    first.download()
    expect(first.shown()).toEqual(['one: sent', 'two: sent'])
    expect(first.conversation.status.getSnapshot().connection.phase).toBe('connecting')
  })
})
