// What a device is told of conversations that its user may not open any more, from rows alone.
import { expect, test } from 'vitest'

import { readOverview } from '../../../server/chat/overview.ts'
import type { Version } from '../../../shared/sync/control.ts'
import { userId } from '../../helpers/chain-doc.ts'
import { conversationId } from '../../helpers/client-rows.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode, type SyncNode } from '../../helpers/sync-node.ts'

const [ann, bob] = [userId('ann'), userId('bob')]
const id = conversationId(1)

/** With the same numbers and the same clock each time: what another of them has was put back. */
async function begin(): Promise<SyncNode> {
  const node = createSyncNode()
  await node.conversations.create(ann, { id, settings: new Map<string, unknown>([['wipe', true]]) })
  return node
}

async function versionOf({ gate }: SyncNode): Promise<Version> {
  const stored = await gate.store.head(id)
  if (stored?.kind !== 'head') throw new Error('it is not there')
  return { server: stored.head.serverClient, records: stored.head.nextRecord }
}

const setBob = ({ conversations }: SyncNode, access: 'writer' | null): Promise<unknown> =>
  conversations.apply(ann, id, { kind: 'member', user: bob, access })

test('[WIPE2] put back by a mere file copy and written on, a server wipes nobody whom it does not know to have been removed', async () => {
  const lost = await begin()
  await setBob(lost, 'writer')
  const versions = new Map([[id, await versionOf(lost)]])
  // It is as it was before bob was added, and ann goes on.
  const back = await begin()
  const gone = async () => (await readOverview(back.gate.store, bob, versions)).gone
  expect(await gone()).toEqual([{ conversation: id, code: 'no-access' }])
  for (let count = 0; count < 3; count++) await back.conversations.post(ann, id, messageEntry('and on'), undefined)
  expect((await versionOf(back)).records).toBeGreaterThan(versions.get(id)?.records ?? Infinity)
  expect(await gone()).toEqual([{ conversation: id, code: 'no-access' }])
  // Added and removed there, it knows.
  await setBob(back, 'writer')
  await setBob(back, null)
  expect(await gone()).toEqual([{ conversation: id, code: 'no-access', wipe: true }])
})

test('[WIPE2] how long ago somebody was removed, and what happened since, changes nothing', async () => {
  const node = await begin()
  await setBob(node, 'writer')
  const versions = new Map([[id, await versionOf(node)]])
  await setBob(node, null)
  // More events than are read at once.
  for (let count = 0; count < 210; count++)
    await node.conversations.apply(ann, id, { kind: 'set', key: 'title', value: `plans ${count}` })
  const { gone } = await readOverview(node.gate.store, bob, versions)
  expect(gone).toEqual([{ conversation: id, code: 'no-access', wipe: true }])
})
