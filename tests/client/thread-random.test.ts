// Threads that were opened long ago, watched or not, against the same threads opened now: whatever happens, they agree.
import { expect, onTestFinished, test, vi } from 'vitest'

import type { Thread } from '../../client/api.ts'
import { Refusal } from '../../client/errors.ts'
import { OpenThreads } from '../../client/threads/open-threads.ts'
import { encodeEntry, type KnownEntry, type MessageId } from '../../shared/chat/entry.ts'
import { append, createDoc } from '../helpers/chain-doc.ts'
import { ann, bob, message, messageId } from '../helpers/client-rows.ts'
import { openRig, type OpenRig, bobOn, goLive } from '../helpers/open-rig.ts'
import { createRandom, type Random } from '../helpers/seeded-random.ts'
import { createServerArchive, type ServerArchive } from '../helpers/server-archive.ts'
import { createStampingServer } from '../helpers/stamping-server.ts'

const roots = [1, 2, 3].map(messageId)

function view({ messages, info }: Thread): unknown {
  // What was read is told a moment later: only the conversation knows it until then.
  const { readThrough: _read, unread: _unread, mentions: _mentions, phase: _phase, ...rest } = info.getSnapshot()
  return { messages: messages.getSnapshot(), ...rest }
}

/** All that the device has, as if nothing of it had been looked at before. */
function openedNow({ conversation }: OpenRig, archive: ServerArchive): OpenThreads {
  const threads = new OpenThreads({
    user: ann,
    document: () => conversation.document,
    folded: () => conversation.document.replica.folded,
    isBarred: () => false,
    isConnected: () => true,
    kept: () => Promise.reject(new Error('not asked')),
    fetch: (thread, before, limit) => archive.messages({ thread, before, limit }),
    find: async (id) => archive.all().find((one) => one.id === id),
    send: () => messageId(1),
    read: () => undefined,
  })
  const changed = new Set(conversation.messages.getSnapshot().map(({ id }) => id))
  threads.note({ changed, isAnother: true }, [])
  return threads
}

/** Returns how many archived messages of threads were compared. */
async function play(seed: number): Promise<number> {
  const random = createRandom(seed)
  const server = createStampingServer()
  const archive = createServerArchive(server)
  const ids: MessageId[] = [...roots]
  const hear = bobOn(server)
  hear(message(1), message(2), message(3), { kind: 'member', user: bob, access: 'writer' })
  // In the archive, where only the threads find them.
  const other = createDoc(8)
  const early = Array.from({ length: 9 }, (_, index): KnownEntry => ({
    ...message(10 + index),
    thread: messageId((index % 3) + 1),
  }))
  append(other, 'ann', early.slice(0, 5).map(encodeEntry))
  server.receive(other)
  hear(...early.slice(5))
  ids.push(...early.map((_, index) => messageId(10 + index)))
  server.archive(server.accepted.length - 1)
  const rig = await openRig({ server, archive, fetchMessage: async (id) => archive.all().find((one) => one.id === id) })
  onTestFinished(() => rig.conversation.close())
  goLive(rig)
  const { conversation } = rig
  const threads = roots.map((root) => conversation.thread(root))
  // The second is asked now and then, the third at the end of each round only.
  threads[0]?.messages.subscribe(() => undefined)
  let archived = 0
  for (let round = 0; round < 6; round++) {
    for (let step = 0; step < 20; step++) {
      act(random, rig, ids, 100 * (round + 1) + step, hear)
      if (random.chance(0.7)) rig.download()
      if (random.chance(0.2)) threads[1]?.info.getSnapshot()
      if (random.chance(0.1)) await Promise.resolve()
    }
    if (random.chance(0.5)) rig.sync()
    if (round === 2 || random.chance(0.5))
      server.archive(random.between(server.through() + 1, server.accepted.length - 1))
    rig.download()
    const now = openedNow(rig, archive)
    for (const [index, root] of roots.entries()) {
      const [old, fresh] = [threads[index], now.of(root)]
      // Of the old one whatever was archived since it was opened is here.
      for (const each of round === 0 ? [old, fresh] : [fresh]) while (((await each?.loadOlder()) ?? 0) > 0);
      archived += fresh.messages
        .getSnapshot()
        .filter(({ delivery }) => 'seq' in delivery && delivery.seq <= server.through()).length
      await vi.waitFor(() => expect([seed, round, index, old && view(old)]).toEqual([seed, round, index, view(fresh)]))
    }
  }
  return archived
}

function act(
  random: Random,
  { conversation }: OpenRig,
  ids: MessageId[],
  number: number,
  hear: (...entries: readonly KnownEntry[]) => void,
): void {
  const of = random.pick(ids)
  const thread = random.pick(roots)
  const touch = random.pick<KnownEntry>([
    { kind: 'react', of, emoji: 'x', on: random.chance(0.7) },
    { kind: 'edit', of, content: `edit ${number}`, at: number },
    { kind: 'redact', of },
    { kind: 'read', through: conversation.document.replica.folded.lastSeq },
  ])
  const said: KnownEntry = { ...message(number), ...(random.chance(0.6) ? { thread } : {}) }
  const acts: readonly (() => void)[] = [
    () => {
      hear(said)
      ids.push(messageId(number))
    },
    () => hear(touch),
    () => void conversation.thread(thread).send(`own ${number}`),
    () => conversation.react(of, 'y', random.chance(0.7)),
    () => conversation.thread(thread).markRead(),
  ]
  // Not every touch is allowed to whoever does it.
  try {
    random.pick(acts)()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
  }
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  '[VIEW1][THREAD1] a thread that was opened long ago is what it is when it is opened now, seed %s',
  async (seed) => expect(await play(seed)).toBeGreaterThan(0),
)
