// What only the outbox has, of chains that nobody uses any more: messages go on, once; settings do not.
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import { type LocalConversation, openLocal } from '../../client/local-conversation.ts'
import type { ClientStorage } from '../../client/storage/client-storage.ts'
import { encodeEntry, type KnownEntry } from '../../shared/chat/entry.ts'
import type { ClientId } from '../../shared/sync/ids.ts'
import { append, chainSource, createDoc } from '../helpers/chain-doc.ts'
import { ann, bob, clientId, message, row } from '../helpers/client-rows.ts'
import { bring, keepingMemory, openRig, rigId } from '../helpers/open-rig.ts'
import { createStampingServer } from '../helpers/stamping-server.ts'

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
function own({ doc, chain }: LocalConversation): readonly unknown[] {
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
  test.each([
    ['with locks', (storage: ClientStorage) => storage],
    ['without locks', lockless],
  ])('[OUTBOX2] %s: messages are appended again once, set, member and read rows are dropped', async (_name, made) => {
    const storage = made(keepingMemory())
    await crash(storage)
    const local = await open(storage)
    const { client } = local.chain
    expect(client === 60).toBe(storage.canLock)
    const moved = [message(1), ...messages]
    expect(own(local)).toEqual(moved.map(encodeEntry))
    expect(local.outbox).toEqual(moved.map((entry, clock) => row(client, clock, entry)))
    await close(local)
    // Also when it is opened again.
    const again = await open(storage)
    const source = chainSource(again.doc)
    expect([...source.chains()].reduce((count, { next }) => count + next, 0)).toBe(moved.length)
    expect(await storage.outbox(rigId)).toHaveLength(moved.length)
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
    const local = await open(storage)
    expect(local.chain.client).not.toBe(7)
    expect(own(local)).toEqual(messages.map(encodeEntry))
    expect(local.outbox).toEqual(messages.map((entry, clock) => row(local.chain.client, clock, entry)))
  })

  test('[OUTBOX2] what continues its own chain stays as it was, settings too', async () => {
    const storage = keepingMemory()
    for (const [clock, entry] of left.entries()) await storage.putOutbox(rigId, row(7, clock, entry))
    const local = await open(storage)
    expect(local.chain.client).toBe(7)
    expect(own(local)).toEqual(left.map(encodeEntry))
    expect(local.outbox).toHaveLength(left.length)
  })

  test('[OUTBOX2] a setting of long ago does not undo what was set since', async () => {
    const storage = keepingMemory()
    await crash(storage)
    const server = createStampingServer()
    const since = createDoc(50)
    append(since, 'ann', [encodeEntry({ kind: 'set', key: 'title', value: 'of today' })])
    server.receive(since)
    const rig = await openRig({ storage, server })
    rig.sync()
    expect(rig.conversation.info.getSnapshot()).toMatchObject({
      title: 'of today',
      members: [{ user: 'ann', access: 'owner' }],
    })
    expect(rig.shown()).toEqual(['message 1: sent', 'message 50: sent', 'message 51: sent'])
    await rig.conversation.flush()
    expect(await storage.outbox(rigId)).toEqual([])
  })
})
