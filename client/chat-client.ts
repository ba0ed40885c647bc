/** The client of one user at one server: the list of conversations and those that are open. */

import { v7 as uuidV7 } from 'uuid'
import { parseAccess } from '../shared/chat/access.ts'
import { limits } from '../shared/limits.ts'
import { type ConversationId, parseConversationId, parseUserId, type UserId } from '../shared/sync/ids.ts'
import type { ChatClient, NewConversation } from './api.ts'
import { createBackgroundSender } from './background-sender.ts'
import { createConversationList } from './conversation-list.ts'
import { openLocal } from './local-conversation.ts'
import { assertTitle, OpenConversation } from './open-conversation.ts'
import { createRestClient } from './rest-client.ts'
import type { ClientStorage, ConversationRow, MemberOf } from './storage/client-storage.ts'
import { connect } from './sync/connection.ts'
import { drawClientId } from './sync/own-chain.ts'
import { gatedWebSocket } from './sync/send-gate.ts'
import { createTokenSource, type Token } from './sync/token-source.ts'

export interface ChatClientOptions {
  /** Of the server: `https://chat.example`. */
  readonly url: string
  /** The `sub` of the token. */
  readonly user: string
  /** A JWT, or what fetches one; called again when one ends or is refused. */
  readonly token: Token
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
}

/** Throws TypeError for a URL or a user that cannot be one. */
export function createClient(options: ChatClientOptions, platform: Platform): ChatClient {
  const user = parseUserId(options.user)
  if (user === undefined) throw new TypeError('a user id is 1–128 visible ASCII characters other than /')
  return startClient(parseServerUrl(options.url), user, options.token, platform)
}

function startClient(url: string, user: UserId, token: Token, platform: Platform): ChatClient {
  const tokens = createTokenSource(token, platform.now)
  const rest = createRestClient(url, tokens, platform.fetch)
  const opening = platform.openStorage(url, user)
  const list = createConversationList(opening, platform.now)
  const open = new Map<ConversationId, Promise<OpenConversation>>()
  const background = createBackgroundSender(openOnce, (id) => open.has(id))
  let closing: Promise<void> | undefined
  // What cannot be opened now is tried again at the next start, or when the application opens it.
  sendUnsent().catch(() => undefined)

  async function sendUnsent(): Promise<void> {
    await list.loaded
    await background.send(new Set([...list.unregistered(), ...(await (await opening).unsent())]))
  }

  async function openConversation(id: ConversationId): Promise<OpenConversation> {
    await list.loaded
    const local = await openLocal(await opening, user, id, drawClientId)
    return new OpenConversation({
      id,
      user,
      local,
      now: platform.now,
      beforehand: () => {
        const row = list.row(id)
        const members =
          row?.unregistered === undefined ? [] : [{ user, access: 'owner' as const }, ...row.unregistered.members]
        return { title: row?.title ?? null, access: row?.access, members }
      },
      connect: (gate, onStatus) =>
        connect({
          url,
          user,
          id,
          doc: local.doc,
          tokens,
          WebSocket: gatedWebSocket(platform.WebSocket, gate),
          broadcast: platform.broadcast,
          register: () => register(id),
          onStatus,
        }),
      onChange: (conversation) => {
        list.note(id, () => summarize(conversation))
        background.check(conversation)
      },
      onClose: () => void open.delete(id),
    })
  }

  async function register(id: ConversationId): Promise<void> {
    const row = list.row(id)
    if (row?.unregistered === undefined) return
    const { members } = row.unregistered
    await rest.register(id, { members, ...(row.title === null ? {} : { title: row.title }) })
    // When that cannot be kept, the server is told again after the next start, and answers the same.
    await list.change(id, (current) => ({ ...current, unregistered: undefined })).catch(() => undefined)
  }

  function openOnce(id: ConversationId): Promise<OpenConversation> {
    if (closing !== undefined) return Promise.reject(new Error('the client is closed'))
    const known = open.get(id)
    if (known !== undefined) return known.then((conversation) => unlessClosing(conversation))
    const pending = openConversation(id)
    open.set(id, pending)
    pending.catch(() => open.delete(id))
    return pending
  }

  /** Its chain and its document are free only when it is closed. */
  async function unlessClosing(conversation: OpenConversation): Promise<OpenConversation> {
    if (!conversation.isClosing) return conversation
    await conversation.close()
    return openOnce(conversation.id)
  }

  async function opened(): Promise<OpenConversation[]> {
    const settled = await Promise.allSettled(open.values())
    return settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  }

  function openHeld(id: ConversationId): Promise<OpenConversation> {
    background.hold(id)
    return openOnce(id)
  }

  return {
    user,
    conversations: list.store,
    create: async (fresh: NewConversation = {}) => {
      assertTitle(fresh.title ?? null)
      const members = parseMembers(user, fresh)
      const id = parseConversationId(uuidV7())
      if (id === undefined) throw new Error('not a UUIDv7')
      const row: ConversationRow = {
        id,
        title: fresh.title ?? null,
        access: 'owner',
        updatedAt: platform.now(),
        lastMessage: null,
        unread: 0,
        members: [{ user, access: 'owner' }, ...members],
        unregistered: { members },
      }
      // A list that cannot be kept must not keep anybody from writing; the conversation's status tells.
      await list.add(row).catch(() => undefined)
      return openHeld(id)
    },
    open: (id) => {
      const parsed = parseConversationId(id)
      return parsed === undefined ? Promise.reject(new TypeError('not a conversation id')) : openHeld(parsed)
    },
    refresh: async () => {
      await list.loaded
      const asked = list.registered()
      await list.merge(await rest.conversations(), asked)
      // What is open here may be ahead of the server.
      for (const conversation of await opened()) list.note(conversation.id, () => summarize(conversation))
    },
    close: () => {
      closing ??= (async () => {
        await Promise.all((await opened()).map((conversation) => conversation.close()))
        await list.flushed()
        await (await opening).close()
      })()
      return closing
    },
  }
}

function summarize(conversation: OpenConversation): Partial<ConversationRow> {
  const { title, access, members } = conversation.info.getSnapshot()
  const known = { title, access, unread: conversation.unread, ...(members.length === 0 ? {} : { members }) }
  const last = conversation.messages.getSnapshot().findLast(({ delivery }) => delivery.state !== 'failed')
  if (last === undefined) return known
  const updatedAt = last.delivery.state === 'sent' ? last.delivery.createdAt : last.writtenAt
  return { ...known, lastMessage: last.content, updatedAt }
}

/** What the server would refuse for ever must not be made here, offline, in good faith. */
function parseMembers(self: UserId, { members = [] }: NewConversation): readonly MemberOf[] {
  if (members.length > limits.initialMembers)
    throw new TypeError(`At most ${limits.initialMembers} members to begin with.`)
  const parsed = members.map(({ user: text, access: level }) => {
    const user = parseUserId(text)
    const access = parseAccess(level)
    if (user === undefined) throw new TypeError(`Not a user id: ${text}`)
    if (access === undefined) throw new TypeError(`Not an access: ${level}`)
    return { user, access }
  })
  if (parsed.some(({ user, access }) => user === self && access !== 'owner'))
    throw new TypeError('The creator is the owner.')
  if (new Set(parsed.map(({ user }) => user)).size < parsed.length) throw new TypeError('A member is named twice.')
  return parsed.filter(({ user }) => user !== self)
}

function parseServerUrl(text: string): string {
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new TypeError('the url is http or https')
  return url.href.replace(/\/+$/, '')
}
