// The fold over documents that archiving keeps small, against a model that archives nothing.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'

import { encodeEntry, type KnownEntry, type MessageId } from '../../../shared/chat/entry.ts'
import type { Archived, Folded } from '../../../shared/chat/fold.ts'
import { applyTouch, type StampedMessage } from '../../../shared/chat/message.ts'
import { actions, ArchiveModel, comparable } from '../../helpers/archive-model.ts'
import { append, chainSource, clientId, createDoc, docOf, userId } from '../../helpers/chain-doc.ts'
import { ann, message, messageId } from '../../helpers/client-rows.ts'
import { createFoldedDoc, type FoldedDoc } from '../../helpers/folded-doc.ts'
import { bring, stampAll } from '../../helpers/open-rig.ts'
import { announceSeed } from '../../helpers/seeded-random.ts'
import { createStampingServer } from '../../helpers/stamping-server.ts'

function fresh(doc: Y.Doc): Folded {
  return createFoldedDoc(docOf(Y.encodeStateAsUpdate(doc))).view()
}

/** What a device keeps of what leaves its window. */
class Pages {
  readonly #messages = new Map<MessageId, StampedMessage>()

  take(archived: readonly Archived[]): void {
    for (const { messages, touches, through, asOf } of archived) {
      for (const one of messages) if (one.seq <= Math.min(through, asOf)) this.#messages.set(one.id, one)
      for (const [id, list] of touches) {
        const known = this.#messages.get(id)
        if (known !== undefined) this.#messages.set(id, list.reduce(applyTouch, known))
      }
    }
  }

  /** With what live entries do to them. */
  shown({ touches }: Folded): readonly StampedMessage[] {
    const all = [...this.#messages.values()].map((one) => (touches.get(one.id) ?? []).reduce(applyTouch, one))
    return all.toSorted((one, other) => one.seq - other.seq)
  }
}

const steps = fc.array(fc.tuple(fc.nat(actions - 1), fc.nat(2), fc.nat(30), fc.nat(30)), {
  minLength: 40,
  maxLength: 90,
})

/** On a machine that is busy. */
const longMs = 120_000

test(
  '[ARCH2][TOUCH1] a fresh fold and one that followed everything show what a model shows that archives nothing',
  { timeout: longMs },
  () => {
    let archivings = 0
    fc.assert(
      fc.property(steps, (history) => {
        const model = new ArchiveModel()
        const follower = createFoldedDoc(model.server.doc)
        const pages = new Pages()
        for (const step of history) {
          model.take(step)
          const view = follower.view()
          pages.take(follower.fold().takeArchived())
          expect(view.sent).toEqual(model.live())
          expect(comparable(view)).toEqual(comparable(fresh(model.server.doc)))
          expect([...pages.shown(view), ...view.sent]).toEqual(model.all())
        }
        archivings += model.server.through() >= 0 ? 1 : 0
      }),
      { seed: announceSeed('ARCH2 fresh and followed'), numRuns: 150 },
    )
    expect(archivings).toBeGreaterThan(75)
  },
)

test('[ARCH2] a device that comes back now and then, with entries of its own, ends with the same', () => {
  fc.assert(
    fc.property(steps, (history) => {
      const model = new ArchiveModel()
      const followed: readonly FoldedDoc[] = model.devices.map(({ doc }) => createFoldedDoc(doc))
      for (const step of history) {
        model.take(step)
        for (const one of followed) one.view()
      }
      for (const { doc } of model.devices) model.server.receive(doc)
      model.stamp()
      const expected = comparable(fresh(model.server.doc))
      for (const [index, { doc }] of model.devices.entries()) {
        bring(model.server.doc, doc)
        const one = followed[index]
        if (one === undefined) throw new Error('not followed')
        expect(comparable(one.view())).toEqual(expected)
        expect(one.view().sent).toEqual(model.live())
        expect(one.fold().fork).toBeUndefined()
        // What it says it knows of what left its window is true.
        for (const { messages, before, through, asOf } of one.fold().takeArchived()) {
          const last = Math.min(through, asOf)
          const span = messages.filter(({ seq }) => seq <= last).map(({ id }) => id)
          expect(span).toEqual(
            model
              .all()
              .filter(({ seq }) => seq > before && seq <= last)
              .map(({ id }) => id),
          )
        }
      }
    }),
    { seed: announceSeed('ARCH2 devices'), numRuns: 150 },
  )
})

test('[ARCH2][FOLD1] updates in any order, those of archiving too, lead to the same', () => {
  fc.assert(
    fc.property(steps, fc.array(fc.nat(1000), { maxLength: 200 }), (history, picks) => {
      const model = new ArchiveModel()
      const updates: Uint8Array[] = []
      for (const { doc } of [...model.devices, model.server])
        doc.on('update', (update: Uint8Array, origin: unknown) => {
          if (origin === null) updates.push(update)
        })
      for (const step of history) model.take(step)
      for (const { doc } of model.devices) model.server.receive(doc)
      model.stamp()
      const reader = new Y.Doc()
      const folded = createFoldedDoc(reader)
      const waiting = [...model.server.updates.slice(0, 1), ...updates]
      for (const pick of picks) {
        const [update] = waiting.splice(pick % Math.max(1, waiting.length), 1)
        if (update !== undefined) Y.applyUpdate(reader, update)
        folded.view()
      }
      for (const update of waiting) Y.applyUpdate(reader, update)
      bring(model.server.doc, reader)
      expect(comparable(folded.view())).toEqual(comparable(fresh(model.server.doc)))
      expect(folded.view().sent).toEqual(model.live())
    }),
    { seed: announceSeed('ARCH2 any order'), numRuns: 150 },
  )
})

/** A server with these entries of ann, each stamped by itself. */
function serverWith(...entries: readonly KnownEntry[]): {
  server: ReturnType<typeof createStampingServer>
  doc: Y.Doc
} {
  const server = createStampingServer()
  const doc = createDoc(1)
  for (const entry of entries) {
    append(doc, 'ann', [encodeEntry(entry)])
    server.receive(doc)
    stampAll(server)
  }
  return { server, doc }
}

const place = (clock: number): { client: ReturnType<typeof clientId>; clock: number } => ({
  client: clientId(1),
  clock,
})
const of = messageId(1)

test('[ARCH2] a checkpoint carries what is no message: settings, members, registers, pins', () => {
  const { server } = serverWith(
    message(1),
    { kind: 'set', key: 'title', value: 'Tea' },
    { kind: 'member', user: userId('bob'), access: 'writer' },
    { kind: 'read', through: 0 },
    { kind: 'pin', of, on: true },
    message(2),
  )
  server.archive(4)
  const view = fresh(server.doc)
  expect(view).toMatchObject({ title: 'Tea', through: 4, lastSeq: 5, genesis: { owner: 'ann' } })
  expect([...view.members]).toEqual([
    ['ann', 'owner'],
    ['bob', 'writer'],
  ])
  expect([...view.reads]).toEqual([['ann', { through: 0, received: 0 }]])
  expect([...view.pins]).toEqual([[of, 4]])
  expect(view.sent.map(({ content }) => content)).toEqual(['message 2'])
})

test('[ARCH2] an owner who left does not come back with the genesis', () => {
  const { server } = serverWith(
    { kind: 'member', user: userId('bob'), access: 'owner' },
    { kind: 'member', user: ann, access: null },
    message(1),
  )
  server.archive(1)
  expect([...fresh(server.doc).members]).toEqual([['bob', 'owner']])
})

test('[ARCH2] of a stamp that straddles the end of the archive only what is live is applied', () => {
  const server = createStampingServer()
  const doc = createDoc(1)
  append(doc, 'ann', [message(1), message(2), message(3)].map(encodeEntry))
  server.receive(doc)
  stampAll(server)
  server.archive(1)
  const view = fresh(server.doc)
  expect(view.sent.map(({ content, seq }) => [content, seq])).toEqual([['message 3', 2]])
  expect(view).toMatchObject({ pending: [], lastSeq: 2, through: 1 })
})

test('[ARCH2] a device that missed an archiving begins with the newest checkpoint, and says what it knows of what left', () => {
  const { server, doc } = serverWith(message(1), message(2))
  const reader = docOf(Y.encodeStateAsUpdate(server.doc))
  const folded = createFoldedDoc(reader)
  folded.view()
  for (let number = 3; number < 9; number++) {
    append(doc, 'ann', [encodeEntry(message(number))])
    server.receive(doc)
    stampAll(server)
    if (number === 5) server.archive(3)
  }
  server.archive(6)
  bring(server.doc, reader)
  expect(folded.texts()).toEqual(['message 8'])
  const [left, ...more] = folded.fold().takeArchived()
  expect(more).toEqual([])
  expect(left).toMatchObject({ before: -1, through: 6, asOf: 1 })
  expect(left?.messages.map(({ content }) => content)).toEqual(['message 1', 'message 2'])
  expect(folded.fold().takeArchived()).toEqual([])
})

test('[ARCH2] a checkpoint that is on its way is waited for: until then what was shown stays', () => {
  const { server, doc } = serverWith(message(1), message(2), message(3))
  const reader = docOf(Y.encodeStateAsUpdate(server.doc))
  const folded = createFoldedDoc(reader)
  folded.view()
  append(doc, 'ann', [encodeEntry(message(4))])
  server.receive(doc)
  stampAll(server)
  const before = Y.encodeStateVector(server.doc)
  server.archive(2)
  // The deletions without the record: Yjs applies what it can.
  Y.applyUpdate(reader, Y.encodeStateAsUpdate(server.doc, new Uint8Array(before)))
  expect(folded.texts()).toEqual(['message 1', 'message 2', 'message 3'])
  bring(server.doc, reader)
  expect(folded.texts()).toEqual(['message 4'])
})

test('[TOUCH1] touches of archived messages are told, in their order, each once', () => {
  const { server } = serverWith(
    message(1),
    message(2),
    { kind: 'react', of, emoji: '👍', on: true },
    { kind: 'edit', of, content: 'better', at: 7 },
  )
  const folded = createFoldedDoc(server.doc)
  folded.view()
  server.archive(1)
  const view = folded.view()
  expect(view.sent).toEqual([])
  expect(view.touches.get(of)?.map(({ seq }) => seq)).toEqual([2, 3])
  const [left] = folded.fold().takeArchived()
  // It takes account of what is live already, and says so.
  const kept = left?.messages[0]
  expect(kept).toMatchObject({ content: 'better', revision: 3 })
  const late = fresh(server.doc)
  expect(late.touches).toEqual(view.touches)
  if (kept === undefined) throw new Error('nothing left')
  expect((late.touches.get(of) ?? []).reduce(applyTouch, kept)).toBe(kept)
})

test('[ERASE1] what was erased keeps its place, whether its record comes before or behind its stamp', () => {
  const { server } = serverWith(message(1), message(2), { kind: 'redact', of })
  const follower = createFoldedDoc(docOf(Y.encodeStateAsUpdate(server.doc)))
  follower.view()
  server.erase(place(0), of, 'ann')
  const view = fresh(server.doc)
  expect(view.sent.map(({ content, seq, redactedBy }) => [content, seq, redactedBy])).toEqual([
    ['', 0, 'ann'],
    ['message 2', 1, undefined],
  ])
  expect(follower.view().sent).toEqual(view.sent)
})

test('[ERASE1] what was edited is not handed on once the message is redacted', () => {
  const { server } = serverWith(
    message(1),
    message(2),
    { kind: 'edit', of, content: 'secret', at: 2 },
    { kind: 'redact', of },
  )
  server.archive(1)
  expect(JSON.stringify([...fresh(server.doc).touches])).not.toContain('secret')
})

/** The server chain of another epoch, with the records of one before and without these chains. */
function nextEpoch(server: ReturnType<typeof createStampingServer>, without: readonly number[]): Y.Doc {
  const doc = docOf(Y.encodeStateAsUpdate(server.doc))
  const source = chainSource(doc)
  const old = clientId(server.doc.clientID)
  const records: Uint8Array[] = []
  for (let clock = source.nextKept(old, 1); ; clock = source.nextKept(old, clock + 1)) {
    const payload = source.payloadAt(old, clock)
    if (!(payload instanceof Uint8Array)) break
    records.push(payload)
  }
  const next = createStampingServer(901, 'ann', 7)
  next.append(...records)
  const left = new Y.Doc()
  Y.applyUpdate(left, Y.encodeStateAsUpdate(next.doc))
  // All but the former server chain and those that were dropped.
  const vector = new Map([old, ...without].map((client) => [client, Y.getState(doc.store, client)]))
  Y.applyUpdate(left, Y.encodeStateAsUpdate(doc, Y.encodeStateVector(vector)))
  return left
}

test('[ARCH2][EPOCH2] a new epoch does without archived chains: its stamps are read from the checkpoint on', () => {
  const server = createStampingServer()
  const [one, two] = [createDoc(1), createDoc(2)]
  append(one, 'ann', [encodeEntry({ kind: 'set', key: 'title', value: 'Tea' }), encodeEntry(message(1))])
  append(two, 'ann', [encodeEntry(message(2)), encodeEntry(message(3))])
  server.receive(one)
  server.receive(two)
  // One stamp for both, of which the first chain is archived.
  stampAll(server)
  server.archive(2)
  const left = nextEpoch(server, [1])
  expect([...left.share.keys()]).not.toContain('chain/1/ann')
  const view = createFoldedDoc(left).view()
  expect(view).toMatchObject({ title: 'Tea', through: 2, lastSeq: 3, genesis: { epoch: 7 } })
  expect(view.sent.map(({ content }) => content)).toEqual(['message 3'])
})
