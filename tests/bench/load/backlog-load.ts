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

/** The messages `0` to `messages - 1`, so many in each update. */
export interface BacklogStep {
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
  readonly #seen = new Set<number>()
  #onSeen: () => void = () => undefined

  constructor({ reader, writers }: BacklogOptions) {
    this.#reader = new Device({
      seat: reader,
      onMessage: (payload) => {
        eachMessage(payload, (number) => this.#seen.add(number))
        this.#onSeen()
      },
    })
    this.#writers = writers.map((seat) => ({ device: new Device({ seat }), chain: new ChainWriter(seat.user) }))
  }

  async joined(): Promise<void> {
    await Promise.all([this.#reader, ...this.#writers.map(({ device }) => device)].map((device) => device.joined()))
  }

  async run({ messages, perUpdate }: BacklogStep): Promise<void> {
    for (let first = 0, turn = 0; first < messages; first += perUpdate, turn++) {
      const writer = this.#writers[turn % this.#writers.length]
      if (writer === undefined) throw new Error('nobody writes')
      const through = Math.min(first + perUpdate, messages)
      const numbers = Array.from({ length: through - first }, (_, index) => first + index)
      const seen = new Promise<void>((resolve) => {
        this.#onSeen = () => {
          if (this.#seen.size >= through) resolve()
        }
      })
      writer.device.socket.send(writer.device.updateFrame(writer.chain.append(numbers)))
      await seen
    }
  }

  async close(): Promise<void> {
    const devices = [this.#reader, ...this.#writers.map(({ device }) => device)]
    await Promise.all(devices.map(({ socket }) => socket.close()))
  }
}
