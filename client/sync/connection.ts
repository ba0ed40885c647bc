/**
 * The connection of one open conversation: registers it when the server does not know it yet, then lets the stock
 * y-websocket provider sync the document. The only importer of y-websocket.
 */

import { WebsocketProvider } from 'y-websocket'
import type { Doc } from 'yjs'
import { faults } from '../../shared/fault.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { ConnectionStatus } from '../api.ts'
import { RestFailure } from '../rest-client.ts'
import type { TokenSource } from './token-source.ts'

export interface ConnectionOptions {
  /** Of the server, `http://…` or `https://…`. */
  readonly url: string
  readonly user: UserId
  readonly id: ConversationId
  readonly doc: Doc
  readonly tokens: TokenSource
  readonly WebSocket: typeof WebSocket
  /** Whether other tabs of this browser are told directly. */
  readonly broadcast: boolean
  /** Makes the conversation known to the server; resolves at once when it is. */
  readonly register: () => Promise<void>
  readonly onStatus: (status: ConnectionStatus) => void
}

export interface Connection {
  readonly close: () => void
}

/** RFC 6455: no close frame came. */
const lostCode = 1006
const firstRetryMs = 500
const lastRetryMs = 15_000
/** Refusals of a fresh token after which it is not the token. */
const tokenTries = 2

export function connect(options: ConnectionOptions): Connection {
  const { user, id, doc, tokens, onStatus } = options
  const serverUrl = `${options.url.replace(/^http/, 'ws')}/sync`
  const provider = new WebsocketProvider(serverUrl, id, doc, {
    connect: false,
    WebSocketPolyfill: options.WebSocket,
    disableBc: !options.broadcast,
    // Stock providers know no jitter; a thousand of them must not come back in step.
    maxBackoffTime: 2000 + Math.random() * 3000,
  })
  // Two accounts of one browser must not hear each other.
  provider.bcChannel = `${serverUrl}/${id}#${user}`
  let closed = false
  let refusedTokens = 0
  let retries = 0
  let retryTimer: ReturnType<typeof setTimeout> | undefined
  let reason = 'Not connected yet.'

  provider.on('status', ({ status }) => {
    if (closed) return
    if (status === 'connecting') onStatus({ phase: 'connecting' })
    else if (status === 'connected') onStatus({ phase: 'syncing' })
    else onStatus({ phase: 'offline', reason })
  })
  provider.on('sync', (synced) => {
    if (closed || !synced) return
    refusedTokens = 0
    onStatus({ phase: 'live' })
  })
  provider.on('connection-close', (event) => {
    reason = event === null ? 'The server does not answer.' : describe(event.code, event.reason)
    if (closed) return
    onStatus({ phase: 'offline', reason })
    // The provider comes back by itself; by then it should have a token that is good.
    tokens.get().then(
      (token) => (provider.protocols = protocols(token)),
      () => undefined,
    )
  })
  provider.on('closed', ({ code, reason: why }) => {
    const mayRenew = code === faults.expired.closeCode && ++refusedTokens < tokenTries && tokens.renew()
    if (mayRenew) start()
    else if (!closed) onStatus({ phase: 'refused', code: why || String(code), reason: describe(code, why) })
  })

  function start(): void {
    onStatus({ phase: 'connecting' })
    prepare()
      .then((token) => {
        if (closed) return
        retries = 0
        provider.protocols = protocols(token)
        provider.connect()
      })
      .catch((error: unknown) => {
        if (!closed) postpone(error)
      })
  }

  async function prepare(): Promise<string> {
    const token = await tokens.get()
    await options.register()
    return token
  }

  function postpone(error: unknown): void {
    if (error instanceof RestFailure && error.isPermanent) {
      onStatus({ phase: 'refused', code: error.code, reason: error.message })
      return
    }
    onStatus({ phase: 'offline', reason: error instanceof Error ? error.message : String(error) })
    const ceilingMs = Math.min(lastRetryMs, firstRetryMs * 2 ** retries++)
    retryTimer = setTimeout(start, ceilingMs * (0.5 + Math.random() / 2))
  }

  if (options.broadcast) provider.connectBc()
  start()

  return {
    close: () => {
      if (closed) return
      closed = true
      clearTimeout(retryTimer)
      // The provider's farewell looks up the document's clientID, and throws when Yjs has changed it meanwhile.
      const { awareness } = provider
      if (!awareness.meta.has(doc.clientID)) awareness.meta.set(doc.clientID, { clock: 0, lastUpdated: 0 })
      provider.destroy()
      awareness.destroy()
      onStatus({ phase: 'closed' })
    },
  }
}

function protocols(token: string): string[] {
  return ['yjs', `bearer.${token}`]
}

function describe(code: number, why: string): string {
  const fault = Object.entries(faults).find(([name]) => name === why)?.[1]
  if (fault !== undefined) return fault.text
  return code === lostCode ? 'The connection was lost.' : `The server closed the connection (${code}).`
}
