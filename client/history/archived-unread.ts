/**
 * How much there is to read before the live window (SPEC UNREAD1). Counted from what is kept, where that is all there is to
 * read; else the server is asked once. What leaves the window later is added from what it was.
 */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { Archived, Folded } from '../../shared/chat/fold.ts'
import type { ReadSoFar } from '../../shared/chat/private-reads.ts'
import { historyFrom } from '../../shared/chat/roster.ts'
import { limits } from '../../shared/limits.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { ArchiveTouches } from '../../shared/chat/window.ts'
import type { OwnCounts } from '../rest-answers.ts'
import { countUnread, nothingUnread, readSoFar, seenThrough, type UnreadCounts } from '../unread.ts'
import { cutRun, withTouches } from './archive-run.ts'
import type { PageCache } from './page-cache.ts'

export interface ArchivedUnreadDeps {
  readonly user: UserId
  readonly cache: PageCache
  /** What the server counts. Rejects when it cannot be asked. */
  readonly counts: () => Promise<OwnCounts>
  /** As it stands now. */
  readonly folded: () => Folded
  readonly isConnected: () => boolean
  readonly onChange: () => void
}

interface Counted {
  readonly counts: UnreadCounts
  /** The server stopped counting: how many of these are in the window nobody knows. */
  readonly reachesWindow: boolean
}

/** Of what is archived up to `through`, behind `register`. */
interface Known extends Counted {
  readonly register: ReadSoFar
  readonly through: number
  /** Live redactions that are taken account of. */
  readonly redactions: number
}

const chunk = 1000
const firstRetryMs = 2000
const lastRetryMs = 60_000

export class ArchivedUnread {
  readonly #deps: ArchivedUnreadDeps
  #known: Known | undefined
  #isBusy = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #retryMs = firstRetryMs
  #isClosed = false

  constructor(deps: ArchivedUnreadDeps) {
    this.#deps = deps
  }

  /** What was counted last; undefined as long as nobody knows. */
  counts(): UnreadCounts | undefined {
    const { folded, user } = this.#deps
    const view = folded()
    return seenThrough(view, user) >= view.through ? nothingUnread : this.#known?.counts
  }

  /** What left the window is counted as it was. */
  take(archived: readonly Archived[]): void {
    if (archived.length === 0) return
    const { user, folded } = this.#deps
    const view = folded()
    const register = readSoFar(view, user)
    const redactions = redactionsIn(view.touches)
    for (const { messages, touches, before, through, asOf } of archived) {
      const isAllRead = register.through >= before
      const known = this.#known
      // What a redaction takes away of what was counted before is for the pages or the server to say.
      const isCurrent =
        known?.through === before &&
        isSame(known.register, register) &&
        !known.reachesWindow &&
        known.redactions + redactions + redactionsIn(touches) === 0
      const counted = isAllRead ? nothingUnread : isCurrent ? known.counts : undefined
      if (counted === undefined || asOf < through) {
        this.#known = undefined
        continue
      }
      // What came behind in the same breath was not applied to them when they left.
      const { messages: left } = withTouches({ from: before + 1, to: through + 1, messages }, view.touches)
      const counts = countUnread(left, user, register, counted)
      this.#known = { register, through, counts, reachesWindow: false, redactions }
    }
  }

  /** Something has changed: counts anew where what is known is of another time. */
  look(): void {
    const { folded, user } = this.#deps
    const view = folded()
    const register = readSoFar(view, user)
    if (view.genesis === undefined || register.through >= view.through || this.#isClosed) return
    if (this.#isBusy || this.#timer !== undefined || this.#isKnown(view, register)) return
    this.#isBusy = true
    void this.#count(view, register).then((counted) => {
      this.#isBusy = false
      if (this.#isClosed) return
      // Meanwhile more may have left: then it was counted in vain, and is counted once more.
      if (folded().through !== view.through) return this.look()
      if (counted === undefined) return this.#retry()
      this.#retryMs = firstRetryMs
      const { reachesWindow } = counted
      this.#known = { ...counted, register, through: view.through, redactions: redactionsOf(view, reachesWindow) }
      this.#deps.onChange()
    })
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #isKnown(view: Folded, register: ReadSoFar): boolean {
    const known = this.#known
    if (known?.through !== view.through || !isSame(known.register, register)) return false
    return known.redactions === redactionsOf(view, known.reachesWindow)
  }

  /** Undefined when it cannot be told now. */
  async #count(view: Folded, register: ReadSoFar): Promise<Counted | undefined> {
    try {
      const counts = await this.#countPages(view, register)
      if (counts !== undefined) return { counts, reachesWindow: false }
      return this.#deps.isConnected() ? await this.#ask(register) : undefined
    } catch {
      // The server does not answer: it is asked again.
      return undefined
    }
  }

  /** Undefined where not all is kept, or what is kept may have changed since. */
  async #countPages({ through, touches }: Folded, register: ReadSoFar): Promise<UnreadCounts | undefined> {
    const { cache, user } = this.#deps
    const { spans, asOf } = await cache.facts()
    const isKept = spans.some(({ from, to }) => from <= register.through + 1 && to > through)
    if (!isKept || asOf === undefined || asOf < through) return undefined
    let counts = nothingUnread
    for (let from = register.through + 1; from <= through && counts.unread < limits.unreadCount;) {
      const { run } = await cache.after(from, chunk)
      if (run.to <= from) return undefined
      counts = countUnread(withTouches(cutRun(run, through + 1), touches).messages, user, register, counts)
      from = run.to
    }
    return counts
  }

  /** Undefined when the server counts from another register, or up to another entry, than is known here. */
  async #ask(register: ReadSoFar): Promise<Counted | undefined> {
    const { folded, user, counts } = this.#deps
    const { readThrough: read, readThreads: threads, lastSeq: last, unread, mentions } = await counts()
    const { sent, lastSeq, from } = folded()
    const told = { through: Math.max(read, historyFrom({ from }, user) - 1), threads }
    if (!isSame(told, register) || last !== lastSeq) return undefined
    if (unread >= limits.unreadCount) return { counts: { unread, mentions }, reachesWindow: true }
    const live = countUnread(sent, user, register)
    const left = { unread: Math.max(0, unread - live.unread), mentions: Math.max(0, mentions - live.mentions) }
    return { counts: left, reachesWindow: false }
  }

  /** Of a device that is not connected it is asked when it is. */
  #retry(): void {
    if (!this.#deps.isConnected()) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.look()
    }, this.#retryMs)
    this.#retryMs = Math.min(2 * this.#retryMs, lastRetryMs)
  }
}

/** Of threads counts what was read of them beyond all. */
function isSame(a: ReadSoFar, b: ReadSoFar): boolean {
  if (a.through !== b.through) return false
  if (a.threads === b.threads) return true
  const [ofA, ofB] = [threadsBeyond(a), threadsBeyond(b)]
  return ofA.length === ofB.length && ofA.every(([root, seq]) => b.threads.get(root) === seq)
}

function threadsBeyond({ through, threads }: ReadSoFar): (readonly [MessageId, number])[] {
  return [...threads].filter(([, seq]) => seq > through)
}

/** Live redactions of archived messages, and of those in the window where these are counted too. */
function redactionsOf({ touches, sent }: Folded, withWindow: boolean): number {
  if (!withWindow) return redactionsIn(touches)
  return redactionsIn(touches) + sent.filter(({ redactedAt }) => redactedAt !== undefined).length
}

function redactionsIn(touches: ArchiveTouches): number {
  let count = 0
  for (const list of touches.values()) if (list.some(({ entry }) => entry.kind === 'redact')) count++
  return count
}
