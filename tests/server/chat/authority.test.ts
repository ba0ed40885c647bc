// Who may, whatever the way in: every message is judged by one function, upon what the entries before it made of access.
import { describe, expect, test } from 'vitest'

import { encodeEntry, type MemberEntry } from '../../../shared/chat/entry.ts'
import { Fault, type FaultCode } from '../../../shared/fault.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { Refused } from '../../../server/conversations.ts'
import { clientId, createDoc, userId } from '../../helpers/chain-doc.ts'
import { bringTogether, deliverAll, FakeDevice } from '../../helpers/fake-device.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode, type SyncNode } from '../../helpers/sync-node.ts'

const [ann, bob, eve] = [userId('ann'), userId('bob'), userId('eve')]

function access(user: typeof bob, level: 'owner' | 'reader' | 'writer' | null): MemberEntry {
  return { kind: 'member', user, access: level }
}

async function verdicts(node: SyncNode, id: ConversationId): Promise<readonly (string | undefined)[]> {
  const reasons: (string | undefined)[] = []
  for await (const { voidReason } of node.gate.store.entriesNewestFirst(id)) reasons.unshift(voidReason)
  return reasons
}

describe('access that changes in the same commit', () => {
  test('[POLICY1][SYNC7] whoever was lowered before is judged as lowered, over sockets and REST; whoever was raised, as raised', async () => {
    const node = createSyncNode()
    const id = await node.create('ann', 'bob')
    await node.conversations.apply(ann, id, access(eve, 'reader'))
    const [first, second] = [new FakeDevice('bob', id, createDoc(2)), new FakeDevice('eve', id, createDoc(3))]
    await bringTogether(node, [first, second])
    const before = (await verdicts(node, id)).length

    node.gate.hold()
    const inFlight = node.conversations.post(ann, id, messageEntry('in flight'), undefined)
    await node.settled()
    const changes = [
      node.conversations.apply(ann, id, access(bob, 'reader')),
      node.conversations.apply(ann, id, access(eve, 'writer')),
    ]
    await node.settled()
    first.append(encodeEntry(messageEntry('too late')))
    second.append(encodeEntry(messageEntry('just in time')))
    await deliverAll(node, [first, second])
    const refused = node.conversations.post(bob, id, messageEntry('too late as well'), undefined)
    await expect(refused).rejects.toThrow(new Refused('access'))
    const posted = node.conversations.post(eve, id, messageEntry('by REST too'), undefined)
    await node.settled()
    node.gate.open()
    await Promise.all([inFlight, posted, ...changes])
    await deliverAll(node, [first, second])

    expect(node.gate.batches().at(-1)).toMatchObject([{ entries: [{}, {}, {}, {}, {}] }])
    expect((await verdicts(node, id)).slice(before)).toEqual([
      undefined,
      undefined,
      undefined,
      'access',
      undefined,
      undefined,
    ])
    expect(second.folded.texts()).toEqual(['in flight', 'just in time', 'by REST too'])
    expect([first.closes, second.closes, node.errors]).toEqual([[], [], []])
  })

  test('[POLICY1] whoever lowers or removes themselves in an update writes nothing behind it', async () => {
    const node = createSyncNode()
    const id = await node.create('ann')
    await node.conversations.apply(ann, id, access(bob, 'owner'))
    await node.conversations.apply(ann, id, access(eve, 'writer'))
    const [second, third] = [new FakeDevice('bob', id, createDoc(2)), new FakeDevice('eve', id, createDoc(3))]
    await bringTogether(node, [second, third])
    const before = (await verdicts(node, id)).length
    const payload = (text: string): Uint8Array => encodeEntry(messageEntry(text))
    second.append(payload('as an owner'), encodeEntry(access(bob, 'reader')), payload('as a reader'))
    await deliverAll(node, [second])
    third.append(payload('as a writer'), encodeEntry(access(eve, null)), payload('as nobody'))
    await deliverAll(node, [third])
    expect((await verdicts(node, id)).slice(before)).toEqual([
      undefined,
      undefined,
      'access',
      undefined,
      undefined,
      'access',
    ])
    expect(third.closes).toEqual(['no-access'])
  })
})

describe('the door', () => {
  test('[REST6][MEMBER1] whoever is no member is kept out of everything, and a removal that is on its way keeps out already', async () => {
    const node = createSyncNode()
    const id = await node.create('ann', 'bob')
    const message = messageEntry('one')
    await node.conversations.post(ann, id, message, undefined)
    const { conversations } = node
    const ways = (user: typeof bob): readonly (() => Promise<unknown>)[] => [
      () => conversations.get(user, id),
      () => conversations.members(user, id),
      () => conversations.peopleAt(user, id, [0]),
      () => conversations.messages(user, id, { limit: 50 }),
      () => conversations.message(user, id, message.id),
      () => conversations.chain(user, id, clientId(9), 0),
      () => conversations.post(user, id, messageEntry('two'), undefined),
      () => conversations.apply(user, id, { kind: 'read', through: 0 }),
      () => conversations.create(user, { id }),
      () => conversations.delete(user, id),
    ]
    const codes = async (user: typeof bob): Promise<readonly (FaultCode | 'passes')[]> =>
      await Promise.all(
        ways(user).map(async (way) => {
          try {
            await way()
            return 'passes'
          } catch (error) {
            if (error instanceof Fault) return error.code
            throw error
          }
        }),
      )
    expect(await codes(eve)).toEqual(ways(eve).map(() => 'no-access'))
    expect((await conversations.list(eve, { limit: 50, cursor: undefined })).items).toEqual([])

    // Bob is a writer: all but deleting passes, and an unknown chain is not found.
    expect(new Set(await codes(bob))).toEqual(new Set(['passes', 'not-found', 'no-access']))
    const device = new FakeDevice('bob', id, createDoc(2))
    await bringTogether(node, [device])
    node.gate.hold()
    const removal = conversations.apply(ann, id, access(bob, null))
    await node.settled()
    // Reading is of what is durable; what would be written comes after the removal.
    const wouldWrite = [
      () => conversations.post(bob, id, messageEntry('behind it'), undefined),
      () => conversations.apply(bob, id, { kind: 'read', through: 0 }),
      () => conversations.delete(bob, id),
    ]
    for (const way of wouldWrite) await expect(way()).rejects.toThrow(new Fault('no-access'))
    device.append(encodeEntry(messageEntry('behind it')))
    device.deliverUp()
    await node.settled()
    const late = new FakeDevice('bob', id, createDoc(4))
    await late.connect(node)
    await deliverAll(node, [late, device])
    expect([late.closes, device.closes]).toEqual([['no-access'], ['no-access']])
    node.gate.open()
    await removal
    expect(await codes(bob)).toEqual(ways(bob).map(() => 'no-access'))
    expect(node.errors).toEqual([])
  })
})
