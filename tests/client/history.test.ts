// Pages and window in one run: without seam, duplicate or jump, offline too.
import { expect, test, vi } from 'vitest'

import { encodeEntry, type KnownEntry } from '../../shared/chat/entry.ts'
import { append, createDoc } from '../helpers/chain-doc.ts'
import { ann, message, messageId } from '../helpers/client-rows.ts'
import {
  bring,
  keepingMemory,
  openRig,
  type OpenRig,
  type OpenRigOptions,
  rigId,
  stampAll,
  goLive,
} from '../helpers/open-rig.ts'
import { createServerArchive, type ServerArchive } from '../helpers/server-archive.ts'
import { createStampingServer, type StampingServer } from '../helpers/stamping-server.ts'

/** A server on which bob has written `count` messages, with what they are written on. */
class Bob {
  readonly server: StampingServer = createStampingServer()
  readonly archive: ServerArchive = createServerArchive(this.server)
  readonly #doc = createDoc(7)
  #written = 0

  write(...entries: readonly KnownEntry[]): void {
    append(this.#doc, 'ann', entries.map(encodeEntry))
    this.server.receive(this.#doc)
    stampAll(this.server)
  }

  writeMessages(count: number): void {
    for (let left = count; left > 0; left--) this.write(message(++this.#written))
  }
}

async function open(bob: Bob, options: Partial<OpenRigOptions> = {}): Promise<OpenRig> {
  const { server, archive } = bob
  return openRig({ server, archive, counts: () => archive.counts(ann), ...options })
}

const numbers = (rig: OpenRig): readonly number[] =>
  rig.conversation.messages.getSnapshot().map(({ content }) => Number(content.split(' ').at(-1)))
const upTo = (first: number, last: number): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index)

test('[PAGE3] older messages are loaded in front of the window, page by page, to the beginning', async () => {
  const bob = new Bob()
  bob.writeMessages(30)
  bob.server.archive(19)
  const rig = await open(bob)
  goLive(rig)
  expect(numbers(rig)).toEqual(upTo(21, 30))
  expect(rig.conversation.history.getSnapshot()).toMatchObject({ hasOlder: true, hasNewer: false, phase: 'idle' })
  expect(await rig.conversation.loadOlder(8)).toBe(8)
  expect(numbers(rig)).toEqual(upTo(13, 30))
  expect(await rig.conversation.loadOlder(50)).toBe(12)
  expect(numbers(rig)).toEqual(upTo(1, 30))
  expect(rig.conversation.history.getSnapshot()).toMatchObject({ hasOlder: false, kept: { complete: true } })
  expect(await rig.conversation.loadOlder(50)).toBe(0)
})

test('[PAGE3] what was loaded is kept, and read again without the server; what is not here is said to be not here', async () => {
  const bob = new Bob()
  bob.writeMessages(30)
  bob.server.archive(19)
  const storage = keepingMemory()
  const first = await open(bob, { storage })
  goLive(first)
  await first.conversation.loadOlder(8)
  await first.conversation.close()
  bob.archive.isOffline = true
  const rig = await open(bob, { storage, firstClient: 200 })
  expect(numbers(rig)).toEqual(upTo(21, 30))
  expect(await rig.conversation.loadOlder(5)).toBe(5)
  expect(await rig.conversation.loadOlder(5)).toBe(3)
  expect(numbers(rig)).toEqual(upTo(13, 30))
  expect(await rig.conversation.loadOlder(5)).toBe(0)
  expect(rig.conversation.history.getSnapshot()).toMatchObject({ phase: 'unavailable', hasOlder: true })
  expect(rig.conversation.history.getSnapshot().reason).toMatch(/not on this device/)
  expect(numbers(rig)).toEqual(upTo(13, 30))
  bob.archive.isOffline = false
  expect(await rig.conversation.loadOlder(5)).toBe(5)
  expect(rig.conversation.history.getSnapshot().phase).toBe('idle')
})

test('[PAGE3] what leaves the window stays shown, is kept from what is here, and asks nobody', async () => {
  const bob = new Bob()
  bob.writeMessages(20)
  const storage = keepingMemory()
  const rig = await open(bob, { storage })
  goLive(rig)
  const before = rig.conversation.messages.getSnapshot()
  bob.server.archive(11)
  rig.download()
  expect(rig.conversation.messages.getSnapshot()).toEqual(before)
  for (const [index, view] of rig.conversation.messages.getSnapshot().entries()) expect(view).toBe(before[index])
  await vi.waitFor(async () => expect((await storage.pages.facts(rigId)).spans).toEqual([{ from: 0, to: 12 }]))
  expect(bob.archive.asked).toEqual([])
  expect(rig.conversation.history.getSnapshot()).toMatchObject({ hasOlder: false, hasNewer: false })
})

test('[PAGE3] what somebody else has kept of it meanwhile is told, and brought up to date', async () => {
  const bob = new Bob()
  bob.writeMessages(30)
  bob.server.archive(19)
  const storage = keepingMemory()
  const rig = await open(bob, { storage })
  goLive(rig)
  const { messages, asOf } = await bob.archive.messages({ before: 20, limit: 50 })
  bob.write({ kind: 'edit', of: messageId(3), content: 'edited 3', at: 1 })
  rig.download()
  bob.server.archive(30)
  rig.download()
  await vi.waitFor(() => expect(rig.conversation.history.getSnapshot().kept).toMatchObject({ messages: 10 }))
  await storage.pages.put(rigId, { from: 0, to: 20, messages }, { asOf, mayEvict: false })
  expect(rig.conversation.history.getSnapshot().kept).toMatchObject({ messages: 10, complete: false })
  rig.conversation.noteKept()
  await vi.waitFor(() => {
    const { kept, stale } = rig.conversation.history.getSnapshot()
    expect([kept.messages, kept.complete, stale]).toEqual([30, true, undefined])
  })
  expect(bob.archive.asked.at(-1)).toBe('changes after 29')
  expect((await storage.pages.read(rigId, { from: 2, to: 3 }))[0]?.messages).toMatchObject([{ content: 'edited 3' }])
})

test('[PAGE3] with nothing kept of this conversation what leaves is shown, and not kept', async () => {
  const bob = new Bob()
  bob.writeMessages(20)
  const storage = keepingMemory()
  const rig = await open(bob, { storage, keep: 'window' })
  goLive(rig)
  bob.server.archive(11)
  rig.download()
  expect(numbers(rig)).toEqual(upTo(1, 20))
  await rig.conversation.close()
  expect((await storage.pages.facts(rigId)).spans).toEqual([])
})

test('[PAGE1][TOUCH1] live touches apply to loaded pages exactly once, pending ones on top', async () => {
  const bob = new Bob()
  bob.writeMessages(20)
  bob.server.archive(9)
  bob.write({ kind: 'edit', of: messageId(3), content: 'edited 3', at: 1 })
  const rig = await open(bob)
  goLive(rig)
  await rig.conversation.loadOlder(50)
  const find = (number: number): unknown =>
    rig.conversation.messages.getSnapshot().find(({ id }) => id === messageId(number))
  expect(find(3)).toMatchObject({ content: 'edited 3' })
  bob.write({ kind: 'react', of: messageId(3), emoji: '👍', on: true })
  rig.download()
  expect(find(3)).toMatchObject({ content: 'edited 3', reactions: [{ emoji: '👍', users: ['ann'] }] })
  rig.conversation.react(messageId(4), '🎉')
  expect(find(4)).toMatchObject({ changes: 'pending', reactions: [{ emoji: '🎉', users: ['ann'] }] })
  // The touches leave the window too.
  bob.writeMessages(5)
  bob.server.archive(21)
  rig.download()
  expect(find(3)).toMatchObject({ content: 'edited 3', reactions: [{ emoji: '👍', users: ['ann'] }] })
  expect(numbers(rig).toSorted((a, b) => a - b)).toEqual(upTo(1, 25))
})

test('[PAGE2] a device that was away hears of everything that changed in what it has kept, also what was archived meanwhile', async () => {
  const bob = new Bob()
  bob.writeMessages(20)
  bob.server.archive(9)
  const storage = keepingMemory()
  const first = await open(bob, { storage })
  goLive(first)
  await first.conversation.loadOlder(50)
  await first.conversation.close()
  for (const number of [2, 4, 5, 6, 7])
    bob.write({ kind: 'edit', of: messageId(number), content: `new ${number}`, at: 1 })
  bob.write({ kind: 'redact', of: messageId(3) })
  bob.writeMessages(20)
  bob.server.archive(35)

  const rig = await open(bob, { storage, firstClient: 200 })
  rig.download()
  bob.archive.isOffline = true
  await rig.conversation.loadOlder(50)
  expect(rig.conversation.history.getSnapshot()).toMatchObject({ stale: true })
  bob.archive.isOffline = false
  goLive(rig)
  await vi.waitFor(() => expect(rig.conversation.history.getSnapshot()).not.toHaveProperty('stale'))
  while ((await rig.conversation.loadOlder(7)) > 0);
  expect(rig.conversation.messages.getSnapshot().map(({ content }) => content)).toEqual(
    bob.archive.all().map(({ content }) => content),
  )
  await vi.waitFor(async () => expect((await storage.pages.facts(rigId)).asOf).toBeGreaterThanOrEqual(35))
})

test('[PAGE3] around a seq: a run of its own, that grows both ways until it meets the window', async () => {
  const bob = new Bob()
  bob.writeMessages(60)
  bob.server.archive(49)
  const rig = await open(bob)
  goLive(rig)
  await rig.conversation.loadAround(20, 10)
  expect(numbers(rig)).toEqual(upTo(17, 26))
  expect(rig.conversation.history.getSnapshot()).toMatchObject({ hasOlder: true, hasNewer: true })
  expect(await rig.conversation.loadNewer(20)).toBe(20)
  expect(await rig.conversation.loadOlder(5)).toBe(5)
  expect(numbers(rig)).toEqual(upTo(12, 46))
  expect(await rig.conversation.loadNewer(20)).toBe(4)
  expect(numbers(rig)).toEqual(upTo(12, 60))
  expect(rig.conversation.history.getSnapshot().hasNewer).toBe(false)
  await rig.conversation.loadAround(5, 6)
  rig.conversation.showNewest()
  expect(numbers(rig)).toEqual(upTo(51, 60))
  await rig.conversation.loadAround(5, 6)
  rig.conversation.send('mine 61')
  expect(numbers(rig)).toEqual(upTo(51, 61))
})

test('[PAGE3] after a long absence the view ends with the newest again, and older pages join it without a gap', async () => {
  const bob = new Bob()
  bob.writeMessages(20)
  const storage = keepingMemory()
  const rig = await open(bob, { storage })
  goLive(rig)
  expect(numbers(rig)).toEqual(upTo(1, 20))
  bob.writeMessages(40)
  bob.server.archive(49)
  rig.download()
  expect(numbers(rig)).toEqual(upTo(51, 60))
  await vi.waitFor(async () => expect((await storage.pages.facts(rigId)).spans).toEqual([{ from: 0, to: 20 }]))
  while ((await rig.conversation.loadOlder(9)) > 0);
  expect(numbers(rig)).toEqual(upTo(1, 60))
})

test('[PAGE4] a device that refuses to keep pages shows them all the same, and sends', async () => {
  const bob = new Bob()
  bob.writeMessages(20)
  bob.server.archive(9)
  const storage = keepingMemory()
  const refused = new Error('QuotaExceededError')
  const pages = { ...storage.pages, put: () => Promise.reject(refused) }
  const rig = await open(bob, { storage: { ...storage, pages } })
  goLive(rig)
  expect(await rig.conversation.loadOlder(50)).toBe(10)
  expect(rig.told.pageFailures).toEqual([refused])
  rig.conversation.send('mine 21')
  await rig.conversation.flush()
  expect(numbers(rig)).toEqual(upTo(1, 21))
})

test('[PAGE3][EPOCH2] pages of an earlier epoch are forgotten: its seqs can be those of other messages', async () => {
  const bob = new Bob()
  bob.writeMessages(20)
  bob.server.archive(9)
  const kept = keepingMemory()
  const keptOnReplacing: number[] = []
  const storage: typeof kept = {
    ...kept,
    replaceDocument: async (...replacement) => {
      keptOnReplacing.push((await kept.pages.facts(rigId)).messages)
      return kept.replaceDocument(...replacement)
    },
  }
  const rig = await open(bob, { storage })
  goLive(rig)
  await rig.conversation.loadOlder(50)
  expect((await storage.pages.facts(rigId)).messages).toBe(10)
  const later = createStampingServer(901, 'ann', 7)
  rig.connections[0]?.status({ phase: 'offline', reason: '' })
  bring(later.doc, rig.doc())
  // It is built anew, from what the server has now.
  await vi.waitFor(() => expect(rig.connections).toHaveLength(2))
  bring(later.doc, rig.doc())
  rig.connections[1]?.status({ phase: 'live' })
  bring(later.doc, rig.doc())
  await vi.waitFor(async () => expect((await storage.pages.facts(rigId)).messages).toBe(0))
  // After a crash right behind the swap nothing would tell that they are of another epoch.
  expect(keptOnReplacing).toEqual([0])
})

test('[PAGE2] what left the window and is not kept hears of what changed it while the device was away', async () => {
  const bob = new Bob()
  bob.writeMessages(20)
  const rig = await open(bob, { keep: 'window' })
  goLive(rig)
  bob.server.archive(11)
  rig.download()
  await rig.conversation.loadOlder(50)
  rig.connections.at(-1)?.status({ phase: 'offline', reason: '' })
  bob.write({ kind: 'edit', of: messageId(3), content: 'new 3', at: 1 })
  bob.writeMessages(40)
  bob.server.archive(49)
  goLive(rig)
  await vi.waitFor(() => expect(rig.conversation.messages.getSnapshot()[2]).toMatchObject({ content: 'new 3' }))
  expect(numbers(rig)).toEqual(upTo(1, 20))
})

test('[PAGE3] whoever has written follows the newest again, also over a long absence', async () => {
  const bob = new Bob()
  bob.writeMessages(20)
  bob.server.archive(9)
  const rig = await open(bob)
  goLive(rig)
  await rig.conversation.loadOlder(5)
  rig.connections.at(-1)?.status({ phase: 'offline', reason: '' })
  rig.conversation.send('mine 61')
  bob.writeMessages(40)
  bob.server.archive(49)
  goLive(rig)
  expect(numbers(rig)).toEqual([...upTo(51, 60), 61])
})

test('[ERASE1][PAGE2] what a redaction takes away goes from the pages at once, not only when it is archived itself', async () => {
  const bob = new Bob()
  bob.writeMessages(20)
  bob.server.archive(9)
  const storage = keepingMemory()
  const rig = await open(bob, { storage })
  goLive(rig)
  await rig.conversation.loadOlder(50)
  const kept = async (): Promise<string> => JSON.stringify(await storage.pages.read(rigId, { from: 0, to: 100 }))
  expect(await kept()).toContain('"message 3"')
  bob.write({ kind: 'redact', of: messageId(3) })
  rig.download()
  await vi.waitFor(async () => expect(await kept()).not.toContain('"message 3"'))
  // And on a device that was away, and opens it for no longer than it takes to be up to date.
  rig.connections.at(-1)?.status({ phase: 'offline', reason: '' })
  await rig.conversation.close()
  bob.write({ kind: 'redact', of: messageId(4) })
  const again = await open(bob, { storage, firstClient: 200 })
  again.conversation.status.subscribe(() => {
    if (again.conversation.status.getSnapshot().connection.phase === 'live') void again.conversation.close()
  })
  goLive(again)
  await vi.waitFor(async () => expect(await kept()).not.toContain('"message 4"'))
})

test('[PAGE2][TOUCH1] a change that leaves the window does not hide an earlier one that was never here', async () => {
  const bob = new Bob()
  bob.writeMessages(20)
  bob.server.archive(9)
  const rig = await open(bob)
  goLive(rig)
  await rig.conversation.loadOlder(50)
  rig.connections.at(-1)?.status({ phase: 'offline', reason: '' })
  bob.write({ kind: 'edit', of: messageId(3), content: 'new 3', at: 1 })
  bob.writeMessages(10)
  bob.server.archive(25)
  // The document comes, and of the archive nothing is told for now.
  bob.archive.isOffline = true
  goLive(rig)
  await rig.conversation.loadNewer(0)
  expect(rig.conversation.history.getSnapshot()).toMatchObject({ stale: true })
  bob.write({ kind: 'react', of: messageId(3), emoji: '👍', on: true })
  bob.writeMessages(3)
  rig.download()
  bob.server.archive(32)
  rig.download()
  await rig.conversation.loadNewer(0)
  bob.archive.isOffline = false
  rig.connections.at(-1)?.status({ phase: 'offline', reason: '' })
  goLive(rig)
  const expected = { content: 'new 3', reactions: [{ emoji: '👍', users: ['ann'] }] }
  await vi.waitFor(() => expect(rig.conversation.messages.getSnapshot()[2]).toMatchObject(expected))
})
