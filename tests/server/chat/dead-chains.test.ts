// Chains of which nothing is left, and which of them a new epoch may leave out.
import { expect, test } from 'vitest'

import { windowRules } from '../../../server/chat/archiving.ts'
import { droppableChains } from '../../../server/chat/dead-chains.ts'
import { encodeEntry } from '../../../shared/chat/entry.ts'
import { clientId, createDoc, userId } from '../../helpers/chain-doc.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { bringTogether, FakeDevice } from '../../helpers/fake-device.ts'
import { createSyncNode } from '../../helpers/sync-node.ts'
import { voidPayload } from '../../helpers/chain-writer.ts'

const window = { ...windowRules, entries: 12, keptEntries: 4, keptAtLeast: 1 }

test('[EPOCH1][ARCH2] void and archived chains can go, one that was erased and is live can not', async () => {
  const node = createSyncNode({ window })
  const id = await node.create('ann', 'bob', 'cleo')
  const [ann, bob, cleo] = [1, 2, 3].map((client, index) => {
    return new FakeDevice(['ann', 'bob', 'cleo'][index] ?? '', id, createDoc(client))
  })
  if (ann === undefined || bob === undefined || cleo === undefined) throw new Error('three devices')
  const { live, release } = await node.registry.acquire(id)
  const droppable = async (): Promise<number[]> => {
    const found = await droppableChains(node.gate.store, id, live.ledger)
    return [1, 2, 3].filter((client) => found.has(clientId(client)))
  }
  const entry = messageEntry('to be taken away')
  ann.append(encodeEntry(entry))
  bob.append(voidPayload())
  cleo.append(encodeEntry(messageEntry('stays')))
  await bringTogether(node, [ann, bob, cleo])
  await node.conversations.apply(userId('ann'), id, { kind: 'redact', of: entry.id })
  expect([...live.ledger.deadChains()].toSorted((a, b) => a - b)).toEqual([1, 2])
  expect(await droppable()).toEqual([2])
  for (let count = 0; count < 12; count++) {
    await node.conversations.apply(userId('ann'), id, { kind: 'set', key: 'topic', value: count })
  }
  await node.settled()
  expect(await droppable()).toEqual([1, 2, 3])
  release()
})
