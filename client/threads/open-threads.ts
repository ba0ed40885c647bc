/** The threads of an open conversation that somebody has asked for, and how far the user has read in them. */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { Archived, Folded } from '../../shared/chat/fold.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import type { ReadableStore } from '../api.ts'
import type { ChangedMessages } from '../single-messages.ts'
import { OpenThread, type OpenThreadDeps } from './open-thread.ts'
import type { Thread, ThreadSummary } from './thread-api.ts'
import { ThreadList } from './thread-list.ts'
import { ThreadReads, type ThreadReadsDeps } from './thread-reads.ts'

export interface OpenThreadsDeps
  extends
    Omit<OpenThreadDeps, 'folded' | 'read'>,
    Pick<ThreadReadsDeps, 'folded' | 'isPrivate' | 'write' | 'onAdvance'> {}

export class OpenThreads {
  readonly #deps: OpenThreadsDeps
  readonly #reads: ThreadReads
  readonly #threads = new Map<MessageId, OpenThread>()
  readonly #list: ThreadList

  constructor(deps: OpenThreadsDeps) {
    this.#deps = deps
    this.#reads = new ThreadReads(deps)
    this.#list = new ThreadList({
      user: deps.user,
      view: () => this.view(),
      find: (id) => deps.document().timeline.find(id),
      opened: (root) => this.#threads.get(root)?.info.getSnapshot(),
    })
  }

  /** Those that are known here, opened or not. */
  get list(): ReadableStore<readonly ThreadSummary[]> {
    return this.#list.store
  }

  /** The fold, with how far the user has read in threads as known here. */
  view(): Folded {
    return this.#reads.view()
  }

  /** The same object each time. */
  of(root: MessageId): Thread {
    const known = this.#threads.get(root)
    if (known !== undefined) return known
    const thread = new OpenThread(root, {
      ...this.#deps,
      folded: () => this.view(),
      read: (id, through) => this.#reads.read(id, through),
    })
    this.#threads.set(root, thread)
    thread.info.subscribe(() => this.#list.noteOpened(root))
    this.#list.noteOpened(root)
    return thread
  }

  /** The document or the connection has changed; `archived` is what left the window. */
  look(archived: readonly Archived[] = []): void {
    for (const thread of this.#threads.values()) thread.look(archived)
  }

  /** The timeline has been brought up to date. */
  note({ changed, isAnother }: ChangedMessages): void {
    this.#list.note(changed, isAnother)
  }

  /** Nothing of it is shown any more. */
  forget(): void {
    this.#list.forget()
  }

  /** So archived messages stand now, as the server says. */
  noteFetched(messages: readonly StampedMessage[]): void {
    for (const thread of this.#threads.values()) thread.noteFetched(messages)
  }

  /** How far the user has read is told now, not when it would be its turn. */
  tell(): void {
    this.#reads.tell()
  }

  close(): void {
    this.#reads.close()
  }
}
