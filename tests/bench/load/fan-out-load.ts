// Conversations full of members who talk and listen: as many messages in flight as asked (closed loop), or so many a second
// whatever the server does (open loop; latency counts from the moment a message was due). Every message must reach every
// other member exactly once.
import { createRandom } from '../../helpers/seeded-random.ts'
import { latencies, type Latencies } from '../figure.ts'
import type { Seat } from '../seat.ts'
import { Device } from './device.ts'
import { ChainWriter, eachMessage } from './messages.ts'

export interface FanOutOptions {
  /** Members of each conversation; one device each. */
  readonly conversations: readonly (readonly Seat[])[]
  readonly seed: number
}

export type FanOutStep =
  | { readonly kind: 'closed'; readonly messages: number; readonly inFlight: number }
  | { readonly kind: 'open'; readonly messages: number; readonly perSecond: number }

export interface FanOutResult {
  readonly seconds: number
  /** Copies that reached another member. */
  readonly deliveries: number
  /** Frames in which they came: a server may put several messages into one. */
  readonly frames: number
  readonly missing: number
  readonly duplicates: number
  /** CPU of this process over the time, 1 being one core. */
  readonly generatorLoad: number
  /** From the due time to the arrival at each other member, in ms; open loop only. */
  readonly latency: Latencies
  /** How late messages were sent, in ms; open loop only. */
  readonly slip: Latencies
}

interface Member {
  readonly device: Device
  readonly chain: ChainWriter
  readonly conversation: number
  readonly index: number
}

interface Planned {
  readonly member: Member
  readonly frame: Buffer
}

/** Nothing has arrived for so long: what is missing does not come any more. */
const lostAfterMs = 5000

export async function startFanOut({ conversations, seed }: FanOutOptions): Promise<FanOutLoad> {
  const load = new FanOutLoad(conversations, seed)
  await load.joined()
  return load
}

class FanOutLoad {
  readonly #members: readonly Member[]
  readonly #random
  #nextNumber = 0
  #round: Round | undefined

  constructor(conversations: readonly (readonly Seat[])[], seed: number) {
    this.#random = createRandom(seed)
    this.#members = conversations.flatMap((seats, conversation) =>
      seats.map((seat, index) => ({
        device: new Device({
          seat,
          onMessage: (payload) => {
            const round = this.#round
            if (round === undefined) return
            round.frameCame()
            eachMessage(payload, (number) => round.arrived(number, conversation, index))
          },
        }),
        chain: new ChainWriter(seat.user),
        conversation,
        index,
      })),
    )
  }

  async joined(): Promise<void> {
    await Promise.all(this.#members.map(({ device }) => device.joined()))
  }

  async run(step: FanOutStep): Promise<FanOutResult> {
    const first = this.#nextNumber
    const plan = Array.from({ length: step.messages }, (): Planned => {
      const member = this.#random.pick(this.#members)
      const update = member.chain.append([this.#nextNumber++])
      return { member, frame: member.device.updateFrame(update) }
    })
    const membersEach = new Map<number, number>()
    for (const { conversation } of this.#members)
      membersEach.set(conversation, (membersEach.get(conversation) ?? 0) + 1)
    const round = new Round(plan, first, membersEach)
    this.#round = round
    const result = await round.drive(step)
    this.#round = undefined
    return result
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map(({ device }) => device.socket.close()))
  }
}

/** One step: its messages, who has which, and when. */
class Round {
  readonly #plan: readonly Planned[]
  readonly #first: number
  /** One bit for each member that has it. */
  readonly #seenBy: Uint32Array
  readonly #left: Int32Array
  readonly #dueMs: Float64Array
  readonly #latencies: number[] = []
  readonly #slips: number[] = []
  #sent = 0
  #complete = 0
  #deliveries = 0
  #frames = 0
  #duplicates = 0
  #heardMs = 0
  #isOpenLoop = false
  #onComplete: () => void = () => undefined

  constructor(plan: readonly Planned[], first: number, membersEach: ReadonlyMap<number, number>) {
    this.#plan = plan
    this.#first = first
    this.#seenBy = new Uint32Array(plan.length)
    this.#left = Int32Array.from(plan, ({ member }) => (membersEach.get(member.conversation) ?? 0) - 1)
    this.#dueMs = new Float64Array(plan.length)
  }

  async drive(step: FanOutStep): Promise<FanOutResult> {
    const cpuBefore = process.cpuUsage()
    const start = performance.now()
    this.#heardMs = start
    this.#isOpenLoop = step.kind === 'open'
    const over = new Promise<void>((resolve) => {
      const watch = setInterval(() => {
        if (performance.now() - this.#heardMs > lostAfterMs && this.#sent > 0) end()
      }, 500)
      const end = (): void => {
        clearInterval(watch)
        resolve()
      }
      this.#onComplete = () => {
        if (this.#complete === this.#plan.length) end()
        else if (step.kind === 'closed') this.#sendNext()
      }
    })
    if (step.kind === 'closed') for (let slot = 0; slot < step.inFlight; slot++) this.#sendNext()
    else await this.#sendOnSchedule(step.perSecond, start)
    await over
    const wallMs = performance.now() - start
    const cpu = process.cpuUsage(cpuBefore)
    return {
      seconds: wallMs / 1000,
      deliveries: this.#deliveries,
      frames: this.#frames,
      missing: this.#left.reduce((sum, left) => sum + left, 0),
      duplicates: this.#duplicates,
      generatorLoad: (cpu.user + cpu.system) / 1000 / wallMs,
      latency: latencies(this.#latencies),
      slip: latencies(this.#slips),
    }
  }

  frameCame(): void {
    this.#frames++
  }

  arrived(number: number, conversation: number, index: number): void {
    const at = number - this.#first
    const planned = this.#plan[at]
    // What others appended before this step is no news.
    if (planned === undefined) return
    if (planned.member.conversation !== conversation) throw new Error('a message in another conversation')
    const now = performance.now()
    this.#heardMs = now
    const bit = 1 << index
    if (((this.#seenBy[at] ?? 0) & bit) !== 0) {
      this.#duplicates++
      return
    }
    this.#seenBy[at] = (this.#seenBy[at] ?? 0) | bit
    // Some servers send an author's own message back; that is no delivery.
    if (planned.member.index === index) return
    this.#deliveries++
    if (this.#isOpenLoop) this.#latencies.push(now - (this.#dueMs[at] ?? 0))
    const left = (this.#left[at] ?? 0) - 1
    this.#left[at] = left
    if (left === 0) {
      this.#complete++
      this.#onComplete()
    }
  }

  #sendNext(): void {
    const planned = this.#plan[this.#sent]
    if (planned === undefined) return
    this.#sent++
    planned.member.device.socket.send(planned.frame)
  }

  /** Sends each message at its time, or at once when that has passed. */
  #sendOnSchedule(perSecond: number, start: number): Promise<void> {
    const dueAt = (number: number): number => start + (number * 1000) / perSecond
    return new Promise((resolve) => {
      const look = (): void => {
        for (;;) {
          if (this.#sent === this.#plan.length) return resolve()
          const due = dueAt(this.#sent)
          const late = performance.now() - due
          if (late < 0) break
          this.#dueMs[this.#sent] = due
          this.#slips.push(late)
          this.#sendNext()
        }
        setTimeout(look, 1)
      }
      look()
    })
  }
}
