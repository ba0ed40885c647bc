// An open conversation without a network: its connection is the test's hand, its server stamps when it is told to.
// Knows no test runner.
import * as Y from 'yjs'

import type { ConnectionStatus, ConversationInfo, Keep, PresenceMode, Version } from '../../client/api.ts'
import type { ReceiptsSetting } from '../../client/delivery/own-receipts.ts'
import type { LookUpChain } from '../../client/fates.ts'
import type { ArchiveSource } from '../../client/history/page-cache.ts'
import { type LocalConversation, openLocal } from '../../client/local-conversation.ts'
import { OpenConversation, type OpenConversationDeps } from '../../client/open-conversation.ts'
import type { Connectable } from '../../client/open-document.ts'
import { OpenPresence } from '../../client/presence/open-presence.ts'
import type { OwnCounts } from '../../client/rest-answers.ts'
import type { ClientStorage } from '../../client/storage/client-storage.ts'
import { createMemoryStorage } from '../../client/storage/memory/memory-storage.ts'
import { createStore } from '../../client/store.ts'
import type { SendGate } from '../../client/sync/send-gate.ts'
import type { UnreadCounts } from '../../client/unread.ts'
import { encodeEntry, type KnownEntry, type MessageId } from '../../shared/chat/entry.ts'
import type { ClientId, UserId } from '../../shared/sync/ids.ts'
import { append, createDoc } from './chain-doc.ts'
import { ann, clientId, conversationId } from './client-rows.ts'
import { createServerArchive, type ServerArchive } from './server-archive.ts'
import { createStampingServer, type StampingServer } from './stamping-server.ts'

export interface FakeConnection {
  readonly document: Connectable
  readonly gate: SendGate
  readonly status: (status: ConnectionStatus, comesBack?: boolean) => void
  isClosed: boolean
}

export interface OpenRig {
  readonly conversation: OpenConversation
  readonly local: LocalConversation
  readonly server: StampingServer
  readonly storage: ClientStorage
  readonly connections: readonly FakeConnection[]
  /** The document that is connected, or was last. */
  readonly doc: () => Y.Doc
  /** How often it told of a change, and of its close. */
  readonly told: {
    changes: number
    closes: number
    readonly keeps: (Keep | undefined)[]
    readonly pageFailures: unknown[]
  }
  /** Brings the device what the server has. */
  readonly download: () => void
  /** Brings the server what the device has. */
  readonly upload: () => void
  /** Both, and stamps in between what the server lacks stamps for; `voids` by place in that order. */
  readonly sync: (voids?: Readonly<Record<number, string>>) => void
  /** What the messages say, with how they stand. */
  readonly shown: () => readonly string[]
}

export interface OpenRigOptions {
  readonly storage?: ClientStorage
  readonly server?: StampingServer
  readonly user?: UserId
  readonly beforehand?: Partial<ConversationInfo & UnreadCounts>
  /** Of the chains that are drawn here. */
  readonly firstClient?: number
  readonly now?: () => number
  /** What the server says of a chain; nobody is there to ask when it is not given. */
  readonly lookUpChain?: LookUpChain
  /** What the server has of the archive; as above. */
  readonly archive?: ArchiveSource
  readonly fetchMessage?: OpenConversationDeps['fetchMessage']
  readonly fetchEvents?: OpenConversationDeps['fetchEvents']
  readonly keptEvents?: OpenConversationDeps['keptEvents']
  readonly counts?: () => Promise<OwnCounts>
  readonly versions?: (message: MessageId) => Promise<readonly Version[]>
  readonly keep?: Keep
  readonly receipts?: ReceiptsSetting
}

export const rigId = conversationId(1)

/** A server that cannot be reached. */
const nobody: ArchiveSource = {
  messages: () => Promise.reject(new Error('offline')),
  changes: () => Promise.reject(new Error('offline')),
}

/** A storage in memory that says it keeps. */
export function keepingMemory(): ClientStorage {
  return createMemoryStorage({ phase: 'persistent' })
}

export async function openRig(options: OpenRigOptions = {}): Promise<OpenRig> {
  const { storage = keepingMemory(), server = createStampingServer(), user = ann, firstClient = 100 } = options
  let drawn = firstClient
  let clockMs = 1000
  const draw = (): ClientId => clientId(drawn++)
  const local = await openLocal(storage, user, rigId, draw)
  const connections: FakeConnection[] = []
  const told: OpenRig['told'] = { changes: 0, closes: 0, keeps: [], pageFailures: [] }
  const conversation = new OpenConversation({
    id: rigId,
    user,
    local,
    now: options.now ?? (() => clockMs++),
    archive: options.archive ?? nobody,
    fetchMessage: options.fetchMessage ?? (() => Promise.reject(new Error('offline'))),
    fetchEvents: options.fetchEvents ?? (() => Promise.reject(new Error('offline'))),
    keptEvents: options.keptEvents ?? (() => undefined),
    counts: options.counts ?? (() => Promise.reject(new Error('offline'))),
    invitations: {
      create: () => Promise.reject(new Error('offline')),
      list: () => Promise.reject(new Error('offline')),
      revoke: () => Promise.reject(new Error('offline')),
    },
    deleteIt: () => Promise.reject(new Error('offline')),
    versions: options.versions ?? (() => Promise.reject(new Error('offline'))),
    keep: () => told.keeps.at(-1) ?? options.keep ?? 'all',
    onKeep: async (keep) => void told.keeps.push(keep),
    presence: new OpenPresence({
      user,
      device: undefined,
      mode: createStore<PresenceMode>('typing'),
      uptime: () => performance.now(),
    }),
    receipts: options.receipts ?? { mode: 'on' },
    onPageKept: () => undefined,
    onPageFailure: (error) => void told.pageFailures.push(error),
    beforehand: () => ({ title: null, access: undefined, members: [], settings: new Map(), ...options.beforehand }),
    draw,
    lookUpChain: options.lookUpChain ?? (() => Promise.reject(new Error('offline'))),
    connect: (document, gate, status) => {
      const connection = { document, gate, status, isClosed: false }
      connections.push(connection)
      return {
        close: () => {
          connection.isClosed = true
          status({ phase: 'closed' })
        },
      }
    },
    onChange: () => void told.changes++,
    onClose: () => void told.closes++,
  })
  const doc = (): Y.Doc => connections.at(-1)?.document.doc ?? local.doc
  const download = (): void => bring(server.doc, doc())
  const upload = (): void => server.receive(doc())
  return {
    conversation,
    local,
    server,
    storage,
    connections,
    doc,
    told,
    download,
    upload,
    sync: (voids = {}) => {
      upload()
      stampAll(server, voids)
      download()
    },
    shown: () =>
      conversation.messages
        .getSnapshot()
        .map(({ content, delivery }) =>
          delivery.state === 'failed' ? `${content}: ${delivery.reason}` : `${content}: ${delivery.state}`,
        ),
  }
}

/** Applies to `to` what `from` has, as a provider does. */
export function bring(from: Y.Doc, to: Y.Doc): void {
  Y.applyUpdate(to, Y.encodeStateAsUpdate(from, Y.encodeStateVector(to)), 'provider')
}

const stamped = new WeakMap<StampingServer, Map<ClientId, number>>()
let stampMs = 10_000

/** What bob writes to the server, on a device of his own: stamped at once. */
export function bobOn(server: StampingServer): (...entries: readonly KnownEntry[]) => void {
  const doc = createDoc(7)
  return (...entries) => {
    append(doc, 'bob', entries.map(encodeEntry))
    server.receive(doc)
    stampAll(server)
  }
}

/** What the server has of a conversation, and what it answers of it. */
export interface ServerTalk {
  readonly server: StampingServer
  readonly archive: ServerArchive
  /** What bob writes to the server. */
  readonly write: (...entries: readonly KnownEntry[]) => void
}

export function startTalk(owner = 'ann'): ServerTalk {
  const server = createStampingServer(900, owner)
  return { server, archive: createServerArchive(server), write: bobOn(server) }
}

/** The device has all that the server has, and is connected. */
export function goLive(rig: OpenRig): void {
  rig.download()
  rig.connections.at(-1)?.status({ phase: 'live' })
}

/** Stamps, chain by chain, what has no stamp yet. */
export function stampAll(server: StampingServer, voids: Readonly<Record<number, string>> = {}): void {
  const clocks = stamped.get(server) ?? new Map<ClientId, number>()
  stamped.set(server, clocks)
  const places = [...Y.decodeStateVector(Y.encodeStateVector(server.doc))]
    .filter(([client]) => client !== server.doc.clientID)
    .toSorted(([a], [b]) => a - b)
    .flatMap(([number, next]) => {
      const client = clientId(number)
      const from = clocks.get(client) ?? 0
      clocks.set(client, next)
      return Array.from({ length: next - from }, (_, index) => ({ client, clock: from + index }))
    })
  const entries = places.map((place, index) => {
    const voidReason = voids[index]
    return voidReason === undefined ? place : { ...place, voidReason }
  })
  if (entries.length > 0) server.commit(entries, stampMs++)
}
