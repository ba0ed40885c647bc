// Whatever happens in whatever order: what follows the changes shows what is seen from the beginning.
import * as Y from 'yjs'
import { expect, test } from 'vitest'

import { createDocSource } from '../../client/sync/doc-source.ts'
import { createTimeline } from '../../client/timeline.ts'
import { encodeEntry, type KnownEntry, type MessageId, parseEntry } from '../../shared/chat/entry.ts'
import { ConversationFold } from '../../shared/chat/fold.ts'
import { append, createDoc } from '../helpers/chain-doc.ts'
import { ann, bob, clientId, message, messageId } from '../helpers/client-rows.ts'
import { mix } from '../helpers/mixed-window.ts'
import { forSeeds, type Random } from '../helpers/seeded-random.ts'
import { createStampingServer } from '../helpers/stamping-server.ts'

const users = ['ann', 'bob', 'ann'] as const
const steps = 60

const often = ['message', 'message', 'message', 'react', 'react', 'read', 'read'] as const
const kinds = [...often, 'edit', 'redact', 'pin', 'set', 'member', 'again'] as const

function entryOf(random: Random, written: number): KnownEntry {
  const of: MessageId = messageId(random.between(1, Math.max(1, written)))
  const kind = random.pick(kinds)
  switch (kind) {
    case 'message':
      return {
        ...message(written + 1),
        at: random.below(50),
        ...(random.chance(mix.replies) ? { replyTo: of } : {}),
        ...(random.chance(0.3) ? { thread: of } : {}),
        ...(random.chance(mix.mentions) ? { mentions: [ann] } : {}),
      }
    case 'again':
      return message(random.between(1, Math.max(1, written)))
    case 'react':
      return { kind, of, emoji: random.pick(['👍', '❤️']), on: random.chance(0.7) }
    case 'edit':
      return { kind, of, content: `edited ${random.below(9)}`, at: 1 }
    case 'redact':
      return { kind, of }
    case 'pin':
      return { kind, of, on: random.chance(0.5) }
    case 'read':
      return { kind, through: random.below(5), ...(random.chance(0.4) ? { thread: of } : {}) }
    case 'set':
      return { kind, key: random.pick(['title', 'mood']), value: random.pick([null, `value ${written}`]) }
    case 'member':
      return { kind, user: random.pick([ann, bob]), access: random.pick(['writer', 'reader', null]) }
  }
}

test('[VIEW1][CLIENT5] a timeline that follows shows what one from the beginning shows, at every step', () => {
  const drawn = new Set<string>()
  forSeeds('VIEW1 random', 12, (random) => {
    const server = createStampingServer()
    const devices = users.map((_, index) => createDoc(index + 1))
    const stamped = users.map(() => 0)
    const sent = new Set<MessageId>()
    const doc = createDoc(50)
    const source = createDocSource(doc)
    const fold = new ConversationFold()
    const timeline = createTimeline(ann)
    let written = 0
    let isBarred = false

    const bring = (from: Y.Doc): void => Y.applyUpdate(doc, Y.encodeStateAsUpdate(from, Y.encodeStateVector(doc)))
    function stamp(index: number): void {
      const client = clientId(index + 1)
      const device = devices[index]
      const clock = stamped[index] ?? 0
      if (device === undefined || clock >= Y.getState(device.store, client)) return
      server.receive(device)
      stamped[index] = clock + 1
      const payload = createDocSource(device).payloadAt(client, clock)
      const parsed = payload instanceof Uint8Array ? parseEntry(payload) : undefined
      const id = parsed?.kind === 'entry' && parsed.entry.kind === 'message' ? parsed.entry.id : undefined
      const isVoid = random.chance(0.2) || (id !== undefined && sent.has(id))
      if (!isVoid && id !== undefined) sent.add(id)
      server.commit([{ client, clock, ...(isVoid ? { voidReason: 'access' } : {}) }], 100 + clock)
    }

    for (let step = 0; step < steps; step++) {
      const index = random.below(users.length)
      const device = devices[index]
      const choice = random.below(10)
      if (choice < 4 && device !== undefined) {
        const entry = entryOf(random, written)
        for (const name of [entry.kind, ...Object.keys(entry)]) drawn.add(name)
        if (entry.kind === 'message') written = Math.max(written, Number.parseInt(entry.id.slice(-12), 16))
        append(device, users[index] ?? 'ann', [encodeEntry(entry)])
        if (random.chance(0.7)) bring(device)
      } else if (choice < 8) stamp(index)
      else if (choice === 8 && random.chance(0.3) && server.accepted.length - 3 > server.through() + 1) {
        server.archive(server.accepted.length - 3)
      } else if (random.chance(0.1)) isBarred = !isBarred
      if (random.chance(0.6)) bring(server.doc)

      const before = timeline.messages(fold.view(source), [], isBarred, undefined, fold.marks())
      timeline.takeChanged()
      fold.advance(source, clientId(900))
      const now = timeline.messages(fold.view(source), [], isBarred, undefined, fold.marks())
      const fresh = new ConversationFold()
      fresh.advance(source, clientId(900))
      expect(now).toEqual(createTimeline(ann).messages(fresh.view(source), [], isBarred))
      for (const one of now) expect(timeline.find(one.id)?.id).toBe(one.id)
      // What is another object now is told.
      const told = timeline.takeChanged()
      const known = new Map(before.map((one) => [one.id, one]))
      const others = now.filter((one) => known.get(one.id) !== one)
      expect(others.filter(({ id }) => !told.has(id))).toEqual([])
    }
  })
  expect([...drawn]).toEqual(
    expect.arrayContaining(['replyTo', 'thread', 'mentions', 'set', 'member', 'redact', 'read']),
  )
})
