/** Search of a client: what applications ask, on top of an index that is made when it is first needed. */

import type { StampedMessage } from '../../shared/chat/message.ts'
import { limits } from '../../shared/limits.ts'
import { type ConversationId, parseConversationId, parseUserId, type UserId } from '../../shared/sync/ids.ts'
import type { OpenConversation } from '../open-conversation.ts'
import type { ClientStorage } from '../storage/client-storage.ts'
import { createStore } from '../store.ts'
import { openView, readView } from './read-view.ts'
import { ClientClosed, type Search, type SearchHit, type SearchOptions, type SearchStatus } from './search-api.ts'
import { SearchFeed } from './search-feed.ts'
import { SearchHost, type SearchWorker } from './search-host.ts'
import type { IndexQuery } from './search-index.ts'
import type { PageListener } from './watched-pages.ts'

export interface ClientSearchDeps {
  readonly user: UserId
  readonly storage: Promise<ClientStorage>
  readonly startWorker: (() => SearchWorker) | undefined
  /** Resolves when it is known what is listed. */
  readonly loaded: Promise<void>
  /** Newest activity first. */
  readonly listed: () => readonly { readonly id: ConversationId }[]
  /** Undefined when it is not open. */
  readonly opened: (id: ConversationId) => OpenConversation | undefined
}

export interface ClientSearch extends PageListener {
  readonly api: Search
  /** Something of an open conversation has changed. */
  readonly note: (conversation: OpenConversation) => void
  readonly noteClosed: (conversation: OpenConversation) => void
  readonly noteList: () => void
  /** What is asked then, and what was, is rejected. */
  readonly close: () => void
}

const defaultHits = 20

export function createClientSearch(deps: ClientSearchDeps): ClientSearch {
  const { user, storage, startWorker, loaded, opened } = deps
  const status = createStore<SearchStatus>({ phase: 'idle', indexed: 0, left: 0, partial: false })
  let started: { readonly host: SearchHost; readonly feed: SearchFeed } | undefined
  let isClosed = false
  /** Each ends a query. */
  const waiting = new Set<() => void>()

  function start(): NonNullable<typeof started> {
    if (started !== undefined) return started
    const host = new SearchHost({ startWorker, onLost: () => feed.again() })
    const feed: SearchFeed = new SearchFeed({
      user,
      storage,
      listed: () => deps.listed().map(({ id }) => id),
      openView: (id) => {
        const conversation = opened(id)
        return conversation && openView(conversation)
      },
      readView,
      apply: (one) => host.apply(one),
      onProgress: ({ left, indexed, isFull }) =>
        change({ phase: left > 0 ? 'building' : 'ready', indexed, left, partial: isFull }),
      onFailure: (error) => change({ failure: error instanceof Error ? error.message : String(error) }),
    })
    started = { host, feed }
    change({ phase: 'building' })
    // What is not known to be listed is not searched.
    loaded.then(
      () => feed.noteList(),
      () => feed.noteList(),
    )
    return started
  }

  function change(changes: Partial<SearchStatus>): void {
    const before = status.getSnapshot()
    const next = { ...before, ...changes }
    if (JSON.stringify(next) !== JSON.stringify(before)) status.set(next)
  }

  async function answer(asked: IndexQuery): Promise<readonly SearchHit[]> {
    if (isClosed) throw new ClientClosed()
    const { host, feed } = start()
    // Where nothing can be read there may be something open all the same.
    await loaded.catch(() => undefined)
    await feed.flush()
    const hits = await host.query(asked)
    if (hits === undefined || isClosed) throw new ClientClosed()
    const listed = new Set(deps.listed().map(({ id }) => id))
    return hits.filter(({ conversation }) => listed.has(conversation))
  }

  /** Whatever keeps it waiting, a query ends with the client. */
  async function query(text: string, options: SearchOptions = {}): Promise<readonly SearchHit[]> {
    const asked = parseQuery(text, options)
    return new Promise((resolve, reject) => {
      const end = (): void => reject(new ClientClosed())
      waiting.add(end)
      answer(asked)
        .then(resolve, reject)
        .finally(() => waiting.delete(end))
    })
  }

  return {
    api: {
      status,
      query,
      prepare: () => {
        if (!isClosed) start()
      },
    },
    note: ({ id }) => started?.feed.noteWindow(id),
    noteClosed: ({ id }) => started?.feed.noteClosed(id),
    noteList: () => started?.feed.noteList(),
    isWatching: () => started !== undefined,
    notePages: (id) => started?.feed.notePages(id),
    noteChanged: (id, messages: readonly StampedMessage[]) => started?.feed.noteChanged(id, messages),
    close: () => {
      isClosed = true
      started?.feed.close()
      started?.host.close()
      for (const end of waiting) end()
    },
  }
}

/** Throws TypeError for what nobody can ask. */
function parseQuery(text: string, { conversation, user, limit = defaultHits }: SearchOptions): IndexQuery {
  if (!Number.isInteger(limit) || limit < 1 || limit > limits.searchHits)
    throw new TypeError(`limit is a whole number from 1 to ${limits.searchHits}`)
  return {
    text,
    limit,
    conversation: parseOptional(conversation, parseConversationId, 'not a conversation id'),
    user: parseOptional(user, parseUserId, 'not a user id'),
  }
}

function parseOptional<T>(
  value: string | undefined,
  parse: (value: string) => T | undefined,
  why: string,
): T | undefined {
  if (value === undefined) return undefined
  const parsed = parse(value)
  if (parsed === undefined) throw new TypeError(why)
  return parsed
}
