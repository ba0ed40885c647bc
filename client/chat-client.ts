/** The client of one user at one server: the list of conversations, those that are open, and what carries them. */

import { isPrivateConversation } from '../shared/chat/private-conversation.ts'
import { type ConversationId, parseConversationId } from '../shared/sync/ids.ts'
import type { ChatClient, PresenceMode } from './api.ts'
import { createArchiveStorage } from './archive-storage.ts'
import { createAccount } from './account/account.ts'
import { BackgroundSync } from './background-sync.ts'
import { type ChatClientOptions, type ClientAddress, parseOptions, type Platform } from './client-options.ts'
import { createConversationFactory } from './conversation-factory.ts'
import { createConversationList } from './conversation-list.ts'
import { createHeldVersions } from './held-versions.ts'
import { createListFollower } from './list-follower.ts'
import { newConversationRow } from './new-conversation.ts'
import { OpenConversation } from './open-conversation.ts'
import { OpenConversations } from './open-conversations.ts'
import { PageFill } from './page-fill.ts'
import { createPeople } from './people/people.ts'
import { createPeopleRest } from './people/people-rest.ts'
import { createPersonal } from './personal/personal.ts'
import { createPatience } from './patience.ts'
import { createRegistration } from './registration.ts'
import { createRemovals } from './removal/removals.ts'
import { createRestClient } from './rest-client.ts'
import { createStore } from './store.ts'
import { createClientSearch } from './search/client-search.ts'
import { watchPages } from './search/watched-pages.ts'
import { createSignOut } from './sign-out.ts'
import { summarize } from './summarize.ts'
import { SyncSocket } from './sync/socket.ts'
import { createTokenSource } from './sync/token-source.ts'

/** Throws TypeError for a URL, a user or a device that cannot be one. */
export function createClient(options: ChatClientOptions, platform: Platform): ChatClient {
  return startClient(options, parseOptions(options), platform)
}

function startClient(options: ChatClientOptions, { url, user }: ClientAddress, platform: Platform): ChatClient {
  const { fetch, now } = platform
  const tokens = createTokenSource(options.token, now, user)
  const rest = createRestClient(url, tokens, fetch)
  const opening = platform
    .openStorage(url, user, { now, pageBudgetBytes: options.pageBudgetBytes })
    .then((storage) => ({ ...storage, pages: watchPages(storage.pages, search) }))
  const list = createConversationList(opening, now)
  const open: OpenConversations = new OpenConversations((id) => {
    const wiped = removals.wiped(id)
    return wiped === undefined ? conversations.make(id) : wiped.then(() => conversations.make(id))
  })
  const held = createHeldVersions(user, list, (conversation, version) =>
    list.note(conversation.id, () => ({ ...summarize(conversation), version })),
  )
  const search = createClientSearch({
    user,
    storage: opening,
    startWorker: platform.startSearchWorker,
    loaded: list.loaded,
    listed: list.store.getSnapshot,
    opened: (id) => open.get(id),
  })
  const archive = createArchiveStorage(opening, platform.askToPersist)
  const removals = createRemovals({
    opening,
    list,
    open,
    greeted,
    ask: rest.lost,
    onWiped: (id) => fill.forget(id),
  })
  const registration = createRegistration(user, list, rest, now, removals)
  const follower = createListFollower({
    list,
    rest,
    held,
    background: () => background,
    open: () => open.all(),
    note,
    removals,
    onBack: (id) => fill.forget(id),
    onPrivateNews: () => personal.start(),
  })
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
      !follower.refresh.isBusy() &&
      [...open.all()].every((each) => background.has(each.id) || patience.isServed(each)),
    uptime,
  })
  const fill = new PageFill({
    rows: function* rows() {
      for (const row of conversations.fillRows()) if (!removals.isDeleting(row.id)) yield row
    },
    store: () => opening.then(({ pages }) => pages),
    fetch: rest.messages,
    hasTime: () => background.status.getSnapshot().phase === 'current',
    onKept: (id) => {
      archive.noteKept()
      open.get(id)?.noteKept()
    },
    onFull: archive.noteFull,
    onFailure: archive.noteFailure,
  })
  const readsInPrivate = options.receipts === 'private'
  const personal = createPersonal({ user, opening, list, open, background: () => background, readsInPrivate })
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
  const conversations = createConversationFactory({
    url,
    user,
    options,
    platform,
    opening,
    list,
    rest,
    tokens,
    socket: () => socket,
    held,
    registration,
    archive,
    people: () => people,
    personal: () => personal,
    search: () => search,
    background: () => background,
    open: () => open,
    presenceMode,
    isClosing: () => closing !== undefined,
    note,
    look,
    // Where the server tells of it too, that is no news.
    onDeleted: (conversation) => follower.onNews([], [{ conversation, code: 'deleted' }]),
    wipes: removals.wipes,
    onKeep: () => fill.again(),
    uptime,
  })
  background.status.subscribe(() => fill.proceed())
  list.store.subscribe(() => fill.proceed())
  list.store.subscribe(search.noteList)
  const stopWaking = socket && platform.onWake?.(() => socket.wake())
  const stopHiding = platform.onHide?.(() => {
    for (const conversation of open.all()) conversation.tellReceipts()
    personal.flush()
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
    return new SyncSocket({
      url,
      user,
      tokens,
      WebSocket,
      device,
      now,
      uptime,
      random,
      versions,
      onNews: follower.onNews,
    })
  }

  /** What moved since is told with the socket's hello; without such a socket nobody tells. */
  async function greeted(): Promise<void> {
    const status = socket?.status
    await new Promise<void>((resolve) => {
      const hear = (): void => {
        if (status !== undefined && status.getSnapshot().phase !== 'live') return
        stop?.()
        resolve()
      }
      const stop = status?.subscribe(hear)
      hear()
    })
  }

  function note(conversation: OpenConversation): void {
    const { id } = conversation
    list.note(id, () => ({ ...summarize(conversation), ...held.kept(id) }))
  }

  function look(conversation: OpenConversation): void {
    held.look(conversation)
    patience.look(conversation)
    if (isPrivateConversation(conversation.id)) personal.look(conversation)
    else {
      registration.look(conversation)
      people.look(conversation, !background.has(conversation.id))
      if (socket === undefined && hasReadElsewhere(conversation)) personal.start()
    }
    background.check(conversation)
    background.proceed()
  }

  /** The server's list says more than the document: it was read in private. Over one socket the server tells that there is some. */
  function hasReadElsewhere({ id, readThrough, status }: OpenConversation): boolean {
    const isLive = status.getSnapshot().connection.phase === 'live'
    return isLive && (list.row(id)?.readThrough ?? -1) > readThrough
  }

  async function join(token: string): Promise<OpenConversation> {
    const joined = await peopleRest.join(token)
    await list.loaded
    // A line that cannot be kept comes with the next list.
    if (list.row(joined.id)?.access === undefined) await list.merge([joined], list.moment()).catch(() => undefined)
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

  function close(): Promise<void> {
    closing ??= (async () => {
      stopWaking?.()
      stopHiding?.()
      follower.refresh.close()
      background.close()
      fill.close()
      search.close()
      // What others are not to be told goes into private state.
      for (const conversation of open.all()) conversation.tellReceipts()
      await open.close(personal.close())
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
  }

  const signOut = createSignOut({
    opening,
    open: () => open.all(),
    unregistered: () => list.loaded.then(() => list.unregistered()),
    gathered: personal.waiting,
    close,
  })

  return {
    user,
    storage: archive.status,
    conversations: list.store,
    search: search.api,
    removed: removals.store,
    dismissRemoved: removals.dismiss,
    forget: removals.forget,
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
    get personal() {
      return personal.api()
    },
    acceptInvitation: join,
    refresh: follower.refreshAll,
    ...signOut,
    ...createAccount({ request: rest.request, close, wipe: signOut.wipe }),
    close,
  }
}

/** Of this process, in ms: no one sets it back. */
function uptime(): number {
  return performance.now()
}
