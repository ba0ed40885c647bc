// What folding a full window costs, against decoding and parsing the same bytes in the same run, measured as `npm run bench fold`
// does, which has the budget itself, 3 times: others at work may cost the rest.
import { join } from 'node:path'

import * as Y from 'yjs'
import { expect, onTestFinished, test, vi } from 'vitest'

import type { ChainSource } from '../../../shared/chat/chain-source.ts'
import { limits } from '../../../shared/limits.ts'
import { encodeEntry, type KnownEntry } from '../../../shared/chat/entry.ts'
import { append, createDoc, docOf } from '../../helpers/chain-doc.ts'
import { createFoldedDoc } from '../../helpers/folded-doc.ts'
import { foldAll } from '../../helpers/fold-timing.ts'
import { createMixedWindow } from '../../helpers/mixed-window.ts'
import { stampAll } from '../../helpers/open-rig.ts'
import { runProgram } from '../../helpers/program.ts'
import { root } from '../../helpers/root.ts'
import { createStampingServer } from '../../helpers/stamping-server.ts'

const mostTimes = 3.3

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
  // In a process of its own, and not one whose coverage is measured: that costs the fold more than the parsing.
  const timing = runProgram([join(root, 'dist/tests/helpers/time-folds.js'), String(mostTimes)], {
    env: { NODE_V8_COVERAGE: '' },
  })
  onTestFinished(async () => void (await timing.kill()))
  const times = Number.parseFloat(await timing.firstLine)
  console.log(`fold: ${times.toFixed(2)} times of parsing`)
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
