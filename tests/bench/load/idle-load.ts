// Rooms with a history, and then one device in each that says nothing and has missed nothing.
import type { Seat } from '../seat.ts'
import { startBacklog } from './backlog-load.ts'
import { Device } from './device.ts'
import { parseStateVector } from '../../../shared/sync/state-vector.ts'

export interface IdleOptions {
  /** One in each room. */
  readonly seats: readonly Seat[]
  readonly messages: number
  readonly chains: number
}

/** `fill` writes the histories; `sit` takes the next so many seats, on the server at this port. */
export type IdleStep =
  | { readonly kind: 'fill' }
  | { readonly kind: 'sit'; readonly seats: number; readonly port: number }

/** Rooms filled at the same time. */
const fillers = 4

export async function startIdle(options: IdleOptions): Promise<IdleLoad> {
  return new IdleLoad(options)
}

class IdleLoad {
  readonly #options: IdleOptions
  readonly #sitting: Device[] = []

  constructor(options: IdleOptions) {
    this.#options = options
  }

  async run(step: IdleStep): Promise<void> {
    if (step.kind === 'fill') return this.#fill()
    const seats = this.#options.seats.slice(this.#sitting.length, this.#sitting.length + step.seats)
    for (const seat of seats) this.#sitting.push(await this.#sit({ ...seat, port: step.port }))
  }

  async close(): Promise<void> {
    await Promise.all(this.#sitting.map(({ socket }) => socket.close()))
  }

  async #fill(): Promise<void> {
    const { seats, messages, chains } = this.#options
    const rooms = seats.values()
    const fill = async (): Promise<void> => {
      for (const seat of rooms) {
        const backlog = await startBacklog({ reader: seat, writers: Array.from({ length: chains }, () => seat) })
        await backlog.run({ first: 0, messages, perUpdate: Math.ceil(messages / chains) })
        await backlog.close()
      }
    }
    await Promise.all(Array.from({ length: fillers }, fill))
  }

  /** Says that it has what the server has: the server is the first to say it. */
  async #sit(seat: Seat): Promise<Device> {
    const device = new Device({ seat, stateVector: 'as the server' })
    const { serverStateVector } = await device.joined()
    const parsed = parseStateVector(serverStateVector)
    const entries = parsed.kind === 'malformed' ? 0 : [...parsed.clocks.values()].reduce((sum, clock) => sum + clock, 0)
    if (entries < this.#options.messages) throw new Error(`a conversation of ${entries} entries`)
    return device
  }
}
