/** One line of the bench. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What it is to be held against. */
  readonly note: string
}

/** The median of the milliseconds that `rounds` calls of `work` take. */
export function medianMs(rounds: number, work: () => void): number {
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    work()
    times.push(performance.now() - start)
  }
  return times.toSorted((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0
}
