// A device that finds out that it has forked, or that the server has begun a new epoch: what was typed stays shown and kept,
// and stands in a new document as soon as there is a connection, each of it once.
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import type { ClientStorage } from '../../client/storage/client-storage.ts'
import { encodeEntry, type KnownEntry, parseEntry } from '../../shared/chat/entry.ts'
import { limits } from '../../shared/limits.ts'
import { encodeRecord } from '../../shared/sync/record.ts'
import { append, createDoc } from '../helpers/chain-doc.ts'
import { ann, bob, clientId, message, row } from '../helpers/client-rows.ts'
import { bring, keepingMemory, type OpenRig, openRig, rigId, stampAll, goLive } from '../helpers/open-rig.ts'
import { createStampingServer, type StampingServer } from '../helpers/stamping-server.ts'
import { deferred, turn, when } from '../helpers/when.ts'

/** The server has, and stamps, what another copy of this device wrote in the places of `rig`'s entries. */
function stampTheTwin({ server }: OpenRig, ...texts: readonly string[]): void {
  const twin = createDoc(100)
  append(
    twin,
    'ann',
    texts.map((text, index) => encodeEntry(message(50 + index, text))),
  )
  server.receive(twin)
  stampAll(server)
}

async function places({ storage }: OpenRig): Promise<readonly (readonly [number, number])[]> {
  return (await storage.outbox(rigId)).map(({ client, clock }) => [client, clock])
}

/** The new document has what the server has, and takes the place of the old one. */
async function rebuilt(rig: OpenRig): Promise<void> {
  // It asks the store which document is the next one.
  await turn()
  const side = rig.connections.at(-1)
  if (side === undefined) throw new Error('nothing is connected')
  rig.download()
  side.status({ phase: 'live' })
  await when(rig.conversation.status, ({ connection }) => connection.phase === 'live')
  await rig.conversation.flush()
}

/** What a chain of the server's document says. */
function said(server: StampingServer, client: number): readonly unknown[] {
  const chain = server.doc.getArray<Uint8Array>(`chain/${client}/ann`).toArray()
  return chain.map((payload) => {
    const { entry } = parseEntry(payload) as { readonly entry: KnownEntry }
    return entry.kind === 'message' ? entry.content : entry
  })
}

describe('a fork', () => {
  test('[FORK1][OUTBOX2] what was typed stays shown and kept until there is a connection, also after the next start', async () => {
    const rig = await openRig()
    rig.conversation.send('mine')
    rig.conversation.send('mine too')
    stampTheTwin(rig, 'of the twin')
    rig.download()
    const own = [
      [100, 0],
      [100, 1],
    ]
    expect(rig.connections.map(({ isClosed }) => isClosed)).toEqual([true])
    expect(rig.shown()).toEqual(['mine: pending', 'mine too: pending'])
    await rig.conversation.flush()
    expect(await places(rig)).toEqual(own)
    rig.connections.at(-1)?.status({ phase: 'offline', reason: 'no network' })
    expect(rig.conversation.status.getSnapshot()).toMatchObject({ connection: { phase: 'offline' }, pending: 2 })
    await rig.conversation.close()
    expect(rig.connections.every(({ isClosed }) => isClosed)).toBe(true)
    expect(await places(rig)).toEqual(own)
    expect(await rig.storage.generation(rigId)).toBe(0)

    const { storage, server } = rig
    const again = await openRig({ storage, server, firstClient: 200 })
    expect(again.shown()).toEqual(['mine: pending', 'mine too: pending'])
    await rebuilt(again)
    expect(again.shown()).toEqual(['of the twin: sent', 'mine: pending', 'mine too: pending'])
    again.sync()
    expect(again.shown()).toEqual(['of the twin: sent', 'mine: sent', 'mine too: sent'])
    expect(said(server, 200)).toEqual(['mine', 'mine too'])
    await again.conversation.flush()
    expect(await places(again)).toEqual([])
  })

  test('[FORK1] a fresh chain, the old one left, the old document dropped, and one connection in the end', async () => {
    const rig = await openRig()
    rig.conversation.send('mine')
    stampTheTwin(rig, 'of the twin')
    rig.download()
    await rebuilt(rig)
    const { storage } = rig
    expect(rig.connections.map(({ isClosed }) => isClosed)).toEqual([true, false])
    expect(rig.connections.map(({ document }) => document.generation)).toEqual([0, 1])
    expect(await storage.generation(rigId)).toBe(1)
    expect(await storage.pool(rigId)).toEqual([{ client: 101, next: 1 }])
    expect(await places(rig)).toEqual([[101, 0]])
    expect(await storage.lockChain(rigId, clientId(101))).toBeUndefined()
    expect(await storage.lockChain(rigId, clientId(100))).toBeTypeOf('function')
    const dropped = new Y.Doc()
    await storage.openDocument(rigId, dropped, 0)
    expect(dropped.store.clients.size).toBe(0)

    rig.conversation.send('after')
    rig.sync()
    await rig.conversation.close()
    const again = await openRig({ storage, server: rig.server, firstClient: 300 })
    expect(again.doc().clientID).toBe(101)
    expect(again.shown()).toEqual(['of the twin: sent', 'mine: sent', 'after: sent'])
  })

  test.each(['forked', 'client-taken'])(
    '[FORK1] the server says %s: the same, and it is never shown as refused',
    async (code) => {
      const rig = await openRig()
      const phases: string[] = []
      rig.conversation.status.subscribe(() => phases.push(rig.conversation.status.getSnapshot().connection.phase))
      rig.conversation.send('mine')
      rig.connections[0]?.status({ phase: 'refused', code, reason: '' })
      expect(rig.connections[0]?.isClosed).toBe(true)
      await rebuilt(rig)
      rig.sync()
      expect(rig.shown()).toEqual(['mine: sent'])
      expect(said(rig.server, 101)).toEqual(['mine'])
      expect(said(rig.server, 100)).toEqual([])
      expect(new Set(phases)).toEqual(new Set(['connecting', 'syncing', 'live']))
    },
  )

  test('[FORK1] bytes of another copy in the place of a row that this document has lost: brought from another place', async () => {
    const rig = await openRig()
    // As after a crash: in the outbox, and in no document.
    await rig.conversation.close()
    const { storage, server } = rig
    stampTheTwin(rig, 'of the twin')
    const doc = new Y.Doc()
    const cache = await storage.openDocument(rigId, doc)
    bring(server.doc, doc)
    await cache.close()
    await storage.putOutbox(rigId, row(100, 0))
    const again = await openRig({ storage, server, firstClient: 200 })
    expect(again.conversation.unsent).toBe(1)
    await rebuilt(again)
    again.sync()
    expect(again.shown()).toEqual(['of the twin: sent', 'message 1: sent'])
    expect(again.conversation.unsent).toBe(0)
  })

  test('[FORK1] what the server has of it already is not brought again', async () => {
    const rig = await openRig()
    rig.conversation.send('one')
    rig.sync()
    rig.conversation.send('two')
    rig.conversation.setTitle('Harbour')
    rig.upload()
    stampAll(rig.server)
    // It has not heard of these stamps, and is told that it forked.
    rig.connections[0]?.status({ phase: 'refused', code: 'forked', reason: '' })
    rig.conversation.send('three')
    await rebuilt(rig)
    rig.sync()
    expect(rig.shown()).toEqual(['one: sent', 'two: sent', 'three: sent'])
    expect(said(rig.server, 101)).toEqual(['three'])
    await rig.conversation.flush()
    expect(await places(rig)).toEqual([])
  })

  test('[FORK1] what is sent while the document is built anew, and while it is swapped, goes along once', async () => {
    const inner = keepingMemory()
    const replacing = deferred()
    const storage: ClientStorage = {
      ...inner,
      replaceDocument: async (id, replacement) => {
        await replacing.promise
        await inner.replaceDocument(id, replacement)
      },
    }
    const rig = await openRig({ storage })
    rig.conversation.send('one')
    stampTheTwin(rig, 'of the twin')
    rig.download()
    rig.conversation.send('two')
    await turn()
    rig.conversation.send('three')
    const side = rig.connections.at(-1)
    rig.download()
    side?.status({ phase: 'live' })
    rig.conversation.send('four')
    await when(rig.conversation.status, ({ connection }) => connection.phase === 'live')
    rig.conversation.send('five')
    const waiting: string[] = []
    side?.gate.pass(() => waiting.push('update'))
    await turn()
    // OUTBOX1: not before the store has the new rows.
    expect(waiting).toEqual([])
    replacing.resolve()
    await rig.conversation.flush()
    expect(waiting).toEqual(['update'])
    const typed = ['one', 'two', 'three', 'four', 'five']
    expect(rig.shown()).toEqual(['of the twin: sent', ...typed.map((text) => `${text}: pending`)])
    rig.sync()
    expect(said(rig.server, 101)).toEqual(typed)
    await rig.conversation.close()
    expect(await inner.outbox(rigId)).toEqual([])
  })

  test('[FORK1][CLIENT5] what looks the same stays the same object, and the list too', async () => {
    const rig = await openRig()
    rig.conversation.send('before')
    rig.conversation.send({ content: 'with parts', parts: [{ type: 'tool', n: 1 }] })
    rig.sync()
    rig.conversation.send('mine')
    const before = rig.conversation.messages.getSnapshot()
    let changes = 0
    rig.conversation.messages.subscribe(() => changes++)
    rig.connections[0]?.status({ phase: 'refused', code: 'forked', reason: '' })
    await rebuilt(rig)
    expect(rig.doc().clientID).toBe(101)
    expect(rig.conversation.messages.getSnapshot()).toBe(before)
    expect(changes).toBe(0)
    const info = rig.conversation.info.getSnapshot()
    rig.sync()
    const after = rig.conversation.messages.getSnapshot()
    expect(after.slice(0, 2).every((each, index) => each === before[index])).toBe(true)
    expect(rig.conversation.info.getSnapshot()).toBe(info)
  })

  test('[FORK1][CLIENT4] a message that failed stays failed, also where its place no longer tells', async () => {
    const first = await openRig()
    const id = first.conversation.send('too much')
    first.sync({ 0: 'too-large' })
    first.connections[0]?.status({ phase: 'refused', code: 'client-taken', reason: '' })
    // As a server does that was restored from before.
    const server = createStampingServer(901)
    server.append({ kind: 'genesis', epoch: 1, owner: ann, createdAt: 1 })
    const empty = createDoc(901)
    empty.getArray('server/901').push([encodeRecord({ kind: 'genesis', epoch: 1, owner: ann, createdAt: 1 })])
    await turn()
    bring(empty, first.doc())
    first.connections.at(-1)?.status({ phase: 'live' })
    await when(first.conversation.status, ({ connection }) => connection.phase === 'live')
    expect(first.shown()).toEqual(['too much: too-large'])
    await first.conversation.close()
    const again = await openRig({ storage: first.storage, server: first.server, firstClient: 200 })
    expect(again.shown()).toEqual(['too much: too-large'])
    expect(again.conversation.unsent).toBe(0)
    again.conversation.discard(id)
    await again.conversation.flush()
    expect(await again.storage.outbox(rigId)).toEqual([])
  })

  test('[FORK1] a server that knows less than this device changes nothing', async () => {
    const rig = await openRig()
    rig.conversation.send('one')
    rig.sync()
    rig.conversation.send('mine')
    rig.connections[0]?.status({ phase: 'refused', code: 'forked', reason: '' })
    await turn()
    bring(createStampingServer().doc, rig.doc())
    rig.connections.at(-1)?.status({ phase: 'live' })
    await turn()
    const { connection } = rig.conversation.status.getSnapshot()
    expect(connection).toMatchObject({ phase: 'refused', code: 'server-behind' })
    expect(rig.shown()).toEqual(['one: sent', 'mine: pending'])
    expect(await rig.storage.generation(rigId)).toBe(0)
    await rig.conversation.flush()
    expect(await places(rig)).toEqual([[100, 1]])
    expect(rig.connections.map(({ isClosed }) => isClosed)).toEqual([true, true])
    // Nothing is tried again by itself.
    rig.conversation.send('more')
    await turn()
    expect(rig.connections).toHaveLength(2)
  })

  test('[FORK1] a server whose own stamps contradict what it sends: refused, and what is shown stays', async () => {
    const rig = await openRig()
    rig.conversation.send('mine')
    rig.upload()
    rig.server.commit([{ client: clientId(100), clock: 0 }], 5000, (payload) => payload.length)
    rig.download()
    await turn()
    goLive(rig)
    await turn()
    expect(rig.conversation.status.getSnapshot().connection).toMatchObject({ phase: 'refused', code: 'forked' })
    expect(rig.shown()).toEqual(['mine: pending'])
    rig.conversation.send('still here')
    expect(rig.shown()).toEqual(['mine: pending', 'still here: pending'])
    expect(rig.connections).toHaveLength(2)
  })

  test('[FORK1] documents that are never of use are not built for ever', async () => {
    const rig = await openRig()
    rig.conversation.send('mine')
    const refuse = (): void => rig.connections.at(-1)?.status({ phase: 'refused', code: 'forked', reason: '' })
    for (let round = 0; round < limits.rebuildsInARow; round++) {
      refuse()
      await rebuilt(rig)
    }
    refuse()
    expect(rig.conversation.status.getSnapshot().connection).toMatchObject({ phase: 'refused', code: 'forked' })
    await turn()
    expect(rig.connections).toHaveLength(1 + limits.rebuildsInARow)
    expect(rig.shown()).toEqual(['mine: pending'])
    // Where it helped, it is done again.
    const other = await openRig()
    for (let round = 0; round < limits.rebuildsInARow * 2; round++) {
      other.conversation.send(`mine ${round}`)
      other.connections.at(-1)?.status({ phase: 'refused', code: 'forked', reason: '' })
      await rebuilt(other)
      other.sync()
    }
    expect(other.conversation.status.getSnapshot().connection.phase).toBe('live')
  })

  test('[FORK1][MUX4] a socket that is refused while the document is built anew ends nothing', async () => {
    const rig = await openRig()
    rig.conversation.send('mine')
    rig.connections[0]?.status({ phase: 'refused', code: 'forked', reason: '' })
    await turn()
    const expired = { phase: 'refused', code: 'expired', reason: '' } as const
    rig.connections[1]?.status(expired, true)
    await turn()
    expect(rig.conversation.status.getSnapshot().connection).toEqual(expired)
    rig.connections[1]?.status({ phase: 'connecting' })
    await rebuilt(rig)
    rig.sync()
    expect(rig.shown()).toEqual(['mine: sent'])
    expect(rig.connections.map(({ isClosed }) => isClosed)).toEqual([true, false])
  })

  test('[FORK1] a rebuild that was refused, however often, is begun again once the conversation is connected', async () => {
    const rig = await openRig()
    rig.conversation.send('mine')
    stampTheTwin(rig, 'of the twin')
    rig.download()
    for (let round = 0; round <= limits.rebuildsInARow; round++) {
      await turn()
      rig.connections.at(-1)?.status({ phase: 'refused', code: 'no-access', reason: '' })
      await turn()
      const tried = rig.connections.length
      // Not by what is typed.
      rig.conversation.send(`typed ${round}`)
      await turn()
      expect(rig.connections).toHaveLength(tried)
      expect(rig.connections.every(({ isClosed }) => isClosed)).toBe(true)
      rig.conversation.reconnect()
      expect(rig.connections.slice(tried).map(({ document }) => document.generation)).toEqual([0])
      rig.connections.at(-1)?.status({ phase: 'refused', code: 'forked', reason: '' })
    }
    await rebuilt(rig)
    rig.sync()
    expect(rig.shown()).toEqual(
      ['of the twin', 'mine', ...Array.from({ length: limits.rebuildsInARow + 1 }, (_, round) => `typed ${round}`)].map(
        (text) => `${text}: sent`,
      ),
    )
  })

  test('[FORK1] closed at any moment before the swap, nothing has changed', async () => {
    const steps: readonly (keyof ClientStorage)[] = [
      'generation',
      'lockRebuild',
      'dropDocument',
      'openDocument',
      'lockChain',
      'pool',
      'outbox',
    ]
    for (const step of steps) {
      const inner = keepingMemory()
      const reached = deferred()
      const held = deferred()
      let isArmed = false
      const storage: ClientStorage = {
        ...inner,
        [step]: async (...args: readonly never[]) => {
          if (isArmed) {
            reached.resolve()
            await held.promise
          }
          return Reflect.apply(inner[step] as (...all: readonly never[]) => unknown, undefined, args)
        },
      }
      const rig = await openRig({ storage })
      rig.conversation.send('mine')
      await rig.conversation.flush()
      isArmed = true
      rig.connections[0]?.status({ phase: 'refused', code: 'forked', reason: '' })
      await turn()
      rig.download()
      if (step !== 'generation') rig.connections.at(-1)?.status({ phase: 'live' })
      await reached.promise
      const closing = rig.conversation.close()
      held.resolve()
      await closing
      expect(await inner.generation(rigId)).toBe(0)
      expect(await places(rig)).toEqual([[100, 0]])
      expect((await inner.pool(rigId)).map(({ client }) => client)).toEqual([100])
      for (const client of [100, 101]) expect(await inner.lockChain(rigId, clientId(client))).toBeTypeOf('function')
      expect(await Promise.race([inner.lockRebuild(rigId), turn()])).toBeTypeOf('function')
      expect(rig.connections.every(({ isClosed }) => isClosed)).toBe(true)
    }
  })

  test.each(['lockRebuild', 'openDocument', 'pool', 'replaceDocument'] as const)(
    '[FORK1][OUTBOX3] a device that does not take the new document (%s) says so, and the conversation goes on',
    async (method) => {
      const inner = keepingMemory()
      let isFull = false
      const storage: ClientStorage = {
        ...inner,
        [method]: (...args: readonly never[]) =>
          isFull
            ? Promise.reject(new Error('the disk is full'))
            : Reflect.apply(inner[method] as (...all: readonly never[]) => unknown, undefined, args),
      }
      const rig = await openRig({ storage })
      rig.conversation.send('mine')
      stampTheTwin(rig, 'of the twin')
      rig.download()
      isFull = true
      await rebuilt(rig)
      expect(rig.conversation.status.getSnapshot().storage).toEqual({ phase: 'memory', reason: 'the disk is full' })
      rig.conversation.send('after')
      rig.sync()
      expect(rig.shown()).toEqual(['of the twin: sent', 'mine: sent', 'after: sent'])
      await rig.conversation.close()
      // What was kept before is kept still, and comes to the same.
      isFull = false
      expect(await inner.generation(rigId)).toBe(0)
      const again = await openRig({ storage, server: rig.server, firstClient: 200 })
      await rebuilt(again)
      again.sync()
      expect(again.shown()).toEqual(['of the twin: sent', 'mine: sent', 'after: sent'])
    },
  )
})

describe('several tabs', () => {
  /** A second tab on the same store and server. */
  function tab(rig: OpenRig, firstClient: number): Promise<OpenRig> {
    return openRig({ storage: rig.storage, server: rig.server, firstClient })
  }

  test('[FORK1][CHAIN3] each takes a chain of its own in one and the same new document, and brings what it has itself', async () => {
    const left = await openRig()
    left.conversation.send('left before')
    left.sync()
    const right = await tab(left, 200)
    right.download()
    left.conversation.send('left')
    right.conversation.send('right')
    // As tabs tell each other.
    bring(left.local.doc, right.local.doc)
    bring(right.local.doc, left.local.doc)
    await Promise.all([left.conversation.flush(), right.conversation.flush()])
    for (const each of [left, right]) each.connections[0]?.status({ phase: 'refused', code: 'forked', reason: '' })
    await rebuilt(left)
    expect(left.shown()).toEqual(['left before: sent', 'left: pending'])
    await rebuilt(right)
    expect(await left.storage.generation(rigId)).toBe(1)
    expect(new Set((await left.storage.pool(rigId)).map(({ client }) => client))).toEqual(new Set([101, 201]))
    expect(right.shown()).toEqual(['left before: sent', 'right: pending'])
    left.sync()
    right.sync()
    left.download()
    const all = ['left before: sent', 'left: sent', 'right: sent']
    expect([left.shown(), right.shown()]).toEqual([all, all])
    expect([said(left.server, 101), said(left.server, 201)]).toEqual([['left'], ['right']])
    await Promise.all([left.conversation.close(), right.conversation.close()])
    expect(await left.storage.outbox(rigId)).toEqual([])
  })

  test('[FORK1][OUTBOX2] what a closed tab left unsent is brought by the one that is there', async () => {
    const left = await openRig()
    left.download()
    const right = await tab(left, 200)
    right.download()
    right.conversation.send('right')
    right.conversation.setTitle('Harbour')
    await right.conversation.close()
    left.conversation.send('left')
    left.connections[0]?.status({ phase: 'refused', code: 'forked', reason: '' })
    await rebuilt(left)
    left.sync()
    expect(left.shown().toSorted()).toEqual(['left: sent', 'right: sent'])
    expect(left.conversation.info.getSnapshot().title).toBe('Harbour')
    await left.conversation.close()
    expect(await left.storage.outbox(rigId)).toEqual([])
    expect((await left.storage.pool(rigId)).map(({ client }) => client)).toEqual([101])
  })

  test('[FORK1][OUTBOX2] what one tab has brought is not brought again by one that read it before', async () => {
    const left = await openRig()
    left.download()
    left.conversation.setTitle('Old')
    left.conversation.send('hello')
    await left.conversation.flush()
    const right = await tab(left, 200)
    right.download()
    bring(left.local.doc, right.local.doc)
    left.connections[0]?.status({ phase: 'refused', code: 'forked', reason: '' })
    await rebuilt(left)
    left.sync()
    left.conversation.setTitle('New')
    left.sync()
    await left.conversation.flush()
    right.connections[0]?.status({ phase: 'refused', code: 'forked', reason: '' })
    const unsent: number[] = []
    right.conversation.status.subscribe(() => {
      if (right.conversation.status.getSnapshot().connection.phase === 'live') unsent.push(right.conversation.unsent)
    })
    await rebuilt(right)
    // From the swap on.
    expect(unsent[0]).toBe(0)
    await turn()
    right.sync()
    left.download()
    for (const each of [left, right]) {
      expect(each.conversation.info.getSnapshot().title).toBe('New')
      expect(each.shown()).toEqual(['hello: sent'])
    }
    expect(said(left.server, 201)).toEqual([])
  })
})

describe('a tab whose copy is dropped', () => {
  test('[FORK1] joins the document that another tab has built, and brings what it has itself', async () => {
    const inner = keepingMemory()
    const dropped = deferred()
    const storage: ClientStorage = {
      ...inner,
      openDocument: async (id, doc, generation) => ({
        ...(await inner.openDocument(id, doc, generation)),
        ...(generation === 0 ? { dropped: dropped.promise } : {}),
      }),
    }
    const rig = await openRig({ storage })
    rig.conversation.send('before')
    rig.sync()
    rig.conversation.send('mine')
    await inner.replaceDocument(rigId, {
      generation: 3,
      put: [],
      remove: [],
      chain: { client: clientId(500), next: 0 },
      retired: [],
    })
    dropped.resolve()
    await rebuilt(rig)
    expect(rig.connections.map(({ document }) => document.generation)).toEqual([0, 3])
    rig.sync()
    expect(rig.shown()).toEqual(['before: sent', 'mine: sent'])
    await rig.conversation.close()
    // A tab that is closed has nothing to join.
    const again = await openRig({ storage: inner, server: rig.server, firstClient: 200 })
    expect(again.shown()).toEqual(['before: sent', 'mine: sent'])
  })
})

describe('a later epoch', () => {
  /** The server as it was at `backup`, in its next epoch: its entries are stamped again. */
  function restored(backup: Y.Doc): StampingServer {
    const chains = new Y.Doc()
    Y.applyUpdate(chains, Y.encodeStateAsUpdate(backup))
    const server = createStampingServer(901, 'ann', 1)
    for (const [client] of Y.decodeStateVector(Y.encodeStateVector(chains))) {
      if (client === 900) continue
      const one = createDoc(client)
      const name = `chain/${client}/ann`
      append(one, 'ann', chains.getArray<Uint8Array>(name).toArray())
      server.receive(one)
    }
    stampAll(server)
    return server
  }

  async function withBackup(): Promise<{ rig: OpenRig; server: StampingServer }> {
    const rig = await openRig()
    rig.conversation.send('in the backup')
    rig.conversation.setTitle('Old')
    rig.sync()
    const server = restored(rig.server.doc)
    return { rig, server }
  }

  test('[FORK2] what was sent after the backup comes back, messages and settings, in order, once', async () => {
    const { rig, server } = await withBackup()
    rig.conversation.send('lost one')
    rig.sync()
    rig.conversation.setTitle('New')
    rig.conversation.send('lost two')
    rig.sync()
    await rig.conversation.flush()
    expect(await places(rig)).toEqual([])
    rig.conversation.send('pending')
    // The old document meets the new epoch.
    bring(server.doc, rig.local.doc)
    const texts = ['in the backup', 'lost one', 'lost two']
    expect(rig.shown()).toEqual([...texts.map((text) => `${text}: sent`), 'pending: pending'])
    await turn()
    bring(server.doc, rig.doc())
    rig.connections.at(-1)?.status({ phase: 'live' })
    await when(rig.conversation.status, ({ connection }) => connection.phase === 'live')
    server.receive(rig.doc())
    stampAll(server)
    bring(server.doc, rig.doc())
    expect(rig.shown()).toEqual([...texts, 'pending'].map((text) => `${text}: sent`))
    expect(rig.conversation.info.getSnapshot().title).toBe('New')
    expect(said(server, 101)).toEqual(['lost one', { kind: 'set', key: 'title', value: 'New' }, 'lost two', 'pending'])
    expect(rig.doc().share.has('server/900')).toBe(false)
  })

  test('[FORK2] a document that has met it before it was opened is built anew too', async () => {
    const { rig, server } = await withBackup()
    rig.conversation.send('lost')
    rig.sync()
    bring(server.doc, rig.local.doc)
    await rig.conversation.close()
    const again = await openRig({ storage: rig.storage, server, firstClient: 200 })
    expect(again.shown()).toEqual(['in the backup: sent', 'lost: sent'])
    await rebuilt(again)
    again.sync()
    expect(again.shown()).toEqual(['in the backup: sent', 'lost: sent'])
    expect(said(server, 200)).toEqual(['lost'])
  })

  test('[FORK2] messages that this user sent from other devices, or over REST, come back too, settings of those do not', async () => {
    const { rig, server } = await withBackup()
    const phone = createDoc(60)
    append(
      phone,
      'ann',
      [message(70, 'from the phone'), { kind: 'set', key: 'title', value: 'Phone' } as const].map(encodeEntry),
    )
    rig.server.receive(phone)
    stampAll(rig.server)
    rig.download()
    bring(server.doc, rig.local.doc)
    await turn()
    bring(server.doc, rig.doc())
    rig.connections.at(-1)?.status({ phase: 'live' })
    await when(rig.conversation.status, ({ connection }) => connection.phase === 'live')
    server.receive(rig.doc())
    expect(said(server, 101)).toEqual(['from the phone'])
  })

  test("[FORK2] what others wrote is never brought back as one's own, nor a read register that would mean something else", async () => {
    const rig = await openRig()
    rig.conversation.setMember('bob', 'writer')
    rig.sync()
    const server = restored(rig.server.doc)
    const bobs = createDoc(50)
    append(bobs, 'bob', [encodeEntry(message(1, 'of bob'))])
    rig.server.receive(bobs)
    stampAll(rig.server)
    rig.download()
    rig.conversation.markRead()
    rig.sync()
    bring(server.doc, rig.local.doc)
    await turn()
    bring(server.doc, rig.doc())
    rig.connections.at(-1)?.status({ phase: 'live' })
    await when(rig.conversation.status, ({ connection }) => connection.phase === 'live')
    server.receive(rig.doc())
    expect(rig.shown()).toEqual([])
    expect(said(server, 101)).toEqual([])
    expect(rig.conversation.info.getSnapshot().members).toContainEqual({ user: bob, access: 'writer' })
  })
})
