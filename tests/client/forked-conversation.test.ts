// A device that finds out that it has forked keeps what was typed, and says why it is no longer connected.
import { expect, test } from 'vitest'
import * as Y from 'yjs'

import { encodeEntry } from '../../shared/chat/entry.ts'
import { append, createDoc } from '../helpers/chain-doc.ts'
import { message, row } from '../helpers/client-rows.ts'
import { bring, type OpenRig, openRig, rigId, stampAll } from '../helpers/open-rig.ts'

const forked = { phase: 'refused', code: 'forked' }

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

test('[FOLD4][OUTBOX2] what was typed here stays pending and on the medium, also after the next start', async () => {
  const rig = await openRig()
  rig.conversation.send('mine')
  rig.conversation.send('mine too')
  stampTheTwin(rig, 'of the twin')
  rig.download()
  expect(rig.conversation.status.getSnapshot()).toMatchObject({ connection: forked, pending: 2 })
  expect(rig.connections.map(({ isClosed }) => isClosed)).toEqual([true])
  expect(rig.shown()).toEqual(['mine: pending', 'mine too: pending'])
  expect(rig.conversation.unsent).toBe(2)
  const ownPlaces = [
    [100, 0],
    [100, 1],
  ]
  await rig.conversation.flush()
  expect(await places(rig)).toEqual(ownPlaces)
  await rig.conversation.close()
  expect(await places(rig)).toEqual(ownPlaces)

  const { storage, server } = rig
  const again = await openRig({ storage, server })
  expect(again.conversation.status.getSnapshot()).toMatchObject({ connection: forked, pending: 2 })
  expect(again.connections).toEqual([])
  expect(again.shown()).toEqual(['mine: pending', 'mine too: pending'])
  await again.conversation.flush()
  expect(await places(again)).toEqual(ownPlaces)
})

test('[FOLD4][OUTBOX2] what was sent before the fork stays sent, what comes behind it changes nothing', async () => {
  const rig = await openRig()
  rig.conversation.send('before')
  rig.sync()
  await rig.conversation.flush()
  expect(await places(rig)).toEqual([])
  // The other copy has what was sent, and wrote something else behind it.
  const twin = createDoc(100)
  append(twin, 'ann', [row(100, 0).payload, encodeEntry(message(60, 'of the twin'))])
  rig.conversation.send('mine')
  rig.server.receive(twin)
  stampAll(rig.server)
  rig.download()
  const other = createDoc(50)
  append(other, 'ann', [encodeEntry(message(70, 'behind the fork'))])
  rig.server.receive(other)
  stampAll(rig.server)
  rig.download()
  expect(rig.shown().toSorted()).toEqual(['before: sent', 'behind the fork: pending', 'mine: pending'])
  expect(rig.conversation.status.getSnapshot().connection).toMatchObject(forked)
  await rig.conversation.flush()
  expect(await places(rig)).toEqual([[100, 1]])
})

test('[FOLD4][OUTBOX2] a fork that is there before it is opened: nothing connects, and nothing is dropped', async () => {
  const first = await openRig()
  first.conversation.send('mine')
  await first.conversation.close()
  const { storage, server } = first
  stampTheTwin(first, 'of the twin')
  // Another tab has kept what the server said.
  const doc = new Y.Doc()
  const cache = await storage.openDocument(rigId, doc)
  bring(server.doc, doc)
  await cache.close()
  const rig = await openRig({ storage, server })
  expect(rig.local.doc.clientID).toBe(100)
  expect(rig.connections).toEqual([])
  expect(rig.conversation.status.getSnapshot()).toMatchObject({ connection: forked, pending: 1 })
  expect(rig.shown()).toEqual(['mine: pending'])
  await rig.conversation.flush()
  expect(await places(rig)).toEqual([[100, 0]])
})
