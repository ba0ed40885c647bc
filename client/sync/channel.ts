/**
 * A channel of the client's socket in the shape of a WebSocket, as much of one as the stock provider uses: it plugs in as
 * its `WebSocketPolyfill` and the provider does the rest (SPEC MUX1).
 */

import { emptyUpdate } from '../../shared/sync/chain-update/encode-update.ts'
import type { Version } from '../../shared/sync/control.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import { splitMessage } from '../../shared/sync/split-message.ts'
import { encodeStep2, heartbeat, parseWireMessage } from '../../shared/sync/wire.ts'
import { limits } from '../../shared/limits.ts'
import type { Member, Seat } from './channel-table.ts'
import type { SendGate } from './send-gate.ts'

export interface ChannelOptions {
  readonly socket: { readonly join: (member: Member) => Seat }
  readonly conversation: ConversationId
  readonly gate: SendGate
  /** What the device has, when nothing of its own waits for the server: then there may be nothing to exchange. */
  readonly version: () => Version | undefined
}

interface Closed {
  readonly code: number
  readonly reason: string
}

const [connecting, open, , closed] = [0, 1, 2, 3] as const
/** A varUint of 32 bits: the channel in front of a message. */
const channelBytes = 5

class Channel {
  readonly OPEN = open
  readonly #gate: SendGate
  readonly #seat: Seat
  binaryType = 'arraybuffer'
  readyState: number = connecting
  onopen: (() => void) | null = null
  onmessage: ((event: { readonly data: Uint8Array }) => void) | null = null
  onclose: ((event: Closed) => void) | null = null
  onerror: (() => void) | null = null
  /** While the provider begins a sync for which there is no need. */
  #isCurrent = false

  constructor({ socket, conversation, gate, version }: ChannelOptions) {
    this.#gate = gate
    this.#seat = socket.join({
      conversation,
      version,
      opened: (current) => this.#open(current),
      receive: (message) => this.#deliver(message),
      feed: () => this.#deliver(heartbeat),
      closed: (code, reason) => {
        this.readyState = closed
        this.onclose?.({ code, reason })
      },
    })
  }

  /** Order is kept, and nothing leaves before the gate is open (SPEC OUTBOX1). */
  send(message: Uint8Array): void {
    if (this.#isCurrent && parseWireMessage(message).kind === 'step1') return
    this.#gate.pass(() => {
      if (this.readyState !== open) return
      for (const part of splitMessage(message, limits.frameBytes - channelBytes)) this.#seat.send(part)
    })
  }

  close(): void {
    if (this.readyState === closed) return
    this.readyState = closed
    this.#seat.leave()
  }

  #open(current: boolean): void {
    this.readyState = open
    this.#isCurrent = current
    this.onopen?.()
    this.#isCurrent = false
    // The answer to the SyncStep1 that was not sent.
    if (current) this.#deliver(encodeStep2(emptyUpdate))
  }

  #deliver(message: Uint8Array): void {
    if (this.readyState === open) this.onmessage?.({ data: message })
  }
}

/** The class that a provider makes an instance of whenever it connects. */
export function channelWebSocket(options: ChannelOptions): typeof WebSocket {
  const Bound = class extends Channel {
    constructor() {
      super(options)
    }
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as much of a WebSocket as the provider uses
  return Bound as unknown as typeof WebSocket
}
