/** The client of one user at one server: the list of conversations, those that are open, and what carries them. */

import { limits } from '../shared/limits.ts'
import type { Gone } from '../shared/sync/control.ts'
import { type ConversationId, parseConversationId } from '../shared/sync/ids.ts'
import type { ChatClient, Keep, PresenceMode } from './api.ts'
import { createArchiveStorage } from './archive-storage.ts'
import { BackgroundSync } from './background-sync.ts'
import { type ChatClientOptions, type ClientAddress, parseOptions, type Platform } from './client-options.ts'
import { createConversationList } from './conversation-list.ts'
import { createHeldVersions } from './held-versions.ts'
import { createListRefresh } from './list-refresh.ts'
import { openLocal } from './local-conversation.ts'
import { newConversationRow } from './new-conversation.ts'
import { OpenConversation } from './open-conversation.ts'
import { OpenConversations } from './open-conversations.ts'
import { type FillRow, PageFill } from './page-fill.ts'
import { createPeople } from './people/people.ts'
import { createPeopleRest } from './people/people-rest.ts'
import { createPatience } from './patience.ts'
import { OpenPresence } from './presence/open-presence.ts'
import type { ConnectDocument } from './rebuild.ts'
import { createRegistration } from './registration.ts'
import { createRestClient } from './rest-client.ts'
import { createStore } from './store.ts'
import { createClientSearch } from './search/client-search.ts'
import { watchPages } from './search/watched-pages.ts'
import { summarize } from './summarize.ts'
import { channelWebSocket } from './sync/channel.ts'
import { type Carrier, connect } from './sync/connection.ts'
import { drawClientId } from './sync/own-chain.ts'
import { gatedWebSocket } from './sync/send-gate.ts'
import { type Moved, SyncSocket } from './sync/socket.ts'
import { createTokenSource } from './sync/token-source.ts'

/** Throws TypeError for a URL, a user or a device that cannot be one. */
export function createClient(options: ChatClientOptions, platform: Platform): ChatClient {
  return startClient(options, parseOptions(options), platform)
}

function startClient(options: ChatClientOptions, { url, user }: ClientAddress, platform: Platform): ChatClient {
  const { fetch, now } = platform
  const tokens = createTokenSource(options.token, now)
  const rest = createRestClient(url, tokens, fetch)
  const opening = platform
    .openStorage(url, user, { now, pageBudgetBytes: options.pageBudgetBytes })
    .then((storage) => ({ ...storage, pages: watchPages(storage.pages, search) }))
  const list = createConversationList(opening, now)
  const open = new OpenConversations(openConversation)
  const held = createHeldVersions(user, list, (conversation, version) =>
    list.note(conversation.id, () => ({ ...summarize(conversation), version })),
  )
  const search = createClientSearch({
    user,
    storage: opening,
    startWorker: platform.startSearchWorker,
    loaded: list.loaded,
    listed: list.store.getSnapshot,
    open: () => open.all(),
  })
  const archive = createArchiveStorage(opening, platform.askToPersist)
  const registration = createRegistration(user, list, rest, now)
  const refresh = createListRefresh(loadNewest, () => background.proceed())
  const presenceMode = createStore<PresenceMode>(options.presence ?? 'typing')
  const patience = createPatience(() => background.proceed())
  const socket = options.transport === 'stock' ? undefined : startSocket()
  const background = new BackgroundSync({
    open: (id) => open.open(id),
    isOpen: (id) => open.has(id),
    activityMs: (id) => list.row(id)?.updatedAt ?? now(),
    isConnected: () => socket === undefined || socket.status.getSnapshot().phase === 'live',
    hasTime: () =>
      awaited === 0 &&
      !refresh.isBusy() &&
      [...open.all()].every((each) => background.has(each.id) || patience.isServed(each)),
    uptime,
  })
  const fill = new PageFill({
    rows: fillRows,
    store: () => opening.then(({ pages }) => pages),
    fetch: rest.messages,
    hasTime: () => background.status.getSnapshot().phase === 'current',
    onKept: (id) => {
      archive.noteKept()
      for (const conversation of open.all()) if (conversation.id === id) conversation.noteKept()
    },
    onFull: archive.noteFull,
    onFailure: archive.noteFailure,
  })
  const peopleRest = createPeopleRest(rest)
  const people = createPeople({
    user,
    url,
    opening,
    rest: peopleRest,
    members: function* members() {
      for (const row of list.rows()) for (const member of row.members ?? []) yield member.user
    },
    isConnected: () => socket === undefined || socket.status.getSnapshot().phase === 'live',
    uptime,
  })
  background.status.subscribe(() => fill.proceed())
  list.store.subscribe(() => fill.proceed())
  list.store.subscribe(search.noteList)
  const stopWaking = socket && platform.onWake?.(() => socket.wake())
  const stopHiding = platform.onHide?.(() => {
    for (const conversation of open.all()) conversation.tellReceipts()
  })
  socket?.status.subscribe(() => background.proceed())
  socket?.status.subscribe(() => people.proceed())
  let closing: Promise<void> | undefined
  /** Conversations that the application waits for. */
  let awaited = 0
  // What cannot be opened now is tried again at the next start, or when the application opens it.
  start().catch(() => undefined)

  async function start(): Promise<void> {
    await list.loaded
    if (closing !== undefined) return
    socket?.start()
    background.add([...list.unregistered(), ...(await (await opening).unsent())], true)
  }

  function startSocket(): SyncSocket {
    const { device } = options
    const { WebSocket } = platform
    const [versions, random] = [held.stated, Math.random]
    return new SyncSocket({ url, user, tokens, WebSocket, device, now, uptime, random, versions, onNews })
  }

  function onNews(moved: readonly Moved[], gone: readonly Gone[]): void {
    if (gone.length > 0) lose(gone)
    const ids = new Set(moved.map(({ conversation }) => conversation))
    // The user was added again, or somebody has brought it back.
    for (const conversation of open.all())
      if (ids.has(conversation.id) && conversation.lost !== undefined) conversation.reconnect()
    // What came here before it was closed is told once more.
    const behind = moved.filter(
      ({ conversation, version }) => version === undefined || !held.has(conversation, version),
    )
    if (behind.length === 0) return
    refresh.need(behind.length)
    background.add(behind.map(({ conversation }) => conversation))
  }

  function lose(gone: readonly Gone[]): void {
    // A line that stays on the device only comes back at the next start.
    list.remove(gone).catch(() => undefined)
    background.drop(gone.filter((one) => !isUnknown(one)).map(({ conversation }) => conversation))
    // Whoever made it registers it again, once it is open.
    background.add(gone.filter(isUnknown).map(({ conversation }) => conversation))
  }

  /** What is open has moved too, and is not counted. */
  async function loadNewest(moved: number): Promise<void> {
    const count = moved + [...open.all()].length
    if (count > limits.pageConversations) return refreshAll()
    await take(await rest.newest(count))
  }

  async function refreshAll(): Promise<void> {
    await list.loaded
    const asked = list.registered()
    const items = await rest.conversations()
    await take(items)
    const listed = new Set(items.map(({ id }) => id))
    const gone: Gone[] = []
    // One that moves between two pages is in neither: the server says of each that is missing what became of it.
    for (const conversation of asked) {
      const code = listed.has(conversation) ? undefined : await rest.lost(conversation)
      if (code !== undefined) gone.push({ conversation, code })
    }
    if (gone.length > 0) lose(gone)
  }

  async function take(items: Awaited<ReturnType<typeof rest.newest>>): Promise<void> {
    await list.merge(items)
    // What is open here may be ahead of the server.
    for (const conversation of open.all()) note(conversation)
  }

  function note(conversation: OpenConversation): void {
    const { id } = conversation
    list.note(id, () => ({ ...summarize(conversation), ...held.kept(id) }))
  }

  function look(conversation: OpenConversation): void {
    held.look(conversation)
    registration.look(conversation)
    patience.look(conversation)
    people.look(conversation, !background.has(conversation.id))
    background.check(conversation)
    background.proceed()
  }

  function keepOf(id: ConversationId): Keep {
    return list.row(id)?.keep ?? options.keep ?? 'all'
  }

  function* fillRows(): Generator<FillRow> {
    for (const { id, archivedThrough, updatedAt, access } of list.rows())
      if (archivedThrough !== undefined && access !== undefined && keepOf(id) === 'all')
        yield { id, through: archivedThrough, updatedAt }
  }

  async function setKeep(id: ConversationId, keep: Keep | undefined): Promise<void> {
    await list.change(id, ({ keep: _before, ...row }) => (keep === undefined ? row : { ...row, keep }))
    fill.again()
  }

  async function openConversation(id: ConversationId): Promise<OpenConversation> {
    await list.loaded
    const local = await openLocal(await opening, user, id, drawClientId)
    const presence = new OpenPresence({ user, device: options.device, mode: presenceMode, uptime })
    const conversation: OpenConversation = new OpenConversation({
      id,
      user,
      local,
      now,
      beforehand: () => {
        const row = list.row(id)
        const members =
          row?.unregistered === undefined ? [] : [{ user, access: 'owner' as const }, ...row.unregistered.members]
        const { title = null, access, mentions = 0 } = row ?? {}
        return { title, access, members, ...(row === undefined ? {} : { unread: row.unread, mentions }) }
      },
      archive: {
        messages: (where) => rest.messages(id, where),
        changes: (after) => rest.changes(id, after),
      },
      fetchMessage: (message) => rest.message(id, message),
      counts: () => rest.counts(id),
      invitations: people.invitations(id),
      keep: () => keepOf(id),
      // A list that cannot be kept is as it was after the next start.
      onKeep: (keep) => setKeep(id, keep).catch(() => undefined),
      onPageKept: archive.noteKept,
      onPageFailure: archive.noteFailure,
      draw: drawClientId,
      lookUpChain: (client, from) => rest.chain(id, client, from),
      presence,
      receipts:
        options.receipts === 'private' ? { mode: 'private', through: list.row(id)?.readThrough ?? -1 } : { mode: 'on' },
      connect: connectDocument(id, presence),
      onChange: (changed) => {
        note(changed)
        look(changed)
        search.note(changed)
      },
      onClose: () => {
        held.forget(conversation)
        open.forget(conversation)
        // What is still unsent goes out all the same; what was open in the background waits for its next turn.
        const isDue = conversation.unsent > 0 && conversation.lost === undefined && !background.has(id)
        if (isDue && closing === undefined) background.add([id], true)
        search.noteClosed(conversation)
      },
    })
    held.track(conversation)
    archive.noteOpened()
    conversation.status.subscribe(() => look(conversation))
    return conversation
  }

  function connectDocument(id: ConversationId, presence: OpenPresence): ConnectDocument {
    return ({ doc, generation }, gate, onStatus) => {
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

  async function join(token: string): Promise<OpenConversation> {
    const joined = await peopleRest.join(token)
    await list.loaded
    // A line that cannot be kept comes with the next list.
    if (list.row(joined.id)?.access === undefined) await list.merge([joined]).catch(() => undefined)
    const conversation = await openHeld(joined.id)
    if (conversation.lost !== undefined) conversation.reconnect()
    return conversation
  }

  async function openHeld(id: ConversationId): Promise<OpenConversation> {
    awaited++
    background.hold(id)
    try {
      const conversation = await open.open(id)
      conversation.presence.appear()
      return conversation
    } finally {
      awaited--
      background.proceed()
    }
  }

  return {
    user,
    storage: archive.status,
    conversations: list.store,
    search: search.api,
    background: {
      status: background.status,
      pause: () => background.pause(),
      resume: () => background.resume(),
    },
    presence: presenceMode,
    setPresence: (mode) => presenceMode.set(mode),
    create: async (fresh = {}) => {
      const row = newConversationRow(user, fresh, now())
      // A list that cannot be kept must not keep anybody from writing; the conversation's status tells.
      await list.add(row).catch(() => undefined)
      return openHeld(row.id)
    },
    open: (id) => {
      const parsed = parseConversationId(id)
      return parsed === undefined ? Promise.reject(new TypeError('not a conversation id')) : openHeld(parsed)
    },
    profiles: people.profiles,
    acceptInvitation: join,
    refresh: refreshAll,
    close: () => {
      closing ??= (async () => {
        stopWaking?.()
        stopHiding?.()
        refresh.close()
        background.close()
        fill.close()
        search.close()
        await open.close()
        socket?.close()
        await list.flushed()
        await people.close()
        // A store that could not be opened need not be closed.
        await opening.then(
          (storage) => storage.close(),
          () => undefined,
        )
      })()
      return closing
    },
  }
}

/** Of this process, in ms: no one sets it back. */
function uptime(): number {
  return performance.now()
}

function isUnknown({ code }: Gone): boolean {
  return code === 'not-found'
}
