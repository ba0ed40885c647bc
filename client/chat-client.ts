/** The client of one user at one server: the list of conversations, those that are open, and what carries them. */

import type { FaultCode } from '../shared/fault.ts'
import { limits } from '../shared/limits.ts'
import type { Gone } from '../shared/sync/control.ts'
import { type ConversationId, parseConversationId, parseUserId, type UserId } from '../shared/sync/ids.ts'
import type { ChatClient } from './api.ts'
import { BackgroundSync } from './background-sync.ts'
import { createConversationList } from './conversation-list.ts'
import { createHeldVersions } from './held-versions.ts'
import { createListRefresh } from './list-refresh.ts'
import { openLocal } from './local-conversation.ts'
import { lostCodeOf } from './lost-code.ts'
import { lostConversationRow, newConversationRow } from './new-conversation.ts'
import { OpenConversation } from './open-conversation.ts'
import { OpenConversations } from './open-conversations.ts'
import { createPatience } from './patience.ts'
import type { ConnectDocument } from './rebuild.ts'
import { createRestClient } from './rest-client.ts'
import type { ClientStorage, ConversationRow } from './storage/client-storage.ts'
import { channelWebSocket } from './sync/channel.ts'
import { type Carrier, connect } from './sync/connection.ts'
import { drawClientId } from './sync/own-chain.ts'
import { gatedWebSocket } from './sync/send-gate.ts'
import { type Moved, SyncSocket } from './sync/socket.ts'
import { createTokenSource, type Token } from './sync/token-source.ts'

export interface ChatClientOptions {
  /** Of the server: `https://chat.example`. */
  readonly url: string
  /** The `sub` of the token. */
  readonly user: string
  /** A JWT, or what fetches one; called again when one ends or is refused. */
  readonly token: Token
  /** Name of this device, shown to others with its presence; at most 64 characters. */
  readonly device?: string
  /**
   * `multiplexed`, when not given: one socket carries all conversations, tells of those that are not open, and keeps them
   * up to date. `stock`: one socket for each that is open, in the plain y-websocket protocol, for servers and proxies that
   * know no other; the list is as of the last `refresh`.
   */
  readonly transport?: 'multiplexed' | 'stock'
}

/** What differs between browsers and Node. */
export interface Platform {
  readonly openStorage: (server: string, user: UserId) => Promise<ClientStorage>
  readonly WebSocket: typeof WebSocket
  /** Whether there are other tabs to tell. */
  readonly broadcast: boolean
  readonly fetch: typeof globalThis.fetch
  /** The device's clock in ms. */
  readonly now: () => number
  /** Calls back whenever the device has come back, to the network or to its user; returns what ends that. */
  readonly onWake?: (wake: () => void) => () => void
  /** Where there is a process: takes a listener for its end back. */
  readonly dropExitListener?: (listener: () => void) => void
}

/** Throws TypeError for a URL, a user or a device that cannot be one. */
export function createClient(options: ChatClientOptions, platform: Platform): ChatClient {
  const user = parseUserId(options.user)
  if (user === undefined) throw new TypeError('a user id is 1–128 visible ASCII characters other than /')
  if ((options.device?.length ?? 0) > limits.deviceNameLength)
    throw new TypeError(`The name of a device has at most ${limits.deviceNameLength} characters.`)
  return startClient(options, parseServerUrl(options.url), user, platform)
}

function startClient(options: ChatClientOptions, url: string, user: UserId, platform: Platform): ChatClient {
  const { fetch, now } = platform
  const tokens = createTokenSource(options.token, now)
  const rest = createRestClient(url, tokens, fetch)
  const opening = platform.openStorage(url, user)
  const list = createConversationList(opening, now)
  const open = new OpenConversations(openConversation)
  const held = createHeldVersions(user, list, (conversation, version) =>
    list.note(conversation.id, () => ({ ...summarize(conversation), version })),
  )
  const refresh = createListRefresh(loadNewest, () => background.proceed())
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
  const stopWaking = socket && platform.onWake?.(() => socket.wake())
  socket?.status.subscribe(() => background.proceed())
  let closing: Promise<void> | undefined
  /** Conversations that the application waits for. */
  let awaited = 0
  /** Conversations that the server had lost and is told of again, until they are live: it is told once. */
  const registeredAgain = new Set<ConversationId>()
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
    lookWhetherLost(conversation)
    patience.look(conversation)
    background.check(conversation)
    background.proceed()
  }

  function lookWhetherLost(conversation: OpenConversation): void {
    const { id, status } = conversation
    const { connection } = status.getSnapshot()
    if (connection.phase === 'live') registeredAgain.delete(id)
    const code = lostCodeOf(connection)
    if (code === undefined) return
    const row = lostConversationRow(user, conversation, list.row(id), now())
    if (code !== 'not-found' || row === undefined || registeredAgain.has(id)) {
      delist(conversation, code).catch(() => undefined)
      return
    }
    registeredAgain.add(id)
    // A list that cannot be kept is told again at the next start.
    list.add(row).catch(() => undefined)
    conversation.reconnect()
  }

  /** What is dropped by hand is the last that keeps a line. */
  async function delist(conversation: OpenConversation, code: FaultCode): Promise<void> {
    if (list.row(conversation.id) === undefined) return
    await conversation.flush()
    if (conversation.lost !== undefined) await list.remove([{ conversation: conversation.id, code }])
  }

  async function openConversation(id: ConversationId): Promise<OpenConversation> {
    await list.loaded
    const local = await openLocal(await opening, user, id, drawClientId)
    const conversation: OpenConversation = new OpenConversation({
      id,
      user,
      local,
      now,
      beforehand: () => {
        const row = list.row(id)
        const members =
          row?.unregistered === undefined ? [] : [{ user, access: 'owner' as const }, ...row.unregistered.members]
        return { title: row?.title ?? null, access: row?.access, members }
      },
      draw: drawClientId,
      connect: connectDocument(id),
      onChange: (changed) => {
        note(changed)
        look(changed)
      },
      onClose: () => {
        held.forget(conversation)
        open.forget(conversation)
      },
    })
    held.track(conversation)
    conversation.status.subscribe(() => look(conversation))
    return conversation
  }

  function connectDocument(id: ConversationId): ConnectDocument {
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
      const registering = (): Promise<void> => register(id)
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
        onStatus,
      })
    }
  }

  async function register(id: ConversationId): Promise<void> {
    const row = list.row(id)
    if (row?.unregistered === undefined) return
    const { members } = row.unregistered
    await rest.register(id, { members, ...(row.title === null ? {} : { title: row.title }) })
    // When that cannot be kept, the server is told again after the next start, and answers the same.
    await list.change(id, (current) => ({ ...current, unregistered: undefined })).catch(() => undefined)
  }

  async function openHeld(id: ConversationId): Promise<OpenConversation> {
    awaited++
    background.hold(id)
    try {
      return await open.open(id)
    } finally {
      awaited--
      background.proceed()
    }
  }

  return {
    user,
    conversations: list.store,
    background: {
      status: background.status,
      pause: () => background.pause(),
      resume: () => background.resume(),
    },
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
    refresh: refreshAll,
    close: () => {
      closing ??= (async () => {
        stopWaking?.()
        refresh.close()
        background.close()
        await open.close()
        socket?.close()
        await list.flushed()
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

function summarize(conversation: OpenConversation): Partial<ConversationRow> {
  const { title, access: held, members } = conversation.info.getSnapshot()
  // The document of whoever was removed does not say so.
  const access = conversation.lost === undefined ? held : undefined
  const known = { title, access, unread: conversation.unread, ...(members.length === 0 ? {} : { members }) }
  const last = conversation.messages.getSnapshot().findLast(({ delivery }) => delivery.state !== 'failed')
  if (last === undefined) return known
  const updatedAt = last.delivery.state === 'sent' ? last.delivery.createdAt : last.writtenAt
  return { ...known, lastMessage: last.content, updatedAt }
}

/** Of this process, in ms: no one sets it back. */
function uptime(): number {
  return performance.now()
}

function isUnknown({ code }: Gone): boolean {
  return code === 'not-found'
}

function parseServerUrl(text: string): string {
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new TypeError('the url is http or https')
  return url.href.replace(/\/+$/, '')
}
