/**
 * A socket of the multiplexed protocol `parley.1`: hello, then any number of channels. Nothing is decoded before the
 * token of the hello has been proved; what comes behind it meanwhile waits.
 */

import { Fault, type FaultCode, faults } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import {
  type Activity,
  type ClientControl,
  encodeServerControl,
  type Gone,
  parseClientControl,
  type ServerControl,
  type Version,
} from '../../shared/sync/control.ts'
import { controlChannel, encodeFrame, parseFrame } from '../../shared/sync/frame.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import { splitMessage } from '../../shared/sync/split-message.ts'
import type { Authenticate } from '../identity.ts'
import type { ActivityFeed } from './activity.ts'
import { Channel, type ChannelPort } from './channel.ts'
import { Flow } from './flow.ts'
import type { Session, SessionDeps, SocketPort } from './session.ts'
import type { SyncTarget } from './sync-target.ts'

export interface MuxDeps extends SessionDeps {
  readonly authenticate: Authenticate
  /** Fault `not-found` or `deleted`. */
  readonly acquire: (user: UserId, id: ConversationId) => Promise<SyncTarget>
  /** What a device with these versions has to be told. */
  readonly overview: (
    user: UserId,
    versions: ReadonlyMap<ConversationId, Version>,
  ) => Promise<{ readonly moved: readonly Activity[]; readonly gone: readonly Gone[] }>
  readonly activity: ActivityFeed
}

interface MuxOptions {
  readonly port: SocketPort
  readonly deps: MuxDeps
  /** Called once, when it is proved who is asking. */
  readonly onKnown: () => void
}

interface Open {
  readonly conversation: ConversationId
  readonly channel: Channel
}

/** A frame's channel, at the most. */
const channelBytes = 5

export class MuxSession implements Session {
  readonly #port: SocketPort
  readonly #flow: Flow
  readonly #deps: MuxDeps
  readonly #onKnown: () => void
  readonly #channels = new Map<number, Open>()
  readonly #byConversation = new Map<ConversationId, Channel>()
  /** By what happened last. */
  readonly #untold = new Map<ConversationId, Activity | Gone>()
  #user: UserId | undefined
  #device: string | undefined
  /** Frames that came behind a hello that is being proved. */
  #waiting: Uint8Array[] | undefined
  /** The highest number a channel was opened with. */
  #lastNumber = 0
  #isSlowedDown = false
  #endSlowDown: () => void = () => undefined
  #isEnded = false
  #stopListening: () => void = () => undefined

  constructor({ port, deps, onKnown }: MuxOptions) {
    this.#port = port
    this.#flow = new Flow(port)
    this.#deps = deps
    this.#onKnown = onKnown
  }

  get hasToken(): boolean {
    return this.#user !== undefined || this.#waiting !== undefined
  }

  get isBusy(): boolean {
    return this.#flow.isBusy
  }

  receive(frame: Uint8Array): void {
    if (this.#isEnded) return
    if (this.#user !== undefined) return this.#handle(this.#user, frame)
    if (this.#waiting === undefined) return this.#greet(frame)
    this.#waiting.push(frame)
  }

  beat(): void {
    if (this.#user === undefined) return
    this.#say({ type: 'beat' })
    for (const { channel } of this.#channels.values()) channel.beat()
  }

  close(code: FaultCode): void {
    if (this.#isEnded) return
    this.end()
    this.#port.close(code)
  }

  end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#stopListening()
    for (const { channel } of this.#channels.values()) channel.end()
    this.#channels.clear()
    this.#endSlowDown()
    this.#flow.end()
  }

  #greet(frame: Uint8Array): void {
    const hello = parseControlFrame(frame)
    if (hello?.type !== 'hello') return this.#refuse('unauthenticated', 'no hello')
    // What comes behind it stays in the network, but for what has been read with it.
    this.#waiting = []
    this.#flow
      .hold(() => this.#welcome(hello, frame.length))
      .catch((error: unknown) => {
        if (!(error instanceof Fault)) this.#deps.log.error({ err: error }, 'a hello could not be answered')
        this.#refuse(error instanceof Fault ? error.code : 'unavailable')
      })
  }

  async #welcome({ token, device, versions }: Extract<ClientControl, { type: 'hello' }>, bytes: number): Promise<void> {
    const { user, expiresMs } = await this.#deps.authenticate(token)
    if (this.#isEnded) return
    this.#onKnown()
    this.#port.expireAt(expiresMs)
    const waitMs = this.#charge(user, 1 + versions.size / limits.versionsPerEntry, bytes)
    if (waitMs > limits.helloPatienceMs) return this.#refuse('overloaded', 'too many hellos')
    if (waitMs > 0) await this.#pause(user)
    if (this.#isEnded) return
    const earlier: (readonly [readonly Activity[], readonly Gone[]])[] = []
    let hear = (moved: readonly Activity[], gone: readonly Gone[]): void => void earlier.push([moved, gone])
    // Before the overview is read, so that nothing falls between the two.
    this.#stopListening = this.#deps.activity.listen({ user, hear: (moved, gone) => hear(moved, gone) })
    const { moved, gone } = await this.#deps.overview(user, versions)
    if (this.#isEnded) return
    hear = (movedLater, goneLater) => this.#tell(movedLater, goneLater)
    this.#sayNews(moved, gone)
    this.#say({ type: 'hello', user, expiresMs })
    for (const [movedMeanwhile, goneMeanwhile] of earlier) this.#tell(movedMeanwhile, goneMeanwhile)
    this.#slowDown(user, (moved.length + gone.length) / limits.versionsPerEntry, 0)
    this.#user = user
    this.#device = device
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    for (const frame of waiting) if (!this.#isEnded) this.#handle(user, frame)
  }

  #handle(user: UserId, bytes: Uint8Array): void {
    const frame = parseFrame(bytes)
    if (frame.kind === 'malformed') return this.#refuse('malformed', frame.why)
    const open = this.#channels.get(frame.channel)
    if (open !== undefined) return open.channel.receive(frame.content)
    // Channels see to the pace of what they receive.
    this.#slowDown(user, 1, bytes.length)
    // To one that was refused or closed meanwhile, or was never open.
    if (frame.channel !== controlChannel || this.#isEnded) return
    const control = parseClientControl(frame.content)
    switch (control.type) {
      case 'open':
        return this.#open(user, control)
      case 'close':
        return this.#closeChannel(control.channel)
      case 'token':
        this.#renew(user, control.token).catch((error: unknown) => {
          this.#refuse(error instanceof Fault ? error.code : 'unavailable')
        })
        return
      case 'hello':
        return this.#refuse('malformed', 'a second hello')
      case 'malformed':
        return this.#refuse('malformed', control.why)
    }
  }

  #open(user: UserId, { channel: number, conversation, version }: Extract<ClientControl, { type: 'open' }>): void {
    if (number <= this.#lastNumber) return this.#refuse('malformed', 'not the number of a new channel')
    this.#lastNumber = number
    const isOpen = this.#byConversation.has(conversation)
    if (isOpen || this.#channels.size >= limits.channelsPerSocket) {
      // On two channels everything would come twice.
      const reason = isOpen ? 'it is open here' : 'too many channels'
      return this.#say({ type: 'refused', channel: number, code: 'overloaded', reason })
    }
    const opening = this.#deps.acquire(user, conversation)
    const port = this.#portOf(number)
    const channel = new Channel({ user, opening, port, deps: this.#deps, version, device: this.#device })
    this.#channels.set(number, { conversation, channel })
    this.#byConversation.set(conversation, channel)
  }

  #portOf(number: number): ChannelPort {
    return {
      send: (message) => {
        for (const part of splitMessage(message, limits.frameBytes - channelBytes)) {
          this.#port.send(encodeFrame(number, part))
        }
      },
      opened: (current) => this.#say({ type: 'opened', channel: number, current }),
      close: (code) => {
        this.#forget(number)
        this.#say({ type: 'refused', channel: number, code, reason: faults[code].text })
      },
      // Any channel that has enough stops all of them: they are of one user.
      flow: this.#flow,
    }
  }

  /** How long the user is to wait now; beyond the longest wait the socket is closed. */
  #charge(user: UserId, entries: number, bytes: number): number {
    const { rates } = this.#deps
    const waitMs = Math.max(rates.entries.take(user, entries), rates.bytes.take(user, bytes))
    if (waitMs > limits.longestSlowDownMs) this.#refuse('overloaded', 'too many frames')
    return waitMs
  }

  /** Whoever asks faster than the limit is read no further for a while (SPEC LIMIT1). */
  #slowDown(user: UserId, entries: number, bytes: number): void {
    const waitMs = this.#charge(user, entries, bytes)
    if (waitMs === 0 || this.#isSlowedDown || this.#isEnded) return
    this.#isSlowedDown = true
    void this.#flow
      .hold(() => this.#pause(user))
      .finally(() => {
        this.#isSlowedDown = false
      })
  }

  /** Until the user owes nothing. */
  async #pause(user: UserId): Promise<void> {
    const { rates, sleep } = this.#deps
    const left = new Promise<void>((resolve) => {
      this.#endSlowDown = resolve
    })
    while (!this.#isEnded) {
      const waitMs = Math.max(rates.entries.take(user, 0), rates.bytes.take(user, 0))
      if (waitMs === 0) return
      await Promise.race([sleep(waitMs), left])
    }
  }

  #closeChannel(number: number): void {
    const open = this.#channels.get(number)
    if (open === undefined) return
    open.channel.end()
    this.#forget(number)
  }

  #forget(number: number): void {
    const open = this.#channels.get(number)
    if (open === undefined) return
    this.#channels.delete(number)
    this.#byConversation.delete(open.conversation)
  }

  async #renew(user: UserId, token: string): Promise<void> {
    const identity = await this.#deps.authenticate(token)
    if (this.#isEnded) return
    if (identity.user !== user) return this.#refuse('unauthenticated', 'the token of somebody else')
    this.#port.expireAt(identity.expiresMs)
    this.#say({ type: 'token', expiresMs: identity.expiresMs })
  }

  /** When the device reads: until then the latest of each conversation is kept. */
  #tell(moved: readonly Activity[], gone: readonly Gone[]): void {
    if (this.#untold.size === 0) void this.#flow.inTurn(async () => this.#tellUntold())
    for (const news of [...gone, ...moved]) this.#untold.set(news.conversation, news)
  }

  #tellUntold(): void {
    const news = [...this.#untold.values()]
    this.#untold.clear()
    const moved = news.filter((one) => 'version' in one)
    const gone = news.filter((one) => 'code' in one)
    this.#sayNews(moved, gone)
  }

  /** What a channel brings is left out; one that does not yet may be closed before it does. */
  #sayNews(moved: readonly Activity[], gone: readonly Gone[]): void {
    const unseen = moved.filter(({ conversation }) => this.#byConversation.get(conversation)?.isCurrent !== true)
    const count = Math.max(unseen.length, gone.length)
    for (let from = 0; from < count; from += limits.activitiesPerFrame) {
      const to = from + limits.activitiesPerFrame
      this.#say({ type: 'activity', moved: unseen.slice(from, to), gone: gone.slice(from, to) })
    }
  }

  #say(message: ServerControl): void {
    if (this.#isEnded) return
    if (this.#port.bufferedBytes() > limits.socketBufferHardBytes) this.#refuse('overloaded', 'it does not read')
    else this.#port.send(encodeServerControl(message))
  }

  #refuse(code: FaultCode, why?: string): void {
    if (this.#isEnded) return
    this.#deps.log.info({ user: this.#user, code, why }, 'socket refused')
    this.close(code)
  }
}

function parseControlFrame(bytes: Uint8Array): ClientControl | undefined {
  const frame = parseFrame(bytes)
  if (frame.kind === 'malformed' || frame.channel !== controlChannel) return undefined
  const control = parseClientControl(frame.content)
  return control.type === 'malformed' ? undefined : control
}
