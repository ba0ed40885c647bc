// Entries that reach back to messages that are on the disk, on their way there, or in the same update: what becomes of
// their rows, and of the words that a redaction takes.
import { describe, expect, test } from 'vitest'

import type { Candidate } from '../../../server/chat/candidate.ts'
import type { HeldRow } from '../../../server/chat/targets.ts'
import type { ConversationCommit, EntryRow } from '../../../server/storage/conversation-store.ts'
import { encodeEntry, type KnownEntry, type MessageId } from '../../../shared/chat/entry.ts'
import type { StampedMessage } from '../../../shared/chat/message.ts'
import { limits } from '../../../shared/limits.ts'
import type { ConversationId, UserId } from '../../../shared/sync/ids.ts'
import { clientId, createDoc, userId } from '../../helpers/chain-doc.ts'
import { bringTogether, deliverAll, FakeDevice } from '../../helpers/fake-device.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode, type SyncNode } from '../../helpers/sync-node.ts'

const [ann, bob] = [userId('ann'), userId('bob')]

interface Stand {
  readonly node: SyncNode
  readonly id: ConversationId
  readonly ann: FakeDevice
  readonly bob: FakeDevice
  /** Ann's, `hello`, durable. */
  readonly of: MessageId
  readonly seq: number
}

async function start(): Promise<Stand> {
  const node = createSyncNode()
  const id = await node.create('ann', 'bob')
  const [first, second] = [new FakeDevice('ann', id, createDoc(1)), new FakeDevice('bob', id, createDoc(2))]
  const hello = messageEntry('hello')
  await bringTogether(node, [first, second])
  write(first, hello)
  await deliverAll(node, [first, second])
  const [message] = await rows(node, id)
  return { node, id, ann: first, bob: second, of: hello.id, seq: message?.seq ?? Number.NaN }
}

function write(device: FakeDevice, ...entries: readonly KnownEntry[]): void {
  device.append(...entries.map(encodeEntry))
}

/** Sends what the device has, and waits until nothing happens by itself. */
async function send(node: SyncNode, device: FakeDevice, ...entries: readonly KnownEntry[]): Promise<void> {
  write(device, ...entries)
  device.deliverUp()
  await node.settled()
}

function rows(node: SyncNode, id: ConversationId): Promise<readonly StampedMessage[]> {
  return node.gate.store.messages(id, { limit: 1000, take: 'oldest' })
}

async function log(node: SyncNode, id: ConversationId): Promise<readonly EntryRow[]> {
  const entries: EntryRow[] = []
  for await (const row of node.gate.store.entriesNewestFirst(id)) entries.push(row)
  return entries.toReversed()
}

/** Seqs of entries without bytes that are not void. */
async function erasedSeqs(node: SyncNode, id: ConversationId): Promise<readonly number[]> {
  return (await log(node, id)).flatMap((row) =>
    row.payload === undefined && row.voidReason === undefined ? row.seq : [],
  )
}

function lastCommit(node: SyncNode): ConversationCommit {
  const commit = node.gate.batches().at(-1)?.[0]
  if (commit?.kind !== 'write') throw new Error('no commit')
  return commit
}

/** Rows, devices that saw it all, and a new device say the same. */
async function expectAgreement({ node, id, ...devices }: Stand): Promise<void> {
  const fresh = new FakeDevice('bob', id, createDoc(99))
  await bringTogether(node, [devices.ann, devices.bob, fresh])
  const stored = await rows(node, id)
  for (const device of [devices.ann, devices.bob, fresh]) expect(device.folded.view().sent).toEqual(stored)
  expect(node.errors).toEqual([])
}

describe('a message that is durable', () => {
  test('[TOUCH1] edits, reactions and pins change its row, and each tells when', async () => {
    const stand = await start()
    const { node, id, of, seq } = stand
    await send(node, stand.ann, { kind: 'edit', of, content: 'hi', at: 1 })
    await send(node, stand.bob, { kind: 'react', of, emoji: '👍🏽', on: true })
    expect(await node.gate.store.touched(id, { after: -1, limit: 10 })).toEqual([{ revision: seq + 2, seq }])
    await send(node, stand.ann, { kind: 'pin', of, on: true })
    expect(lastCommit(node)).toMatchObject({ touched: [{ revision: seq + 3, seq }], retouched: [seq + 2] })
    expect(await rows(node, id)).toMatchObject([
      { content: 'hi', reactions: [{ emoji: '👍🏽', users: [bob] }], pinned: true, revision: seq + 3 },
    ])
    expect(await node.gate.store.pins(id)).toEqual([{ id: of, seq: seq + 3 }])
    expect(await node.gate.store.pieces(id, of)).toEqual([seq + 1])
    await send(node, stand.ann, { kind: 'pin', of, on: false })
    expect([await node.gate.store.pins(id), (await rows(node, id))[0]?.pinned]).toEqual([[], undefined])
    await expectAgreement(stand)
  })

  test('[ERASE1] a redaction takes the bytes of the message and of its edits, and nothing else', async () => {
    const stand = await start()
    const { node, id, of, seq } = stand
    await send(node, stand.ann, { kind: 'edit', of, content: 'hi', at: 1 }, messageEntry('stays'))
    await send(node, stand.bob, { kind: 'react', of, emoji: 'x', on: true })
    const before = await log(node, id)
    await send(node, stand.ann, { kind: 'redact', of })
    expect(lastCommit(node)).toMatchObject({ erases: [seq, seq + 1], head: { redactions: 1, liveEntries: 6 } })
    const after = await log(node, id)
    expect(after.slice(0, -1)).toEqual(
      before.map((row) => ([seq, seq + 1].includes(row.seq) ? { ...row, payload: undefined } : row)),
    )
    const [message] = await rows(node, id)
    expect(message).toMatchObject({ content: '', redactedBy: ann, reactions: [{ emoji: 'x', users: [bob] }] })
    expect(message).not.toHaveProperty('editedAt')
    await expectAgreement(stand)
  })

  test('[ERASE1][PROC4] the words that a redaction takes are not held in memory, however often a message was edited', async () => {
    const stand = await start()
    const { node, id, of, seq } = stand
    const edits = Array.from({ length: 20 }, (_, at): KnownEntry => ({ kind: 'edit', of, content: `edit ${at}`, at }))
    await send(node, stand.ann, ...edits)
    const entry = { kind: 'redact', of } as const
    const place = { client: clientId(1), clock: 21, payload: encodeEntry(entry), at: undefined }
    const candidate: Candidate = { ...place, content: { kind: 'entry', entry } }
    const { live, release } = await node.registry.acquire(id)
    const words = (user: UserId): Promise<readonly HeldRow[]> =>
      live.serially(() => live.withTargets(user, [candidate], (targets) => targets.words.get(of) ?? []))
    const held = await words(ann)
    expect(held.map(({ row }) => row.seq).toSorted((a, b) => a - b)).toEqual(
      edits.map((_, at) => seq + at).concat(seq + 20),
    )
    expect(held.every(({ row, bytes }) => row.payload === undefined && bytes > 0)).toBe(true)
    // For somebody who may not, they are not even read.
    expect(await words(bob)).toEqual([])
    release()
  })

  test('[PROC4][SYNC9] one update that changes a thousand messages does not write all of them at once', async () => {
    const stand = await start()
    const { node, id } = stand
    const said = Array.from({ length: 300 }, (_, index) => messageEntry(`number ${index}`))
    await send(node, stand.ann, ...said)
    const before = node.gate.batches().length
    await send(node, stand.bob, ...said.map(({ id: of }): KnownEntry => ({ kind: 'react', of, emoji: 'x', on: true })))
    await deliverAll(node, [stand.ann, stand.bob])
    const sizes = node.gate
      .batches()
      .slice(before)
      .flat()
      .map((commit) => (commit.kind === 'write' ? commit.messages.length : 0))
    expect(Math.max(...sizes)).toBeLessThanOrEqual(limits.touchedPerSlice)
    expect((await rows(node, id)).filter(({ reactions }) => reactions !== undefined)).toHaveLength(300)
    await expectAgreement(stand)
  })

  test('[TOUCH2][ERASE1] a second redaction is accepted and takes nothing; an edit afterwards is void', async () => {
    const stand = await start()
    const { node, id, of, seq } = stand
    await send(node, stand.ann, { kind: 'redact', of })
    const [once] = await rows(node, id)
    await send(node, stand.ann, { kind: 'redact', of }, { kind: 'edit', of, content: 'back', at: 1 })
    expect((await log(node, id)).map(({ voidReason }) => voidReason).slice(-2)).toEqual([undefined, 'redacted'])
    expect(lastCommit(node)).toMatchObject({ erases: [], head: { redactions: 1 } })
    expect(await rows(node, id)).toEqual([{ ...once, revision: seq + 2 }])
    await expectAgreement(stand)
  })

  test('[TOUCH2] wrong ones are void with their reason and change nothing', async () => {
    const stand = await start()
    const { node, id, of } = stand
    const nowhere = messageEntry('x').id
    const before = await rows(node, id)
    await send(
      node,
      stand.bob,
      { kind: 'edit', of, content: 'mine', at: 1 },
      { kind: 'redact', of },
      { kind: 'pin', of, on: true },
      { kind: 'react', of: nowhere, emoji: 'x', on: true },
      { kind: 'react', of, emoji: 'x'.repeat(33), on: true },
    )
    const reasons = (await log(node, id)).map(({ voidReason }) => voidReason)
    expect(reasons.slice(-5)).toEqual(['not-author', 'not-author', 'access', 'no-target', 'bad-schema'])
    expect(await rows(node, id)).toEqual(before)
    expect(await node.gate.store.touched(id, { after: -1, limit: 10 })).toEqual([])
    await expectAgreement(stand)
  })
})

describe('a message that comes with what changes it', () => {
  test('[TOUCH1][ERASE1] edited and redacted in one update: its words are never written', async () => {
    const stand = await start()
    const { node, id, seq } = stand
    const said = messageEntry('secret', { parts: [{ type: 'text' }], status: 'complete' })
    await send(
      node,
      stand.ann,
      said,
      { kind: 'edit', of: said.id, content: 'secret too', at: 1 },
      { kind: 'react', of: said.id, emoji: 'x', on: true },
      { kind: 'redact', of: said.id },
    )
    const commit = lastCommit(node)
    const texts = commit.entries.map(({ payload }) => Buffer.from(payload ?? []).toString())
    expect(JSON.stringify([texts, commit.messages])).not.toContain('secret')
    expect(commit.messages).toMatchObject([{ content: '', redactedBy: ann, status: 'complete', revision: seq + 4 }])
    expect(commit).toMatchObject({
      touched: [{ revision: seq + 4, seq: seq + 1 }],
      retouched: [],
      erases: [seq + 1],
      // Bob's membership, what was said before, the reaction and the redaction.
      head: { liveEntries: 6, redactions: 1 },
    })
    expect(await erasedSeqs(node, id)).toEqual([seq + 1, seq + 2])
    await expectAgreement(stand)
  })

  test('[TOUCH2] in one update, what is wrong after the redaction is void', async () => {
    const stand = await start()
    const { node, id } = stand
    const said = messageEntry('a')
    await send(
      node,
      stand.ann,
      said,
      { kind: 'redact', of: said.id },
      { kind: 'edit', of: said.id, content: 'b', at: 2 },
    )
    expect((await log(node, id)).at(-1)?.voidReason).toBe('redacted')
    await expectAgreement(stand)
  })
})

describe('a message in flight', () => {
  test('[TOUCH1] is edited and reacted to before it is durable', async () => {
    const stand = await start()
    const { node, id } = stand
    const said = messageEntry('one')
    node.gate.hold()
    await send(node, stand.ann, said)
    await send(node, stand.ann, { kind: 'edit', of: said.id, content: 'two', at: 1 })
    await send(node, stand.ann, { kind: 'react', of: said.id, emoji: 'x', on: true })
    node.gate.open()
    await deliverAll(node, [stand.ann, stand.bob])
    expect((await rows(node, id)).at(-1)).toMatchObject({ content: 'two', reactions: [{ emoji: 'x', users: [ann] }] })
    await expectAgreement(stand)
  })

  test('[TOUCH1] each change builds upon the one in flight', async () => {
    const stand = await start()
    const { node, id, of } = stand
    node.gate.hold()
    for (const emoji of ['a', 'b', 'c']) {
      await send(node, stand.ann, { kind: 'react', of, emoji, on: true })
      await send(node, stand.bob, { kind: 'react', of, emoji, on: true })
      node.gate.pass()
      await node.settled()
    }
    node.gate.open()
    await deliverAll(node, [stand.ann, stand.bob])
    const [message] = await rows(node, id)
    expect(message?.reactions).toEqual(['a', 'b', 'c'].map((emoji) => ({ emoji, users: [ann, bob] })))
    await expectAgreement(stand)
  })

  test('[ERASE1] a redaction takes the words of an edit that is in flight, in the commit behind it', async () => {
    const stand = await start()
    const { node, id, of, seq } = stand
    node.gate.hold()
    await send(node, stand.ann, { kind: 'edit', of, content: 'secret', at: 1 })
    await send(node, stand.ann, { kind: 'redact', of })
    node.gate.open()
    await deliverAll(node, [stand.ann, stand.bob])
    expect(lastCommit(node)).toMatchObject({ erases: [seq, seq + 1], head: { liveEntries: 4 } })
    expect(await erasedSeqs(node, id)).toEqual([seq, seq + 1])
    await expectAgreement(stand)
  })

  test('[ERASE1] and of one that becomes durable while the redaction is looked up', async () => {
    const stand = await start()
    const { node, id, of, seq } = stand
    const { store } = node.gate
    const inner = { ...store }
    let lookUps = 0
    Object.assign(store, {
      pieces: async (...asked: Parameters<typeof store.pieces>) => {
        lookUps++
        const found = await inner.pieces(...asked)
        node.gate.open()
        while (lookUps === 1 && (await store.message(id, seq))?.content !== 'secret') await nextTurn()
        // The commit is settled some turns after it can be read.
        for (let turn = 0; turn < 3; turn++) await nextTurn()
        return found
      },
    })
    node.gate.hold()
    await send(node, stand.ann, { kind: 'edit', of, content: 'secret', at: 1 })
    await send(node, stand.ann, { kind: 'redact', of })
    await deliverAll(node, [stand.ann, stand.bob])
    expect(lookUps).toBe(2)
    expect(await erasedSeqs(node, id)).toEqual([seq, seq + 1])
    expect(lastCommit(node)).toMatchObject({ erases: [seq, seq + 1], retouched: [seq + 1] })
    await expectAgreement(stand)
  })
})

describe('a stream', () => {
  test('[ERASE1] is taken away piece by piece, and with the message that it became', async () => {
    const stand = await start()
    const { node, id, seq } = stand
    const [open, complete] = [messageEntry('x').id, messageEntry('whole')]
    const delta = (of: MessageId, text: string): KnownEntry => ({ kind: 'delta', of, text })
    await send(node, stand.ann, delta(open, 'a'), delta(complete.id, 'b'), delta(open, 'c'), complete)
    // Pieces of streams are not counted.
    expect(lastCommit(node).head.liveEntries).toBe(3)
    await send(node, stand.ann, { kind: 'redact', of: open }, { kind: 'redact', of: complete.id })
    // Without their bytes nobody can tell them from others.
    expect(lastCommit(node).head).toMatchObject({ liveEntries: 8, redactions: 1 })
    expect(await erasedSeqs(node, id)).toEqual([seq + 1, seq + 2, seq + 3, seq + 4])
    await expectAgreement(stand)
  })
})

describe('what is so already', () => {
  test('[TOUCH1][REST5] adds no entry over REST', async () => {
    const { node, id, of, seq } = await start()
    const { conversations } = node
    const entries: readonly Exclude<KnownEntry, { kind: 'message' }>[] = [
      { kind: 'react', of, emoji: 'x', on: true },
      { kind: 'pin', of, on: true },
      { kind: 'edit', of, content: 'new', at: 1 },
      { kind: 'set', key: 'colour', value: { a: [1, null] } },
      { kind: 'member', user: bob, access: 'reader' },
      { kind: 'read', through: seq, received: seq },
      { kind: 'redact', of },
    ]
    for (const entry of entries) {
      const { lastSeq } = await conversations.apply(ann, id, entry)
      expect([entry.kind, (await conversations.apply(ann, id, entry)).lastSeq]).toEqual([entry.kind, lastSeq])
    }
    const undone: readonly Exclude<KnownEntry, { kind: 'message' }>[] = [
      { kind: 'react', of, emoji: 'y', on: false },
      { kind: 'set', key: 'shape', value: null },
      { kind: 'read', received: 0 },
    ]
    const { lastSeq } = await conversations.get(ann, id)
    for (const entry of undone) expect((await conversations.apply(ann, id, entry)).lastSeq).toBe(lastSeq)
  })
})

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
