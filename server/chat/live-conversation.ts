/**
 * A conversation in memory: its members and its order, one step ahead of the disk. Entries from sockets and from REST
 * meet the same rules here, one after another, and become rows in the next group commit. Keeps no messages and no
 * entries; those are read from the store.
 */

import type { Access } from '../../shared/chat/access.ts'
import type { Entry, MessageId } from '../../shared/chat/entry.ts'
import { wipes, wipeSetting } from '../../shared/chat/known-settings.ts'
import { mayErase } from '../../shared/chat/policy.ts'
import { Fault, type FaultCode } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import type { ClientId, ConversationId, UserId } from '../../shared/sync/ids.ts'
import { type ClaimRow, type Commit, type CommitOutcome, type Head, StoreError } from '../storage/conversation-store.ts'
import type { Movement } from '../sync/activity.ts'
import { Broadcast, type Subscriber } from '../sync/broadcast.ts'
import type { Sealed, Writer } from '../sync/group-commit.ts'
import { Ledger } from '../sync/ledger.ts'
import { Presence } from '../sync/presence.ts'
import type { SealedLedger } from '../sync/sealed-ledger.ts'
import { createSerial } from '../sync/serial.ts'
import { requireAccess } from './authority.ts'
import type { Candidate } from './candidate.ts'
import { drawClient } from './client-ids.ts'
import { commitOf } from './commit-rows.ts'
import { type JudgingState, changesNothing, stageCandidates } from './judging.ts'
import type { LiveDeps } from './live-deps.ts'
import { LiveRoster } from './live-roster.ts'
import { droppableChains } from './dead-chains.ts'
import { type LoadedConversation, readGenesis } from './loaded-conversation.ts'
import { Staged } from './staged.ts'
import { type AuthorView, findTargets, type Targets } from './targets.ts'
import { Uncommitted } from './uncommitted.ts'
import { WindowKeeper } from './window-keeper.ts'

export class LiveConversation implements Writer {
  readonly id: ConversationId
  readonly ledger: Ledger
  readonly deps: LiveDeps
  /** Jobs that read, judge and stage: one at a time. */
  readonly serially = createSerial()
  readonly audience = new Broadcast()
  readonly presence: Presence<Subscriber>
  /** Members, settings and pins, a step ahead of the disk. */
  readonly roster: LiveRoster
  readonly #uncommitted: Uncommitted
  readonly #window: WindowKeeper
  #head: Head
  /** Set once the conversation is to be deleted; whoever asked for that waits for it. */
  #deletion: Staged | undefined
  #ended: FaultCode | undefined
  #isStopping = false
  /** Jobs that nobody waits for, and that have not ended. */
  #tidying = 0

  constructor(id: ConversationId, loaded: LoadedConversation, deps: LiveDeps) {
    this.id = id
    this.deps = deps
    this.#uncommitted = new Uncommitted(deps.store, id)
    // What is written from now on is of this generation.
    this.#head = { ...loaded.head, generation: loaded.generation }
    this.roster = new LiveRoster(loaded)
    const { now, drawUint32, afterPause, after } = deps
    this.presence = new Presence({
      now,
      drawUint32,
      later: afterPause,
      after,
      show: (messageFor) => this.audience.show(messageFor),
    })
    this.ledger = new Ledger({ ...loaded.head, chains: loaded.chains, deleted: loaded.deleted })
    this.#window = new WindowKeeper(this, loaded.head.through)
    if (loaded.upgrade !== undefined) this.#uncommitted.staged.upgrade(loaded.upgrade)
  }

  /** Why it can no longer be used: deleted, or a commit failed and what is in memory may be wrong. */
  get ended(): FaultCode | undefined {
    return this.#ended
  }

  /** Nothing of it is stored or on its way to the disk. */
  get isUnborn(): boolean {
    return this.#head.revision === 0 && !this.ledger.hasNews
  }

  /** Nobody follows it, and nothing is on its way to the disk, or will be. */
  get isQuiet(): boolean {
    const isBusy = this.#tidying > 0 || this.#uncommitted.inFlight !== undefined || this.#hasNews
    return this.audience.size === 0 && !isBusy
  }

  get uncommittedBytes(): number {
    return this.#uncommitted.bytes
  }

  accessOf(user: UserId): Access | undefined {
    return this.roster.accessOf(user)
  }

  /** Throws the fault that keeps `user` out, if there is one. */
  assertMember(user: UserId, needed?: Access): void {
    this.assertUsable()
    requireAccess(this.accessOf(user), needed)
  }

  /** Throws the fault that keeps everybody out, if there is one. */
  assertUsable(): void {
    if (this.#ended !== undefined) throw new Fault(this.#ended)
    if (this.#isStopping) throw new Fault('restart')
  }

  /** Relays every later commit to the subscriber. */
  follow(subscriber: Subscriber): void {
    this.assertMember(subscriber.user)
    // Removed and added once more since `showFrom` saw to it.
    if (!this.#window.mayShow(subscriber.user)) throw new Fault('restart')
    this.audience.add(subscriber)
  }

  /** Resolves when the document has nothing that `user` is not to get. */
  showFrom(user: UserId): Promise<void> {
    return this.#window.showFrom(user)
  }

  unfollow(subscriber: Subscriber): void {
    this.audience.remove(subscriber)
  }

  /** The claims on message ids, those that are not durable yet included; to be called from a serial job. */
  claims(ids: readonly MessageId[]): Promise<Map<MessageId, ClaimRow>> {
    return this.#uncommitted.claims(ids)
  }

  /** Which message an Idempotency-Key made, also when that is not durable yet. */
  idempotent(user: UserId, key: string): Promise<MessageId | undefined> {
    return this.#uncommitted.idempotent(user, key)
  }

  noteIdempotency(user: UserId, key: string, id: MessageId): void {
    this.#uncommitted.staged.idempotency.push({ user, key, id })
  }

  /** What entries are judged upon. */
  get judging(): JudgingState {
    return { ledger: this.ledger, roster: this.roster, uncommitted: this.#uncommitted }
  }

  /** Looks up what candidates reach back to, and uses it while nothing newer is on the disk; from a serial job. */
  async withTargets<T>(author: UserId, candidates: readonly Candidate[], use: (targets: Targets) => T): Promise<T> {
    const view: AuthorView = {
      mayRedact: ({ user }) => mayErase(this.accessOf(author), user === author),
      supersedable: (entry, index) => {
        const { nextSeq, window } = this.ledger
        return this.roster.supersedable(author, entry, nextSeq + index).filter((seq) => seq > window.through)
      },
    }
    for (;;) {
      const targets = await findTargets(this.deps.store, this.id, this.#uncommitted, candidates, view)
      // Two commits at most come in between: what is staged comes from serial jobs alone.
      if (targets.settled === this.#uncommitted.settled) return use(targets)
    }
  }

  /** Judges candidates one by one and stages them for the next commit. */
  stage(author: UserId, candidates: readonly Candidate[], targets: Targets): void {
    try {
      stageCandidates(this.judging, author, candidates, targets)
    } finally {
      this.deps.commits.request(this)
    }
  }

  /** Whether things are already as an entry of `user` would have them. */
  changesNothing(user: UserId, entry: Entry, targets: Targets): boolean {
    return changesNothing(this.judging, { user, entry }, targets)
  }

  /** Writes the first record; from a serial job, on an unborn conversation. */
  begin(owner: UserId): void {
    this.ledger.appendRecord({ kind: 'genesis', epoch: this.#head.epoch, owner, createdAt: this.#head.createdMs })
    this.#uncommitted.staged.members.set(owner, this.roster.setAccess(owner, 'owner'))
    this.deps.commits.request(this)
  }

  /** Begins a new epoch with the next commit, without the chains that are named; from a serial job. */
  async beginEpoch(without: () => readonly ClientId[] = () => []): Promise<void> {
    const genesis = await readGenesis(this.deps.store, this.id)
    const serverClient = await drawClient(this)
    // Nobody can tell which epochs there were that a restored store does not know of: they were before it was restored.
    const epoch = Math.max(this.ledger.epoch + 1, this.#head.generation)
    this.ledger.beginEpoch({ serverClient, genesis: { ...genesis, epoch }, without: without() })
    this.deps.commits.request(this)
  }

  /** Asks for a commit of what is staged; resolves when it is durable. */
  commit(): Promise<void> {
    const { durable } = this.#uncommitted.staged
    this.deps.commits.request(this)
    return durable
  }

  /** Deletes the conversation with all its rows; from a serial job. */
  delete(): Promise<void> {
    this.#deletion ??= new Staged()
    this.deps.commits.request(this)
    return this.#deletion.durable
  }

  /** Takes nothing more; resolves when no job is under way. What is staged is still committed. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await this.serially(async () => undefined)
  }

  seal(): Sealed | undefined {
    if (this.#ended !== undefined) {
      this.#uncommitted.rejectStaged(new Fault(this.#ended))
      return undefined
    }
    const deletion = this.#deletion
    if (deletion === undefined && !this.#hasNews) {
      this.#uncommitted.resolveStaged()
      return undefined
    }
    const staged = this.#uncommitted.take()
    if (deletion !== undefined) {
      return { commit: this.#delete(), settle: (outcome) => this.#settleDeletion(staged, deletion, outcome) }
    }
    const sealed = this.ledger.seal(this.deps.now())
    const commit = commitOf(this.id, this.#head, sealed, staged)
    this.#uncommitted.noteCommit(commit)
    this.#head = commit.head
    return { commit, settle: (outcome) => this.#settle(staged, sealed, outcome) }
  }

  /** What devices are told that have it no more. */
  get #wipe(): { readonly wipe?: true } {
    return wipes(this.roster.setting(wipeSetting)) ? { wipe: true } : {}
  }

  get #hasNews(): boolean {
    return this.ledger.hasNews || this.#uncommitted.hasKeys
  }

  #settle(staged: Staged, sealed: SealedLedger, outcome: CommitOutcome | 'failed'): void {
    this.#uncommitted.settle()
    if (outcome !== 'committed') {
      this.#end(outcome === 'moved' ? 'restart' : 'unavailable', staged)
      return
    }
    this.ledger.settle(sealed)
    this.#window.noteDurable(sealed.window.through)
    // Before the relay: what was written after a removal, in the same commit, is not for those who were removed.
    for (const { user, access } of staged.members.values()) {
      // Also not for whoever was added once more behind it: they come back, and begin anew.
      if (!this.#window.mayShow(user)) this.audience.close('restart', user)
      if (access !== null || this.accessOf(user) !== undefined) continue
      this.audience.close('no-access', user)
      this.deps.activity.gone({ conversation: this.id, code: 'no-access', ...this.#wipe }, [user])
    }
    if (sealed.beginsEpoch) {
      // They come back and meet it from its beginning.
      this.audience.close('restart')
    } else if (sealed.nextRecord > sealed.firstNewRecord) {
      this.audience.relay({ update: sealed.update, before: () => this.ledger.before(sealed) })
    }
    this.deps.activity.moved(this.id, () => this.#movement())
    staged.resolve()
    // Only what is deleted can have made a chain a dead one.
    if (sealed.deleted.length > 0 && this.#hasDeadChains) this.tidy(() => this.#dropDeadChains())
    this.keepWindow()
  }

  /** Sees to it that the document has no more than the window. */
  keepWindow(): void {
    this.#window.keepWindow()
  }

  /** Runs a job in its turn that nobody waits for. */
  tidy(job: () => Promise<void>): void {
    // It can wait until it is used again, and the store is about to be closed.
    if (this.#isStopping) return
    this.#tidying++
    this.serially(job)
      .catch((error: unknown) => {
        // Deleted meanwhile, or the store cannot be read: that ends it by itself, or is met by whoever comes next.
        if (!(error instanceof Fault || error instanceof StoreError)) this.abandon(error)
      })
      .finally(() => this.#tidying--)
  }

  get #hasDeadChains(): boolean {
    return this.ledger.deadChains().length > limits.deadChains
  }

  async #dropDeadChains(): Promise<void> {
    // Another job may have done it, or the conversation have ended.
    if (this.#ended !== undefined || !this.#hasDeadChains) return
    const droppable = await droppableChains(this.deps.store, this.id, this.ledger)
    if (droppable.size <= limits.deadChains) return
    await this.beginEpoch(() => this.ledger.deadChains().filter((client) => droppable.has(client)))
  }

  #movement(): Movement {
    const { serverClient: server, nextRecord: records, nextSeq } = this.ledger.durableEnd()
    const activity = { conversation: this.id, seq: nextSeq - 1, version: { server, records } }
    return { activity, users: this.roster.users() }
  }

  #delete(): Commit {
    const tombstone = { kind: 'deleted', deletedMs: this.deps.now() } as const
    return { kind: 'delete', conversation: this.id, expectedRevision: this.#head.revision, tombstone }
  }

  #settleDeletion(staged: Staged, deletion: Staged, outcome: CommitOutcome | 'failed'): void {
    this.#uncommitted.settle()
    if (outcome === 'committed') {
      this.deps.activity.gone({ conversation: this.id, code: 'deleted', ...this.#wipe }, this.roster.users())
      deletion.resolve()
    }
    this.#end(outcome === 'committed' ? 'deleted' : 'unavailable', staged)
  }

  abandon(error: unknown): void {
    this.deps.onBug(error)
    this.#end('unavailable', this.#uncommitted.inFlight)
  }

  /** What is in memory may be ahead of the disk for ever: everybody starts again from the disk. */
  #end(code: FaultCode, taken: Staged | undefined): void {
    this.#ended = code
    for (const waiting of [taken, this.#deletion]) waiting?.reject(new Fault(code))
    this.#uncommitted.rejectStaged(new Fault(code))
    this.audience.close(code === 'unavailable' ? 'restart' : code)
  }
}
