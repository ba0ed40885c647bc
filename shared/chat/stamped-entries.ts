/** Reads what a stamp stands for out of a document: all of it or, where that contradicts or lacks something, nothing. */

import { crc32 } from '../sync/crc32.ts'
import type { ClientId, UserId } from '../sync/ids.ts'
import type { Stamp } from '../sync/record.ts'
import type { ChainSource } from './chain-source.ts'
import type { RecordedPlaces } from './recorded-places.ts'

/** A stamped entry with its place in the order. */
export interface StampedEntry {
  readonly client: ClientId
  readonly clock: number
  readonly user: UserId | undefined
  readonly seq: number
  /** Undefined when the bytes are gone. */
  readonly payload: Uint8Array | undefined
}

/** A stamp's checksum and the bytes of this device disagree: this device has forked. */
export interface Fork {
  readonly client: ClientId
  readonly clock: number
}

export type StampedEntries =
  /** Those that are neither void nor archived, by ascending seq. */
  | { readonly kind: 'read'; readonly entries: readonly StampedEntry[] }
  /** The chain of the live entry at `seq` has not come so far. */
  | { readonly kind: 'absent'; readonly seq: number }
  | ({ readonly kind: 'fork' } & Fork)

/** `through`: seq of the last archived entry. */
export function readStamped(
  stamp: Stamp,
  source: ChainSource,
  places: RecordedPlaces,
  through: number,
): StampedEntries {
  const absent = isOne(stamp) ? undefined : firstAbsent(stamp, source, places, through)
  if (absent !== undefined) return { kind: 'absent', seq: absent }
  const entries: StampedEntry[] = []
  let { seq } = stamp
  for (const { client, clock: first, crcs } of stamp.runs) {
    const user = source.userOf(client)
    for (let clock = first; clock < first + crcs.length; clock++) {
      const isVoid = places.voidReason(client, clock) !== undefined
      const there = isVoid ? undefined : source.payloadAt(client, clock)
      if (there === undefined && !isVoid && seq > through) return { kind: 'absent', seq }
      const payload = there instanceof Uint8Array ? there : undefined
      if (payload !== undefined && crc32(payload) !== crcs[clock - first]) return { kind: 'fork', client, clock }
      if (!isVoid && seq > through) entries.push({ client, clock, user, seq, payload })
      seq++
    }
  }
  return { kind: 'read', entries }
}

/** Most stamp one entry, and reading that tells whether it is there. */
function isOne({ runs }: Stamp): boolean {
  return runs.length === 1 && runs[0]?.crcs.length === 1
}

/** Of what is void or archived nothing needs to arrive: a new epoch does without chains of which nothing is left. */
function firstAbsent(
  { seq: first, runs }: Stamp,
  source: ChainSource,
  places: RecordedPlaces,
  through: number,
): number | undefined {
  let seq = first
  for (const { client, clock, crcs } of runs) {
    let last = clock + crcs.length - 1
    while (last >= clock && places.voidReason(client, last) !== undefined) last--
    const lastSeq = seq + last - clock
    if (last >= clock && lastSeq > through && source.payloadAt(client, last) === undefined) return lastSeq
    seq += crcs.length
  }
  return undefined
}

/** Seq of the last entry of a stamp. */
export function lastSeqOf({ seq, runs }: Stamp): number {
  return runs.reduce((last, { crcs }) => last + crcs.length, seq - 1)
}
