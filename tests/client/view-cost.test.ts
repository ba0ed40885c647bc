// What one more entry costs: counted, not timed, in windows of different lengths.
import * as Y from 'yjs'
import { expect, test } from 'vitest'

import type { ChatMessage } from '../../client/api.ts'
import { createDocSource } from '../../client/sync/doc-source.ts'
import { createTimeline } from '../../client/timeline.ts'
import { type KnownEntry, encodeEntry } from '../../shared/chat/entry.ts'
import { ConversationFold, type Folded } from '../../shared/chat/fold.ts'
import type { ChainSource } from '../../shared/chat/chain-source.ts'
import { append, createDoc, docOf } from '../helpers/chain-doc.ts'
import { ann, clientId, message, messageId } from '../helpers/client-rows.ts'
import { createStampingServer } from '../helpers/stamping-server.ts'

interface Counted {
  readonly work: number
  /** Messages that were not shown before. */
  readonly fresh: number
}

interface View {
  /** What ann writes, pending. */
  readonly write: (...entries: readonly KnownEntry[]) => Counted
  /** What bob writes, stamped. */
  readonly hear: (...entries: readonly KnownEntry[]) => Counted
  /** The first of ann's entries that are pending become stamped. */
  readonly stamp: () => Counted
  readonly messages: () => readonly ChatMessage[]
  /** The same from the beginning. */
  readonly anew: () => readonly ChatMessage[]
}

/** A window of bob's messages with ann's pending behind it. */
function viewOf(sent: number, pending = 0, isTold = true): View {
  const server = createStampingServer()
  const bob = createDoc(2)
  append(
    bob,
    'bob',
    Array.from({ length: sent }, (_, index) => encodeEntry(message(index + 1))),
  )
  server.receive(bob)
  server.commit(
    Array.from({ length: sent }, (_, clock) => ({ client: clientId(2), clock })),
    5000,
  )
  const doc = docOf(Y.encodeStateAsUpdate(server.doc))
  doc.clientID = 1
  append(
    doc,
    'ann',
    Array.from({ length: pending }, (_, index) => encodeEntry(message(10_001 + index))),
  )

  let work = 0
  const source = createDocSource(doc)
  const counting: ChainSource = {
    ...source,
    payloadAt: (...place) => (work++, source.payloadAt(...place)),
    nextKept: (...place) => (work++, source.nextKept(...place)),
    recordAt: (...place) => (work++, source.recordAt(...place)),
    newestCheckpoint: (...place) => (work++, source.newestCheckpoint(...place)),
  }
  const fold = new ConversationFold()
  const timeline = createTimeline(ann)
  let stampedOfAnn = 0
  /** What the timeline looks at in a list, one by one. */
  const watched = <T extends object>(list: readonly T[]): readonly T[] =>
    new Proxy(list, {
      get: (target, name) => (typeof name === 'string' && /^\d+$/.test(name) && work++, Reflect.get(target, name)),
    })
  const seen = new WeakMap<object, object>()
  const watch = <T extends object>(list: readonly T[]): readonly T[] => {
    const known = seen.get(list) ?? watched(list)
    seen.set(list, known)
    return known as readonly T[]
  }
  function show(): readonly ChatMessage[] {
    fold.advance(counting, clientId(900))
    const folded = fold.view(counting)
    const view: Folded = { ...folded, sent: watch(folded.sent), pending: watch(folded.pending) }
    return timeline.messages(view, [], false, undefined, isTold ? fold.marks() : undefined)
  }
  let shown = show()

  function count(change: () => void): Counted {
    work = 0
    const before = new Set(shown)
    change()
    shown = show()
    return { work, fresh: shown.filter((one) => !before.has(one)).length }
  }
  const sync = (): void => Y.applyUpdate(doc, Y.encodeStateAsUpdate(server.doc, Y.encodeStateVector(doc)))

  return {
    write: (...entries) => count(() => append(doc, 'ann', entries.map(encodeEntry))),
    hear: (...entries) => {
      const clock = Y.getState(bob.store, 2)
      append(bob, 'bob', entries.map(encodeEntry))
      server.receive(bob)
      server.commit(
        entries.map((_, index) => ({ client: clientId(2), clock: clock + index })),
        6000,
      )
      return count(sync)
    },
    stamp: () => {
      server.receive(doc)
      server.commit([{ client: clientId(1), clock: stampedOfAnn++ }], 7000)
      return count(sync)
    },
    messages: () => shown,
    anew: () => {
      const fresh = new ConversationFold()
      fresh.advance(source, clientId(900))
      return createTimeline(ann).messages(fresh.view(source), [])
    },
  }
}

const like = (number: number): KnownEntry => ({ kind: 'react', of: messageId(number), emoji: '👍', on: true })

test('[VIEW1] one more entry costs the same in a window of a thousand messages as in one of a hundred', () => {
  const steps: readonly ((view: View) => Counted)[] = [
    (view) => view.hear(message(20_001)),
    (view) => view.hear(like(50)),
    (view) => view.hear({ kind: 'edit', of: messageId(20), content: 'better', at: 9 }),
    (view) => view.write(message(20_002)),
    (view) => view.write(like(60)),
    (view) => view.hear(message(20_003), like(61)),
    (view) => view.stamp(),
    (view) => view.stamp(),
    (view) => view.hear({ kind: 'redact', of: messageId(20) }),
    (view) => view.write(message(30_000)),
  ]
  const [short, long] = [viewOf(100), viewOf(1000)]
  for (const [index, step] of steps.entries()) {
    const [inShort, inLong] = [step(short), step(long)]
    expect([index, inLong]).toEqual([index, inShort])
    expect([index, inLong.work > 0 && inLong.work < 30]).toEqual([index, true])
    expect([index, inLong.fresh <= 2]).toEqual([index, true])
  }
  for (const view of [short, long]) expect(view.messages()).toEqual(view.anew())
})

test('[VIEW1] whoever has typed a thousand messages offline pays as much for the next as behind a hundred', () => {
  const [short, long] = [viewOf(10, 100), viewOf(10, 1000)]
  for (const step of [
    (view: View) => view.write(message(40_000)),
    (view: View) => view.write(like(3)),
    (view: View) => view.hear(message(50_000), like(5)),
    (view: View) => view.write(like(10_050)),
  ]) {
    const [inShort, inLong] = [step(short), step(long)]
    expect(inLong).toEqual(inShort)
    expect(inLong.fresh).toBeGreaterThan(0)
  }
  for (const view of [short, long]) expect(view.messages()).toEqual(view.anew())
})

test('[VIEW1] a timeline that is not told what has changed looks at everything: counting would show it', () => {
  const [short, long] = [viewOf(100, 0, false), viewOf(1000, 0, false)]
  const [inShort, inLong] = [short.hear(message(20_001)), long.hear(message(20_001))]
  expect(inLong.work).toBeGreaterThan(inShort.work + 800)
})

test('[VIEW1] snapshots that were given out stay as they were', () => {
  const view = viewOf(100)
  const before = view.messages()
  const copy = structuredClone(before)
  view.hear(message(20_001), like(50))
  view.write(message(20_002))
  view.write(like(20))
  view.stamp()
  expect(before).toEqual(copy)
  expect(view.messages()).not.toEqual(copy)
})
