/**
 * The threads of an open conversation that somebody has asked for. Each is told when something concerns it: what comes
 * elsewhere costs none of them anything (SPEC VIEW1).
 */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { Archived } from '../../shared/chat/fold.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import { threadReadThrough } from '../../shared/chat/roster.ts'
import type { ChatMessage, ReadableStore } from '../api.ts'
import type { ChangedMessages } from '../single-messages.ts'
import { FollowedFacts } from './followed-facts.ts'
import { OpenThread, type OpenThreadDeps } from './open-thread.ts'
import type { Thread, ThreadSummary } from './thread-api.ts'
import { ThreadList } from './thread-list.ts'
import { type ChangedMembers, ThreadMembers } from './thread-members.ts'

/** Threads that something concerns. */
interface Concerned {
  readonly all: Set<OpenThread>
  /** Those of them that may come to something else in the list, unless it sees that by itself. */
  readonly listed: Set<MessageId>
}

export class OpenThreads {
  readonly #deps: OpenThreadDeps
  readonly #threads = new Map<MessageId, OpenThread>()
  readonly #members = new ThreadMembers()
  readonly #facts: FollowedFacts
  readonly #list: ThreadList
  #isConnected = false
  #isForgotten = false

  constructor(deps: OpenThreadDeps) {
    this.#deps = deps
    this.#facts = new FollowedFacts(deps)
    this.#list = new ThreadList({
      user: deps.user,
      view: deps.folded,
      find: (id) => this.#find(id),
      opened: (root) => this.#threads.get(root)?.known,
    })
  }

  /** Those that are known here, opened or not. */
  get list(): ReadableStore<readonly ThreadSummary[]> {
    return this.#list.store
  }

  /** The same object each time. */
  of(root: MessageId): Thread {
    const known = this.#threads.get(root)
    if (known !== undefined) return known
    const thread = new OpenThread(root, this.#deps, {
      members: this.#members,
      onLoaded: () => this.#list.noteOpened(root),
    })
    this.#threads.set(root, thread)
    if (this.#isForgotten) thread.forget()
    this.#list.noteOpened(root)
    return thread
  }

  /** The timeline has been brought up to date; `archived` is what left the window. */
  note({ changed, isAnother }: ChangedMessages, archived: readonly Archived[]): void {
    if (isAnother) this.#members.clear()
    const members = this.#members.note(changed, (id) => this.#find(id))
    // What moves while none is opened is no news to those that are opened later.
    const { all, listed } = this.#threads.size === 0 ? nobody : this.#concerned(members, isAnother, archived)
    for (const thread of all) thread.note()
    this.#list.note(members, isAnother, listed)
  }

  /** The connection may have changed. */
  look(): void {
    const isNew = this.#deps.isConnected() && !this.#isConnected
    this.#isConnected = this.#deps.isConnected()
    if (isNew) for (const thread of this.#threads.values()) thread.noteConnected()
  }

  /** Nothing of it is shown any more. */
  forget(): void {
    this.#isForgotten = true
    this.#list.forget()
    for (const thread of this.#threads.values()) thread.forget()
  }

  /** So archived messages stand now, as the server says. */
  noteFetched(messages: readonly StampedMessage[]): void {
    for (const thread of this.#threads.values()) {
      if (!thread.noteFetched(messages)) continue
      thread.note()
      this.#list.noteOpened(thread.id)
    }
  }

  #find(id: MessageId): ChatMessage | undefined {
    return this.#deps.document().timeline.find(id)
  }

  #concerned(members: ChangedMembers, isAnother: boolean, archived: readonly Archived[]): Concerned {
    const { user, folded } = this.#deps
    const all = new Set<OpenThread>()
    const listed = new Set<MessageId>()
    const add = (thread: OpenThread, isListed: boolean): void => {
      all.add(thread)
      if (isListed) listed.add(thread.id)
    }
    for (const [id, roots] of members)
      for (const root of [id, ...roots]) {
        const thread = this.#threads.get(root)
        if (thread !== undefined) add(thread, false)
      }
    const { touched, marks, isRead, isBarred } = this.#facts.take()
    const concernsAll = isAnother || isBarred
    if (!concernsAll && archived.length + touched.length === 0 && marks === undefined && !isRead) return { all, listed }
    for (const thread of this.#threads.values()) {
      for (const one of archived) add(thread, !thread.take(one))
      if (concernsAll || touched.some((id) => thread.has(id))) add(thread, true)
      if (marks !== undefined && thread.isBetween(marks.from, marks.to)) add(thread, false)
      const hasMoved = isRead && threadReadThrough(folded(), user, thread.id) !== thread.readThrough
      if (hasMoved) add(thread, thread.hasUnread)
    }
    return { all, listed }
  }
}

const nobody: Concerned = { all: new Set(), listed: new Set() }
