/**
 * The fold order of entries that have no seq yet. Chains are merged by the running maximum of `at` within each chain,
 * so that a clock that was set back never makes an author's own entries change places.
 */

import type { ClientId } from './ids.ts'

/** An entry as far as its order is concerned. */
export interface Placed {
  readonly client: ClientId
  readonly clock: number
  /** The device's clock in ms, when the entry tells it; else it inherits the one before it in its chain. */
  readonly at: number | undefined
}

/** Puts entries in fold order. The entries of each chain must come by ascending clock; ties go by client, then clock. */
export function inFoldOrder<T extends Placed>(entries: readonly T[]): T[] {
  const chains = new Map<ClientId, T[]>()
  for (const entry of entries) {
    const chain = chains.get(entry.client)
    if (chain === undefined) chains.set(entry.client, [entry])
    else chain.push(entry)
  }
  return [...mergeInFoldOrder([...chains.values()])]
}

/** The same for chains, each by ascending clock and of its own client; holds one entry of each at a time. */
export function* mergeInFoldOrder<T extends Placed>(chains: readonly Iterable<T>[]): Generator<T> {
  const heads: Head<T>[] = []
  for (const chain of chains) {
    const rest = chain[Symbol.iterator]()
    const head = nextHead(rest, 0)
    if (head !== undefined) heads.push(head)
  }
  while (heads.length > 0) {
    let least = 0
    for (let index = 1; index < heads.length; index++) if (isBefore(heads[index], heads[least])) least = index
    const head = heads[least]
    if (head === undefined) return
    yield head.entry
    const next = nextHead(head.rest, head.latest)
    if (next === undefined) heads.splice(least, 1)
    else heads[least] = next
  }
}

interface Head<T> {
  readonly entry: T
  /** The running maximum of `at`, this entry included. */
  readonly latest: number
  readonly rest: Iterator<T>
}

function nextHead<T extends Placed>(rest: Iterator<T>, latest: number): Head<T> | undefined {
  const read = rest.next()
  if (read.done === true) return undefined
  return { entry: read.value, latest: Math.max(latest, read.value.at ?? 0), rest }
}

function isBefore<T extends Placed>(a: Head<T> | undefined, b: Head<T> | undefined): boolean {
  if (a === undefined || b === undefined) return false
  return a.latest < b.latest || (a.latest === b.latest && a.entry.client < b.entry.client)
}
