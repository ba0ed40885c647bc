// A whole client without a network: its server is a list of registered conversations and a stamping server for each.
// Knows no test runner.
import type { ChatClient } from '../../client/api.ts'
import { createClient } from '../../client/chat-client.ts'
import type { ClientStorage } from '../../client/storage/client-storage.ts'
import type { RestConversationItem } from '../../shared/rest.ts'
import { createFakeNet, type FakeNet, type FakeSocket, serve } from './fake-net.ts'
import { keepingMemory, stampAll } from './open-rig.ts'
import { createStampingServer, type StampingServer } from './stamping-server.ts'

export interface ClientRig {
  readonly client: ChatClient
  readonly storage: ClientStorage
  readonly net: FakeNet
  /** Bodies of what was registered, by conversation. */
  readonly registered: ReadonlyMap<string, unknown>
  /** What the server lists. */
  readonly listed: RestConversationItem[]
  /** The server's side of a conversation. */
  readonly server: (id: string) => StampingServer
  /** With it requests fail, and sockets are never taken. */
  isOffline: boolean
}

export interface ClientRigOptions {
  readonly storage?: ClientStorage
  readonly openStorage?: () => Promise<ClientStorage>
  readonly isOffline?: boolean
  readonly servers?: Map<string, StampingServer>
}

/** Where the rig's client thinks its server is. */
const rigUrl = 'http://a.example'

export function startClientRig(options: ClientRigOptions = {}): ClientRig {
  const { storage = keepingMemory(), servers = new Map<string, StampingServer>() } = options
  const registered = new Map<string, unknown>()
  const listed: RestConversationItem[] = []

  function server(id: string): StampingServer {
    const known = servers.get(id) ?? createStampingServer()
    servers.set(id, known)
    return known
  }

  function take(socket: FakeSocket): void {
    if (rig.isOffline) return socket.end(1006)
    const stamping = server(socket.url.split('/').at(-1) ?? '')
    // As a commit does, it comes a moment later.
    stamping.doc.on('update', (_update: Uint8Array, origin: unknown) => {
      if (origin === 'device') queueMicrotask(() => stampAll(stamping))
    })
    serve(socket, stamping.doc)
  }

  const net = createFakeNet((socket) => queueMicrotask(() => take(socket)))
  const fetch: typeof globalThis.fetch = async (url, init) => {
    if (rig.isOffline) throw new TypeError('fetch failed')
    if (init?.method !== 'PUT') return Response.json({ items: listed, next_cursor: null })
    const body: unknown = typeof init.body === 'string' ? JSON.parse(init.body) : undefined
    registered.set(new Request(url).url.split('/').at(-1) ?? '', body)
    return Response.json({}, { status: 201 })
  }
  const client = (): ChatClient =>
    createClient(
      { url: `${rigUrl}/`, user: 'ann', token: 'a.token' },
      {
        openStorage: options.openStorage ?? (async () => storage),
        WebSocket: net.WebSocket,
        broadcast: false,
        fetch,
        now: Date.now,
      },
    )
  const rig: ClientRig = {
    isOffline: options.isOffline ?? false,
    storage,
    net,
    registered,
    listed,
    server,
    // Its first steps come later than this.
    client: client(),
  }
  return rig
}
