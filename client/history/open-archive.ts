/** The archive of an open conversation: what is shown of it, how much of it is unread, where reading goes on. */

import type { Archived, Folded } from '../../shared/chat/fold.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import { isUnread } from '../../shared/chat/roster.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { Keep } from '../api.ts'
import type { OwnCounts } from '../rest-answers.ts'
import type { PageStore } from '../storage/page-store.ts'
import { countUnread, nothingUnread, readSoFar, seenThrough, type UnreadCounts } from '../unread.ts'
import { ArchivedUnread } from './archived-unread.ts'
import { ConversationHistory } from './conversation-history.ts'
import { type ArchiveSource, PageCache } from './page-cache.ts'

export interface OpenArchiveDeps {
  readonly id: ConversationId
  readonly user: UserId
  readonly store: PageStore
  readonly archive: ArchiveSource
  readonly counts: () => Promise<OwnCounts>
  /** What the list of conversations knows of it; undefined when that is nothing. */
  readonly listed: () => UnreadCounts | undefined
  readonly folded: () => Folded
  readonly isConnected: () => boolean
  readonly keep: () => Keep
  readonly onChange: () => void
  readonly onFetched: (messages: readonly StampedMessage[]) => void
  readonly onPageKept: () => void
  readonly onPageFailure: (error: unknown) => void
}

export class OpenArchive {
  readonly history: ConversationHistory
  /** A message that is kept, shown or not, as far as it can be found by its id. */
  readonly find: PageCache['find']
  readonly keptBefore: PageCache['keptBefore']
  readonly #deps: OpenArchiveDeps
  readonly #unread: ArchivedUnread
  /** Own read register as of the opening; undefined until it is known. */
  #readBefore: number | undefined
  /** Whether something before the window was unread then; undefined until that is known. */
  #hadUnread: boolean | undefined

  constructor(deps: OpenArchiveDeps) {
    this.#deps = deps
    const { id, store, archive, folded, onPageKept, onPageFailure } = deps
    const cache = new PageCache({
      id,
      store,
      source: archive,
      through: () => folded().through,
      onKept: onPageKept,
      onFailure: onPageFailure,
    })
    this.find = (message) => cache.find(message)
    this.keptBefore = (to, count) => cache.keptBefore(to, count)
    this.history = new ConversationHistory({ ...deps, cache })
    this.#unread = new ArchivedUnread({ ...deps, cache })
  }

  /** The document has changed; what left its window is taken over. */
  take(archived: readonly Archived[]): void {
    const { folded, user } = this.#deps
    const view = folded()
    if (view.genesis !== undefined) this.#readBefore ??= seenThrough(view, user)
    this.#unread.take(archived)
    this.history.take(archived)
    this.#unread.look()
    this.#noteUnread()
  }

  /** The connection has changed. */
  look(): void {
    this.history.look()
    this.#unread.look()
  }

  /** While nobody knows what is unread in the archive, it is what the list has, or more. */
  unread(): UnreadCounts {
    const { folded, user, listed } = this.#deps
    const view = folded()
    const archived = this.#unread.counts()
    const live = countUnread(view.sent, user, readSoFar(view, user), archived)
    if (archived !== undefined) return live
    const { unread, mentions } = listed() ?? nothingUnread
    return { unread: Math.max(unread, live.unread), mentions: Math.max(mentions, live.mentions) }
  }

  hasUnread(): boolean {
    return (this.#counted()?.unread ?? 0) > 0
  }

  firstUnread(): number | undefined {
    const { folded, user } = this.#deps
    const read = this.#readBefore
    if (read === undefined) return undefined
    const { sent, through } = folded()
    const shown = this.history.shown()
    const isThere = read >= through || (shown.reachesWindow && this.history.from <= read + 1)
    this.#noteUnread()
    if (!isThere && this.#hadUnread === undefined) return undefined
    if (!isThere && this.#hadUnread === true) return read + 1
    const { threads } = readSoFar(folded(), user)
    return [...shown.messages, ...sent].find((message) => message.seq > read && isUnread(message, user, threads))?.seq
  }

  /** Of the archive, or of all as the list has it; undefined while nobody knows. */
  #counted(): UnreadCounts | undefined {
    return this.#unread.counts() ?? this.#deps.listed()
  }

  #noteUnread(): void {
    if (this.#hadUnread === true || this.#readBefore === undefined) return
    const counts = this.#counted()
    if (counts === undefined) return
    // What was read before anybody had counted it was not read when this was opened.
    const wasRead = seenThrough(this.#deps.folded(), this.#deps.user) > this.#readBefore
    this.#hadUnread = counts.unread > 0 || (wasRead && this.#hadUnread === undefined)
  }

  close(): void {
    this.history.close()
    this.#unread.close()
  }
}
