// Fold: what a device does with a full window that it has loaded, against the least that anybody would have to do: decoding
// and parsing the same payloads. In turns in one process, from a real Y.Doc and from plain lists.
import { decodeUtf8 } from 'lib0/string'

import { createDocSource } from '../../../client/sync/doc-source.ts'
import type { ChainSource } from '../../../shared/chat/chain-source.ts'
import { ConversationFold } from '../../../shared/chat/fold.ts'
import { createMixedWindow, type MixedWindow } from '../../helpers/mixed-window.ts'
import { type Figure, median, type Outcome } from '../figure.ts'

const seed = 1
/** Before the engine has compiled what is measured. */
const warmUps = 40
const rounds = 200
/** Times decoding and parsing. */
const most = 3

export async function fold(): Promise<Outcome> {
  const window = createMixedWindow(seed)
  const doc = window.doc()
  const lists = window.source()
  const times = { parse: [] as number[], doc: [] as number[], list: [] as number[] }
  for (let round = 0; round < warmUps + rounds; round++) {
    const timed = {
      parse: time(() => parseAll(window)),
      doc: time(() => foldAll(window, createDocSource(doc))),
      list: time(() => foldAll(window, lists)),
    }
    if (round < warmUps) continue
    for (const name of ['parse', 'doc', 'list'] as const) times[name].push(timed[name])
    // Others on this machine get their turn between rounds and not within.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return {
    figures: [
      figure('fold of a full window, from its document', times.doc, times.parse),
      figure('fold of a full window, from plain lists', times.list, times.parse),
    ],
    voids: [],
    failures: [],
  }
}

function figure(name: string, folds: readonly number[], parses: readonly number[]): Figure {
  // The least disturbed rounds of each: what else a machine does falls upon the longer job more often.
  const best = { fold: Math.min(...folds), parse: Math.min(...parses) }
  return {
    name,
    unit: 'ms',
    values: { Parley: best.fold },
    judged: { value: best.fold / best.parse, unit: '×', most },
    note: `decoding and parsing: ${best.parse.toFixed(2)} ms; medians ${median(folds).toFixed(2)} and ${median(parses).toFixed(2)} ms`,
  }
}

function time(job: () => unknown): number {
  const start = performance.now()
  job()
  return performance.now() - start
}

function parseAll({ payloads }: MixedWindow): readonly unknown[] {
  return payloads.map((payload): unknown => JSON.parse(decodeUtf8(payload.subarray(1))))
}

function foldAll({ server, messages }: MixedWindow, source: ChainSource): ConversationFold {
  const folded = new ConversationFold()
  folded.advance(source, server)
  const { sent } = folded.view(source)
  if (sent.length !== messages) throw new Error(`${sent.length} messages of ${messages}`)
  return folded
}
