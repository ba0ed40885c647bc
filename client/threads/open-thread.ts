/**
 * One thread of an open conversation (SPEC THREAD1, THREAD3): its messages from the window, what is pending and failed, and
 * as much of the archive as was asked for. What live entries do to archived ones is applied on top, each once.
 */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { Archived, Folded } from '../../shared/chat/fold.ts'
import { applyTouch, type StampedMessage } from '../../shared/chat/message.ts'
import { noThreads, threadReadThrough } from '../../shared/chat/roster.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { ChatMessage, Draft } from '../api.ts'
import { type ArchiveRun, withChanged, withTouches } from '../history/archive-run.ts'
import type { KeptReplies } from '../history/kept-replies.ts'
import type { OpenDocument } from '../open-document.ts'
import type { MessagesAnswer } from '../rest-answers.ts'
import { createStore, type Store } from '../store.ts'
import { createTimeline, type Timeline } from '../timeline.ts'
import { countUnread } from '../unread.ts'
import type { Thread, ThreadInfo } from './thread-api.ts'

export interface OpenThreadDeps {
  readonly user: UserId
  readonly document: () => OpenDocument
  /** With how far the user has come as known here. */
  readonly folded: () => Folded
  readonly isBarred: () => boolean
  readonly isConnected: () => boolean
  readonly kept: (root: MessageId, before: number, count: number) => Promise<KeptReplies>
  /** Of the server: messages of the thread before a seq. Rejects when it cannot be asked. */
  readonly fetch: (root: MessageId, before: number, limit: number) => Promise<MessagesAnswer>
  /** An archived message, from what is kept or from the server; undefined when there is none. Rejects as `fetch`. */
  readonly find: (id: MessageId) => Promise<StampedMessage | undefined>
  readonly send: (draft: Draft) => MessageId
  /** Up to a seq, if there is one; `isAll`: all of it that is here, which others may have written without a stamp so far. */
  readonly read: (thread: MessageId, through: number | undefined, isAll: boolean) => void
}

/** Pages that are loaded unasked, until all that is unread is here. */
const pagesUnasked = 5
const pageMessages = 50

export class OpenThread implements Thread {
  readonly id: MessageId
  readonly #deps: OpenThreadDeps
  readonly #messages = createStore<readonly ChatMessage[]>([])
  readonly #info: Store<ThreadInfo>
  readonly #olderViews: Timeline
  readonly #rootViews: Timeline
  /** Of the archive, without a gap to the window: those of the thread between its two seqs. */
  #older: ArchiveRun
  /** The root, when it is archived. */
  #root: StampedMessage | undefined
  #isWhole = false
  #phase: ThreadInfo['phase'] = 'idle'
  #loading: Promise<number> | undefined
  #wasConnected = false

  constructor(id: MessageId, deps: OpenThreadDeps) {
    this.id = id
    this.#deps = deps
    this.#olderViews = createTimeline(deps.user)
    this.#rootViews = createTimeline(deps.user)
    this.#older = this.#nothing()
    this.#info = createStore<ThreadInfo>(this.#infoNow())
    this.look()
  }

  get messages(): Thread['messages'] {
    return this.#messages
  }

  get info(): Thread['info'] {
    return this.#info
  }

  send(message: string | Omit<Draft, 'thread'>): MessageId {
    const draft = typeof message === 'string' ? { content: message } : message
    return this.#deps.send({ ...draft, thread: this.id })
  }

  markRead(through?: number): void {
    const newest = this.#stamped().findLast((message) => message.user !== this.#deps.user)?.seq
    this.#deps.read(this.id, through ?? newest, through === undefined)
  }

  loadOlder(count = pageMessages): Promise<number> {
    this.#loading ??= this.#load(count).finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  /** The document, the archive or the connection has changed. */
  look(archived: readonly Archived[] = []): void {
    for (const one of archived) this.#take(one)
    this.#show()
    const isConnected = this.#deps.isConnected()
    const isNew = isConnected && !this.#wasConnected
    this.#wasConnected = isConnected
    if (isNew || (this.#phase === 'idle' && this.#lacksUnread())) void this.#loadUnread()
  }

  /** So archived messages stand now. */
  noteFetched(messages: readonly StampedMessage[]): void {
    this.#older = withChanged(this.#older, messages)
    const root = messages.find(({ id }) => id === this.id)
    if (root !== undefined && root.revision > (this.#root?.revision ?? -1)) this.#root = root
  }

  #nothing(): ArchiveRun {
    const at = this.#deps.folded().through + 1
    return { from: at, to: at, messages: [] }
  }

  /** What left the window is of the archive from now on. */
  #take({ messages, touches, before, through, asOf }: Archived): void {
    const root = messages.find(({ id }) => id === this.id)
    if (root !== undefined) this.#root = root
    // Something in between was never here: it is loaded anew.
    if (this.#older.to !== before + 1 || asOf < through) {
      this.#older = this.#nothing()
      this.#isWhole = false
      this.#root = asOf < through ? undefined : this.#root
      return
    }
    const own = messages.filter(({ thread }) => thread === this.id)
    const older = withTouches(this.#older, touches)
    this.#older = { from: older.from, to: through + 1, messages: [...older.messages, ...own] }
    if (this.#root !== undefined) this.#root = (touches.get(this.id) ?? []).reduce(applyTouch, this.#root)
  }

  async #loadUnread(): Promise<void> {
    for (let page = 0; page < pagesUnasked && this.#lacksUnread(); page++) if ((await this.loadOlder()) === 0) return
  }

  #lacksUnread(): boolean {
    const { folded, user } = this.#deps
    if (!this.#hasOlder()) return false
    return this.#older.messages.length === 0 || this.#older.from > threadReadThrough(folded(), user, this.id) + 1
  }

  async #load(count: number): Promise<number> {
    const { document, find } = this.#deps
    this.#set('loading')
    try {
      const isLive = document().replica.fold.message(this.id) !== undefined
      // Without it there are its answers all the same.
      if (this.#root === undefined && !isLive) this.#root = await find(this.id).catch(() => undefined)
      // Meanwhile the window may move, or another run begin.
      for (;;) {
        const loaded = await this.#loadBefore(this.#older, count)
        if (loaded !== undefined) return loaded
      }
    } catch {
      // The status says so; it is tried again with the next connection, or when it is asked for.
      this.#set('unavailable')
      return 0
    }
  }

  /** Undefined when what was loaded does not join what is here now. */
  async #loadBefore({ from, to }: ArchiveRun, count: number): Promise<number | undefined> {
    const { folded, kept, fetch, isConnected } = this.#deps
    const found = isConnected() ? await this.#fetch(fetch, from, count) : await kept(this.id, from, count)
    if (this.#older.from !== from || this.#older.to !== to || folded().through + 1 !== to) return undefined
    const [first] = found.messages
    this.#older = {
      from: first?.seq ?? (found.isWhole ? 0 : from),
      to,
      messages: [...found.messages, ...this.#older.messages],
    }
    this.#isWhole = found.isWhole
    this.#set(found.messages.length > 0 || found.isWhole ? 'idle' : 'unavailable')
    return found.messages.length
  }

  async #fetch(fetch: OpenThreadDeps['fetch'], before: number, count: number): Promise<KeptReplies> {
    const { messages, asOf } = await fetch(this.id, before, count)
    // What changed since is in the window, and applied on top, unless that has moved on.
    if (asOf < this.#deps.folded().through) throw new Error('the server answered of an earlier time')
    return { messages, isWhole: messages.length < count }
  }

  #set(phase: ThreadInfo['phase']): void {
    this.#phase = phase
    this.#show()
  }

  /** What is stamped of it and here, by ascending seq. */
  #stamped(): readonly StampedMessage[] {
    const { sent, touches } = this.#deps.folded()
    return [...withTouches(this.#older, touches).messages, ...sent.filter(({ thread }) => thread === this.id)]
  }

  #hasOlder(): boolean {
    const { folded, document } = this.#deps
    if (this.#isWhole || folded().through < 0 || this.#older.from <= 0) return false
    const root = document().replica.fold.message(this.id) ?? this.#root
    return root === undefined || (this.#rootNow(root).replies?.count ?? 0) > this.#stamped().length
  }

  #rootNow(root: StampedMessage): StampedMessage {
    return (this.#deps.folded().touches.get(this.id) ?? []).reduce(applyTouch, root)
  }

  #show(): void {
    const { document, folded, isBarred } = this.#deps
    const { timeline, outbox } = document()
    const view = folded()
    const { messages } = withTouches(this.#older, view.touches)
    const alone = { ...view, sent: [], pending: [] }
    const older = this.#olderViews.messages(alone, [], isBarred(), { messages, reachesWindow: true })
    const failed = outbox.failed().map(({ entry }) => entry)
    const live = [...view.sent, ...view.pending, ...failed].flatMap(({ id, thread }) => {
      const shown = thread === this.id ? timeline.find(id) : undefined
      return shown === undefined ? [] : [shown]
    })
    const now = [...older, ...live]
    const before = this.#messages.getSnapshot()
    if (now.length !== before.length || now.some((message, index) => message !== before[index])) this.#messages.set(now)
    const info = this.#infoNow()
    if (!isSame(this.#info.getSnapshot(), info)) this.#info.set(info)
  }

  #infoNow(): ThreadInfo {
    const { folded, user } = this.#deps
    const view = folded()
    const root = this.#rootView()
    const readThrough = threadReadThrough(view, user, this.id)
    const stamped = this.#stamped()
    const { unread, mentions } = countUnread(stamped, user, { through: readThrough, threads: noThreads })
    const pending = view.pending.filter(({ thread }) => thread === this.id)
    const { count = stamped.length + pending.length, users = [], lastAt } = root?.replies ?? {}
    return {
      root,
      count,
      users,
      lastAt: lastAt ?? pending.at(-1)?.writtenAt,
      unread,
      mentions,
      readThrough,
      hasOlder: this.#hasOlder(),
      phase: this.#phase,
    }
  }

  /** As it is shown, with what is pending on top. */
  #rootView(): ChatMessage | undefined {
    const { document, folded } = this.#deps
    const shown = document().timeline.find(this.id)
    if (shown !== undefined || this.#root === undefined) return shown
    const alone = { ...folded(), sent: [], pending: [] }
    const messages = [this.#rootNow(this.#root)]
    return this.#rootViews.messages(alone, [], false, { messages, reachesWindow: true })[0]
  }
}

function isSame(a: ThreadInfo, b: ThreadInfo): boolean {
  const names = ['root', 'count', 'lastAt', 'unread', 'mentions', 'readThrough', 'hasOlder', 'phase'] as const
  const isSameUsers = a.users.length === b.users.length && a.users.every((user, index) => user === b.users[index])
  return isSameUsers && names.every((name) => a[name] === b[name])
}
