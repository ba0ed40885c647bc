// A stock device on a socket that is two queues: what it sends and what it is sent waits until it is delivered. Its side
// of the protocol is that of y-protocols, on a real Y.Doc. Knows no test runner.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { readSyncMessage } from 'y-protocols/sync'
import * as Y from 'yjs'

import type { StockSession } from '../../server/sync/stock-session.ts'
import type { FaultCode } from '../../shared/fault.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import { encodeStep1, encodeUpdateMessage } from '../../shared/sync/wire.ts'
import { append } from './chain-doc.ts'
import { createFoldedDoc, type FoldedDoc } from './folded-doc.ts'
import type { SyncNode } from './sync-node.ts'

type Down =
  | { readonly kind: 'frame'; readonly frame: Uint8Array }
  | { readonly kind: 'close'; readonly code: FaultCode }

const messageSync = 0

export class FakeDevice {
  readonly user: string
  readonly conversation: ConversationId
  readonly doc: Y.Doc
  readonly folded: FoldedDoc
  /** How its sockets were closed by the server. */
  readonly closes: FaultCode[] = []
  /** Every update it ever sent, to be sent again. */
  readonly sentUpdates: Uint8Array[] = []
  /** The server's answer to its step1 has arrived. */
  isSynced = false
  bufferedBytes = 0
  #up: Uint8Array[] = []
  #down: Down[] = []
  #session: StockSession | undefined
  #isPaused = false
  /** Counts sockets: what an earlier one says is not heard any more. */
  #socket = 0

  constructor(user: string, conversation: ConversationId, doc: Y.Doc) {
    this.user = user
    this.conversation = conversation
    this.doc = doc
    this.folded = createFoldedDoc(doc)
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== this && this.isConnected) this.#queueUpdate(encodeUpdateMessage(update))
    })
  }

  get isConnected(): boolean {
    return this.#session !== undefined
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Frames on their way to the server, and to the device. */
  get queued(): { readonly up: number; readonly down: number } {
    return { up: this.#up.length, down: this.#down.length }
  }

  /** What the server has sent and this device has not seen. */
  get unseen(): readonly Uint8Array[] {
    return this.#down.flatMap((one) => (one.kind === 'frame' ? [one.frame] : []))
  }

  append(...payloads: readonly Uint8Array[]): void {
    append(this.doc, this.user, payloads)
  }

  /** Opens a socket and sends what a provider sends at open. */
  async connect(node: SyncNode): Promise<void> {
    if (this.isConnected) throw new Error('it is connected')
    const socket = ++this.#socket
    const isCurrent = (): boolean => socket === this.#socket
    this.#isPaused = false
    const session = await node.connect(this.user, this.conversation, {
      send: (frame) => {
        if (isCurrent()) this.#down.push({ kind: 'frame', frame })
      },
      close: (code) => {
        if (isCurrent()) this.#down.push({ kind: 'close', code })
      },
      pause: () => {
        if (isCurrent()) this.#isPaused = true
      },
      resume: () => {
        if (isCurrent()) this.#isPaused = false
      },
      bufferedBytes: () => this.bufferedBytes,
      onDrained: (job) => setImmediate(job),
      expireAt: () => undefined,
    })
    this.#session = session
    if (session === undefined) this.deliverDown()
    else this.#up.push(encodeStep1(Y.encodeStateVector(this.doc)))
  }

  /** The network is gone: what was on its way is lost. */
  disconnect(): void {
    this.#socket++
    this.#session?.end()
    this.#session = undefined
    this.isSynced = false
    this.#up = []
    this.#down = []
  }

  /** Queues a frame past the protocol. */
  send(frame: Uint8Array): void {
    this.#up.push(frame)
  }

  /** Hands the oldest frames to the server; none while it has paused the socket. */
  deliverUp(count = Number.POSITIVE_INFINITY): void {
    for (let left = count; left > 0 && !this.#isPaused; left--) {
      const frame = this.#up.shift()
      if (frame === undefined) return
      this.#session?.receive(frame)
    }
  }

  /** Hands the oldest frames to the device. */
  deliverDown(count = Number.POSITIVE_INFINITY): void {
    for (let left = count; left > 0; left--) {
      const one = this.#down.shift()
      if (one === undefined) return
      if (one.kind === 'frame') this.#read(one.frame)
      else {
        this.closes.push(one.code)
        this.disconnect()
      }
    }
  }

  #read(frame: Uint8Array): void {
    const decoder = decoding.createDecoder(frame)
    if (decoding.readVarUint(decoder) !== messageSync) return
    const answer = encoding.createEncoder()
    encoding.writeVarUint(answer, messageSync)
    const kind = readSyncMessage(decoder, answer, this.doc, this)
    if (kind === 1) this.isSynced = true
    if (encoding.length(answer) > 1) this.#up.push(encoding.toUint8Array(answer))
  }

  #queueUpdate(frame: Uint8Array): void {
    this.sentUpdates.push(frame)
    this.#up.push(frame)
  }
}

/** Delivers everything in both directions until nothing is left to deliver. */
export async function deliverAll(node: SyncNode, devices: readonly FakeDevice[]): Promise<void> {
  for (;;) {
    await node.settled()
    const isQuiet = devices.every(({ queued }) => queued.up === 0 && queued.down === 0)
    if (isQuiet) return
    for (const device of devices) {
      device.deliverUp()
      device.deliverDown()
    }
  }
}

/** Connects those that are not, and delivers everything. */
export async function bringTogether(node: SyncNode, devices: readonly FakeDevice[]): Promise<void> {
  for (const device of devices) if (!device.isConnected) await device.connect(node)
  await deliverAll(node, devices)
}
