// What only the outbox has, of chains that nobody uses any more, goes on once: messages at once, the rest as soon as it
// is known what the server has.
import { describe, expect, test, vi } from 'vitest'
import * as Y from 'yjs'

import { type LocalConversation, openLocal } from '../../client/local-conversation.ts'
import type { ClientStorage } from '../../client/storage/client-storage.ts'
import { encodeEntry, type KnownEntry } from '../../shared/chat/entry.ts'
import type { ClientId } from '../../shared/sync/ids.ts'
import { append, chainSource, createDoc, hex } from '../helpers/chain-doc.ts'
import { ann, bob, clientId, message, row } from '../helpers/client-rows.ts'
import { bring, keepingMemory, openRig, rigId } from '../helpers/open-rig.ts'
import { createStampingServer } from '../helpers/stamping-server.ts'
import { deferred, turn } from '../helpers/when.ts'

let drawn = 1000
const draw = (): ClientId => clientId(drawn++)

function open(storage: ClientStorage): Promise<LocalConversation> {
  return openLocal(storage, ann, rigId, draw)
}

async function close({ cache, chain }: LocalConversation): Promise<void> {
  await cache.close()
  chain.release()
}

/** Payloads of the own chain. */
function own({ doc, chain }: Pick<LocalConversation, 'doc' | 'chain'>): readonly unknown[] {
  const source = chainSource(doc)
  return Array.from({ length: Y.getState(doc.store, chain.client) }, (_, clock) =>
    source.payloadAt(chain.client, clock),
  )
}

const title: KnownEntry = { kind: 'set', key: 'title', value: 'of long ago' }
const promotion: KnownEntry = { kind: 'member', user: bob, access: 'admin' }
const removal: KnownEntry = { kind: 'member', user: bob, access: null }
const messages = [message(50), message(51)] as const
/** As a tab left them that crashed before its document had a copy. */
const left: readonly KnownEntry[] = [title, messages[0], promotion, messages[1], { kind: 'read', through: 3 }, removal]

/** Two tabs crashed: the next one to be opened goes on with the chain of the first, and finds the rows of the other. */
async function crash(storage: ClientStorage): Promise<void> {
  await storage.putOutbox(rigId, row(60, 0, message(1)))
  for (const [clock, entry] of left.entries()) await storage.putOutbox(rigId, row(70, clock, entry))
}

const lockless = (storage: ClientStorage): ClientStorage => ({
  ...storage,
  canLock: false,
  lockChain: async () => undefined,
})

describe('orphans', () => {
  const others = left.flatMap((entry, clock) => (entry.kind === 'message' ? [] : [row(70, clock, entry)]))

  test.each([
    ['with locks', (storage: ClientStorage) => storage],
    ['without locks', lockless],
  ])('[OUTBOX2] %s: messages are appended again once, set, member and read rows wait', async (_name, made) => {
    const storage = made(keepingMemory())
    await crash(storage)
    const local = await open(storage)
    const { client } = local.chain
    expect(client === 60).toBe(storage.canLock)
    const moved = [message(1), ...messages]
    expect(own(local)).toEqual(moved.map(encodeEntry))
    const ownRows = moved.map((entry, clock) => row(client, clock, entry))
    expect(local.outbox).toEqual([...ownRows, ...others].toSorted((a, b) => a.client - b.client || a.clock - b.clock))
    await close(local)
    // Also when it is opened again.
    const again = await open(storage)
    const source = chainSource(again.doc)
    const said = [...source.chains()].flatMap(({ client: author, next }) =>
      Array.from({ length: next }, (_, clock) => source.payloadAt(author, clock)),
    )
    for (const entry of moved) expect(said.filter((each) => equal(each, encodeEntry(entry)))).toHaveLength(1)
  })

  test('[OUTBOX2][CHAIN2] those of a chain that is left because its tail was lost are treated the same', async () => {
    const storage = keepingMemory()
    const kept = createDoc(7)
    append(kept, 'ann', [row(7, 0).payload])
    const doc = new Y.Doc()
    const cache = await storage.openDocument(rigId, doc)
    bring(kept, doc)
    await cache.close()
    // Clock 1 is nowhere; what stands behind the hole cannot stay in its place.
    for (const [index, entry] of left.entries()) await storage.putOutbox(rigId, row(7, index + 2, entry))
    const rig = await openRig({ storage })
    expect(rig.local.chain.client).not.toBe(7)
    expect(own(rig.local)).toEqual(messages.map(encodeEntry))
    rig.sync()
    rig.connections[0]?.status({ phase: 'live' })
    await rig.conversation.flush()
    await turn()
    expect(own(rig.local)).toEqual([...messages, title, promotion, left[4] ?? title, removal].map(encodeEntry))
    rig.sync()
    await rig.conversation.flush()
    expect(await storage.outbox(rigId)).toEqual([])
  })

  test('[OUTBOX2][TAB1] of two tabs that come back together one brings them, and the other has none left', async () => {
    const storage = keepingMemory()
    await crash(storage)
    const one = await openRig({ storage, firstClient: 1000 })
    const other = await openRig({ storage, server: one.server, firstClient: 2000 })
    const rigs = [one, other]
    one.sync()
    other.sync()
    for (const { connections } of rigs) connections[0]?.status({ phase: 'live' })
    await vi.waitFor(async () => {
      for (const rig of rigs) rig.sync()
      for (const { conversation } of rigs) await conversation.flush()
      expect(rigs.map(({ conversation }) => conversation.unsent)).toEqual([0, 0])
    })
    expect(await storage.outbox(rigId)).toEqual([])
    const { members, settings } = other.conversation.document.replica.folded
    expect([members.has(bob), settings.get('title')]).toEqual([false, 'of long ago'])
  })

  test('[OUTBOX2] what continues its own chain stays as it was, settings too', async () => {
    const storage = keepingMemory()
    for (const [clock, entry] of left.entries()) await storage.putOutbox(rigId, row(7, clock, entry))
    const local = await open(storage)
    expect(local.chain.client).toBe(7)
    expect(own(local)).toEqual(left.map(encodeEntry))
    expect(local.outbox).toHaveLength(left.length)
  })

  test.each([
    ['with locks', (storage: ClientStorage) => storage],
    ['without locks', lockless],
  ])('[OUTBOX2] %s: settings go out in their order when the server was heard, once', async (_name, made) => {
    const storage = made(keepingMemory())
    await crash(storage)
    const rig = await openRig({ storage, firstClient: 1000 })
    rig.sync()
    expect(rig.conversation.unsent).toBe(others.length)
    for (let time = 0; time < 2; time++) rig.connections[0]?.status({ phase: 'live' })
    await turn()
    rig.sync()
    expect(rig.conversation.info.getSnapshot()).toMatchObject({
      title: 'of long ago',
      members: [{ user: 'ann', access: 'owner' }],
    })
    expect(own(rig.local).slice(3)).toEqual(others.map(({ payload }) => payload))
    expect(rig.shown()).toEqual(['message 1: sent', 'message 50: sent', 'message 51: sent'])
    await rig.conversation.flush()
    expect(await storage.outbox(rigId)).toEqual([])
  })

  test('[OUTBOX2] settings that the server has had all along are not set again', async () => {
    const storage = keepingMemory()
    await storage.putOutbox(rigId, row(60, 0, message(1)))
    await storage.putOutbox(rigId, row(70, 0, title))
    const server = createStampingServer()
    const lost = createDoc(70)
    append(lost, 'ann', [encodeEntry(title)])
    server.receive(lost)
    const since = createDoc(80)
    append(since, 'ann', [encodeEntry({ kind: 'set', key: 'title', value: 'of today' })])
    server.receive(since)
    const rig = await openRig({ storage, server })
    rig.sync()
    rig.connections[0]?.status({ phase: 'live' })
    await turn()
    rig.sync()
    expect(rig.conversation.info.getSnapshot().title).toBe('of today')
    expect(own(rig.local)).toEqual([encodeEntry(message(1))])
    await rig.conversation.flush()
    expect(await storage.outbox(rigId)).toEqual([])
  })

  test('[OUTBOX2][CHAIN3] what belongs to a tab that is open is left to it', async () => {
    const storage = keepingMemory()
    await crash(storage)
    const release = await storage.lockChain(rigId, clientId(70))
    const rig = await openRig({ storage })
    rig.sync()
    rig.connections[0]?.status({ phase: 'live' })
    await turn()
    expect(own(rig.local)).toEqual([encodeEntry(message(1))])
    expect((await storage.outbox(rigId)).filter(({ client }) => client === 70)).toHaveLength(left.length)
    release?.()
  })

  test('[OUTBOX2] what its tab has brought elsewhere since it was read here is not appended again', async () => {
    const storage = keepingMemory()
    await crash(storage)
    const release = await storage.lockChain(rigId, clientId(70))
    const rig = await openRig({ storage })
    rig.sync()
    expect(rig.conversation.unsent).toBe(left.length)
    // As a tab does that has rebuilt its document, or had it all stamped, and was closed then.
    for (const clock of left.keys()) await storage.removeOutbox(rigId, row(70, clock))
    release?.()
    const changesBefore = rig.told.changes
    rig.connections[0]?.status({ phase: 'live' })
    await turn()
    expect(own(rig.local)).toEqual([encodeEntry(message(1))])
    expect(rig.conversation.unsent).toBe(0)
    expect(rig.told.changes).toBeGreaterThan(changesBefore)
  })

  test('[OUTBOX2] of two tabs that have read the same rows one appends them, also where the store is slow', async () => {
    const inner = keepingMemory()
    await inner.putOutbox(rigId, row(70, 0, title))
    const release = await inner.lockChain(rigId, clientId(70))
    const removing = deferred()
    const storage: ClientStorage = {
      ...inner,
      removeOutbox: async (id, place) => {
        await removing.promise
        await inner.removeOutbox(id, place)
      },
    }
    const server = createStampingServer()
    const tabs = [await openRig({ storage, server }), await openRig({ storage, server, firstClient: 200 })]
    for (const tab of tabs) tab.download()
    release?.()
    for (const tab of tabs) {
      tab.connections[0]?.status({ phase: 'live' })
      await turn()
    }
    removing.resolve()
    await turn()
    tabs[1]?.connections[0]?.status({ phase: 'live' })
    await turn()
    expect(tabs.map(({ local }) => own(local))).toEqual([[encodeEntry(title)], []])
  })

  test('[CHAIN3] without locks the pool does not grow with every opening', async () => {
    const storage = lockless(keepingMemory())
    const server = createStampingServer()
    for (let opening = 0; opening < 20; opening++) {
      const rig = await openRig({ storage, server, firstClient: 1000 + opening })
      rig.conversation.send('Ahoy')
      rig.sync()
      await rig.conversation.close()
    }
    await storage.putOutbox(rigId, row(7, 0))
    const rig = await openRig({ storage, server, firstClient: 2000 })
    expect((await storage.pool(rigId)).length).toBeLessThanOrEqual(2)
    await rig.conversation.close()
  })
})

function equal(a: unknown, b: Uint8Array): boolean {
  return a instanceof Uint8Array && hex(a) === hex(b)
}
