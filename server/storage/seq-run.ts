/** Runs of consecutive numbers, seqs or clocks: which ones a query asks for, and that none of them is missing. */

import type { ConversationId } from '../../shared/sync/ids.ts'
import { type Head, type SeqRange, StoreError } from './conversation-store.ts'

/** From `from`, inclusive, to `to`, exclusive; empty when they meet or cross. */
export interface Run {
  readonly from: number
  readonly to: number
}

/** The seqs of a range of a log that ends before `end`. */
export function runOf(range: SeqRange, end: number = Number.MAX_SAFE_INTEGER): Run {
  const from = range.after === undefined ? 0 : Math.max(0, range.after + 1)
  const to = range.before === undefined ? end : Math.min(end, range.before)
  return { from, to }
}

/** The runs that `numbers` make, which ascend; those less than `gap` apart are of one. */
export function runsOf(numbers: readonly number[], gap = 1): readonly Run[] {
  const runs: { from: number; to: number }[] = []
  for (const number of numbers) {
    const last = runs.at(-1)
    if (last !== undefined && number < last.to + gap) last.to = number + 1
    else runs.push({ from: number, to: number + 1 })
  }
  return runs
}

/** The records of a run that are there: the genesis, and behind it those that are not archived. */
export function recordRuns(
  { firstRecord, nextRecord }: Pick<Head, 'firstRecord' | 'nextRecord'>,
  { from, to }: Run,
): readonly Run[] {
  const end = Math.min(to, nextRecord)
  const first = Math.max(from, firstRecord)
  return from === 0 && firstRecord > 1
    ? [
        { from, to: Math.min(1, end) },
        { from: first, to: end },
      ]
    : [{ from: from === 0 ? 0 : first, to: end }]
}

/** Goes through a run in one direction and throws StoreError `damaged` at the first number that is not there. */
export class RunWalk {
  readonly #kind: string
  readonly #conversation: ConversationId
  readonly #step: 1 | -1
  readonly #end: number
  #next: number

  /** `kind` names the numbered thing, for the error. */
  constructor({ from, to }: Run, direction: 'ascending' | 'descending', kind: string, conversation: ConversationId) {
    const before = from - 1
    const after = Math.max(from, to)
    this.#kind = kind
    this.#conversation = conversation
    this.#step = direction === 'ascending' ? 1 : -1
    this.#next = direction === 'ascending' ? from : after - 1
    this.#end = direction === 'ascending' ? after : before
  }

  /** The next row has this number. */
  step(number: number): void {
    if (number !== this.#next) this.#fail()
    this.#next += this.#step
  }

  /** There are no more rows. */
  end(): void {
    if (this.#next !== this.#end) this.#fail()
  }

  #fail(): never {
    const conversation = this.#conversation
    throw new StoreError('damaged', `${this.#kind} row ${this.#next} of conversation ${conversation} is missing`, {
      conversation,
    })
  }
}
