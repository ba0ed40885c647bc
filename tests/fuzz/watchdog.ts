// What the fuzzing thread is at, in memory that a second thread can read: an input that never ends is kept by that one,
// which then ends the process. Knows no target.
import { writeSync } from 'node:fs'

import { keepFailing } from './corpus.ts'
import { targetNames } from './fuzz-target.ts'

/** Counters: the input's number, its target, its length; then its bytes. */
export interface Sight {
  readonly counters: Int32Array
  readonly bytes: Uint8Array
}

const longestSeenBytes = 64 * 1024
/** Far longer than any bound of a target. */
const mostMs = 30_000

export function sightOf(): Sight {
  const counters = new Int32Array(new SharedArrayBuffer(12))
  return { counters, bytes: new Uint8Array(new SharedArrayBuffer(longestSeenBytes)) }
}

export function inputSeen({ counters, bytes }: Sight, target: number, input: Uint8Array): void {
  const seen = input.subarray(0, longestSeenBytes)
  bytes.set(seen)
  Atomics.store(counters, 1, target)
  Atomics.store(counters, 2, seen.length)
  Atomics.add(counters, 0, 1)
}

/** Never returns while the inputs change. */
export function watch({ sight: { counters, bytes }, seed }: { readonly sight: Sight; readonly seed: number }): void {
  let last = -1
  setInterval(() => {
    const current = Atomics.load(counters, 0)
    if (current !== last) {
      last = current
      return
    }
    const target = targetNames[Atomics.load(counters, 1)] ?? 'unknown'
    const name = keepFailing(target, seed, bytes.slice(0, Atomics.load(counters, 2)))
    // What a thread logs goes through the main thread, which is busy for ever.
    writeSync(2, `FAILED ${target} with --seed ${seed}: an input never ended, kept as tests/fuzz/corpus/${name}\n`)
    process.kill(process.pid, 'SIGKILL')
  }, mostMs)
}
