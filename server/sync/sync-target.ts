/** What a socket session needs of a conversation: bytes in, bytes out. */

import type { FaultCode } from '../../shared/fault.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { StateVector } from '../../shared/sync/state-vector.ts'
import type { Subscriber } from './broadcast.ts'
import type { DurableState } from './projection.ts'

export type Taken =
  | { readonly kind: 'fault'; readonly code: FaultCode; readonly why: string }
  /** Judged and on its way to the disk. `gap`: something may begin beyond what is stored; ask for it. */
  | { readonly kind: 'taken'; readonly gap: boolean }

export interface SyncTarget {
  /** Relays every later change to the subscriber, until `unfollow`. Throws Fault `no-access`. */
  readonly follow: (subscriber: Subscriber) => void
  readonly unfollow: (subscriber: Subscriber) => void
  /** What is durable now; with `follow` in the same turn nothing is missed. */
  readonly durable: () => DurableState
  /** Whether the device has seen records or held entries that this server does not have. */
  readonly isBehind: (state: DurableState, known: StateVector) => boolean
  /** The update that takes a device from `known` to `state`. */
  readonly encodeMissing: (state: DurableState, known: StateVector) => Promise<Uint8Array>
  /** Takes an update of `sender`; resolves when it is staged, or later when too much waits for the disk. */
  readonly take: (sender: UserId, update: Uint8Array) => Promise<Taken>
  /** The holder is done with it. */
  readonly release: () => void
}
