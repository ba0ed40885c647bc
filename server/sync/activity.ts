/**
 * Tells devices of conversations that moved and that they have not open: one line for each, however much happened in it.
 * A commit only notes that there is something to tell; who is told is found out once for all that was noted meanwhile,
 * so that nothing per message grows with the members of a conversation.
 */

import type { Activity, Gone } from '../../shared/sync/control.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'

/** A device that is connected. */
export interface ActivityListener {
  readonly user: UserId
  readonly hear: (moved: readonly Activity[], gone: readonly Gone[]) => void
}

/** What there is to tell of a conversation, as it is when it is told. */
export interface Movement {
  readonly activity: Activity
  readonly users: Iterable<UserId>
}

interface News {
  readonly moved: Activity[]
  readonly gone: Map<ConversationId, Gone>
}

export class ActivityFeed {
  readonly #later: (job: () => void) => void
  readonly #listeners = new Map<UserId, Set<ActivityListener>>()
  #moved = new Map<ConversationId, () => Movement>()
  #gone: { readonly gone: Gone; readonly users: Iterable<UserId> }[] = []
  #isScheduled = false

  /** `later` runs a job once, after a pause in which more can be noted. */
  constructor(later: (job: () => void) => void) {
    this.#later = later
  }

  /** Returns what ends it. */
  listen(listener: ActivityListener): () => void {
    const { user } = listener
    const listeners = this.#listeners.get(user) ?? new Set()
    this.#listeners.set(user, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#listeners.get(user) === listeners) this.#listeners.delete(user)
    }
  }

  moved(conversation: ConversationId, movement: () => Movement): void {
    if (this.#listeners.size === 0) return
    this.#moved.set(conversation, movement)
    this.#schedule()
  }

  /** These users can no longer open it. */
  gone(gone: Gone, users: Iterable<UserId>): void {
    if (this.#listeners.size === 0) return
    this.#gone.push({ gone, users })
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#later(() => this.#tell())
  }

  #tell(): void {
    const news = new Map<UserId, News>()
    for (const { gone, users } of this.#gone) {
      for (const user of users) this.#newsOf(news, user)?.gone.set(gone.conversation, gone)
    }
    for (const movement of this.#moved.values()) {
      const { activity, users } = movement()
      for (const user of users) this.#noteMoved(this.#newsOf(news, user), activity)
    }
    this.#moved = new Map()
    this.#gone = []
    this.#isScheduled = false
    for (const [user, { moved, gone }] of news) {
      for (const listener of this.#listeners.get(user) ?? []) listener.hear(moved, [...gone.values()])
    }
  }

  #noteMoved(news: News | undefined, activity: Activity): void {
    if (news?.gone.get(activity.conversation)?.code === 'deleted') return
    // Removed and back in again within the pause.
    news?.gone.delete(activity.conversation)
    news?.moved.push(activity)
  }

  /** Undefined for users of whom no device is connected. */
  #newsOf(news: Map<UserId, News>, user: UserId): News | undefined {
    if (!this.#listeners.has(user)) return undefined
    const known = news.get(user) ?? { moved: [], gone: new Map() }
    news.set(user, known)
    return known
  }
}
