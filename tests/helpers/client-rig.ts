// A whole client without a network: its server is a list of registered conversations and a stamping server for each.
// Knows no test runner.
import type { ChatClient } from '../../client/api.ts'
import { createClient } from '../../client/chat-client.ts'
import type { ClientStorage } from '../../client/storage/client-storage.ts'
import { type FaultCode, faults } from '../../shared/fault.ts'
import type { RestConversationItem } from '../../shared/rest.ts'
import { createFakeSyncServer, type FakeSyncServer } from './fake-sync-server.ts'
import { keepingMemory } from './open-rig.ts'
import type { StampingServer } from './stamping-server.ts'

export interface ClientRig {
  readonly client: ChatClient
  readonly storage: ClientStorage
  /** The server's end of the socket. */
  readonly sync: FakeSyncServer
  /** Bodies of what was registered, by conversation. */
  readonly registered: ReadonlyMap<string, unknown>
  /** What the server lists. */
  readonly listed: RestConversationItem[]
  /** What the server says of a conversation that is asked for alone, when it is not there. */
  readonly lost: Map<string, FaultCode>
  /** Addresses of the lists that were asked for. */
  readonly asked: readonly string[]
  /** The server's side of a conversation. */
  readonly server: (id: string) => StampingServer
  /** The device has come back. */
  readonly wake: () => void
  /** With it requests fail, and sockets are never taken. */
  isOffline: boolean
}

export interface ClientRigOptions {
  readonly storage?: ClientStorage
  readonly openStorage?: () => Promise<ClientStorage>
  readonly isOffline?: boolean
  readonly servers?: Map<string, StampingServer>
  /** Registering takes so long. */
  readonly registering?: Promise<void>
}

/** Where the rig's client thinks its server is. */
const rigUrl = 'http://a.example'

export function startClientRig(options: ClientRigOptions = {}): ClientRig {
  const { storage = keepingMemory(), servers, isOffline = false } = options
  const registered = new Map<string, unknown>()
  const listed: RestConversationItem[] = []
  const lost = new Map<string, FaultCode>()
  const asked: string[] = []
  let wake = (): void => undefined
  const sync = createFakeSyncServer({ isOffline, ...(servers === undefined ? {} : { conversations: servers }) })

  const fetch: typeof globalThis.fetch = async (url, init) => {
    if (sync.isOffline) throw new TypeError('fetch failed')
    const request = new Request(url)
    const id = request.url.split('/').at(-1) ?? ''
    const code = lost.get(id)
    if (init?.method === 'GET' && code !== undefined) {
      asked.push(request.url)
      return Response.json({ detail: '', code }, { status: faults[code].httpStatus })
    }
    if (init?.method !== 'PUT') {
      asked.push(request.url)
      return Response.json({ items: listed, next_cursor: null })
    }
    await options.registering
    const body: unknown = typeof init.body === 'string' ? JSON.parse(init.body) : undefined
    registered.set(id, body)
    return Response.json({}, { status: 201 })
  }
  const client = createClient(
    { url: `${rigUrl}/`, user: 'ann', token: 'a.token' },
    {
      openStorage: options.openStorage ?? (async () => storage),
      WebSocket: sync.WebSocket,
      broadcast: false,
      fetch,
      now: Date.now,
      onWake: (listener) => {
        wake = listener
        return () => {
          wake = () => undefined
        }
      },
      dropExitListener: (listener) => process.off('exit', listener),
    },
  )
  return {
    client,
    storage,
    sync,
    registered,
    listed,
    lost,
    asked,
    server: sync.conversation,
    wake: () => wake(),
    get isOffline() {
      return sync.isOffline
    },
    set isOffline(isNow: boolean) {
      sync.isOffline = isNow
      if (isNow) sync.cut()
    },
  }
}
