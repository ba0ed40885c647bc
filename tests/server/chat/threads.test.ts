// Threads: what a root tells of its answers, what is no root, who is mentioned, and how far somebody has read a thread.
import { describe, expect, test } from 'vitest'

import type { WindowRules } from '../../../server/chat/archiving.ts'
import { encodeEntry, type KnownEntry, type MessageEntry } from '../../../shared/chat/entry.ts'
import { limits } from '../../../shared/limits.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { clientId, createDoc, userId } from '../../helpers/chain-doc.ts'
import { bringTogether, FakeDevice } from '../../helpers/fake-device.ts'
import { freshMessageId, messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode, type SyncNode } from '../../helpers/sync-node.ts'

const [ann, bob] = [userId('ann'), userId('bob')]

interface Stand {
  readonly node: SyncNode
  readonly id: ConversationId
  readonly ann: FakeDevice
  readonly bob: FakeDevice
}

/** Never archived in so few entries, and archived again and again. */
const little: WindowRules = { entries: 6, bytes: 100_000, keptEntries: 3, keptBytes: 50_000, keptAtLeast: 2 }

async function start(window?: WindowRules): Promise<Stand> {
  const node = createSyncNode(window === undefined ? {} : { window })
  const id = await node.create('ann', 'bob')
  const stand = { node, id, ann: new FakeDevice('ann', id, createDoc(1)), bob: new FakeDevice('bob', id, createDoc(2)) }
  await together(stand)
  return stand
}

async function together({ node, ann: one, bob: other }: Stand, ...more: FakeDevice[]): Promise<void> {
  await bringTogether(node, [one, other, ...more])
}

function write(device: FakeDevice, ...entries: readonly KnownEntry[]): void {
  device.append(...entries.map(encodeEntry))
}

function reply(thread: MessageEntry, content: string, more: Partial<MessageEntry> = {}): MessageEntry {
  return messageEntry(content, { thread: thread.id, ...more })
}

describe('a thread', () => {
  test.each([
    ['in the window', undefined],
    ['in the archive', little],
  ])('[THREAD1][TOUCH1] its root, %s, tells how many answers there are and whose', async (_where, window) => {
    const stand = await start(window)
    const root = messageEntry('root')
    write(stand.ann, root)
    await together(stand)
    const answers = Array.from({ length: 8 }, (_, index) => reply(root, `answer ${index}`))
    for (const [index, answer] of answers.entries()) {
      write(index % 2 === 0 ? stand.bob : stand.ann, answer)
      await together(stand)
    }
    // Its place stays, so it counts on.
    write(stand.bob, { kind: 'redact', of: answers[0]?.id ?? root.id })
    await together(stand)
    const { store } = stand.node.gate
    const stored = await store.messages(stand.id, { limit: 100, take: 'oldest' })
    expect(stored[0]).toMatchObject({ id: root.id, replies: { count: 8, users: [bob, ann] } })
    const seqs = stored.filter(({ thread }) => thread === root.id).map(({ seq }) => seq)
    expect(await store.replies(stand.id, root.id, { limit: 100, take: 'oldest' })).toEqual(seqs)
    expect(await store.replies(stand.id, root.id, { limit: 2, take: 'newest', before: seqs[7] ?? 0 })).toEqual(
      seqs.slice(5, 7),
    )
    const fresh = new FakeDevice('bob', stand.id, createDoc(3))
    await together(stand, fresh)
    for (const device of [stand.ann, stand.bob, fresh]) {
      const { sent, through } = device.folded.view()
      expect(sent).toEqual(stored.filter(({ seq }) => seq > through))
      expect(through >= 0).toBe(window !== undefined)
    }
    expect(stand.node.errors).toEqual([])
  })

  test('[THREAD1] answers that are not sent yet count where they are, on a root that is not sent either', async () => {
    const { ann: device } = await start()
    device.disconnect()
    const root = messageEntry('root')
    write(device, root, reply(root, 'first'), reply(root, 'second'))
    const { pending, pendingTouches } = device.folded.view()
    expect(pending.map(({ content }) => content)).toEqual(['root', 'first', 'second'])
    expect(pendingTouches.get(root.id)?.map(({ entry }) => entry.kind)).toEqual(['reply', 'reply'])
  })

  test('[THREAD2][MENTION1] what is no root, and who is no member, is void, and its author hears why', async () => {
    const stand = await start()
    const root = messageEntry('root')
    const answer = reply(root, 'answer')
    const wrong: readonly (readonly [KnownEntry, string])[] = [
      [reply(answer, 'a thread in a thread'), 'no-target'],
      [messageEntry('nowhere', { thread: freshMessageId() }), 'no-target'],
      [messageEntry('hello', { mentions: [bob, userId('eve')] }), 'not-member'],
      [{ kind: 'read', through: 0, thread: answer.id }, 'no-target'],
      [{ kind: 'read', through: 99, thread: root.id }, 'beyond-end'],
    ]
    write(stand.ann, root, answer)
    await together(stand)
    const before = stand.bob.folded.view()
    write(stand.ann, ...wrong.map(([entry]) => entry))
    await together(stand)
    const client = stand.ann.doc.clientID
    const reasons = wrong.map((_, index) => stand.ann.folded.fold().voidReason(clientId(client), 2 + index))
    expect(reasons).toEqual(wrong.map(([, reason]) => reason))
    const after = stand.bob.folded.view()
    expect([after.sent, after.reads, after.threadReads]).toEqual([before.sent, before.reads, before.threadReads])
    write(stand.ann, messageEntry('hello', { mentions: [bob] }))
    await together(stand)
    expect(stand.bob.folded.view().sent.at(-1)).toMatchObject({ mentions: [bob] })
  })

  test('[THREAD3][UNREAD1] it has a register of its own, which what is read of all overtakes', async () => {
    const stand = await start()
    const [one, other] = [messageEntry('one'), messageEntry('other')]
    write(
      stand.ann,
      one,
      other,
      reply(one, 'to one'),
      reply(other, 'to other', { mentions: [bob] }),
      reply(one, 'again'),
    )
    await together(stand)
    const { conversations } = stand.node
    const unread = async (): Promise<readonly number[]> => {
      const [all, first, second] = await Promise.all([
        conversations.own(bob, stand.id),
        conversations.thread(bob, stand.id, one.id),
        conversations.thread(bob, stand.id, other.id),
      ])
      return [all.unread, all.mentions, first.unread, second.unread, second.mentions]
    }
    const [base] = stand.bob.folded.view().sent
    const at = base?.seq ?? 0
    expect(await unread()).toEqual([5, 1, 2, 1, 1])
    write(stand.bob, { kind: 'read', through: at + 4, thread: one.id })
    await together(stand)
    expect(await unread()).toEqual([3, 1, 0, 1, 1])
    expect([...(stand.ann.folded.view().threadReads.get(bob) ?? [])]).toEqual([[one.id, at + 4]])
    // Backwards, and what is read already: neither is kept.
    expect(await conversations.read(bob, stand.id, { through: at + 2, thread: one.id })).toMatchObject({
      through: at + 4,
    })
    write(stand.bob, { kind: 'read', through: at + 4, received: at + 4 })
    await together(stand)
    expect(await unread()).toEqual([0, 0, 0, 0, 0])
    expect(stand.ann.folded.view().threadReads.size).toBe(0)
    expect(stand.node.errors).toEqual([])
  })

  test('[THREAD3] nobody has registers without end, and whoever has them all moves them on, and others theirs', async () => {
    const node = createSyncNode()
    const id = await node.create('ann', 'bob')
    const [other, device] = [new FakeDevice('ann', id, createDoc(1)), new FakeDevice('bob', id, createDoc(2))]
    await bringTogether(node, [other, device])
    const most = limits.threadReadsPerMember
    const roots = Array.from({ length: most + 1 }, (_, index) => messageEntry(`root ${index}`))
    const [first, last] = [roots[0], roots.at(-1)]
    if (first === undefined || last === undefined) throw new Error('no roots')
    write(device, ...roots)
    await bringTogether(node, [other, device])
    write(device, ...roots.map((root): KnownEntry => ({ kind: 'read', through: most, thread: root.id })))
    write(device, { kind: 'read', through: most + 1, thread: first.id })
    write(other, { kind: 'read', through: most, thread: last.id })
    await bringTogether(node, [other, device])
    const { threadReads } = other.folded.view()
    expect([...threadReads].map(([user, { size }]) => [user, size])).toEqual(
      expect.arrayContaining([
        ['bob', most],
        ['ann', 1],
      ]),
    )
    expect(threadReads.get(bob)?.get(first.id)).toBe(most + 1)
    expect(other.folded.fold().voidReason(clientId(2), roots.length + most)).toBe('too-many')
    expect(node.errors).toEqual([])
  })
})
