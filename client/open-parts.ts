/**
 * What an open conversation is made of, and how its parts know of each other: the document and its keeper, who writes in it,
 * what is shown of its archive, receipts, single messages, what failed. What they come to together is for whoever made them.
 */

import type { MessageId } from '../shared/chat/entry.ts'
import { isPrivateConversation } from '../shared/chat/private-conversation.ts'
import {
  type ChatMessage,
  type Conversation,
  type ConversationInfo,
  type Draft,
  type Keep,
  type Version,
} from './api.ts'
import { Author } from './author.ts'
import { OpenReceipts } from './delivery/open-receipts.ts'
import type { ReceiptsSetting } from './delivery/own-receipts.ts'
import { DocumentKeeper, type DocumentKeeperDeps } from './document-keeper.ts'
import type { EventRun } from './events/events-api.ts'
import { OpenEvents, type OpenEventsDeps } from './events/open-events.ts'
import { FailedEntries } from './failed-entries.ts'
import { findKeptReplies } from './history/kept-replies.ts'
import { OpenArchive } from './history/open-archive.ts'
import type { ArchiveSource } from './history/page-cache.ts'
import type { OpenDocument } from './open-document.ts'
import type { OpenPresence } from './presence/open-presence.ts'
import { OpenPins } from './pins/open-pins.ts'
import type { OwnCounts } from './rest-answers.ts'
import { SingleMessages, type SingleMessagesDeps } from './single-messages.ts'
import { OpenThreads } from './threads/open-threads.ts'
import type { UnreadCounts } from './unread.ts'

export interface OpenPartsDeps extends Pick<
  DocumentKeeperDeps,
  'id' | 'user' | 'local' | 'connect' | 'draw' | 'lookUpChain'
> {
  /** What the device knows of it beside the document: shown until the server's first record has arrived. */
  readonly beforehand: () => Omit<ConversationInfo, 'id'> & Partial<UnreadCounts>
  /** What the server has of its archive. */
  readonly archive: ArchiveSource
  readonly fetchMessage: SingleMessagesDeps['fetch']
  readonly fetchEvents: OpenEventsDeps['fetch']
  /** What this device keeps of what happened before the window. */
  readonly keptEvents: () => EventRun | undefined
  /** What there is to read, as the server counts it. */
  readonly counts: () => Promise<OwnCounts>
  readonly invitations: Conversation['invitations']
  readonly keep: () => Keep
  /** Resolves when `keep` answers it. */
  readonly onKeep: (keep: Keep | undefined) => Promise<void>
  readonly presence: OpenPresence
  readonly receipts: ReceiptsSetting
  readonly onPageKept: () => void
  readonly onPageFailure: (error: unknown) => void
  /** What a message said before, as the server tells it. */
  readonly versions: (message: MessageId) => Promise<readonly Version[]>
  /** The device's clock in ms. */
  readonly now: () => number
}

/** Where the parts are put together. */
export interface PartsHost {
  readonly shown: () => readonly ChatMessage[]
  /** What is written to; throws when the conversation is closed. */
  readonly writable: () => OpenDocument
  /** The server takes nothing more from this user here. */
  readonly isBarred: () => boolean
  /** The server lets this user open it no more. */
  readonly isLost: () => boolean
  readonly unread: () => UnreadCounts
  readonly send: (draft: Draft) => MessageId
  /** The user has looked at what is there. */
  readonly onLooked: () => void
  readonly onChange: () => void
  readonly onStatus: () => void
  readonly onStorageFailure: (error: unknown) => void
}

export interface OpenParts {
  readonly keeper: DocumentKeeper
  readonly author: Author
  readonly archive: OpenArchive
  readonly receipts: OpenReceipts
  readonly threads: OpenThreads
  readonly single: SingleMessages
  readonly failed: FailedEntries
  readonly events: OpenEvents
  readonly pins: OpenPins
}

export function createParts(deps: OpenPartsDeps, host: PartsHost): OpenParts {
  const { id, user, local, now, fetchMessage } = deps
  const { onChange, onStatus, onStorageFailure, shown, isBarred } = host
  const keeper = new DocumentKeeper({
    ...deps,
    lost: deps.beforehand().gone,
    shown,
    onChange,
    onStatus,
    onStorageFailure,
  })
  const document = (): OpenDocument => keeper.document
  const isConnected = (): boolean => keeper.status.phase === 'live'
  const failed = new FailedEntries({ user, document, isBarred })
  const author: Author = new Author({
    user,
    now,
    document: host.writable,
    archived: (message) => archive.history.message(message),
    onTakenBack: () => keeper.tellAnew(),
    isPrivate: isPrivateConversation(id),
    hasOlderUnread: () => archive.hasUnread(),
  })
  const receipts: OpenReceipts = new OpenReceipts({
    ...deps,
    document,
    author,
    archived: (message) => archive.history.message(message),
    isLive: isConnected,
    isBarred: host.isLost,
    hasUnread: () => host.unread().unread > 0,
    onAdvance: onChange,
  })
  const threads: OpenThreads = new OpenThreads({
    user,
    document,
    folded: () => receipts.view(),
    isBarred,
    isConnected,
    kept: (root, before, count) => findKeptReplies(archive.keptBefore, root, before, count),
    fetch: (root, before, limit) => deps.archive.messages({ thread: root, before, limit }),
    find: async (message) => (await archive.find(message)) ?? (await fetchMessage(message)),
    send: host.send,
    read: (root, through, isAll) => {
      receipts.readThread(root, through, isAll)
      host.onLooked()
    },
  })
  const single: SingleMessages = new SingleMessages({
    document,
    findKept: (message) => archive.find(message),
    fetch: fetchMessage,
    isConnected,
  })
  const archive: OpenArchive = new OpenArchive({
    ...deps,
    listed: () => {
      const { unread, mentions = 0 } = deps.beforehand()
      return unread === undefined ? undefined : { unread, mentions }
    },
    store: local.storage.pages,
    folded: () => receipts.view(),
    isConnected,
    onChange,
    onFetched: (messages) => {
      single.quotes.noteFetched(messages)
      threads.noteFetched(messages)
    },
  })
  const events = new OpenEvents({
    user,
    kept: deps.keptEvents,
    fetch: deps.fetchEvents,
    folded: () => receipts.view(),
    shown: () => archive.history.range,
    isConnected,
    isBarred,
    onKnown: onChange,
  })
  const pins = new OpenPins({
    user,
    folded: () => keeper.document.replica.folded,
    events: () => events.everything,
    isBarred,
  })
  return { keeper, author, archive, receipts, threads, single, failed, events, pins }
}
