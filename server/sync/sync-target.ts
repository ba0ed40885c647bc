/** What a channel needs of a conversation: bytes in, bytes out. */

import type { FaultCode } from '../../shared/fault.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { StateVector } from '../../shared/sync/state-vector.ts'
import type { Subscriber } from './broadcast.ts'
import type { CatchUpPart } from './catch-up.ts'
import type { Announcement } from './presence.ts'
import type { DurableState } from './projection.ts'

export type Taken =
  /** `entries`: what it cost all the same. */
  | { readonly kind: 'fault'; readonly code: FaultCode; readonly why: string; readonly entries?: number }
  /** Judged and on its way to the disk. `gap`: something may begin beyond what is stored; ask for it. `entries`: those that it
   * brought, those that came again included, or its sections if they are more. */
  | { readonly kind: 'taken'; readonly gap: boolean; readonly entries: number }

export interface SyncTarget {
  /** Relays every later change to the subscriber, until `unfollow`. Throws Fault `no-access` or `overloaded`. */
  readonly follow: (subscriber: Subscriber) => void
  readonly unfollow: (subscriber: Subscriber) => void
  /** What is durable now; with `follow` in the same turn nothing is missed. */
  readonly durable: () => DurableState
  /** Whether the device has seen records or held entries that this server does not have. */
  readonly isBehind: (state: DurableState, known: StateVector) => boolean
  /** A device was turned away because of that: to be told to operators. */
  readonly noteBehind: () => void
  /** The update that takes a device from `known` to `state`; undefined when that is more than a part. */
  readonly encodeRest: (state: DurableState, known: StateVector) => Promise<Uint8Array | undefined>
  /** The next part of it. */
  readonly encodePart: (state: DurableState, known: StateVector) => Promise<CatchUpPart>
  /** Takes an update of `sender`; resolves when it is staged, or later when too much waits for the disk. */
  readonly take: (sender: UserId, update: Uint8Array) => Promise<Taken>
  /** What a subscriber says of itself; undefined: it is not to be shown. `device`: the name it said hello with. */
  readonly announce: (subscriber: Subscriber, announcement: Announcement | undefined, device?: string) => void
  /** Everybody else who is there, as a wire message; undefined when nobody is. */
  readonly others: (subscriber: Subscriber) => Uint8Array | undefined
  /** Tells everybody again who is there, if that is due. */
  readonly renewPresence: () => void
  /** The holder is done with it. */
  readonly release: () => void
}
