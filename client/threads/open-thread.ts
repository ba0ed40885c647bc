/**
 * One thread of an open conversation (SPEC THREAD1, THREAD3): its messages from the window, what is pending and failed, and
 * as much of the archive as was asked for. What live entries do to archived ones is applied on top, each once. It is told
 * when something concerns it; what nobody subscribes to is brought up to date when it is asked for (SPEC VIEW1).
 */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { Archived, Folded } from '../../shared/chat/fold.ts'
import { applyTouch, type StampedMessage } from '../../shared/chat/message.ts'
import { noThreads, threadReadThrough } from '../../shared/chat/roster.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { ChatMessage, Draft } from '../api.ts'
import { placesBetween, type ReceiptMarks } from '../delivery/receipt-marks.ts'
import { type ArchiveRun, withChanged, withTouches } from '../history/archive-run.ts'
import type { KeptReplies } from '../history/kept-replies.ts'
import { whileWindowStays } from '../history/while-window-stays.ts'
import type { OpenDocument } from '../open-document.ts'
import type { MessagesAnswer } from '../rest-answers.ts'
import { askedFor, createStore, type Store } from '../store.ts'
import { createTimeline, type Timeline } from '../timeline.ts'
import { countUnread } from '../unread.ts'
import type { Thread, ThreadInfo } from './thread-api.ts'
import type { ThreadMembers } from './thread-members.ts'

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

export interface ThreadHost {
  readonly members: ThreadMembers
  /** It knows more of its archive, or that it cannot be had. */
  readonly onLoaded: (root: MessageId) => void
}

/** Pages that are loaded unasked, until all that is unread is here. */
const pagesUnasked = 5
const pageMessages = 50

const none: readonly never[] = []
const noInfo = { root: undefined, count: 0, users: none, lastAt: undefined, unread: 0, mentions: 0, hasOlder: false }

export class OpenThread implements Thread {
  readonly id: MessageId
  readonly messages: Thread['messages']
  readonly info: Thread['info']
  readonly #deps: OpenThreadDeps
  readonly #host: ThreadHost
  readonly #messages = createStore<readonly ChatMessage[]>([])
  readonly #info: Store<ThreadInfo>
  readonly #olderViews: Timeline
  readonly #rootViews: Timeline
  /** Of the archive, without a gap to the window: those of the thread between its two seqs. */
  #older: ArchiveRun
  #olderNow: { readonly run: ArchiveRun; readonly touches: Folded['touches']; readonly now: ArchiveRun } | undefined
  /** The root, when it is archived. */
  #root: StampedMessage | undefined
  #isWhole = false
  #phase: ThreadInfo['phase'] = 'idle'
  #loading: Promise<number> | undefined
  /** What the stores have may not be so any more. */
  #isStale = true
  /** Whether anything is to be loaded unasked was not looked at since something changed. */
  #isUnsure = true
  /** What is kept of it is about to go. */
  #isForgotten = false
  /** There is another connection since then: what could not be had may be had now. */
  #isReconnected = false

  constructor(id: MessageId, deps: OpenThreadDeps, host: ThreadHost) {
    this.id = id
    this.#deps = deps
    this.#host = host
    this.#olderViews = createTimeline(deps.user)
    this.#rootViews = createTimeline(deps.user)
    this.#older = this.#nothing()
    this.#info = createStore<ThreadInfo>(this.#infoNow(this.#live()))
    this.messages = askedFor(this.#messages, () => this.#ask())
    this.info = askedFor(this.#info, () => this.#ask())
    this.#ask()
  }

  /** As it stands; nothing is loaded for whoever asks. */
  get known(): ThreadInfo {
    if (this.#isStale) this.#show()
    return this.#info.getSnapshot()
  }

  /** Seq up to which the user had read it when it was last looked at. */
  get readThrough(): number {
    return this.#info.getSnapshot().readThrough
  }

  get hasUnread(): boolean {
    return this.#info.getSnapshot().unread > 0
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

  /** Something of it is otherwise. */
  note(): void {
    this.#isStale = true
    this.#isUnsure = true
    if (this.#isWatched()) this.#ask()
  }

  /** There is another connection. */
  noteConnected(): void {
    this.#isReconnected = true
    this.#isUnsure = true
    if (this.#isWatched()) this.#ask()
  }

  /** What left the window is of the archive from now on; false when something in between was never here. */
  take({ messages, touches, before, through, asOf }: Archived): boolean {
    const root = messages.find(({ id }) => id === this.id)
    if (root !== undefined) this.#root = root
    // It is loaded anew.
    if (this.#older.to !== before + 1 || asOf < through) {
      this.#older = this.#nothing()
      this.#isWhole = false
      this.#root = asOf < through ? undefined : this.#root
      return false
    }
    const own = messages.filter(({ thread }) => thread === this.id)
    const older = withTouches(this.#older, touches)
    this.#older = { from: older.from, to: through + 1, messages: [...older.messages, ...own] }
    if (this.#root !== undefined) this.#root = (touches.get(this.id) ?? []).reduce(applyTouch, this.#root)
    return true
  }

  /** Whether a message is one of its archived ones that are here, or its root when that is. */
  has(id: MessageId): boolean {
    return id === this.id ? this.#root !== undefined : this.#olderViews.find(id) !== undefined
  }

  /** Whether archived ones may look otherwise when the marks of the others move. */
  isBetween(from: ReceiptMarks, to: ReceiptMarks): boolean {
    return placesBetween(this.#older.messages, from, to).length > 0
  }

  /** So archived messages stand now; false when they are none of its own, or were known to. */
  noteFetched(messages: readonly StampedMessage[]): boolean {
    const [older, before] = [this.#older, this.#root]
    this.#older = withChanged(older, messages)
    const root = messages.find(({ id }) => id === this.id)
    if (root !== undefined && root.revision > (before?.revision ?? -1)) this.#root = root
    return this.#older !== older || this.#root !== before
  }

  /** Shows nothing any more. */
  forget(): void {
    this.#isForgotten = true
    this.#older = this.#nothing()
    this.#root = undefined
    this.#messages.set(none)
    const { phase, readThrough } = this.#info.getSnapshot()
    this.#info.set({ ...noInfo, phase, readThrough })
  }

  #isWatched(): boolean {
    return this.#messages.isWatched() || this.#info.isWatched()
  }

  /** Somebody wants to know how it stands, and so all of it that is unread. */
  #ask(): void {
    if (this.#isStale) this.#show()
    if (!this.#isUnsure) return
    this.#isUnsure = false
    const isDue = this.#isReconnected || this.#phase === 'idle'
    this.#isReconnected = false
    if (isDue && this.#lacksUnread()) void this.#loadUnread()
  }

  #nothing(): ArchiveRun {
    const at = this.#deps.folded().through + 1
    return { from: at, to: at, messages: [] }
  }

  async #loadUnread(): Promise<void> {
    for (let page = 0; page < pagesUnasked && this.#lacksUnread(); page++) if ((await this.loadOlder()) === 0) return
  }

  #lacksUnread(): boolean {
    const { folded, user } = this.#deps
    if (!this.known.hasOlder) return false
    return this.#older.messages.length === 0 || this.#older.from > threadReadThrough(folded(), user, this.id) + 1
  }

  async #load(count: number): Promise<number> {
    const { document, folded, find } = this.#deps
    this.#set('loading')
    try {
      const isHere = this.#root !== undefined || document().replica.fold.message(this.id) !== undefined
      // Without it there are its answers all the same.
      const look = (): Promise<StampedMessage | undefined> => find(this.id).catch(() => undefined)
      const found = isHere ? undefined : await whileWindowStays(look, () => folded().through)
      this.#root ??= found
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
    const { folded, kept, isConnected } = this.#deps
    const found = isConnected() ? await this.#fetch({ from, to }, count) : await kept(this.id, from, count)
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

  async #fetch({ from, to }: Pick<ArchiveRun, 'from' | 'to'>, count: number): Promise<KeptReplies> {
    const { messages, asOf } = await this.#deps.fetch(this.id, from, count)
    // What changed since is in the window, and applied on top, unless that has moved on: then it does not join.
    if (asOf < to - 1) throw new Error('the server answered of an earlier time')
    return { messages, isWhole: messages.length < count }
  }

  #set(phase: ThreadInfo['phase']): void {
    this.#phase = phase
    this.#show()
    if (phase !== 'loading') this.#host.onLoaded(this.id)
  }

  /** With what live entries do to them. */
  #archived(): readonly StampedMessage[] {
    const { touches } = this.#deps.folded()
    const run = this.#older
    if (this.#olderNow?.run !== run || this.#olderNow.touches !== touches)
      this.#olderNow = { run, touches, now: withTouches(run, touches) }
    return this.#olderNow.now.messages
  }

  /** Those of the window, pending and failed, as they are shown. */
  #live(): readonly ChatMessage[] {
    return this.#deps.document().timeline.inOrder(this.#host.members.of(this.id))
  }

  /** What is stamped of it and here, by ascending seq. */
  #stamped(live = this.#live()): readonly StampedMessage[] {
    const { fold } = this.#deps.document().replica
    const sent = live.flatMap(({ id, delivery }) => ('seq' in delivery ? (fold.message(id) ?? none) : none))
    return [...this.#archived(), ...sent]
  }

  #hasOlder(stamped: readonly StampedMessage[]): boolean {
    const { folded, document } = this.#deps
    if (this.#isWhole || folded().through < 0 || this.#older.from <= 0) return false
    const root = document().replica.fold.message(this.id) ?? this.#root
    return root === undefined || (this.#rootNow(root).replies?.count ?? 0) > stamped.length
  }

  #rootNow(root: StampedMessage): StampedMessage {
    return (this.#deps.folded().touches.get(this.id) ?? []).reduce(applyTouch, root)
  }

  #show(): void {
    this.#isStale = false
    if (this.#isForgotten) return
    const live = this.#live()
    const now = [...this.#viewed(this.#olderViews, this.#archived()), ...live]
    const before = this.#messages.getSnapshot()
    const info = this.#infoNow(live)
    if (now.length !== before.length || now.some((message, index) => message !== before[index])) this.#messages.set(now)
    if (!isSame(this.#info.getSnapshot(), info)) this.#info.set(info)
  }

  #infoNow(live: readonly ChatMessage[]): ThreadInfo {
    const { folded, user } = this.#deps
    const root = this.#rootView()
    const readThrough = threadReadThrough(folded(), user, this.id)
    const stamped = this.#stamped(live)
    const { unread, mentions } = countUnread(stamped, user, { through: readThrough, threads: noThreads })
    const pending = live.filter(({ delivery }) => delivery.state === 'pending')
    const { count = stamped.length + pending.length, users = [], lastAt } = root?.replies ?? {}
    return {
      root,
      count,
      users,
      lastAt: lastAt ?? pending.at(-1)?.writtenAt,
      unread,
      mentions,
      readThrough,
      hasOlder: this.#hasOlder(stamped),
      phase: this.#phase,
    }
  }

  /** As it is shown, with what is pending on top. */
  #rootView(): ChatMessage | undefined {
    const shown = this.#deps.document().timeline.find(this.id)
    if (shown !== undefined || this.#root === undefined) return shown
    return this.#viewed(this.#rootViews, [this.#rootNow(this.#root)])[0]
  }

  /** Archived messages with what is pending on top. */
  #viewed(views: Timeline, messages: readonly StampedMessage[]): readonly ChatMessage[] {
    const { document, folded, isBarred } = this.#deps
    const alone = { ...folded(), sent: none, pending: none }
    return views.messages(alone, none, isBarred(), { messages, reachesWindow: true }, document().replica.marks)
  }
}

function isSame(a: ThreadInfo, b: ThreadInfo): boolean {
  const names = ['root', 'count', 'lastAt', 'unread', 'mentions', 'readThrough', 'hasOlder', 'phase'] as const
  const isSameUsers = a.users.length === b.users.length && a.users.every((user, index) => user === b.users[index])
  return isSameUsers && names.every((name) => a[name] === b[name])
}
