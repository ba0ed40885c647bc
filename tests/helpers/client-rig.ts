// A whole client without a network: its server is a list of registered conversations and a stamping server for each.
// Knows no test runner.
import type { ChatClient } from '../../client/api.ts'
import { createClient } from '../../client/chat-client.ts'
import type { SearchWorker } from '../../client/search/search-host.ts'
import type { ClientStorage } from '../../client/storage/client-storage.ts'
import { type FaultCode, faults } from '../../shared/fault.ts'
import { type RestConversationItem, restMessage } from '../../shared/rest.ts'
import { parseConversationId } from '../../shared/sync/ids.ts'
import { createFakeSyncServer, type FakeSyncServer } from './fake-sync-server.ts'
import { ann } from './client-rows.ts'
import { keepingMemory } from './open-rig.ts'
import type { ServerArchive } from './server-archive.ts'
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
  /** What the server has of archives and chains, by conversation; others have none. */
  readonly archives: Map<string, ServerArchive>
  /** Addresses of the lists that were asked for. */
  readonly asked: readonly string[]
  /** The server's side of a conversation. */
  readonly server: (id: string) => StampingServer
  /** The device has come back. */
  readonly wake: () => void
  /** Nobody looks at it any more. */
  readonly hide: () => void
  /** With it requests fail, and sockets are never taken. */
  isOffline: boolean
}

export interface ClientRigOptions {
  readonly storage?: ClientStorage
  readonly openStorage?: () => Promise<ClientStorage>
  readonly isOffline?: boolean
  readonly servers?: Map<string, StampingServer>
  readonly startSearchWorker?: () => SearchWorker
  /** Registering takes so long. */
  readonly registering?: Promise<void>
  /** And what the server has answered of its list is so long on its way. */
  readonly listing?: () => Promise<unknown>
}

/** Where the rig's client thinks its server is. */
const rigUrl = 'http://a.example'

export function startClientRig(options: ClientRigOptions = {}): ClientRig {
  const { storage = keepingMemory(), servers, isOffline = false } = options
  const registered = new Map<string, unknown>()
  const listed: RestConversationItem[] = []
  const lost = new Map<string, FaultCode>()
  const asked: string[] = []
  const archives = new Map<string, ServerArchive>()
  let wake = (): void => undefined
  let hide = (): void => undefined
  const sync = createFakeSyncServer({ isOffline, ...(servers === undefined ? {} : { conversations: servers }) })

  const fetch: typeof globalThis.fetch = async (url, init) => {
    if (sync.isOffline) throw new TypeError('fetch failed')
    const request = new Request(url)
    const people = answerOfPeople(new URL(request.url).pathname)
    if (init?.method === 'GET' && people !== undefined) return people
    const archive = archives.get(request.url.split('/').at(5)?.split('?')[0] ?? '')
    if (init?.method === 'GET' && archive !== undefined) return answerOf(archive, new URL(request.url))
    const id = request.url.split('/').at(-1) ?? ''
    const code = lost.get(id)
    if (init?.method === 'GET' && code !== undefined) {
      asked.push(request.url)
      return Response.json({ detail: '', code }, { status: faults[code].httpStatus })
    }
    if (init?.method !== 'PUT') {
      asked.push(request.url)
      const answer = Response.json({ items: listed, next_cursor: null })
      await options.listing?.()
      return answer
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
      onHide: (listener) => {
        hide = listener
        return () => {
          hide = () => undefined
        }
      },
      dropExitListener: (listener) => process.off('exit', listener),
      ...(options.startSearchWorker === undefined ? {} : { startSearchWorker: options.startSearchWorker }),
    },
  )
  return {
    client,
    storage,
    sync,
    registered,
    listed,
    lost,
    archives,
    asked,
    server: sync.conversation,
    wake: () => wake(),
    hide: () => hide(),
    get isOffline() {
      return sync.isOffline
    },
    set isOffline(isNow: boolean) {
      sync.isOffline = isNow
      if (isNow) sync.cut()
    },
  }
}

/** Nobody has chosen anything. */
function answerOfPeople(path: string): Response | undefined {
  if (path === '/api/me') return Response.json({ user: ann, name: null, color: null, updated_at: null })
  return path.endsWith('/members') || path.endsWith('/profiles') ? Response.json({ items: [] }) : undefined
}

/** As the REST API answers. */
async function answerOf(archive: ServerArchive, url: URL): Promise<Response> {
  const [id, what] = url.pathname.split('/').slice(3)
  const conversation = parseConversationId(id)
  if (conversation === undefined) throw new Error('not a conversation id')
  const numberOf = (name: string): number => Number(url.searchParams.get(name))
  if (what === undefined) {
    const { unread, mentions, readThrough, lastSeq } = await archive.counts(ann)
    return Response.json({ unread, mentions, read_through: readThrough < 0 ? null : readThrough, last_seq: lastSeq })
  }
  const answer =
    what === 'changes'
      ? await archive.changes(numberOf('after'))
      : await archive.messages({ before: numberOf('before'), limit: numberOf('limit') })
  const headers = { 'parley-as-of': String(answer.asOf), 'parley-more': String('hasMore' in answer && answer.hasMore) }
  return Response.json(
    answer.messages.map((message) => restMessage(conversation, message)),
    { headers },
  )
}
