// `npm run fuzz -- --minutes 10 [--seed N] [--target parse|accept|wire|records|fold]`: mutates inputs for as long as told,
// all targets by turns when none is named. What shows something new is kept in tests/fuzz/corpus; so is, as small as it
// gets, what breaks a promise, and then this ends with 1. A second thread watches: an input that never ends is kept too.
import { parseArgs } from 'node:util'
import { isMainThread, Worker, workerData } from 'node:worker_threads'

import { announceSeed, createRandom } from '../helpers/seeded-random.ts'
import { hasRoom, keep, keepFailing, readCorpus } from './corpus.ts'
import { type Finding, Fuzzer, type Kept } from './fuzzer.ts'
import { type FuzzTarget, type TargetName, targetNames } from './fuzz-target.ts'
import { openTarget } from './targets/targets.ts'
import { inputSeen, type Sight, sightOf, watch } from './watchdog.ts'

/** How long one target has its turn. */
const turnMs = 2000

interface Options {
  readonly minutes: number
  readonly seed: number
  readonly targets: readonly TargetName[]
}

const usage = `usage: npm run fuzz -- --minutes 10 [--seed N] [--target ${targetNames.join('|')}]`

function optionsOf(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' }, target: { type: 'string' } },
  })
  const minutes = Number(values.minutes)
  const seed = values.seed === undefined ? announceSeed('fuzz') : Number(values.seed)
  const targets = targetNames.filter((name) => values.target === undefined || name === values.target)
  if (!(minutes > 0) || !Number.isInteger(seed) || targets.length === 0) throw new Error(usage)
  return { minutes, seed, targets }
}

const gauges = {
  nowMs: () => performance.now(),
  heapBytes: () => {
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  },
}

/** The target, seen by the watchdog. */
function watched(target: FuzzTarget, sight: Sight): FuzzTarget {
  return {
    ...target,
    run: (input) => {
      inputSeen(sight, targetNames.indexOf(target.name), input)
      return target.run(input)
    },
  }
}

async function keepSmall(fuzzer: Fuzzer, shown: Kept): Promise<void> {
  const { name: target } = fuzzer.target
  const name = hasRoom(target) ? keep(target, await fuzzer.shrink(shown)) : undefined
  if (name !== undefined) console.log(`${name}: ${shown.signature}`)
}

async function fuzz({ minutes, seed, targets }: Options): Promise<Finding | undefined> {
  const sight = sightOf()
  const dog = new Worker(new URL(import.meta.url), { workerData: { sight, seed } })
  dog.unref()
  console.log(`fuzz: --seed ${seed}, ${minutes} min, ${targets.join(', ')}`)
  const fuzzers: Fuzzer[] = []
  const spentMs = new Map<Fuzzer, number>()
  const corpus = readCorpus()
  for (const name of targets) {
    const fuzzer = new Fuzzer(watched(await openTarget(name), sight), createRandom(seed), gauges)
    const inputs = corpus.filter((file) => file.target === name).map(({ input }) => input)
    for (const input of [...inputs, ...fuzzer.target.seeds(createRandom(seed))]) {
      const shown = await fuzzer.offer(input)
      if (shown !== undefined && 'error' in shown) return shown
      if (shown !== undefined && !inputs.includes(input)) await keepSmall(fuzzer, shown)
    }
    fuzzers.push(fuzzer)
  }
  const endMs = performance.now() + minutes * 60_000
  try {
    while (performance.now() < endMs) {
      for (const fuzzer of fuzzers) {
        const start = performance.now()
        const turnEndMs = Math.min(endMs, start + turnMs)
        while (performance.now() < turnEndMs) {
          const shown = await fuzzer.step()
          if (shown === undefined) continue
          if ('error' in shown) return shown
          await keepSmall(fuzzer, shown)
        }
        spentMs.set(fuzzer, (spentMs.get(fuzzer) ?? 0) + performance.now() - start)
      }
    }
    return undefined
  } finally {
    for (const fuzzer of fuzzers) {
      const { executions, signatures, slowest, target } = fuzzer
      const perSecond = (1000 * executions) / Math.max(1, spentMs.get(fuzzer) ?? 0)
      const slow = `slowest ${slowest.ms.toFixed(1)} ms for ${slowest.bytes} bytes`
      console.log(`${target.name}: ${executions} inputs, ${perSecond.toFixed()} per s, ${signatures} kinds, ${slow}`)
    }
  }
}

if (isMainThread) {
  const options = optionsOf(process.argv.slice(2))
  const finding = await fuzz(options)
  if (finding !== undefined) {
    const name = keepFailing(finding.target, options.seed, finding.input)
    console.error(`FAILED ${finding.target} with --seed ${options.seed}, kept as tests/fuzz/corpus/${name}`)
    console.error(finding.error)
    process.exitCode = 1
  }
} else {
  watch(workerData)
}
