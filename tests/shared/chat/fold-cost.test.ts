// What folding a full window costs, against decoding and parsing the same bytes in the same run, measured as `npm run bench fold`
// does, which has the budget itself, 3 times: what a runner of tests makes of imports, and others at work, cost the rest.
import * as Y from 'yjs'
import { expect, onTestFinished, test, vi } from 'vitest'

import type { ChainSource } from '../../../shared/chat/chain-source.ts'
import { limits } from '../../../shared/limits.ts'
import { encodeEntry, type KnownEntry } from '../../../shared/chat/entry.ts'
import { append, createDoc, docOf } from '../../helpers/chain-doc.ts'
import { createFoldedDoc } from '../../helpers/folded-doc.ts'
import { foldAll, timeFolds, timesOfParsing } from '../../helpers/fold-timing.ts'
import { createMixedWindow } from '../../helpers/mixed-window.ts'
import { stampAll } from '../../helpers/open-rig.ts'
import { createStampingServer } from '../../helpers/stamping-server.ts'

const rounds = 100
const batches = 10
const mostTimes = 3.6

test('[VIEW1] a full window is read once, entry by entry', () => {
  const window = createMixedWindow(7)
  const source = window.source()
  let asked = 0
  foldAll(window, {
    ...source,
    payloadAt: (...place) => (asked++, source.payloadAt(...place)),
    recordAt: (...place) => (asked++, source.recordAt(...place)),
  } satisfies ChainSource)
  expect(asked).toBeGreaterThan(limits.windowEntries)
  expect(asked).toBeLessThan(2.1 * limits.windowEntries)
})

test(`[VIEW1] a full window is folded within ${mostTimes} times of parsing it`, { timeout: 120_000 }, async () => {
  const window = createMixedWindow(7)
  const source = window.source()
  let times = Infinity
  const [folded, parsed]: [number[], number[]] = [[], []]
  // The best of many rounds, where others are at work more of them: never of so many that twice the work passes.
  for (let batch = 0; batch < batches && times > mostTimes; batch++) {
    const { parse, folds } = await timeFolds(window, rounds, [() => source])
    folded.push(...folds.flat())
    parsed.push(...parse)
    times = timesOfParsing(folded, parsed)
  }
  console.log(`fold: ${times.toFixed(2)} times of parsing, the best of ${folded.length} rounds`)
  expect(times).toBeLessThan(mostTimes)
})

test('[VIEW1] what many settings come to costs a copy of them for each view, not for each entry; views stay as they were', () => {
  const keys = 300
  const set = (index: number, value: unknown): KnownEntry => ({ kind: 'set', key: `key ${index}`, value })
  const server = createStampingServer()
  const device = createDoc(7)
  const write = (...entries: readonly KnownEntry[]): void => {
    append(device, 'ann', entries.map(encodeEntry))
    server.receive(device)
  }
  write(...Array.from({ length: keys }, (_, index) => set(index, 0)))
  stampAll(server)
  // Pending ones count too.
  write(...Array.from({ length: keys }, (_, index) => set(index, 1)))
  const doc = docOf(Y.encodeStateAsUpdate(server.doc))

  let copied = 0
  const { Map: Plain } = globalThis
  class Counting<K, V> extends Plain<K, V> {
    constructor(from?: Iterable<readonly [K, V]> | null) {
      super(from)
      if (from instanceof Plain) copied += from.size
    }
  }
  vi.stubGlobal('Map', Counting)
  onTestFinished(() => void vi.unstubAllGlobals())
  const folded = createFoldedDoc(doc)
  const before = folded.view()
  expect([before.settings.size, before.settings.get('key 5')]).toEqual([keys, 1])
  expect(copied).toBeLessThan(4 * keys)

  write(set(5, 2))
  stampAll(server)
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(server.doc))
  expect(folded.view().settings.get('key 5')).toBe(2)
  expect(before.settings.get('key 5')).toBe(1)
})
