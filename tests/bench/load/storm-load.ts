// Devices that come back at the same time with nothing missed: each says what it has, is told that it lacks nothing, and
// tells the server the same.
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeUpdate } from 'yjs'
import { parseStateVector } from '../../../shared/sync/state-vector.ts'
import type { Seat } from '../seat.ts'
import { Device, emptyStateVector } from './device.ts'

export interface StormOptions {
  /** One device each. */
  readonly seats: readonly Seat[]
  /** How many the room holds; a server that keeps documents may need a while to load them. */
  readonly messages: number
}

export type StormStep = 'connect' | 'disconnect'

export interface StormResult {
  readonly seconds: number
  /** Bytes of frames, the most of any device. */
  readonly sentBytes: number
  readonly receivedBytes: number
  readonly generatorLoad: number
}

const restMs = 300
/** An update that carries nothing has two; the floor's has none. */
const emptyUpdateBytes = 2

export async function startStorm({ seats, messages }: StormOptions): Promise<StormLoad> {
  const [seat] = seats
  if (seat === undefined) throw new Error('nobody comes back')
  if (seat.dialect === 'relay') return new StormLoad(seats, emptyStateVector, undefined)
  // Stays the whole time, so that nobody has to load the room again.
  const stayer = new Device({ seat })
  await stayer.joined()
  for (let before: Uint8Array | undefined; ;) {
    const scout = new Device({ seat })
    const { serverStateVector } = await scout.joined()
    await scout.socket.close()
    // The window may still be moving on: it has come to rest when nothing is new a moment later.
    const isAtRest = before !== undefined && Buffer.compare(before, serverStateVector) === 0
    if (isAtRest && entriesIn(serverStateVector) >= messages) return new StormLoad(seats, serverStateVector, stayer)
    before = serverStateVector
    await sleep(restMs)
  }
}

function entriesIn(stateVector: Uint8Array): number {
  const parsed = parseStateVector(stateVector)
  return parsed.kind === 'malformed' ? 0 : [...parsed.clocks.values()].reduce((sum, clock) => sum + clock, 0)
}

class StormLoad {
  readonly #seats: readonly Seat[]
  readonly #stateVector: Uint8Array
  readonly #stayer: Device | undefined
  #devices: readonly Device[] = []

  constructor(seats: readonly Seat[], stateVector: Uint8Array, stayer: Device | undefined) {
    this.#seats = seats
    this.#stateVector = stateVector
    this.#stayer = stayer
  }

  async run(step: StormStep): Promise<StormResult> {
    const cpuBefore = process.cpuUsage()
    const start = performance.now()
    if (step === 'connect') await this.#connect()
    else await this.#disconnect()
    const wallMs = performance.now() - start
    const cpu = process.cpuUsage(cpuBefore)
    return {
      seconds: wallMs / 1000,
      sentBytes: Math.max(0, ...this.#devices.map(({ socket }) => socket.sentBytes)),
      receivedBytes: Math.max(0, ...this.#devices.map(({ socket }) => socket.receivedBytes)),
      generatorLoad: (cpu.user + cpu.system) / 1000 / wallMs,
    }
  }

  async close(): Promise<void> {
    await this.#disconnect()
    await this.#stayer?.socket.close()
  }

  async #disconnect(): Promise<void> {
    await Promise.all(this.#devices.map(({ socket }) => socket.close()))
    this.#devices = []
  }

  async #connect(): Promise<void> {
    this.#devices = this.#seats.map((seat) => new Device({ seat, stateVector: this.#stateVector }))
    const joined = await Promise.all(this.#devices.map((device) => device.joined()))
    for (const { update } of joined) {
      // What was deleted is told to whoever asks: nobody can tell what of it a device knows.
      if (update.length > emptyUpdateBytes && decodeUpdate(update).structs.length > 0)
        throw new Error('a device was sent something although it had missed nothing')
    }
  }
}
