// A device of somebody who gets nothing from before they joined: what is not theirs is not missing.
import { expect, test } from 'vitest'

import { newestGap } from '../../client/page-fill.ts'
import { summarize } from '../../client/summarize.ts'
import { encodeEntry } from '../../shared/chat/entry.ts'
import { append, createDoc } from '../helpers/chain-doc.ts'
import { bob, message } from '../helpers/client-rows.ts'
import { openRig, stampAll } from '../helpers/open-rig.ts'
import { createServerArchive, type ServerArchive } from '../helpers/server-archive.ts'
import { createStampingServer, type StampingServer } from '../helpers/stamping-server.ts'

/** 20 messages, the setting at 20, bob at 21, then three more; archived up to `through`. */
function roomOf(through: number): { readonly server: StampingServer; readonly archive: ServerArchive } {
  const server = createStampingServer()
  const doc = createDoc(7)
  const say = (first: number, count: number): Uint8Array[] =>
    Array.from({ length: count }, (_, index) => encodeEntry(message(first + index)))
  append(doc, 'ann', [
    ...say(1, 20),
    encodeEntry({ kind: 'set', key: 'history', value: 'from-join' }),
    encodeEntry({ kind: 'member', user: bob, access: 'writer' }),
    ...say(21, 3),
  ])
  server.receive(doc)
  stampAll(server)
  const archive = createServerArchive(server)
  server.archive(through)
  return { server, archive }
}

test.each([20, 23])(
  '[HISTORY1][PAGE3] archived up to %i, nothing older is missing, asked for or unread',
  async (through) => {
    const { server, archive } = roomOf(through)
    const counts = () =>
      Promise.resolve({ unread: 3, mentions: 0, readThrough: -1, readThreads: new Map(), lastSeq: 24 })
    const rig = await openRig({ user: bob, server, archive, counts, firstClient: 300 })
    const { conversation } = rig
    rig.connections.at(-1)?.status({ phase: 'live' })
    rig.download()
    const isAllLive = through < 21
    expect(conversation.messages.getSnapshot()).toHaveLength(isAllLive ? 3 : 1)
    expect(conversation.history.getSnapshot()).toMatchObject({ hasOlder: !isAllLive })
    archive.asked.length = 0
    await conversation.loadOlder(2)
    await conversation.loadOlder(100)
    expect(conversation.messages.getSnapshot()).toHaveLength(3)
    expect(conversation.history.getSnapshot()).toMatchObject({ hasOlder: false, kept: { complete: true } })
    expect(archive.asked.length === 0).toBe(isAllLive)
    expect(conversation.unread).toEqual({ unread: 3, mentions: 0 })
    expect(conversation.firstUnread()).toBe(22)
    expect(summarize(conversation)).toMatchObject({ historyFrom: 21 })
    await conversation.close()
  },
)

test('[HISTORY1][PAGE4] the archive is filled from where one joined', () => {
  expect(newestGap([], 21, 21)).toBeUndefined()
  expect(newestGap([], 30, 21)).toEqual({ from: 21, to: 30 })
  expect(newestGap([{ from: 0, to: 5 }], 30, 21)).toEqual({ from: 21, to: 30 })
  expect(newestGap([{ from: 25, to: 30 }], 30, 21)).toEqual({ from: 21, to: 25 })
  expect(newestGap([{ from: 10, to: 15 }], 21, 21)).toBeUndefined()
})
