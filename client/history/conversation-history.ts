/**
 * What an open conversation shows of its archive (SPEC PAGE3): one run of messages without a gap, which by default ends
 * where the live window begins and grows when that moves on. What is fetched and kept is for the page cache to know; what
 * live entries do to archived messages is applied on top, each once.
 */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { Archived, Folded } from '../../shared/chat/fold.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import { historyFrom } from '../../shared/chat/roster.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { HistoryStatus, Keep } from '../api.ts'
import type { PageFacts } from '../storage/page-store.ts'
import { createStore, type Store } from '../store.ts'
import type { ShownArchive } from '../timeline.ts'
import { type ArchiveRun, cutStart, emptyRun, endOf, joinRuns, withChanged, withTouches } from './archive-run.ts'
import { nothingKept, reasonOf, sameStatus } from './history-status.ts'
import type { KnownRun, PageCache } from './page-cache.ts'

export interface ConversationHistoryDeps {
  readonly cache: PageCache
  readonly user: UserId
  /** As it stands now. */
  readonly folded: () => Folded
  readonly isConnected: () => boolean
  /** Of what leaves the window. */
  readonly keep: () => Keep
  /** What it shows has changed. */
  readonly onChange: () => void
  /** So these archived messages stand now, shown or not. */
  readonly onFetched: (messages: readonly StampedMessage[]) => void
}

export class ConversationHistory {
  readonly #deps: ConversationHistoryDeps
  readonly #status: Store<HistoryStatus>
  #run: ArchiveRun
  /** The run takes account of all entries up to here; what it began with was the window's end, and is of no time. */
  #asOf = Infinity
  #facts: PageFacts | undefined
  #epoch: number | undefined
  /** Some of the run was asked for: it is not given up because the window is far away. */
  #isWanted = false
  /** Seq of the newest redaction of an archived message that was seen live; -1 before the first. */
  #redactedAt = -1
  #lookedAt: Folded['touches'] | undefined
  #phase: Pick<HistoryStatus, 'phase' | 'reason'> = { phase: 'idle' }
  #turn: Promise<unknown> = Promise.resolve()
  #isUpdating = false
  #isClosed = false
  #shown: ShownArchive | undefined
  #shownOf: { readonly run: ArchiveRun; readonly touches: Folded['touches']; readonly through: number } | undefined

  #index: { readonly of: readonly StampedMessage[]; readonly byId: ReadonlyMap<MessageId, StampedMessage> } | undefined

  constructor(deps: ConversationHistoryDeps) {
    this.#deps = deps
    const { through } = deps.folded()
    this.#run = emptyRun(through + 1)
    this.#status = createStore<HistoryStatus>({
      ...this.#phase,
      keep: deps.keep(),
      hasOlder: through >= this.#begin,
      hasNewer: false,
      kept: nothingKept,
    })
    this.#inTurn(() => this.#readFacts())
  }

  get status(): Store<HistoryStatus> {
    return this.#status
  }

  /** Seq of the first entry that the user is told of: nothing before it is missing (SPEC HISTORY1). */
  get #begin(): number {
    return historyFrom(this.#deps.folded(), this.#deps.user)
  }

  /** Seq from which on everything up to the end of what is shown is there. */
  get from(): number {
    return Math.max(this.#run.from, Math.min(this.#begin, this.#run.to))
  }

  /** Seqs that are shown before the window, `to` exclusive. */
  get range(): { readonly from: number; readonly to: number; readonly reachesWindow: boolean } {
    const { to } = this.#run
    return { from: this.from, to, reachesWindow: to === this.#deps.folded().through + 1 }
  }

  /** The same object until it changes. */
  shown(): ShownArchive {
    const { touches, through } = this.#deps.folded()
    const run = this.#run
    const of = this.#shownOf
    if (this.#shown === undefined || of?.run !== run || of.touches !== touches || of.through !== through) {
      this.#shownOf = { run, touches, through }
      this.#shown = {
        messages: withTouches(cutStart(run, this.#begin), touches).messages,
        reachesWindow: run.to === through + 1,
      }
    }
    return this.#shown
  }

  /** A message before the window, when it is here. */
  message(id: MessageId): StampedMessage | undefined {
    const { messages } = this.shown()
    if (this.#index?.of !== messages)
      this.#index = { of: messages, byId: new Map(messages.map((one) => [one.id, one])) }
    return this.#index.byId.get(id)
  }

  /** Takes over what left the window, before it is shown again. */
  take(archived: readonly Archived[]): void {
    const { genesis, through } = this.#deps.folded()
    if (this.#epoch !== undefined && genesis !== undefined && genesis.epoch !== this.#epoch) this.#forget()
    this.#epoch = genesis?.epoch ?? this.#epoch
    for (const one of archived) this.#takeOne(one)
    if (this.#run.to < through + 1 && !this.#isWanted) this.#show(emptyRun(through + 1), Infinity)
    if (archived.length > 0) this.#inTurn(() => this.#keepAll(archived))
    this.#lookForRedactions()
    this.#tell()
  }

  /** There is a connection, or there is none any more; or something else is to be kept. */
  look(): void {
    if (this.#deps.isConnected()) this.#update()
    this.#tell()
  }

  /** More of it is kept on the device, by whoever fetched it. */
  noteKept(): void {
    this.#inTurn(async () => {
      await this.#readFacts()
      if (this.#deps.isConnected()) this.#update()
    })
  }

  loadOlder(count: number): Promise<number> {
    return this.#load(async (cache) => {
      const { from } = this.#run
      if (from <= this.#begin) return 0
      const { run, asOf } = await cache.before(from, count)
      // Meanwhile another run may be shown.
      if (this.#run.from !== from || run.to !== from) return 0
      this.#show(joinRuns(run, this.#run), asOf)
      return run.messages.length
    }, 0)
  }

  loadNewer(count: number): Promise<number> {
    return this.#load(async (cache) => {
      const { to } = this.#run
      if (to > this.#deps.folded().through) return 0
      const { run, asOf } = await cache.after(to, count)
      if (this.#run.to !== to || run.from !== to) return 0
      this.#show(joinRuns(this.#run, run), asOf)
      return run.messages.length
    }, 0)
  }

  loadAround(seq: number, count: number): Promise<void> {
    return this.#load(async (cache) => {
      if (seq > this.#deps.folded().through) return this.showNewest()
      const known = await cache.around(seq, count)
      if (known.run.messages.length === 0) return
      this.#replace(known)
    }, undefined)
  }

  /** Ends where the window begins, as by default; what is shown already stays. */
  showNewest(): void {
    const { through } = this.#deps.folded()
    this.#isWanted = false
    if (this.#run.to === through + 1) return
    this.#show(emptyRun(through + 1), Infinity)
    this.#tell()
    this.#deps.onChange()
  }

  /** What is under way is not waited for: it may be the network, and what is kept is kept as a whole or not. */
  close(): void {
    this.#isClosed = true
  }

  #replace({ run, asOf }: KnownRun): void {
    this.#asOf = Infinity
    this.#show(run, asOf)
  }

  #show(run: ArchiveRun, asOf: number): void {
    this.#run = run
    this.#asOf = run.from === run.to ? Infinity : Math.min(this.#asOf, asOf)
  }

  #takeOne(archived: Archived): void {
    const { messages, touches, before, through, asOf } = archived
    const end = endOf(archived)
    const isCurrent = this.#asOf >= before && asOf >= through
    // On what lacks an earlier change a later one would look as if it had them all: those are fetched.
    let run = isCurrent ? withTouches(this.#run, touches) : this.#run
    if (run.to === before + 1 && end > before) {
      run = joinRuns(run, { from: run.to, to: end + 1, messages: messages.filter(({ seq }) => seq <= end) })
      this.#asOf = Math.min(this.#asOf, asOf)
    }
    this.#run = run
    // What left with them has been applied.
    if (isCurrent && this.#asOf < through) this.#asOf = through
  }

  /** Into the store from what is here; where that is not all, what changed is fetched. */
  async #keepAll(archived: readonly Archived[]): Promise<void> {
    const { cache, keep } = this.#deps
    for (const one of archived) {
      const { messages, touches, before, through, asOf } = one
      const end = endOf(one)
      const kept = messages.filter(({ seq }) => seq <= end)
      if (keep() === 'all' && end > before) await cache.put({ from: before + 1, to: end + 1, messages: kept }, asOf)
      if (touches.size === 0 && asOf >= through) await cache.update([], { after: before, asOf: through })
    }
    await this.#readFacts()
    if (this.#deps.isConnected()) this.#update()
  }

  /** Brings what is kept and what is shown up to the end of the archive; where that fails, it is tried again later. */
  #update(): void {
    if (this.#isUpdating || this.#isClosed) return
    this.#isUpdating = true
    this.#inTurn(async () => {
      try {
        // Other tabs, and what fills the cache, keep pages too.
        await this.#readFacts()
        await this.#bringUpToDate()
      } finally {
        this.#isUpdating = false
      }
    })
  }

  async #bringUpToDate(): Promise<void> {
    if (!this.#isStale() && !this.#keepsRedacted()) return
    const { messages, asOf } = await this.#deps.cache.fetchChanges(this.#knownAsOf())
    this.#run = withChanged(this.#run, messages)
    if (this.#asOf < asOf) this.#asOf = asOf
    await this.#readFacts()
    this.#deps.onFetched(messages)
    this.#changed()
  }

  /** What a redaction takes away is not to stay on the device until that leaves the window too (SPEC ERASE1). */
  #lookForRedactions(): void {
    const { touches } = this.#deps.folded()
    if (touches === this.#lookedAt) return
    this.#lookedAt = touches
    const before = this.#redactedAt
    for (const list of touches.values())
      for (const { entry, seq } of list) if (entry.kind === 'redact') this.#redactedAt = Math.max(this.#redactedAt, seq)
    if (this.#redactedAt > before && this.#deps.isConnected()) this.#update()
  }

  #keepsRedacted(): boolean {
    return (this.#facts?.asOf ?? Infinity) < this.#redactedAt
  }

  #changed(): void {
    if (!this.#isClosed) this.#deps.onChange()
  }

  #knownAsOf(): number {
    return Math.min(this.#asOf, this.#facts?.asOf ?? Infinity)
  }

  #isStale(): boolean {
    return this.#knownAsOf() < this.#deps.folded().through
  }

  async #readFacts(): Promise<void> {
    this.#facts = await this.#deps.cache.facts()
    this.#tell()
  }

  /** In a later epoch a seq can be that of another message. */
  #forget(): void {
    this.#isWanted = false
    this.#redactedAt = -1
    this.#show(emptyRun(this.#deps.folded().through + 1), Infinity)
    this.#inTurn(() => this.#deps.cache.drop())
  }

  /** Resolves with `otherwise` when it cannot be had; the status says so. */
  #load<T>(job: (cache: PageCache) => Promise<T>, otherwise: T): Promise<T> {
    const loading = this.#turn.then(async () => {
      this.#tell({ phase: 'loading' })
      try {
        // Else what is kept is shown as it is, and the status says so.
        if (this.#deps.isConnected()) await this.#bringUpToDate().catch(() => undefined)
        const result = await job(this.#deps.cache)
        this.#phase = { phase: 'idle' }
        this.#isWanted = this.#run.from < this.#run.to
        // Before the status: whoever is told that it is loaded looks for it among the messages.
        this.#changed()
        await this.#readFacts()
        // The window may have moved on meanwhile.
        if (this.#deps.isConnected()) this.#update()
        return result
      } catch (error) {
        this.#tell({ phase: 'unavailable', reason: reasonOf(error) })
        return otherwise
      }
    })
    this.#turn = loading
    return loading
  }

  /** Behind what is under way. Where the server does not answer, it is asked again when there is a reason to. */
  #inTurn(job: () => Promise<void>): void {
    this.#turn = this.#turn.then(job).catch(() => undefined)
  }

  #tell(phase: Pick<HistoryStatus, 'phase' | 'reason'> = this.#phase): void {
    if (this.#isClosed) return
    this.#phase = phase
    const { through } = this.#deps.folded()
    const next: HistoryStatus = {
      ...phase,
      keep: this.#deps.keep(),
      hasOlder: this.#run.from > this.#begin,
      hasNewer: this.#run.to <= through,
      ...(this.#isStale() ? { stale: true } : {}),
      kept: this.#keptNow(through),
    }
    if (!sameStatus(this.#status.getSnapshot(), next)) this.#status.set(next)
  }

  /** The same object while nothing of it changes. */
  #keptNow(through: number): HistoryStatus['kept'] {
    if (this.#facts === undefined) return nothingKept
    const { spans, messages, bytes } = this.#facts
    const begin = this.#begin
    const complete = through < begin || spans.some(({ from, to }) => from <= begin && to > through)
    const before = this.#status.getSnapshot().kept
    const same = before.messages === messages && before.bytes === bytes && before.complete === complete
    return same && JSON.stringify(before.spans) === JSON.stringify(spans)
      ? before
      : { spans, messages, bytes, complete }
  }
}
