/** Makes open conversations: what each is given of the client that it belongs to, and what carries its document. */

import { isPrivateConversation } from '../shared/chat/private-conversation.ts'
import type { ConversationId, UserId } from '../shared/sync/ids.ts'
import type { Keep, PresenceMode } from './api.ts'
import type { ArchiveStorage } from './archive-storage.ts'
import type { BackgroundSync } from './background-sync.ts'
import type { ChatClientOptions, Platform } from './client-options.ts'
import type { ConversationList } from './conversation-list.ts'
import type { HeldVersions } from './held-versions.ts'
import { openLocal } from './local-conversation.ts'
import { OpenConversation } from './open-conversation.ts'
import type { OpenConversations } from './open-conversations.ts'
import { fetchEvents } from './events/fetch-events.ts'
import type { FillRow } from './page-fill.ts'
import type { People } from './people/people.ts'
import type { PersonalPart } from './personal/personal.ts'
import { OpenPresence } from './presence/open-presence.ts'
import type { ConnectDocument } from './rebuild.ts'
import type { Registration } from './registration.ts'
import { pagesUntil } from './removal/pages-until.ts'
import { answered, type RestClient } from './rest-client.ts'
import type { ClientSearch } from './search/client-search.ts'
import type { ClientStorage } from './storage/client-storage.ts'
import type { Store } from './store.ts'
import { channelWebSocket } from './sync/channel.ts'
import { type Carrier, connect } from './sync/connection.ts'
import { drawClientId } from './sync/own-chain.ts'
import { gatedWebSocket } from './sync/send-gate.ts'
import type { SyncSocket } from './sync/socket.ts'
import type { TokenSource } from './sync/token-source.ts'

/** The parts of a client that its conversations are made of. */
export interface ConversationFactoryDeps {
  readonly url: string
  readonly user: UserId
  readonly options: ChatClientOptions
  readonly platform: Platform
  readonly opening: Promise<ClientStorage>
  readonly list: ConversationList
  readonly rest: RestClient
  readonly tokens: TokenSource
  readonly socket: () => SyncSocket | undefined
  readonly held: HeldVersions
  readonly registration: Registration
  readonly archive: ArchiveStorage
  readonly people: () => People
  readonly personal: () => PersonalPart
  readonly search: () => ClientSearch
  readonly background: () => BackgroundSync
  readonly open: () => OpenConversations
  readonly presenceMode: Store<PresenceMode>
  readonly isClosing: () => boolean
  /** Its line in the list has perhaps changed. */
  readonly note: (conversation: OpenConversation) => void
  /** Its state has changed. */
  readonly look: (conversation: OpenConversation) => void
  /** The user has deleted it. */
  readonly onDeleted: (id: ConversationId) => void
  /** How often it was deleted from this device. */
  readonly wipes: (id: ConversationId) => number
  /** Something else of its archive is to be kept. */
  readonly onKeep: () => void
  /** Of this process, in ms: no one sets it back. */
  readonly uptime: () => number
}

export interface ConversationFactory {
  readonly make: (id: ConversationId) => Promise<OpenConversation>
  /** Conversations whose archives are to be kept here. */
  readonly fillRows: () => Iterable<FillRow>
}

export function createConversationFactory(deps: ConversationFactoryDeps): ConversationFactory {
  const { url, user, options, platform, opening, list, rest, tokens, held, registration, archive, presenceMode } = deps
  const { now } = platform

  function keepOf(id: ConversationId): Keep {
    return list.row(id)?.keep ?? options.keep ?? 'all'
  }

  function* fillRows(): Generator<FillRow> {
    for (const { id, archivedThrough, historyFrom: from = 0, updatedAt, access } of list.rows())
      if (archivedThrough !== undefined && access !== undefined && keepOf(id) === 'all')
        yield { id, through: archivedThrough, from, updatedAt }
  }

  async function setKeep(id: ConversationId, keep: Keep | undefined): Promise<void> {
    await list.change(id, ({ keep: _before, ...row }) => (keep === undefined ? row : { ...row, keep }))
    deps.onKeep()
  }

  async function make(id: ConversationId): Promise<OpenConversation> {
    await list.loaded
    // Else what was read in private would be unread for a moment.
    if (!isPrivateConversation(id)) await deps.personal().ready()
    const [storage, wipes] = [await opening, deps.wipes(id)]
    const pages = pagesUntil(storage.pages, () => deps.wipes(id) !== wipes)
    const local = await openLocal({ ...storage, pages }, user, id, drawClientId)
    const presence = new OpenPresence({ user, device: options.device, mode: presenceMode, uptime: deps.uptime })
    const conversation: OpenConversation = new OpenConversation({
      id,
      user,
      local,
      now,
      beforehand: () => {
        const row = list.row(id)
        const members =
          row?.unregistered === undefined ? [] : [{ user, access: 'owner' as const }, ...row.unregistered.members]
        const { title = null, access, gone, mentions = 0 } = row ?? {}
        const settings = new Map(row?.unregistered?.settings)
        return {
          title,
          access,
          members,
          settings,
          ...(gone && { gone }),
          ...(row === undefined ? {} : { unread: row.unread, mentions }),
        }
      },
      archive: {
        messages: (where) => rest.messages(id, where),
        changes: (after) => rest.changes(id, after),
      },
      fetchMessage: (message) => rest.message(id, message),
      fetchEvents: (before) => fetchEvents(rest, id, before),
      keptEvents: () => list.row(id)?.events,
      counts: () => rest.counts(id),
      invitations: deps.people().invitations(id),
      versions: (message) => rest.versions(id, message),
      keep: () => keepOf(id),
      // A list that cannot be kept is as it was after the next start.
      onKeep: (keep) => setKeep(id, keep).catch(() => undefined),
      onPageKept: archive.noteKept,
      onPageFailure: archive.noteFailure,
      draw: drawClientId,
      lookUpChain: (client, from) => rest.chain(id, client, from),
      presence,
      deleteIt: async () => {
        await answered(rest.request('DELETE', `/api/conversations/${id}`))
        deps.onDeleted(id)
      },
      receipts: {
        ...(options.receipts === 'private'
          ? { mode: 'private', through: list.row(id)?.readThrough ?? -1 }
          : { mode: 'on' }),
        onPrivateRead: (through, thread) => deps.personal().noteRead(id, through, thread),
      },
      onSent: (thread) => deps.personal().noteSent(id, thread),
      onLooked: () => deps.personal().noteLooked(id),
      connect: connectDocument(id, presence),
      onChange: (changed) => {
        deps.note(changed)
        deps.look(changed)
        if (!isPrivateConversation(id)) deps.search().note(changed)
      },
      onClose: () => {
        held.forget(conversation)
        deps.open().forget(conversation)
        // What is still unsent goes out all the same; what was open in the background waits for its next turn.
        const isDue = conversation.unsent > 0 && conversation.lost === undefined && !deps.background().has(id)
        if (isDue && !deps.isClosing()) deps.background().add([id], true)
        if (!isPrivateConversation(id)) deps.search().noteClosed(conversation)
      },
    })
    held.track(conversation)
    const { through, threads } = deps.personal().readSoFar(id)
    conversation.noteRead(through)
    for (const [thread, read] of threads) conversation.noteRead(read, thread)
    archive.noteOpened()
    conversation.status.subscribe(() => deps.look(conversation))
    return conversation
  }

  function connectDocument(id: ConversationId, presence: OpenPresence): ConnectDocument {
    return ({ doc, generation }, gate, onStatus) => {
      const socket = deps.socket()
      const carrier: Carrier =
        socket === undefined
          ? { kind: 'socket', WebSocket: gatedWebSocket(platform.WebSocket, gate), tokens }
          : {
              kind: 'channel',
              WebSocket: channelWebSocket({ socket, conversation: id, gate, version: () => held.of(id, doc) }),
              socket: socket.status,
            }
      const { broadcast, dropExitListener } = platform
      const registering = (): Promise<void> => registration.register(id)
      return connect({
        url,
        user,
        id,
        doc,
        generation,
        gate,
        carrier,
        broadcast,
        dropExitListener,
        register: registering,
        connectPresence: (line) => presence.connect(line),
        onStatus,
      })
    }
  }

  return { make, fillRows }
}
