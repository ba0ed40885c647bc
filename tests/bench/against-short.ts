// Figures of a long conversation, each against the same figure of a short one.
import type { Figure, Judged } from './figure.ts'
import { withUnit } from './table.ts'

export interface Pair {
  readonly short: number
  readonly long: number
}

/** Work on a conversation costs the same however long it is. */
const mostRatio = 1.3

/** The figure of the long one; judged is its ratio to that of the short one, which is in the note. */
export function againstShort(name: string, unit: string, { short, long }: Pair): Figure {
  return {
    name,
    unit,
    values: { Parley: long },
    judged: { value: long / short, unit: '×', most: mostRatio },
    note: `${withUnit(short, unit)} in the short one`,
  }
}

/** The same, held against a budget of its own. */
export function withinBudget(name: string, { short, long }: Pair, { unit, most }: Omit<Judged, 'value'>): Figure {
  return {
    name,
    unit,
    values: { Parley: long },
    judged: { value: long, unit, most },
    note: `${withUnit(short, unit)} in the short one`,
  }
}
