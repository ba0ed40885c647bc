// What a scenario has measured: figures, each perhaps with a budget; why a figure says nothing; what went wrong.

/** What is held against the budget: a ratio, or a value itself. */
export interface Judged {
  readonly value: number
  readonly unit: string
  readonly most: number
}

export interface Figure {
  readonly name: string
  readonly unit: string
  /** By name of the server. */
  readonly values: Readonly<Record<string, number>>
  readonly judged?: Judged
  readonly note?: string
}

export interface Outcome {
  readonly figures: readonly Figure[]
  /** Why figures of this run say nothing: the load was not what it should have been. */
  readonly voids: readonly string[]
  /** What was lost, doubled or wrong. */
  readonly failures: readonly string[]
}

/** In ms; NaN of no values. */
export interface Latencies {
  readonly p50: number
  readonly p99: number
  readonly most: number
}

export function latencies(values: readonly number[]): Latencies {
  const sorted = Float64Array.from(values).toSorted()
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99), most: at(1) }
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** One value for each server under load. */
export function valuesOf<Lane extends { readonly target: { readonly name: string } }>(
  lanes: readonly Lane[],
  of: (lane: Lane) => number,
): Readonly<Record<string, number>> {
  return Object.fromEntries(lanes.map((lane) => [lane.target.name, of(lane)]))
}

/** Parley's value as a multiple of the floor's. */
export function againstFloor(values: Readonly<Record<string, number>>, most: number): Judged {
  return { value: (values['Parley'] ?? Number.NaN) / (values['floor'] ?? Number.NaN), unit: '×', most }
}

/** Parley's value itself. */
export function atMost(values: Readonly<Record<string, number>>, unit: string, most: number): Judged {
  return { value: values['Parley'] ?? Number.NaN, unit, most }
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
