// Unread and mention counts beyond the window: from pages, else from the server, the same on every device.
import { expect, test, vi } from 'vitest'

import { countUnread } from '../../client/unread.ts'
import type { ReadSoFar } from '../../shared/chat/private-reads.ts'
import { ann, message, messageId } from '../helpers/client-rows.ts'
import {
  keepingMemory,
  openRig,
  type OpenRig,
  type OpenRigOptions,
  startTalk,
  type ServerTalk,
  goLive,
} from '../helpers/open-rig.ts'

function startServer(): ServerTalk {
  const talk = startTalk('bob')
  talk.write({ kind: 'member', user: ann, access: 'writer' })
  return talk
}

/** Twenty messages at the seqs 1 to 20, of which every fifth mentions ann. */
function written(): ServerTalk {
  const all = startServer()
  for (let number = 1; number <= 20; number++)
    all.write({ ...message(number), ...(number % 5 === 0 ? { mentions: [ann] } : {}) })
  return all
}

async function open(all: ServerTalk, options: Partial<OpenRigOptions> = {}): Promise<OpenRig> {
  const { archive } = all
  return openRig({ server: all.server, archive, counts: () => archive.counts(ann), ...options })
}

/** Of ann, who was there all the time, and has read up to seq 4. */
async function openRead(all: ServerTalk): Promise<OpenRig> {
  const rig = await open(all)
  goLive(rig)
  rig.conversation.markRead(4)
  rig.sync()
  expect(rig.conversation.unread).toEqual({ unread: 16, mentions: 4 })
  return rig
}

test('[UNREAD1] a device that never opened it asks the server once', async () => {
  const all = written()
  all.server.archive(12)
  const rig = await open(all)
  rig.download()
  // Nobody knows yet whether something before the window is unread.
  expect(rig.conversation.firstUnread()).toBeUndefined()
  goLive(rig)
  await vi.waitFor(() => expect(rig.conversation.unread).toEqual({ unread: 20, mentions: 4 }))
  all.write(message(21))
  rig.download()
  expect(rig.conversation.unread).toEqual({ unread: 21, mentions: 4 })
  expect(all.archive.asked.filter((what) => what === 'counts')).toHaveLength(1)
  expect(rig.conversation.firstUnread()).toBe(0)
  // It is told as of the opening, also when all has been read since.
  rig.conversation.markRead()
  rig.sync()
  expect(rig.conversation.unread).toEqual({ unread: 0, mentions: 0 })
  expect(rig.conversation.firstUnread()).toBe(0)
})

test('[UNREAD1] what leaves the window unread stays counted, without asking, and the register ends it', async () => {
  const all = written()
  const rig = await openRead(all)
  all.server.archive(12)
  rig.download()
  expect(rig.conversation.unread).toEqual({ unread: 16, mentions: 4 })
  expect(all.archive.asked).not.toContain('counts')
  rig.conversation.markRead()
  expect(rig.conversation.unread).toEqual({ unread: 0, mentions: 0 })
})

test('[UNREAD1] offline it is counted from what is kept, and where that is not all, nothing is forgotten', async () => {
  const all = written()
  const storage = keepingMemory()
  const first = await open(all, { storage })
  goLive(first)
  first.conversation.markRead(4)
  first.sync()
  all.server.archive(12)
  first.download()
  await vi.waitFor(() => expect(first.conversation.history.getSnapshot().kept.messages).toBe(12))
  await first.conversation.close()
  all.archive.isOffline = true
  const rig = await open(all, { storage, firstClient: 200 })
  await vi.waitFor(() => expect(rig.conversation.unread).toEqual({ unread: 16, mentions: 4 }))
  expect(rig.conversation.firstUnread()).toBe(5)
  const other = await open(all, { firstClient: 300, beforehand: { unread: 16, mentions: 4 } })
  other.download()
  expect(other.conversation.unread).toEqual({ unread: 16, mentions: 4 })
})

test('[UNREAD1] a redaction of an archived message is not counted any more', async () => {
  const all = written()
  all.server.archive(12)
  const rig = await open(all)
  goLive(rig)
  await vi.waitFor(() => expect(rig.conversation.unread.unread).toBe(20))
  all.write({ kind: 'redact', of: messageId(5) })
  rig.download()
  await vi.waitFor(() => expect(rig.conversation.unread).toEqual({ unread: 19, mentions: 3 }))
})

test('[UNREAD1] the first unread message is as of the opening, wherever it stands', async () => {
  const all = written()
  const rig = await open(all)
  goLive(rig)
  expect(rig.conversation.firstUnread()).toBe(1)
  rig.conversation.markRead()
  rig.sync()
  expect(rig.conversation.firstUnread()).toBe(1)
})

test('[UNREAD1] what leaves the window before the register was counted anew is counted by the register', async () => {
  const all = written()
  all.server.archive(12)
  const rig = await open(all)
  goLive(rig)
  await vi.waitFor(() => expect(rig.conversation.unread.unread).toBe(20))
  all.archive.isOffline = true
  rig.conversation.markRead(4)
  rig.sync()
  all.server.archive(15)
  rig.download()
  all.archive.isOffline = false
  await vi.waitFor(() => expect(rig.conversation.unread).toEqual({ unread: 16, mentions: 4 }), 4000)
})

test('[UNREAD1] a redaction that comes together with an archiving is counted', async () => {
  const all = written()
  all.server.archive(12)
  const rig = await open(all)
  goLive(rig)
  await vi.waitFor(() => expect(rig.conversation.unread.unread).toBe(20))
  all.write({ kind: 'redact', of: messageId(5) })
  all.server.archive(14)
  rig.download()
  await vi.waitFor(() => expect(rig.conversation.unread).toEqual({ unread: 19, mentions: 3 }))
  all.write({ kind: 'redact', of: messageId(6) }, message(21))
  all.server.archive(22)
  rig.download()
  await vi.waitFor(() => expect(rig.conversation.unread).toEqual({ unread: 19, mentions: 3 }))
})

test('[UNREAD1] a register that moves while it is counted is counted by, offline too', async () => {
  const all = written()
  const storage = keepingMemory()
  const first = await open(all, { storage })
  goLive(first)
  all.server.archive(12)
  first.download()
  await vi.waitFor(() => expect(first.conversation.history.getSnapshot().kept.messages).toBe(12))
  await first.conversation.close()
  all.archive.isOffline = true
  const rig = await open(all, { storage, firstClient: 200 })
  rig.conversation.markRead(8)
  await vi.waitFor(() => expect(rig.conversation.unread).toEqual({ unread: 12, mentions: 3 }))
})

test('[UNREAD1] as on the server the first 999 count, and those of them that mention', async () => {
  const all = startServer()
  const numbers = Array.from({ length: 1010 }, (_, index) => index + 1)
  // One is the 999th, and one comes behind it.
  all.write(...numbers.map((number) => ({ ...message(number), ...(number % 7 === 6 ? { mentions: [ann] } : {}) })))
  const mentions = numbers.filter((number) => number <= 999 && number % 7 === 6).length
  const rig = await open(all)
  goLive(rig)
  expect(rig.conversation.unread).toEqual({ unread: 999, mentions })
  all.server.archive(500)
  rig.download()
  expect(rig.conversation.unread).toEqual({ unread: 999, mentions })
  const other = await open(all, { firstClient: 300 })
  goLive(other)
  await vi.waitFor(() => expect(other.conversation.unread).toEqual({ unread: 999, mentions }))
  all.write(...numbers.slice(980, 1000).map((number) => ({ kind: 'redact', of: messageId(number) }) as const))
  for (const each of [rig, other]) each.download()
  const left = numbers.filter((number) => number % 7 === 6 && (number <= 980 || number > 1000)).length
  for (const each of [rig, other])
    await vi.waitFor(() => expect(each.conversation.unread).toEqual({ unread: 990, mentions: left }))
})

test('[UNREAD1][PRIVATE2] in private the server is believed when it counted from the same registers, and not before', async () => {
  const all = written()
  const thread = messageId(1)
  all.write({ ...message(21), thread }, { ...message(22), thread })
  all.server.archive(12)
  // What the server knows of what was read in private.
  let known: ReadSoFar = { through: -1, threads: new Map() }
  const counts = async () => {
    const lastSeq = (await all.archive.counts(ann)).lastSeq
    const { through: readThrough, threads: readThreads } = known
    return { ...countUnread(all.archive.all(), ann, known), readThrough, readThreads, lastSeq }
  }
  const rig = await open(all, { receipts: { mode: 'private', through: 5 }, counts })
  goLive(rig)
  known = { ...known, through: 5 }
  await vi.waitFor(() => expect(rig.conversation.unread).toEqual({ unread: 17, mentions: 3 }), 5000)
  rig.conversation.markRead(8)
  known = { ...known, through: 8 }
  await vi.waitFor(() => expect(rig.conversation.unread).toEqual({ unread: 14, mentions: 3 }), 5000)
  rig.conversation.thread(thread).markRead(21)
  known = { ...known, threads: new Map([[thread, 21]]) }
  await vi.waitFor(() => expect(rig.conversation.unread).toEqual({ unread: 13, mentions: 3 }), 5000)
  rig.conversation.thread(thread).markRead(22)
  // Counted before that was known there.
  await vi.waitFor(() => expect(all.archive.asked.filter((what) => what === 'counts').length).toBeGreaterThan(4), 5000)
  known = { ...known, threads: new Map([[thread, 22]]) }
  await vi.waitFor(() => expect(rig.conversation.unread).toEqual({ unread: 12, mentions: 3 }), 9000)
})

test('[UNREAD1] what was redacted right behind the archiving that it left the window with is not counted', async () => {
  const all = written()
  const rig = await openRead(all)
  // A device that was away for a moment is told of both at once.
  all.server.archive(12)
  all.write({ kind: 'redact', of: messageId(5) })
  rig.download()
  await vi.waitFor(() => expect(rig.conversation.unread).toEqual({ unread: 15, mentions: 3 }))
})

test('[UNREAD1] nor what was redacted behind an archiving before which everything was read', async () => {
  const all = written()
  all.server.archive(3)
  const rig = await openRead(all)
  all.server.archive(12)
  all.write({ kind: 'redact', of: messageId(5) })
  rig.download()
  await vi.waitFor(() => expect(rig.conversation.unread).toEqual({ unread: 15, mentions: 3 }))
})
