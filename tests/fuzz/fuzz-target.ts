// What can be fuzzed: bytes in, and a word about what came of them out. Knows no test runner.
import type { Random } from '../helpers/seeded-random.ts'

export const targetNames = ['parse', 'accept', 'wire', 'records', 'fold'] as const

export type TargetName = (typeof targetNames)[number]

export interface FuzzTarget {
  readonly name: TargetName
  /** Inputs to begin with, beside those of the corpus. */
  readonly seeds: (random: Random) => Iterable<Uint8Array>
  /**
   * Throws when a promise is broken. Otherwise what kind of thing came of the input, in few enough words that another kind
   * is worth keeping.
   */
  readonly run: (input: Uint8Array) => string | Promise<string>
  /** The parsers of it alone: their time and memory must be of the order of the input. */
  readonly parse?: (input: Uint8Array) => void
  readonly mutate: (input: Uint8Array, random: Random, donor: Uint8Array) => Uint8Array
}

/** Says that `held` is broken, with what is against it. */
export function demand(held: boolean, promise: string, ...against: readonly unknown[]): void {
  if (!held) throw new Error([promise, ...against.map((one) => JSON.stringify(one) ?? 'undefined')].join(': '))
}

/** 0, 1, 2, 4, 8, …: sizes of one order are one kind of thing. */
export function orderOf(count: number): number {
  return count < 2 ? count : 2 ** Math.floor(Math.log2(count))
}
