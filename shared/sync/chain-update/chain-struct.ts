/** What a chain is made of, clock by clock: payloads, and runs of clocks whose payloads are gone. */

export type ChainStruct =
  | { readonly kind: 'payload'; readonly bytes: Uint8Array }
  | { readonly kind: 'deleted'; readonly length: number }

/** A run of clocks of one chain. */
export interface ClockRange {
  readonly clock: number
  readonly length: number
}

/** How many clocks a struct takes. */
export function structLength(struct: ChainStruct): number {
  return struct.kind === 'payload' ? 1 : struct.length
}
