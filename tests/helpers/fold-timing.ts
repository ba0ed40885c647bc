// What folding a full window takes, and decoding and parsing the same payloads, in turns in one process: what the bench and the
// test of the budget both judge.
import { decodeUtf8 } from 'lib0/string'

import type { ChainSource } from '../../shared/chat/chain-source.ts'
import { ConversationFold } from '../../shared/chat/fold.ts'
import type { MixedWindow } from './mixed-window.ts'

/** Before the engine has compiled what is measured. */
const warmUps = 40

/** In ms, a time for each round. */
export interface FoldTimes {
  readonly parse: readonly number[]
  /** In the order of the sources. */
  readonly folds: readonly (readonly number[])[]
}

/** Folds from each of the sources and parses, round for round. `sources` make them anew for every round. */
export async function timeFolds(
  window: MixedWindow,
  rounds: number,
  sources: readonly (() => ChainSource)[],
): Promise<FoldTimes> {
  const times = { parse: [] as number[], folds: sources.map(() => [] as number[]) }
  for (let round = 0; round < warmUps + rounds; round++) {
    const parse = time(() => parseAll(window))
    const folds = sources.map((source) => time(() => foldAll(window, source())))
    if (round >= warmUps) {
      times.parse.push(parse)
      for (const [index, ms] of folds.entries()) times.folds[index]?.push(ms)
    }
    // Others on this machine get their turn between rounds and not within.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return times
}

/** Of the least disturbed round of each: what else a machine does falls upon the longer job more often. */
export function timesOfParsing(folds: readonly number[], parses: readonly number[]): number {
  return Math.min(...folds) / Math.min(...parses)
}

export function foldAll({ server, messages }: MixedWindow, source: ChainSource): ConversationFold {
  const folded = new ConversationFold()
  folded.advance(source, server)
  const { sent } = folded.view(source)
  if (sent.length !== messages) throw new Error(`${sent.length} messages of ${messages}`)
  return folded
}

function time(job: () => unknown): number {
  const start = performance.now()
  job()
  return performance.now() - start
}

function parseAll({ payloads }: MixedWindow): readonly unknown[] {
  return payloads.map((payload): unknown => JSON.parse(decodeUtf8(payload.subarray(1))))
}
