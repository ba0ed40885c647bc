// The corpus and a fixed number of mutated inputs of every target, the same at every run; and whether the fuzzer would
// find anything at all. `npm run fuzz` goes on for as long as told.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { mutate } from '../helpers/mutations.ts'
import { createRandom } from '../helpers/seeded-random.ts'
import { bytesPerFile, filesPerTarget, hasRoom, keep, keepFailing, readCorpus } from './corpus.ts'
import { type FuzzTarget, targetNames } from './fuzz-target.ts'
import { type Finding, Fuzzer, type Gauges } from './fuzzer.ts'
import { readScript, writeScript } from './script.ts'
import { openTarget } from './targets/targets.ts'

const seed = 1
/** Each takes a second or two. */
const fixedInputs = { parse: 4000, accept: 100, wire: 20_000, records: 20_000, fold: 400 } as const

const gauges: Gauges = {
  nowMs: () => performance.now(),
  heapBytes: () => {
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  },
}

/** Far more than it takes on an idle machine: a timeout here means a hang. */
const longMs = 120_000

function describeFinding({ target, input, error }: Finding): string {
  return `${target} at ${Buffer.from(input).toString('hex')}: ${error.message}`
}

/** Runs what there is and so many mutated inputs; what was found. */
async function fuzz(
  target: FuzzTarget,
  inputs: Iterable<Uint8Array>,
  steps: number,
  read: Gauges = gauges,
): Promise<Finding | Fuzzer> {
  const fuzzer = new Fuzzer(target, createRandom(seed), read)
  for (const input of inputs) {
    const shown = await fuzzer.offer(input)
    if (shown !== undefined && 'error' in shown) return shown
  }
  for (let left = steps; left > 0; left--) {
    const shown = await fuzzer.step()
    if (shown !== undefined && 'error' in shown) return shown
  }
  return fuzzer
}

describe('fuzzing', () => {
  test.each(targetNames)(
    '[CODEC3][ACCEPT3][FOLD1] %s: the corpus, and as many mutated inputs as ever, break no promise',
    async (name) => {
      const target = await openTarget(name)
      const corpus = readCorpus().filter((file) => file.target === name)
      const inputs = [...corpus.map(({ input }) => input), ...target.seeds(createRandom(seed))]
      const outcome = await fuzz(target, inputs, fixedInputs[name])
      if (!(outcome instanceof Fuzzer)) throw new Error(describeFinding(outcome), { cause: outcome.error })
      expect(corpus.length).toBeGreaterThan(5)
      // Inputs that all do the same would prove nothing.
      expect(outcome.signatures).toBeGreaterThan(20)
    },
    longMs,
  )

  test('[CODEC3] the corpus stays small', () => {
    const corpus = readCorpus()
    expect(corpus.filter(({ input }) => input.length > bytesPerFile).map(({ name }) => name)).toEqual([])
    for (const name of targetNames) {
      expect(corpus.filter(({ target }) => target === name).length).toBeLessThanOrEqual(filesPerTarget)
    }
    expect(corpus.reduce((sum, { input }) => sum + 2 * input.length, 0)).toBeLessThan(200 * 1024)
    expect(corpus.map(({ target }) => target).filter((name) => !targetNames.some((one) => one === name))).toEqual([])
  })
})

describe('the fuzzer itself', () => {
  const harmless: FuzzTarget = {
    name: 'wire',
    seeds: () => [Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)],
    mutate,
    run: (input) => `${input.length}`,
  }

  async function find(target: FuzzTarget, read?: Gauges): Promise<Finding> {
    const outcome = await fuzz(target, target.seeds(createRandom(seed)), 20_000, read)
    if (outcome instanceof Fuzzer) throw new Error('nothing was found')
    return outcome
  }

  test('[CODEC3] finds what throws, and makes it small', async () => {
    const run = (input: Uint8Array): string => {
      if (input.includes(0xff) && input.length > 3) throw new Error(`too much: ${input.length}`)
      return `${input.length}`
    }
    const { input, error } = await find({ ...harmless, run })
    expect(error.message).toMatch(/too much/)
    expect([...input].toSorted((a, b) => a - b)).toEqual([0, 0, 0, 255])
  })

  /** A machine on which a long input costs so much; all others are free. */
  function costly(cost: { readonly ms: number; readonly bytes: number }): [FuzzTarget, Gauges] {
    const spent = { ms: 0, bytes: 0 }
    const parse = (input: Uint8Array): void => {
      if (input.length <= 12) return
      spent.ms += cost.ms
      spent.bytes += cost.bytes
    }
    return [
      { ...harmless, parse },
      { nowMs: () => spent.ms, heapBytes: () => spent.bytes },
    ]
  }

  test('[CODEC3] finds what takes too long for its length', async () => {
    const { input, error } = await find(...costly({ ms: 100, bytes: 0 }))
    expect(error.message).toMatch(/^takes too long/)
    expect(input.length).toBeGreaterThan(12)
  })

  test('[CODEC3] finds what allocates too much for its length', async () => {
    const { input, error } = await find(...costly({ ms: 0, bytes: 2_000_000 }))
    expect(error.message).toMatch(/^allocates too much/)
    expect(input.length).toBeGreaterThan(12)
  })

  test('[CODEC3] what was found is kept with its seed, what is new while there is room', () => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-fuzz-'))
    try {
      expect(keepFailing('fold', 77, new Uint8Array(2000), folder)).toMatch(/^fold-failed-77-[\da-f]{8}\.hex$/)
      expect(keep('fold', new Uint8Array(bytesPerFile + 1), folder)).toBeUndefined()
      for (let count = 0; hasRoom('fold', folder); count++) keep('fold', Uint8Array.of(count), folder)
      const files = readCorpus(folder)
      expect(files).toHaveLength(filesPerTarget)
      expect(files.find(({ name }) => name.startsWith('fold-failed'))?.input).toEqual(new Uint8Array(2000))
      expect(hasRoom('wire', folder)).toBe(true)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('[CODEC3] a script comes back as it was written, and any bytes are one', () => {
    const steps = [
      { tag: 3, bytes: Uint8Array.of(1, 2, 3) },
      { tag: 255, bytes: new Uint8Array(300) },
      { tag: 0, bytes: new Uint8Array() },
    ]
    expect(readScript(writeScript(steps))).toEqual(steps)
    expect(readScript(Uint8Array.of(7, 255, 255, 255, 255, 9))).toEqual([{ tag: 7, bytes: Uint8Array.of(9) }])
    expect(readScript(Uint8Array.of(7))).toEqual([{ tag: 7, bytes: new Uint8Array() }])
  })
})
