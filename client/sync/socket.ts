/**
 * The one socket of a client: says who asks and what the device has, carries the channels of the conversations that are
 * open, and comes back when it is lost (SPEC MUX*). Knows nothing of documents.
 */

import { faults, isPermanent } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import {
  type Activity,
  type ClientControl,
  encodeClientControl,
  type Gone,
  parseServerControl,
  type Version,
} from '../../shared/sync/control.ts'
import { controlChannel, encodeFrame, parseFrame } from '../../shared/sync/frame.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { ReadableStore } from '../api.ts'
import { createStore } from '../store.ts'
import { type Backoff, createBackoff } from './backoff.ts'
import { ChannelTable, type Member, type Seat } from './channel-table.ts'
import { describeClose, lostCode } from './close-reason.ts'
import { createTokenRenewal, type TokenRenewal } from './token-renewal.ts'
import type { TokenSource } from './token-source.ts'

export type SocketStatus =
  | { readonly phase: 'idle' }
  /** Another attempt will come. */
  | { readonly phase: 'offline'; readonly reason: string }
  | { readonly phase: 'connecting' }
  /** The server has said hello. */
  | { readonly phase: 'live' }
  /** The server said no for good. */
  | { readonly phase: 'refused'; readonly code: string; readonly reason: string }
  | { readonly phase: 'closed' }

/** A conversation that moved; to which version, where the server says it. */
export type Moved = Pick<Activity, 'conversation'> & Partial<Pick<Activity, 'version'>>

export interface SyncSocketOptions {
  /** Of the server, `http://…` or `https://…`. */
  readonly url: string
  readonly user: UserId
  readonly tokens: TokenSource
  readonly WebSocket: typeof WebSocket
  /** Name of this device. */
  readonly device: string | undefined
  /** The device's clock in ms: what tokens end by. */
  readonly now: () => number
  /** In ms from any beginning; goes on evenly while the device's clock is set. */
  readonly uptime: () => number
  /** From 0 up to 1. */
  readonly random: () => number
  /** What this device has, open or not. */
  readonly versions: () => ReadonlyMap<ConversationId, Version>
  /** Conversations that are not open here and moved, or can no longer be opened. */
  readonly onNews: (moved: readonly Moved[], gone: readonly Gone[]) => void
}

const muxProtocol = 'parley.1'
/** The code of the status when the server selects another protocol, or none. */
const otherProtocol = 'other-protocol'

/** How often it is looked whether the server was heard; providers, which close after 30 s of silence, hear of it then. */
const lookMs = 10_000
/** From dialling to the server's hello. */
const greetingMs = 15_000
/** A connection that lasted so long was no failed attempt. */
const steadyMs = 10_000
/** A server that lives answers within this when a device that slept asks. */
const probeMs = 5000

export class SyncSocket {
  readonly #options: SyncSocketOptions
  readonly #status = createStore<SocketStatus>({ phase: 'idle' })
  readonly #backoff: Backoff
  readonly #renewal: TokenRenewal
  readonly #channels: ChannelTable
  #ws: WebSocket | undefined
  /** What was said last. */
  #token = ''
  #attempt = 0
  #heardMs = 0
  #liveMs: number | undefined
  /** What the server told before it said whom it takes this user for: of somebody else none of it is true here. */
  #early: (readonly [moved: readonly Activity[], gone: readonly Gone[]])[] = []
  /** Refusals of a token since a connection that lasted. */
  #refusedTokens = 0
  #retryTimer: ReturnType<typeof setTimeout> | undefined
  #probeTimer: ReturnType<typeof setTimeout> | undefined
  #watch: ReturnType<typeof setInterval> | undefined

  constructor(options: SyncSocketOptions) {
    this.#options = options
    this.#backoff = createBackoff(options.random)
    this.#renewal = createTokenRenewal(options.tokens, options.now, (token) => this.#sayToken(token))
    this.#channels = new ChannelTable((conversation) => options.onNews([{ conversation }], []))
  }

  get status(): ReadableStore<SocketStatus> {
    return this.#status
  }

  /** Connects, unless it does already; after a permanent refusal it tries once more. */
  start(): void {
    const { phase } = this.#status.getSnapshot()
    if (phase === 'idle' || phase === 'refused') this.#connect()
  }

  /** The device has come back: tries now, or finds out whether the connection has outlived its sleep. */
  wake(): void {
    const { phase } = this.#status.getSnapshot()
    if (phase === 'live') this.#probe()
    if (phase !== 'offline') return
    this.#backoff.reset()
    this.#connect()
  }

  join(member: Member): Seat {
    const seat = this.#channels.join(member)
    this.start()
    return seat
  }

  /** Idempotent. Whoever has a seat hears nothing more. */
  close(): void {
    this.#hangUp()
    this.#attempt++
    clearTimeout(this.#retryTimer)
    this.#status.set({ phase: 'closed' })
  }

  #connect(): void {
    clearTimeout(this.#retryTimer)
    const attempt = ++this.#attempt
    this.#status.set({ phase: 'connecting' })
    this.#options.tokens
      .get()
      .then((token) => {
        if (attempt === this.#attempt) this.#dial(token)
      })
      .catch((error: unknown) => {
        if (attempt === this.#attempt) this.#retryLater(error instanceof Error ? error.message : String(error))
      })
  }

  #dial(token: string): void {
    const { WebSocket: Socket, url, uptime } = this.#options
    const ws = new Socket(`${url.replace(/^http/, 'ws')}/sync`, [muxProtocol])
    ws.binaryType = 'arraybuffer'
    this.#ws = ws
    this.#token = token
    this.#heardMs = uptime()
    this.#watch = setInterval(() => this.#look(), lookMs)
    // Of one that was given up events come late, or never when the network is gone.
    const hear = <K extends keyof WebSocketEventMap>(type: K, act: (event: WebSocketEventMap[K]) => void): void =>
      ws.addEventListener(type, (event) => {
        if (ws === this.#ws) act(event)
      })
    hear('open', () => this.#greet(ws))
    hear('message', ({ data }: MessageEvent<ArrayBuffer>) => this.#receive(new Uint8Array(data)))
    hear('close', ({ code, reason }) => this.#lose(code, reason))
    // The close behind it says more; in Node an error that nobody hears ends the process.
    hear('error', () => undefined)
  }

  /** What is open is asked for in the same breath: coming back costs one round trip (SPEC MUX2). */
  #greet(ws: WebSocket): void {
    // With a code that providers take as final.
    if (ws.protocol !== muxProtocol) return this.#refuse(faults.malformed.closeCode, otherProtocol)
    const { device, versions } = this.#options
    this.#say({ type: 'hello', token: this.#token, device, versions: versions() })
    this.#channels.connect({
      say: (message) => this.#say(message),
      send: (channel, message) => ws.send(encodeFrame(channel, message)),
    })
  }

  #receive(bytes: Uint8Array): void {
    this.#heardMs = this.#options.uptime()
    this.#endProbe()
    const frame = parseFrame(bytes)
    if (frame.kind === 'malformed') return
    if (frame.channel === controlChannel) this.#control(frame.content)
    else this.#channels.receive(frame.channel, frame.content)
  }

  #control(content: Uint8Array): void {
    const message = parseServerControl(content)
    switch (message.type) {
      case 'hello':
        return this.#welcome(message.user, message.expiresMs)
      case 'opened':
        return this.#channels.opened(message.channel, message.current)
      case 'refused':
        return this.#channels.refused(message.channel, message.code)
      case 'activity':
        if (this.#liveMs === undefined) return void this.#early.push([message.moved, message.gone])
        return this.#options.onNews(message.moved, message.gone)
      case 'token':
        return this.#renewal.begin(this.#token, message.expiresMs)
      case 'beat':
        return this.#channels.feed()
      case 'malformed':
        // Of a later version.
        return
    }
  }

  #welcome(user: string, expiresMs: number): void {
    // Under another name everything that is written here would be left out without a word.
    if (user !== this.#options.user) return this.#refuse(faults.unauthenticated.closeCode, 'unauthenticated')
    this.#liveMs = this.#options.uptime()
    this.#renewal.begin(this.#token, expiresMs)
    for (const [moved, gone] of this.#early.splice(0)) this.#options.onNews(moved, gone)
    this.#status.set({ phase: 'live' })
  }

  #lose(code: number, reason: string): void {
    const { uptime, tokens } = this.#options
    if (this.#liveMs !== undefined && uptime() - this.#liveMs >= steadyMs) {
      this.#backoff.reset()
      this.#refusedTokens = 0
    }
    const isReachable = this.#liveMs !== undefined || code !== lostCode
    const isOld = code === faults.expired.closeCode && this.#refusedTokens++ === 0 && tokens.renew()
    if (isPermanent(code) && !isOld) return this.#refuse(code, reason)
    this.#hangUp()
    // Before the channels hear of it, so that they see why.
    if (isOld) this.#connect()
    else this.#retryLater(isReachable ? describeClose(code, reason) : 'The server cannot be reached.')
    // What ends one token ends no conversation.
    this.#channels.disconnect(isOld ? lostCode : code, isOld ? '' : reason)
  }

  #retryLater(reason: string): void {
    this.#status.set({ phase: 'offline', reason })
    this.#retryTimer = setTimeout(() => this.#connect(), this.#backoff.next())
  }

  #refuse(closeCode: number, code: string): void {
    this.#hangUp()
    const reason = code === otherProtocol ? `The server does not speak ${muxProtocol}.` : describeClose(closeCode, code)
    this.#status.set({ phase: 'refused', code: code || String(closeCode), reason })
    this.#channels.disconnect(closeCode, code)
    this.#channels.dismiss(closeCode, code)
  }

  #hangUp(): void {
    const ws = this.#ws
    this.#ws = undefined
    this.#liveMs = undefined
    this.#early = []
    this.#renewal.end()
    clearInterval(this.#watch)
    this.#endProbe()
    ws?.close()
  }

  #look(): void {
    const silentMs = this.#options.uptime() - this.#heardMs
    if (silentMs > (this.#liveMs === undefined ? greetingMs : limits.silenceMs)) this.#lose(lostCode, '')
    else this.#channels.feed()
  }

  /** A token is what the server always answers. */
  #probe(): void {
    if (this.#probeTimer !== undefined) return
    this.#probeTimer = setTimeout(() => this.#lose(lostCode, ''), probeMs)
    this.#sayToken(this.#token)
  }

  /** It was heard, or is no more. */
  #endProbe(): void {
    clearTimeout(this.#probeTimer)
    this.#probeTimer = undefined
  }

  #sayToken(token: string): void {
    this.#token = token
    this.#say({ type: 'token', token })
  }

  #say(message: ClientControl): void {
    this.#ws?.send(encodeClientControl(message))
  }
}
