// Fills rooms with history: for each room some writers who take turns, so many messages at a time, each turn only after a
// reader has seen the one before, so that the order is known.
import type { Seat } from '../seat.ts'
import { Device } from './device.ts'
import { ChainWriter, eachMessage } from './messages.ts'

export interface BacklogOptions {
  /** Reads along. */
  readonly reader: Seat
  /** One chain each. */
  readonly writers: readonly Seat[]
}

/** So many messages, the first of them numbered `first`; so many in each update. */
export interface BacklogStep {
  readonly first: number
  readonly messages: number
  readonly perUpdate: number
}

export async function startBacklog(options: BacklogOptions): Promise<BacklogLoad> {
  const load = new BacklogLoad(options)
  await load.joined()
  return load
}

class BacklogLoad {
  readonly #writers: readonly { readonly device: Device; readonly chain: ChainWriter }[]
  readonly #reader: Device
  /** The numbers of this turn that the reader has not seen. */
  #unseen = new Set<number>()
  #seen: Promise<void> = Promise.resolve()
  #onSeen: () => void = () => undefined
  #turn = 0

  constructor({ reader, writers }: BacklogOptions) {
    this.#reader = new Device({
      seat: reader,
      onMessage: (payload) => {
        eachMessage(payload, (number) => this.#unseen.delete(number))
        if (this.#unseen.size === 0) this.#onSeen()
      },
    })
    this.#writers = writers.map((seat) => ({ device: new Device({ seat }), chain: new ChainWriter(seat.user) }))
  }

  async joined(): Promise<void> {
    await Promise.all([this.#reader, ...this.#writers.map(({ device }) => device)].map((device) => device.joined()))
  }

  async run({ first, messages, perUpdate }: BacklogStep): Promise<void> {
    const end = first + messages
    for (let next = first; next < end; next += perUpdate) {
      const writer = this.#writers[this.#turn++ % this.#writers.length]
      if (writer === undefined) throw new Error('nobody writes')
      const numbers = Array.from({ length: Math.min(perUpdate, end - next) }, (_, index) => next + index)
      const frame = writer.device.updateFrame(writer.chain.append(numbers))
      // Made while the server still has the one before.
      await this.#seen
      this.#unseen = new Set(numbers)
      this.#seen = new Promise<void>((resolve) => {
        this.#onSeen = resolve
      })
      writer.device.socket.send(frame)
    }
    await this.#seen
  }

  async close(): Promise<void> {
    const devices = [this.#reader, ...this.#writers.map(({ device }) => device)]
    await Promise.all(devices.map(({ socket }) => socket.close()))
  }
}
