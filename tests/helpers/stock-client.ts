// A device that has nothing of the SDK but its way to append: a real Y.Doc and the unmodified WebsocketProvider of
// y-websocket on real sockets. Everything is awaited by events. Knows no test runner.
import { randomInt } from 'node:crypto'

import { v7 } from 'uuid'
import { WebSocket as NodeWebSocket } from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'

import { encodeEntry, type MessageEntry, type MessageId, parseMessageId } from '../../shared/chat/entry.ts'
import type { Folded } from '../../shared/chat/fold.ts'
import type { ClientId } from '../../shared/sync/ids.ts'
import { append, clientId, createDoc } from './chain-doc.ts'
import { createFoldedDoc, type FoldedDoc } from './folded-doc.ts'

export interface StockClientOptions {
  /** Of the server, `http://…`. */
  readonly url: string
  readonly conversation: string
  readonly user: string
  readonly token: string
  /** Of a document of its own when not given. */
  readonly doc?: Y.Doc
  readonly connect?: boolean
  /** In place of a bearer token. */
  readonly params?: Record<string, string>
  readonly WebSocket?: typeof WebSocket
}

export interface Close {
  readonly code: number
  readonly reason: string
}

const waitMs = 40_000

/** Its class has the browser's shape, and more. */
const NodeSocket = NodeWebSocket as unknown as typeof WebSocket

export class StockClient {
  readonly user: string
  readonly doc: Y.Doc
  readonly provider: WebsocketProvider
  /** How each connection so far was ended by the other side. */
  readonly closes: Close[] = []
  /** How often it was connected. */
  connections = 0
  #ended: Close | undefined
  readonly #folded: FoldedDoc
  readonly #waiting = new Set<() => void>()

  constructor(options: StockClientOptions) {
    const { url, conversation, user, token, connect = true, params = {}, WebSocket = NodeSocket } = options
    this.user = user
    this.doc = options.doc ?? createDoc(randomInt(2 ** 32))
    this.#folded = createFoldedDoc(this.doc)
    this.provider = new WebsocketProvider(`${url.replace(/^http/, 'ws')}/sync`, conversation, this.doc, {
      connect: false,
      disableBc: true,
      WebSocketPolyfill: WebSocket,
      protocols: 'ticket' in params ? ['yjs'] : ['yjs', `bearer.${token}`],
      params,
    })
    this.provider.on('status', ({ status }) => {
      if (status === 'connected') this.connections++
      this.#look()
    })
    this.provider.on('sync', () => this.#look())
    this.provider.on('connection-close', (event) => {
      if (event !== null) this.closes.push({ code: event.code, reason: event.reason })
      this.#look()
    })
    this.provider.on('closed', ({ code, reason }) => {
      this.#ended = { code, reason }
      this.#look()
    })
    this.doc.on('afterTransaction', () => this.#look())
    if (connect) this.provider.connect()
  }

  /** Of the own chain. */
  get client(): ClientId {
    return clientId(this.doc.clientID)
  }

  /** Appends payloads to the own chain, in one transaction. */
  append(...payloads: readonly Uint8Array[]): void {
    append(this.doc, this.user, payloads)
  }

  /** Appends a message; its id. */
  say(content: string, more: Partial<MessageEntry> = {}): MessageId {
    const entry = messageEntry(content, more)
    this.append(encodeEntry(entry))
    return entry.id
  }

  /** Past the provider: a frame that it would not send. */
  sendFrame(frame: Uint8Array): void {
    const { ws } = this.provider
    if (ws === null) throw new Error('no socket')
    ws.send(Uint8Array.from(frame))
  }

  /** Calls `act` when the next socket is open, before anything of the server was read. */
  atOpen(act: () => void): void {
    this.provider.once('status', () => this.provider.ws?.addEventListener('open', act))
  }

  view(): Folded {
    return this.#folded.view()
  }

  texts(): readonly string[] {
    return this.#folded.texts()
  }

  sentTexts(): readonly string[] {
    return this.view().sent.map(({ content }) => content)
  }

  get folded(): FoldedDoc {
    return this.#folded
  }

  /** Resolves as soon as `condition` holds; looks after every event of the provider and every change of the document. */
  until(what: string, condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!condition()) return
        clearTimeout(timer)
        this.#waiting.delete(look)
        resolve()
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(look)
        reject(new Error(`${this.user} waits in vain: ${what} (${this.#describe()})`))
      }, waitMs)
      this.#waiting.add(look)
      look()
    })
  }

  /** Until the provider says that it is synced. */
  synced(): Promise<void> {
    return this.until('synced', () => this.provider.synced)
  }

  /** Until everything appended here is stamped. */
  sent(): Promise<void> {
    const { client } = this
    const isSent = (): boolean => this.#folded.fold().stampedThrough(client) === Y.getState(this.doc.store, client)
    return this.until('everything is stamped', isSent)
  }

  /** Until the provider has given up for good; with which code. */
  async ended(): Promise<Close> {
    await this.until('closed for good', () => this.#ended !== undefined)
    return this.#ended as Close
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined
  }

  destroy(): void {
    this.provider.destroy()
    this.provider.awareness.destroy()
    this.doc.destroy()
  }

  #look(): void {
    for (const look of this.#waiting) look()
  }

  #describe(): string {
    const { synced, wsconnected } = this.provider
    return JSON.stringify({ synced, wsconnected, closes: this.closes, ended: this.#ended, texts: this.texts() })
  }
}

/** A message of now with a fresh id. */
export function messageEntry(content: string, more: Partial<MessageEntry> = {}): MessageEntry {
  return { kind: 'message', id: freshMessageId(), role: 'user', content, at: Date.now(), ...more }
}

export function freshMessageId(): MessageId {
  return parseMessageId(v7()) as MessageId
}
