/**
 * The threads that are known here, newest answer first (SPEC THREAD1, THREAD3): of what is in the window or shown, and of
 * threads that somebody has opened all that those know. It follows the timeline message by message: one more answer is
 * counted on top, and nothing else is counted again (SPEC VIEW1).
 */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { Folded } from '../../shared/chat/fold.ts'
import { threadReadThrough } from '../../shared/chat/roster.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { ChatMessage, ReadableStore } from '../api.ts'
import { createStore } from '../store.ts'
import { KnownThread } from './known-thread.ts'
import type { ThreadInfo, ThreadSummary } from './thread-api.ts'
import type { ChangedMembers } from './thread-members.ts'

export interface ThreadListDeps {
  readonly user: UserId
  /** The fold, with how far the user has come as known here. */
  readonly view: () => Folded
  /** What is shown with an id, or in the window. */
  readonly find: (id: MessageId) => ChatMessage | undefined
  /** What an opened thread knows. */
  readonly opened: (root: MessageId) => ThreadInfo | undefined
}

export class ThreadList {
  readonly #deps: ThreadListDeps
  readonly #store = createStore<readonly ThreadSummary[]>([])
  readonly #threads = new Map<MessageId, KnownThread>()
  /** Those with something to read. */
  readonly #unread = new Set<MessageId>()
  #registers: readonly unknown[] = []

  constructor(deps: ThreadListDeps) {
    this.#deps = deps
  }

  get store(): ReadableStore<readonly ThreadSummary[]> {
    return this.#store
  }

  /** Shows nothing any more. */
  forget(): void {
    this.#threads.clear()
    this.#store.set([])
  }

  /**
   * These messages are otherwise than they were, or not here any more, each with the threads that it was or is in; so are
   * those opened threads. `isAnother`: they are those of another document.
   */
  note(changed: ChangedMembers, isAnother: boolean, opened: Iterable<MessageId> = []): void {
    if (isAnother) {
      this.#threads.clear()
      this.#unread.clear()
    }
    const dirty = this.#read()
    for (const root of opened) if (this.#threads.has(root)) dirty.add(root)
    for (const [id, threads] of changed) {
      const message = this.#deps.find(id)
      const known = message?.replies === undefined ? this.#threads.get(id) : this.#of(id)
      if (known?.setRoot(message) === true) dirty.add(id)
      for (const root of threads)
        if (this.#count(id, root, message?.thread === root ? message : undefined)) dirty.add(root)
    }
    if (isAnother || dirty.size > 0) this.#show(dirty, isAnother)
  }

  /** An opened thread knows more. */
  noteOpened(root: MessageId): void {
    if (this.#threads.has(root)) this.#show(new Set([root]), false)
  }

  /** Counts it to its thread, or no more; true when that changes what the thread comes to. */
  #count(id: MessageId, root: MessageId, message: ChatMessage | undefined): boolean {
    const known = this.#of(root)
    known.read(this.#through(root))
    const isOther = known.put(id, message)
    if (known.hasUnread) this.#unread.add(root)
    return isOther
  }

  #of(root: MessageId): KnownThread {
    const known = this.#threads.get(root) ?? new KnownThread(root, this.#deps.user, this.#through(root))
    this.#threads.set(root, known)
    return known
  }

  #through(root: MessageId): number {
    return threadReadThrough(this.#deps.view(), this.#deps.user, root)
  }

  /** Threads of which the user has read more: only those with something to read are looked at. */
  #read(): Set<MessageId> {
    const { reads, threadReads } = this.#deps.view()
    const { user } = this.#deps
    const dirty = new Set<MessageId>()
    const registers = [reads.get(user)?.through, threadReads.get(user)]
    if (registers.every((register, index) => register === this.#registers[index])) return dirty
    this.#registers = registers
    for (const root of this.#unread) {
      const known = this.#threads.get(root)
      if (known?.read(this.#through(root)) === true) dirty.add(root)
      if (known?.hasUnread !== true) this.#unread.delete(root)
    }
    return dirty
  }

  #show(dirty: ReadonlySet<MessageId>, isAnother: boolean): void {
    const before = this.#store.getSnapshot()
    const shown = new Map<MessageId, ThreadSummary>()
    for (const summary of before) if (isAnother || dirty.has(summary.root)) shown.set(summary.root, summary)
    const list = before.filter(({ root }) => !shown.has(root))
    for (const root of isAnother ? this.#threads.keys() : dirty) {
      const known = this.#threads.get(root)
      if (known === undefined) continue
      if (known.isEmpty) this.#threads.delete(root)
      const now = known.isEmpty ? undefined : merged(known.summary(), this.#deps.opened(root))
      if (now === undefined) continue
      const earlier = shown.get(root)
      const summary = earlier !== undefined && isSame(earlier, now) ? earlier : now
      list.splice(placeIn(list, summary.lastAt), 0, summary)
    }
    if (list.length !== before.length || list.some((summary, index) => summary !== before[index])) this.#store.set(list)
  }
}

/** Behind those whose last answer is newer, or as new. */
function placeIn(list: readonly ThreadSummary[], lastAt: number): number {
  let [from, to] = [0, list.length]
  while (from < to) {
    const middle = (from + to) >> 1
    const at = list[middle]?.lastAt ?? -Infinity
    if (at >= lastAt) from = middle + 1
    else to = middle
  }
  return from
}

/** Whoever has opened it knows of its archive too. */
function merged(summary: ThreadSummary, info: ThreadInfo | undefined): ThreadSummary {
  if (info === undefined) return summary
  return {
    root: summary.root,
    count: Math.max(summary.count, info.count),
    users: info.users.length > summary.users.length ? info.users : summary.users,
    lastAt: Math.max(summary.lastAt, info.lastAt ?? 0),
    unread: Math.max(summary.unread, info.unread),
    mentions: Math.max(summary.mentions, info.mentions),
  }
}

function isSame(a: ThreadSummary, b: ThreadSummary): boolean {
  const isSameUsers = a.users.length === b.users.length && a.users.every((user, index) => user === b.users[index])
  return isSameUsers && (['count', 'lastAt', 'unread', 'mentions'] as const).every((name) => a[name] === b[name])
}
