// Who may follow, and which device has seen more than this server holds.
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import { encodeEntry } from '../../../shared/chat/entry.ts'
import { encodeStateVector } from '../../../shared/sync/state-vector.ts'
import { encodeStep1 } from '../../../shared/sync/wire.ts'
import { createDoc, stateVectorOf, userId } from '../../helpers/chain-doc.ts'
import { bringTogether, deliverAll, FakeDevice } from '../../helpers/fake-device.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode } from '../../helpers/sync-node.ts'

describe('a device that has seen more than the server holds', () => {
  test('[SYNC3] of the server chain or of a held one: server-behind; of its own chain, or of unknown ones: all is well', async () => {
    const node = createSyncNode()
    const id = await node.create('ann', 'bob')
    const ann = new FakeDevice('ann', id, createDoc(1))
    ann.append(encodeEntry(messageEntry('one')))
    await node.conversations.post(userId('bob'), id, messageEntry('two'), undefined)
    await bringTogether(node, [ann])
    const known = stateVectorOf(ann.doc)
    const clientOf = (pattern: RegExp): number =>
      Number([...ann.doc.share.keys()].find((name) => pattern.test(name))?.split('/')[1])
    const asked = async (client: number, more: number): Promise<readonly string[]> => {
      const device = new FakeDevice('ann', id, new Y.Doc())
      await device.connect(node)
      device.send(encodeStep1(encodeStateVector(new Map(known).set(client, (known.get(client) ?? 0) + more))))
      await deliverAll(node, [device])
      device.disconnect()
      return device.closes
    }
    for (const pattern of [/^server\//, /\/bob$/, /\/ann$/]) {
      const client = clientOf(pattern)
      expect(await asked(client, 0)).toEqual([])
      // Ann's held chain is found before the one of her device.
      expect([pattern, await asked(client, 1)]).toEqual([pattern, client === 1 ? [] : ['server-behind']])
    }
    expect(await asked(1, 5)).toEqual([])
    expect(await asked(4_000_000_000, 5)).toEqual([])
  })

  test('[SYNC3] who is no member follows nothing, and holds nothing', async () => {
    const node = createSyncNode()
    const id = await node.create('ann')
    const eve = new FakeDevice('eve', id, createDoc(1))
    await eve.connect(node)
    eve.deliverDown()
    expect(eve.closes).toEqual(['no-access'])
    await node.settled()
    node.registry.sweep(Number.MAX_SAFE_INTEGER)
    expect(node.registry.size()).toBe(0)
  })
})
