/** The threads of an open conversation that somebody has asked for. */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { Archived } from '../../shared/chat/fold.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import type { ReadableStore } from '../api.ts'
import type { ChangedMessages } from '../single-messages.ts'
import { OpenThread, type OpenThreadDeps } from './open-thread.ts'
import type { Thread, ThreadSummary } from './thread-api.ts'
import { ThreadList } from './thread-list.ts'

export class OpenThreads {
  readonly #deps: OpenThreadDeps
  readonly #threads = new Map<MessageId, OpenThread>()
  readonly #list: ThreadList

  constructor(deps: OpenThreadDeps) {
    this.#deps = deps
    this.#list = new ThreadList({
      user: deps.user,
      view: deps.folded,
      find: (id) => deps.document().timeline.find(id),
      opened: (root) => this.#threads.get(root)?.info.getSnapshot(),
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
    const thread = new OpenThread(root, this.#deps)
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
}
