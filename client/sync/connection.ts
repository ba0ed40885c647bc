/**
 * The connection of one open conversation: registers it when the server does not know it yet, then lets the stock
 * y-websocket provider sync the document, over a socket of its own or a channel of the client's. The only importer of
 * y-websocket.
 */

import type * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { messageYjsSyncStep2, readSyncMessage } from 'y-protocols/sync'
import { messageSync, WebsocketProvider } from 'y-websocket'
import { decodeUpdate, type Doc } from 'yjs'
import { faults } from '../../shared/fault.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import { parseWireMessage } from '../../shared/sync/wire.ts'
import type { ConnectionStatus, ReadableStore } from '../api.ts'
import type { PresenceLine, PresenceListener } from '../presence/open-presence.ts'
import { RestFailure } from '../rest-client.ts'
import { linkAwareness } from './awareness-link.ts'
import { createBackoff } from './backoff.ts'
import { describeClose, lostCode } from './close-reason.ts'
import { isHolding, sendAfterSync } from './send-after-sync.ts'
import type { SocketStatus } from './socket.ts'
import type { SendGate } from './send-gate.ts'
import type { TokenSource } from './token-source.ts'

/** What carries a conversation's messages. */
export type Carrier =
  /** A socket for each attempt, which says who is asking. */
  | { readonly kind: 'socket'; readonly WebSocket: typeof WebSocket; readonly tokens: TokenSource }
  /** A channel for each attempt, on a socket with a life of its own. */
  | { readonly kind: 'channel'; readonly WebSocket: typeof WebSocket; readonly socket: ReadableStore<SocketStatus> }

export interface ConnectionOptions {
  /** Of the server, `http://…` or `https://…`. */
  readonly url: string
  readonly user: UserId
  readonly id: ConversationId
  readonly doc: Doc
  /** Which of the conversation's documents it is: tabs that show another one are not told. */
  readonly generation: number
  readonly gate: SendGate
  readonly carrier: Carrier
  /** Whether other tabs of this browser are told directly. */
  readonly broadcast: boolean
  /** Forgets what a provider asks the process to do at its end; undefined in browsers, where it asks nothing. */
  readonly dropExitListener?: ((listener: () => void) => void) | undefined
  /** Makes the conversation known to the server; resolves at once when it is. */
  readonly register: () => Promise<void>
  /** Speaks and hears over it of who is there. */
  readonly connectPresence: (line: PresenceLine) => PresenceListener
  /** `comesBack`: a refusal of the socket alone, which the conversation follows when there is one again. */
  readonly onStatus: (status: ConnectionStatus, comesBack?: boolean) => void
}

export interface Connection {
  readonly close: () => void
}

/** Refusals of a fresh token after which it is not the token. */
const tokenTries = 2

export function connect(options: ConnectionOptions): Connection {
  const { user, id, doc, generation, gate, carrier } = options
  const serverUrl = `${options.url.replace(/^http/, 'ws')}/sync`
  const provider = new WebsocketProvider(serverUrl, id, doc, {
    connect: false,
    WebSocketPolyfill: sendAfterSync(carrier.WebSocket),
    disableBc: !options.broadcast,
    // Stock providers know no jitter; a thousand of them must not come back in step.
    maxBackoffTime: 2000 + Math.random() * 3000,
  })
  // In Node each provider would listen for the process's end, and Node warns of a leak at the eleventh.
  // oxlint-disable-next-line no-underscore-dangle
  options.dropExitListener?.(provider._exitHandler)
  // Nobody is told anything of this device unasked: an empty state would cost a frame every 15 s for each conversation.
  provider.awareness.setLocalState(null)
  const endPresence = linkAwareness(provider, options.connectPresence)
  // Two accounts of one browser must not hear each other, nor a rebuilt document the one before.
  provider.bcChannel = `${serverUrl}/${id}${generation === 0 ? '' : `/${generation}`}#${user}`
  if (options.broadcast) gateBroadcast(provider, gate, () => closed)
  guardReading(provider)
  const backoff = createBackoff(Math.random)
  let closed = false
  let refusedTokens = 0
  let retryTimer: ReturnType<typeof setTimeout> | undefined
  let reason = 'Not connected yet.'
  /** Of this conversation alone. */
  let own: ConnectionStatus = { phase: 'connecting' }
  let shown: ConnectionStatus | undefined
  /** The socket was refused and took the provider with it. */
  let wasDismissed = false

  function show(status: ConnectionStatus): void {
    if (closed) return
    own = status
    const visible = own.phase === 'refused' ? own : (socketStatus(carrier) ?? own)
    if (shown !== undefined && isSame(shown, visible)) return
    shown = visible
    options.onStatus(visible, visible !== own)
  }

  provider.on('status', ({ status }) => {
    if (status === 'connecting') show({ phase: 'connecting' })
    else if (status === 'connected') show({ phase: 'syncing' })
    else show(isSocketDown(carrier) ? { phase: 'connecting' } : { phase: 'offline', reason })
  })
  provider.on('sync', (synced) => {
    if (!synced) return
    refusedTokens = 0
    // Whoever finds that what has arrived contradicts what is here has closed it by now.
    if (!closed && isHolding(provider.ws)) provider.ws.release()
    show({ phase: 'live' })
  })
  provider.on('connection-close', (event) => {
    reason = event === null ? 'The server does not answer.' : describeClose(event.code, event.reason)
    if (closed) return
    if (isSocketDown(carrier)) {
      // When to come back is the socket's to say: the provider only has to be there.
      provider.wsUnsuccessfulReconnects = 0
      return show({ phase: 'connecting' })
    }
    show({ phase: 'offline', reason })
    // The provider comes back by itself; by then it should have a token that is good.
    protocols(carrier).then(
      (list) => (provider.protocols = list),
      () => undefined,
    )
  })
  provider.on('closed', ({ code, reason: why }) => {
    wasDismissed = isSocketDown(carrier)
    if (wasDismissed) return
    const isOld = code === faults.expired.closeCode && carrier.kind === 'socket'
    if (isOld && ++refusedTokens < tokenTries && carrier.tokens.renew()) start()
    else show({ phase: 'refused', code: why || String(code), reason: describeClose(code, why) })
  })
  const unsubscribe = carrier.kind === 'channel' ? carrier.socket.subscribe(() => followSocket()) : () => undefined

  /** What waits for the network waits no longer when the socket has found it. */
  function followSocket(): void {
    show(own)
    if (closed || socketStatus(carrier) !== undefined) return
    if (retryTimer !== undefined || wasDismissed) start()
  }

  function start(): void {
    clearTimeout(retryTimer)
    retryTimer = undefined
    wasDismissed = false
    show({ phase: 'connecting' })
    prepare()
      .then((list) => {
        if (closed) return
        backoff.reset()
        provider.protocols = list
        provider.connect()
      })
      .catch((error: unknown) => {
        if (!closed) postpone(error)
      })
  }

  async function prepare(): Promise<string[]> {
    const list = await protocols(carrier)
    await options.register()
    return list
  }

  function postpone(error: unknown): void {
    if (error instanceof RestFailure && error.isPermanent) {
      return show({ phase: 'refused', code: error.code, reason: error.message })
    }
    show({ phase: 'offline', reason: error instanceof Error ? error.message : String(error) })
    retryTimer = setTimeout(start, backoff.next())
  }

  if (options.broadcast) provider.connectBc()
  start()

  return {
    close: () => {
      if (closed) return
      closed = true
      clearTimeout(retryTimer)
      unsubscribe()
      // The provider's farewell looks up the document's clientID, and throws when Yjs has changed it meanwhile.
      const { awareness } = provider
      if (!awareness.meta.has(doc.clientID)) awareness.meta.set(doc.clientID, { clock: 0, lastUpdated: 0 })
      endPresence()
      provider.destroy()
      awareness.destroy()
      options.onStatus({ phase: 'closed' })
    },
  }
}

/* oxlint-disable no-underscore-dangle -- the provider has no other way to hold back what it tells other tabs */
/** Tabs hear of an own entry when the outbox has it, as the server does: they would pass it on (SPEC OUTBOX1). */
function gateBroadcast(provider: WebsocketProvider, gate: SendGate, isClosed: () => boolean): void {
  const { doc, _updateHandler: tell, _bcSubscriber: answer } = provider
  doc.off('update', tell)
  provider._updateHandler = (update, origin) => gate.pass(() => tell(update, origin))
  doc.on('update', provider._updateHandler)
  provider._bcSubscriber = (data, origin) => gate.pass(() => answer(data, origin))
  // Who joins says all that it has, and the provider joins anew whenever it is told to connect.
  const join = provider.connectBc.bind(provider)
  provider.connectBc = () => gate.pass(() => isClosed() || join())
}
/* oxlint-enable no-underscore-dangle */

/**
 * The provider throws at what it cannot read, which ends a process in Node, and is synced by a SyncStep2 that it could not
 * apply. Here such a message ends the attempt, and the provider comes back for what it lacks.
 */
function guardReading(provider: WebsocketProvider): void {
  let ended = 0

  function end(): void {
    // A server that goes on like that is asked later and later, though each attempt may have synced before.
    provider.wsUnsuccessfulReconnects = Math.max(provider.wsUnsuccessfulReconnects, ended++)
    const lost = Object.assign(new Event('close'), { code: lostCode, reason: '', wasClean: false })
    provider.ws?.onclose?.(lost)
  }

  provider.messageHandlers = provider.messageHandlers.map(
    (handle, kind) => (encoder, decoder, self, isServer, type) => {
      if (!isServer) return handle(encoder, decoder, self, isServer, type)
      let isSynced = false
      try {
        if (kind === messageSync) isSynced = readSync(encoder, decoder, self)
        else handle(encoder, decoder, self, isServer, type)
      } catch {
        return end()
      }
      if (isSynced) self.synced = true
    },
  )
  provider.on('status', ({ status }) => {
    const { ws } = provider
    if (status !== 'connecting' || ws === null) return
    const read = ws.onmessage
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- in place of the provider's own
    ws.onmessage = (event: MessageEvent<ArrayBuffer>) => {
      if (parseWireMessage(new Uint8Array(event.data)).kind === 'malformed') end()
      else read?.call(ws, event)
    }
  })
}

/** As the provider does, only that it throws at an update that is none. True for a SyncStep2. */
function readSync(encoder: encoding.Encoder, decoder: decoding.Decoder, provider: WebsocketProvider): boolean {
  encoding.writeVarUint(encoder, messageSync)
  const type = readSyncMessage(decoder, encoder, provider.doc, provider, (error) => {
    // Those who listen to the document throw as well, and have been told by then.
    if (!isUpdate(decoder.arr)) throw error
  })
  return type === messageYjsSyncStep2
}

function isUpdate(frame: Uint8Array): boolean {
  const message = parseWireMessage(frame)
  try {
    if (message.kind === 'step2' || message.kind === 'update') decodeUpdate(message.update)
    return true
  } catch {
    return false
  }
}

/** What there is to tell of the socket; undefined when it is the conversation's own, or does what it should. */
function socketStatus(carrier: Carrier): ConnectionStatus | undefined {
  if (carrier.kind === 'socket') return undefined
  const status = carrier.socket.getSnapshot()
  if (status.phase === 'live') return undefined
  return status.phase === 'idle' || status.phase === 'closed' ? { phase: 'connecting' } : status
}

function isSocketDown(carrier: Carrier): boolean {
  return socketStatus(carrier) !== undefined
}

async function protocols(carrier: Carrier): Promise<string[]> {
  return carrier.kind === 'channel' ? [] : ['yjs', `bearer.${await carrier.tokens.get()}`]
}

function isSame(a: ConnectionStatus, b: ConnectionStatus): boolean {
  return a.phase === b.phase && detail(a) === detail(b)
}

function detail(status: ConnectionStatus): string {
  if (status.phase === 'refused') return `${status.code} ${status.reason}`
  return status.phase === 'offline' ? status.reason : ''
}
