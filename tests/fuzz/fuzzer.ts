// Runs one target on mutated inputs, keeps those that showed something new, and makes a failing one as small as it gets.
// Deterministic in its seed as far as its target is. Knows no test runner, no clock and no files.
import type { Random } from '../helpers/seeded-random.ts'
import type { FuzzTarget, TargetName } from './fuzz-target.ts'
import { minimise } from './minimise.ts'

export interface Finding {
  readonly target: TargetName
  /** As small as it was made. */
  readonly input: Uint8Array
  readonly error: Error
}

/** An input and what it was the first to show. */
export interface Kept {
  readonly input: Uint8Array
  readonly signature: string
}

export interface Gauges {
  readonly nowMs: () => number
  readonly heapBytes: () => number
}

/** Inputs to mutate; the oldest of the mutated ones make room. */
const poolSize = 2000
/** Parsers are measured once in so many runs: looking at the memory costs as much as parsing. */
const runsPerLook = 16
/** Whole servers and documents run for one input, and their garbage is collected: longer is no accident. */
const longestRunMs = 5000
const longestInputBytes = 64 * 1024
/** A failing input is read by people; one for the corpus need only be short. */
const attemptsToFail = 2000
const attemptsToKeep = 100

const tooSlow = 'takes too long'
const tooLarge = 'allocates too much'

export class Fuzzer {
  readonly target: FuzzTarget
  executions = 0
  /** The slowest run. */
  readonly slowest = { ms: 0, bytes: 0 }
  readonly #random: Random
  readonly #gauges: Gauges
  readonly #pool: Uint8Array[] = []
  readonly #signatures = new Set<string>()

  constructor(target: FuzzTarget, random: Random, gauges: Gauges) {
    this.target = target
    this.#random = random
    this.#gauges = gauges
  }

  get signatures(): number {
    return this.#signatures.size
  }

  /** Runs an input as it is; undefined when it showed nothing new. */
  async offer(input: Uint8Array): Promise<Kept | Finding | undefined> {
    const outcome = await this.#run(input)
    if (outcome instanceof Error) return this.#find(input, outcome)
    if (this.#signatures.has(outcome)) return undefined
    this.#signatures.add(outcome)
    this.#pool.push(input)
    if (this.#pool.length > poolSize) this.#pool.shift()
    return { input, signature: outcome }
  }

  /** Runs one more mutated input. */
  async step(): Promise<Kept | Finding | undefined> {
    const random = this.#random
    const pick = (): Uint8Array => (this.#pool.length === 0 ? new Uint8Array() : random.pick(this.#pool))
    const input = this.target.mutate(pick(), random, pick()).slice(0, longestInputBytes)
    return this.offer(input)
  }

  /** The smallest input found that shows the same. */
  async shrink({ input, signature }: Kept): Promise<Uint8Array> {
    return minimise(input, attemptsToKeep, async (smaller) => (await this.#outcome(smaller)) === signature)
  }

  async #find(input: Uint8Array, error: Error): Promise<Finding> {
    const kind = kindOf(error)
    const isSame = async (smaller: Uint8Array): Promise<boolean> => {
      const outcome = await this.#run(smaller)
      return outcome instanceof Error && kindOf(outcome) === kind
    }
    const least = await minimise(input, attemptsToFail, isSame)
    return { target: this.target.name, input: least, error }
  }

  async #outcome(input: Uint8Array): Promise<string | Error> {
    try {
      return await this.target.run(input)
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  /** The outcome, or what was too slow or too large about it. */
  async #run(input: Uint8Array): Promise<string | Error> {
    const { nowMs } = this.#gauges
    const { parse } = this.target
    const isLooking = this.executions++ % runsPerLook === 0
    const excess = isLooking && parse !== undefined ? this.#excessOf(input, parse) : undefined
    if (excess !== undefined) return new Error(`${excess}: ${input.length} bytes`)
    const start = nowMs()
    const outcome = await this.#outcome(input)
    const ms = nowMs() - start
    if (ms > this.slowest.ms) Object.assign(this.slowest, { ms, bytes: input.length })
    return ms > longestRunMs ? new Error(`${tooSlow}: ${input.length} bytes`) : outcome
  }

  /** The least of three: a pause of the machine or the collector is nobody's fault. */
  #excessOf(input: Uint8Array, parse: (input: Uint8Array) => void): string | undefined {
    const { nowMs, heapBytes } = this.#gauges
    let excess: string | undefined
    for (let left = 3; left > 0; left--) {
      const [before, start] = [heapBytes(), nowMs()]
      parse(input)
      const [ms, bytes] = [nowMs() - start, heapBytes() - before]
      excess = undefined
      if (ms > parserMs(input.length)) excess = tooSlow
      if (bytes > parserBytes(input.length)) excess = tooLarge
      if (excess === undefined) return undefined
    }
    return excess
  }
}

/** What a parser may take for so many bytes, on a machine that has other things to do. */
function parserMs(bytes: number): number {
  return 50 + bytes / 1000
}

/** It builds nothing bigger than an object for every byte; the rest is what the machine itself allocates meanwhile. */
function parserBytes(bytes: number): number {
  return 1_000_000 + 100 * bytes
}

/** The words before the first value: the same promise broken in another way is the same finding. */
function kindOf({ message }: Error): string {
  return message.split(':')[0] ?? message
}
