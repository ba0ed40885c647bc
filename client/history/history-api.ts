/** What the SDK says of the messages before the window. */

/** Seqs, `from` inclusive, `to` exclusive. */
export interface SeqSpan {
  readonly from: number
  readonly to: number
}

/** What stands before the newest messages, as far as it is shown and kept here. */
export interface HistoryStatus {
  /** What is kept unasked: what `setKeep` chose, or the client's default. */
  readonly keep: Keep
  /** There is more before what is shown. */
  readonly hasOlder: boolean
  /** What is shown does not reach the newest messages. */
  readonly hasNewer: boolean
  /** `unavailable`: what was asked for last is not on this device, and the server did not give it. */
  readonly phase: 'idle' | 'loading' | 'unavailable'
  /** Why. */
  readonly reason?: string
  /** Messages from before the window may have changed since they were kept; it will be known when there is a connection. */
  readonly stale?: true
  /** Of the archive, on this device. `complete`: all of it. */
  readonly kept: {
    readonly spans: readonly SeqSpan[]
    readonly messages: number
    readonly bytes: number
    readonly complete: boolean
  }
}

/** What of the archive is kept on a device unasked: all, as far as there is room, or nothing before the window. */
export type Keep = 'all' | 'window'
