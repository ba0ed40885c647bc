/**
 * One conversation's sync stream to one device, whatever carries it: the y-websocket protocol from the moment the user
 * is known. Messages are handled one after another. A device that does not read is relayed nothing until it does: then it
 * goes on from the log, exactly where it was.
 */

import { Fault, type FaultCode } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import { parseAwareness } from '../../shared/sync/awareness.ts'
import type { Version } from '../../shared/sync/control.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import { encodeStateVector, parseStateVector, type StateVector } from '../../shared/sync/state-vector.ts'
import { encodeStep1, encodeStep2, encodeUpdateMessage, parseWireMessage } from '../../shared/sync/wire.ts'
import { isDamage } from '../storage/conversation-store.ts'
import type { Subscriber } from './broadcast.ts'
import { countLacking } from './catch-up.ts'
import type { Flow } from './flow.ts'
import { parseAnnouncement } from './presence.ts'
import { durableStateVector } from './projection.ts'
import type { SessionDeps } from './session.ts'
import type { SyncTarget } from './sync-target.ts'

/** What carries a channel. */
export interface ChannelPort {
  /** Sends one wire message. */
  readonly send: (message: Uint8Array) => void
  /** The channel is open; `current`: the device has all there is, and nothing will be exchanged. */
  readonly opened: (current: boolean) => void
  /** The channel is over, from this side. */
  readonly close: (code: FaultCode) => void
  /** Of the socket. */
  readonly flow: Flow
}

export interface ChannelOptions {
  readonly user: UserId
  readonly opening: Promise<SyncTarget>
  readonly port: ChannelPort
  readonly deps: SessionDeps
  /** What the device says it has. */
  readonly version?: Version | undefined
  /** Its name, where its awareness tells none. */
  readonly device?: string | undefined
}

/** `joining`: it has not said what it has. `behind`: it does not read, or is being brought up to date. */
type Phase = 'joining' | 'behind' | 'following' | 'closed'

export class Channel implements Subscriber {
  readonly user: UserId
  readonly #port: ChannelPort
  readonly #deps: SessionDeps
  readonly #device: string | undefined
  #target: SyncTarget | undefined
  #phase: Phase = 'joining'
  /** A SyncStep1 of ours has not been answered. */
  #asked = false
  #handled: Promise<void>
  /** What the device said last that it has. */
  #stated: StateVector | undefined
  /** What a device has that is still to be brought up to date. */
  #known: StateVector | undefined
  #isCatchingUp = false
  #endSlowDown: () => void = () => undefined

  constructor({ user, opening, port, deps, version, device }: ChannelOptions) {
    this.user = user
    this.#device = device
    this.#port = port
    this.#deps = deps
    this.#handled = this.#safely(async () => this.#open(await opening, version))
  }

  /** A wire message came in. */
  receive(message: Uint8Array): void {
    if (this.#phase === 'closed') return
    const { flow } = this.#port
    const costBytes = message.length + limits.frameOverheadBytes
    flow.waiting(costBytes)
    this.#handled = this.#handled.then(async () => {
      await this.#safely(() => this.#handle(message))
      flow.waiting(-costBytes)
    })
  }

  /** It has said what it has. */
  get hasJoined(): boolean {
    return this.#phase === 'behind' || this.#phase === 'following'
  }

  /** The device was sent all there is, and is sent what comes: nobody else need tell it. */
  get isCurrent(): boolean {
    return this.#phase === 'following' && !this.#isCatchingUp
  }

  relay(message: Uint8Array, before: () => StateVector): void {
    // Before it has our step2, a device could only keep what is relayed as pending.
    if (this.#phase !== 'following') return
    if (this.#port.flow.bufferedBytes <= limits.socketBufferSoftBytes) this.#send(message)
    else this.#catchUp(before())
  }

  show(messageFor: () => Uint8Array | undefined): void {
    if (!this.#reads) return
    const message = messageFor()
    if (message !== undefined) this.#send(message)
  }

  /** It follows, and little waits for it: there is room for what may be left out. */
  get #reads(): boolean {
    return this.#phase === 'following' && this.#port.flow.bufferedBytes <= limits.socketBufferSoftBytes
  }

  /** To be called now and then: devices forget whom they do not hear of. */
  beat(): void {
    this.#target?.renewPresence()
  }

  close(code: FaultCode): void {
    if (this.#phase === 'closed') return
    this.end()
    this.#port.close(code)
  }

  /** Nobody is at the other end any more. Idempotent. */
  end(): void {
    if (this.#phase === 'closed') return
    this.#phase = 'closed'
    this.#endSlowDown()
    const target = this.#target
    if (target === undefined) return
    target.announce(this, undefined)
    target.unfollow(this)
    // A backlog may still be on its way into the conversation.
    void this.#handled.then(() => target.release())
  }

  #open(target: SyncTarget, version: Version | undefined): void {
    if (this.#phase === 'closed') return target.release()
    this.#target = target
    target.follow(this)
    const { serverClient, nextRecord } = target.durable()
    const isCurrent = version?.server === serverClient && version.records === nextRecord
    this.#port.opened(isCurrent)
    if (isCurrent) this.#follow(target)
    else this.#ask(target)
  }

  #follow(target: SyncTarget): void {
    if (this.#phase === 'closed') return
    this.#phase = 'following'
    this.#sendOthers(target)
  }

  #send(message: Uint8Array): void {
    if (this.#phase === 'closed') return
    if (this.#port.flow.bufferedBytes > limits.socketBufferHardBytes) this.#refuse('overloaded', 'it does not read')
    else this.#port.send(message)
  }

  #ask(target: SyncTarget): void {
    this.#asked = true
    this.#send(encodeStep1(encodeStateVector(durableStateVector(target.durable()))))
  }

  async #safely(job: () => void | Promise<void>): Promise<void> {
    if (this.#phase === 'closed') return
    try {
      await job()
    } catch (error) {
      if (!(error instanceof Fault || isDamage(error))) {
        this.#deps.log.error({ err: error, user: this.user }, 'a channel failed')
      }
      this.#refuse(error instanceof Fault ? error.code : 'unavailable')
    }
  }

  async #handle(message: Uint8Array): Promise<void> {
    const target = this.#target
    if (target === undefined) return
    const parsed = parseWireMessage(message)
    let entries = 1
    switch (parsed.kind) {
      case 'step1':
        this.#answer(target, parsed.stateVector)
        break
      case 'step2':
        this.#asked = false
        entries += await this.#take(target, parsed.update, false)
        break
      case 'update':
        entries += await this.#take(target, parsed.update, true)
        break
      case 'awareness':
        this.#announce(target, parsed.update)
        break
      case 'query-awareness':
        if (this.#reads) this.#sendOthers(target)
        break
      case 'aside':
        break
      case 'malformed':
        return this.#refuse('malformed', parsed.why)
    }
    await this.#slowDown(entries, message.length)
  }

  /** Whoever writes faster than the limit waits before the next message is handled (SPEC LIMIT1). */
  async #slowDown(entries: number, bytes: number): Promise<void> {
    const { rates, sleep } = this.#deps
    const waitMs = Math.max(rates.entries.take(this.user, entries), rates.bytes.take(this.user, bytes))
    if (waitMs > limits.longestSlowDownMs) this.#refuse('overloaded', 'too many entries')
    if (waitMs === 0 || this.#phase === 'closed') return
    // Whoever leaves takes along what still waits: else coming back again and again would heap it up.
    const left = new Promise<void>((resolve) => {
      this.#endSlowDown = resolve
    })
    await Promise.race([sleep(waitMs), left])
  }

  #answer(target: SyncTarget, stateVector: Uint8Array): void {
    const known = parseStateVector(stateVector)
    if (known.kind === 'malformed') return this.#refuse('malformed', known.why)
    if (target.isBehind(target.durable(), known.clocks)) {
      target.noteBehind()
      return this.#refuse('server-behind')
    }
    this.#stated = known.clocks
    this.#catchUp(known.clocks)
  }

  /** Sends what a device at `known` lacks, as fast as it reads; then it follows. Only the last state it tells counts. */
  #catchUp(known: StateVector): void {
    this.#phase = 'behind'
    this.#known = known
    if (this.#isCatchingUp) return
    this.#isCatchingUp = true
    void this.#safely(() => this.#sendMissing())
  }

  async #sendMissing(): Promise<void> {
    while (this.#known !== undefined && this.#phase !== 'closed') {
      await this.#port.flow.inTurn(() => this.#sendPart())
    }
    // In the same turn as the last look: what begins to lack from now on begins anew.
    this.#isCatchingUp = false
  }

  async #sendPart(): Promise<void> {
    const target = this.#target
    const known = this.#known
    const stated = this.#stated
    if (target === undefined || known === undefined || this.#phase === 'closed') return
    const state = target.durable()
    if (countLacking(state, known) <= limits.entriesPerCatchUp) {
      // From here on relays are sent too, and may come before the step2: Yjs keeps them until then.
      this.#known = undefined
      this.#follow(target)
      const rest = await target.encodeRest(state, known)
      if (rest !== undefined) return this.#sendPaid(encodeStep2(rest))
      // Few, but long ones.
      if (this.#stated === stated) this.#catchUp(known)
    }
    const part = await target.encodePart(state, known)
    // Meanwhile it may have told something else.
    if (this.#known === known) this.#known = part.known
    this.#sendPaid(encodeUpdateMessage(part.update))
  }

  #sendOthers(target: SyncTarget): void {
    const others = target.others(this)
    if (others !== undefined) this.#sendPaid(others)
  }

  /** Asking again and again for all of it costs its user as much as writing it. */
  #sendPaid(message: Uint8Array): void {
    this.#deps.rates.bytes.take(this.user, message.length)
    this.#send(message)
  }

  /** How many entries it brought. */
  async #take(target: SyncTarget, update: Uint8Array, mayAsk: boolean): Promise<number> {
    const taken = await target.take(this.user, update)
    if (taken.kind === 'fault') {
      this.#refuse(taken.code, taken.why)
      return taken.entries ?? 0
    }
    // A device that types before it has our step1 sends what we cannot join; the answer to a step1 closes the gap.
    if (taken.gap && mayAsk && !this.#asked) this.#ask(target)
    return taken.entries
  }

  #announce(target: SyncTarget, update: Uint8Array): void {
    const announcement = parseAnnouncement(parseAwareness(update) ?? [])
    if (announcement === undefined) return
    target.announce(this, announcement ?? undefined, this.#device)
  }

  #refuse(code: FaultCode, why?: string): void {
    if (this.#phase === 'closed') return
    this.#deps.log.info({ user: this.user, code, why }, 'channel refused')
    this.close(code)
  }
}
