// Where late joiners begin, and what happened, are rows like any other: what is changed in them is found.
import { expect, test } from 'vitest'

import { decodeKey } from '../../../server/storage/level/keys.ts'
import { openLevelStore } from '../../../server/storage/level/level-store.ts'
import { readMember, writeMember } from '../../../server/storage/level/member-rows.ts'
import { readHead, writeHead } from '../../../server/storage/level/rows.ts'
import type { Row } from '../../../server/storage/level/seal.ts'
import { verifyStore } from '../../../server/verify/verify-store.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { createDoc, userId } from '../../helpers/chain-doc.ts'
import { bringTogether, FakeDevice } from '../../helpers/fake-device.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode } from '../../helpers/sync-node.ts'
import { inFolder, putRow, rowsIn, withDatabase } from '../storage/store-folder.ts'

const [ann, bob] = [userId('ann'), userId('bob')]

/** Of ann, three messages, and bob, who came later and has looked. */
async function makeStore(location: string): Promise<ConversationId> {
  const store = await openLevelStore({ location })
  const node = createSyncNode({ store })
  const id = await node.create('ann')
  for (const text of ['one', 'two', 'three']) await node.conversations.post(ann, id, messageEntry(text), undefined)
  await node.conversations.apply(ann, id, { kind: 'set', key: 'history', value: 'from-join' })
  await node.conversations.apply(ann, id, { kind: 'member', user: bob, access: 'writer' })
  const late = new FakeDevice('bob', id, createDoc(2))
  await bringTogether(node, [late])
  expect(late.folded.view()).toMatchObject({ through: 3, events: [{ seq: 4 }] })
  late.disconnect()
  await node.settled()
  await store.close()
  return id
}

async function problemsIn(location: string): Promise<readonly string[]> {
  const texts: string[] = []
  await verifyStore(location, ({ text }) => texts.push(text))
  return texts
}

async function rowsOfKind(location: string, kind: string): Promise<readonly Row[]> {
  return (await rowsIn(location)).filter(({ key }) => decodeKey(key)?.kind === kind)
}

test('[STORE8][HISTORY1][EVENT1] a whole store has no damage; another beginning, and a lost event, are found', async () => {
  await inFolder(async (location) => {
    const id = await makeStore(location)
    expect(await problemsIn(location)).toEqual([])
    const late = (await rowsOfKind(location, 'member')).find((row) => readMember(row).from !== undefined)
    const [event] = await rowsOfKind(location, 'event')
    if (late === undefined || event === undefined) throw new Error('there are no such rows')
    await putRow(location, writeMember(id, { ...readMember(late), from: 3 }))
    expect(await problemsIn(location)).toEqual([expect.stringContaining('not what the log makes of it')])
    await putRow(location, late)
    await withDatabase(location, (database) => database.del(event.key))
    expect(await problemsIn(location)).not.toEqual([])
    await putRow(location, event)
    expect(await problemsIn(location)).toEqual([])
  })
})

test('[STORE8][EVENT1] a conversation from before there were events has no damage, and its next one is told', async () => {
  await inFolder(async (location) => {
    const id = await makeStore(location)
    for (const { key } of await rowsOfKind(location, 'event'))
      await withDatabase(location, (database) => database.del(key))
    for (const row of await rowsOfKind(location, 'head')) {
      const stored = readHead(row)
      if (stored.kind === 'head')
        await putRow(location, writeHead(id, { kind: 'head', head: { ...stored.head, events: 0 } }))
    }
    expect(await problemsIn(location)).toEqual([])
    const store = await openLevelStore({ location })
    const node = createSyncNode({ store })
    await node.conversations.apply(ann, id, { kind: 'set', key: 'title', value: 'Tea' })
    expect(await node.conversations.events(ann, id, { limit: 9 })).toMatchObject([{ entry: { value: 'Tea' } }])
    await store.close()
    expect(await problemsIn(location)).toEqual([])
  })
})
