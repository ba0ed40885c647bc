/**
 * A conversation in memory: its members and its order, one step ahead of the disk. Entries from sockets and from REST
 * meet the same rules here, one after another, and become rows in the next group commit. Keeps no messages and no
 * entries; those are read from the store.
 */

import type { Access } from '../../shared/chat/access.ts'
import type { Entry, MessageId } from '../../shared/chat/entry.ts'
import type { PolicyView } from '../../shared/chat/policy.ts'
import { Fault, type FaultCode } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import { parseClientId, type ClientId, type ConversationId, type UserId } from '../../shared/sync/ids.ts'
import type {
  ClaimRow,
  Commit,
  CommitOutcome,
  ConversationStore,
  DroppedRow,
  Head,
} from '../storage/conversation-store.ts'
import type { ActivityFeed, Movement } from '../sync/activity.ts'
import { Broadcast, type Subscriber } from '../sync/broadcast.ts'
import type { GroupCommit, Sealed, Writer } from '../sync/group-commit.ts'
import { Ledger, type SealedLedger } from '../sync/ledger.ts'
import { Presence } from '../sync/presence.ts'
import { createSerial } from '../sync/serial.ts'
import { requireAccess, verdictOn } from './authority.ts'
import type { Candidate } from './candidate.ts'
import { commitOf } from './commit-rows.ts'
import { applyEffects } from './effects.ts'
import { type LoadedConversation, readGenesis } from './loaded-conversation.ts'
import { Members } from './members.ts'
import { Staged } from './staged.ts'
import { Uncommitted } from './uncommitted.ts'

export interface LiveDeps {
  readonly store: ConversationStore
  readonly commits: GroupCommit
  /** Server time in ms. */
  readonly now: () => number
  /** A random unsigned 32-bit integer. */
  readonly drawUint32: () => number
  readonly activity: ActivityFeed
  /** Runs a job once, after a pause in which more can come together. */
  readonly afterPause: (job: () => void) => void
  /** Told when a device knew more of a conversation than this server. */
  readonly noteBehind: (conversation: ConversationId) => void
  /** Told of an assertion that failed; the conversation starts again from the disk by itself. */
  readonly onBug: (error: unknown) => void
}

export class LiveConversation implements Writer {
  readonly id: ConversationId
  readonly ledger: Ledger
  readonly deps: LiveDeps
  /** Jobs that read, judge and stage: one at a time. */
  readonly serially = createSerial()
  readonly audience = new Broadcast()
  readonly presence: Presence<Subscriber>
  readonly #members: Members
  readonly #uncommitted: Uncommitted
  #head: Head
  /** Set once the conversation is to be deleted; whoever asked for that waits for it. */
  #deletion: Staged | undefined
  #ended: FaultCode | undefined
  #isStopping = false

  constructor(id: ConversationId, loaded: LoadedConversation, deps: LiveDeps) {
    this.id = id
    this.deps = deps
    this.#uncommitted = new Uncommitted(deps.store, id)
    // What is written from now on is of this generation.
    this.#head = { ...loaded.head, generation: loaded.generation }
    this.#members = new Members(loaded.members)
    const { now, drawUint32, afterPause } = deps
    this.presence = new Presence({
      now,
      drawUint32,
      later: afterPause,
      show: (messageFor) => this.audience.show(messageFor),
    })
    this.ledger = new Ledger({ ...loaded.head, chains: loaded.chains, deleted: loaded.deleted })
  }

  /** Why it can no longer be used: deleted, or a commit failed and what is in memory may be wrong. */
  get ended(): FaultCode | undefined {
    return this.#ended
  }

  /** Nothing of it is stored or on its way to the disk. */
  get isUnborn(): boolean {
    return this.#head.revision === 0 && !this.ledger.hasNews
  }

  /** Nobody follows it and nothing is on its way to the disk. */
  get isQuiet(): boolean {
    return this.audience.size === 0 && this.#uncommitted.inFlight === undefined && !this.#hasNews
  }

  get uncommittedBytes(): number {
    return this.#uncommitted.bytes
  }

  accessOf(user: UserId): Access | undefined {
    return this.#members.accessOf(user)
  }

  /** Throws the fault that keeps `user` out, if there is one. */
  assertMember(user: UserId, needed?: Access): void {
    if (this.#ended !== undefined) throw new Fault(this.#ended)
    if (this.#isStopping) throw new Fault('restart')
    requireAccess(this.accessOf(user), needed)
  }

  /** Relays every later commit to the subscriber. */
  follow(subscriber: Subscriber): void {
    this.assertMember(subscriber.user)
    this.audience.add(subscriber)
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

  /** What the rules look at; `claims` must hold every id that will be asked for. */
  policyView(claims: ReadonlyMap<MessageId, ClaimRow>): PolicyView {
    return {
      accessOf: (user) => this.accessOf(user),
      ownerCount: () => this.#members.ownerCount(),
      claimOf: (id) => {
        const row = claims.get(id)
        return row === undefined ? undefined : { user: row.user, complete: row.seq !== undefined }
      },
      nextSeq: () => this.ledger.nextSeq,
    }
  }

  /** Judges candidates one by one and stages them for the next commit. */
  stage(author: UserId, candidates: readonly Candidate[], claims: Map<MessageId, ClaimRow>): void {
    const view = this.policyView(claims)
    const { staged } = this.#uncommitted
    for (const { client, clock, payload, content } of candidates) {
      const reason = verdictOn(view, author, content)
      if (reason !== undefined && this.ledger.deletedRanges(client) >= limits.voidRunsPerChain) {
        this.deps.commits.request(this)
        throw new Fault('overloaded', 'too many void entries on this chain')
      }
      const seq = this.ledger.append({ client, clock, payload, voidReason: reason })
      staged.bytes += payload?.length ?? 0
      if (content.kind !== 'entry' || reason !== undefined) continue
      applyEffects({ author, seq, entry: content.entry }, { staged, members: this.#members, claims })
    }
    this.deps.commits.request(this)
  }

  /** Whether things are already as an entry would have them: then a repeated request needs none. */
  changesNothing(entry: Entry): boolean {
    if (entry.kind === 'member') return (this.accessOf(entry.user) ?? null) === entry.access
    if (entry.kind !== 'set' || entry.key !== 'title') return false
    return this.#uncommitted.title(this.#head.title) === entry.value
  }

  /** Writes the first record; from a serial job, on an unborn conversation. */
  begin(owner: UserId): void {
    this.ledger.appendRecord({ kind: 'genesis', epoch: this.#head.epoch, owner, createdAt: this.#head.createdMs })
    this.#uncommitted.staged.members.set(owner, this.#members.set(owner, 'owner'))
    this.deps.commits.request(this)
  }

  /** Begins a new epoch with the next commit, without the chains that are named; from a serial job. */
  async beginEpoch(without: () => readonly ClientId[] = () => []): Promise<void> {
    const genesis = await readGenesis(this.deps.store, this.id)
    const serverClient = await this.drawClient()
    // Nobody can tell which epochs there were that a restored store does not know of: they were before it was restored.
    const epoch = Math.max(this.ledger.epoch + 1, this.#head.generation)
    this.ledger.beginEpoch({ serverClient, genesis: { ...genesis, epoch }, without: without() })
    this.deps.commits.request(this)
  }

  /** The user's held chain, begun when there is none: where the server writes what they do over REST. */
  async heldChain(user: UserId): Promise<ClientId> {
    const held = this.ledger.heldChain(user)
    if (held !== undefined) return held
    const client = await this.drawClient()
    this.ledger.addChain({ client, user, held: true, createdMs: this.deps.now() })
    return client
  }

  /** A clientID that no chain has or had; from a serial job. */
  async drawClient(): Promise<ClientId> {
    for (;;) {
      const client = parseClientId(this.deps.drawUint32())
      if (client === undefined || this.ledger.chain(client) !== undefined || this.ledger.isServer(client)) continue
      if ((await this.dropped([client])).size === 0) return client
    }
  }

  /** Those of the chains that an earlier epoch had and this one does without. */
  async dropped(clients: readonly ClientId[]): Promise<ReadonlyMap<ClientId, DroppedRow>> {
    // In the first epoch nothing was dropped yet.
    if (clients.length === 0 || this.ledger.epoch === 0) return new Map()
    const rows = await this.deps.store.dropped(this.id, clients)
    return new Map(
      clients.flatMap((client, index) => {
        const row = this.ledger.dropping(client) ?? rows[index]
        return row === undefined ? [] : [[client, row]]
      }),
    )
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
      this.#uncommitted.staged.reject(new Fault(this.#ended))
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
    this.#head = commit.head
    return { commit, settle: (outcome) => this.#settle(staged, sealed, outcome) }
  }

  get #hasNews(): boolean {
    return this.ledger.hasNews || this.#uncommitted.staged.idempotency.length > 0
  }

  #settle(staged: Staged, sealed: SealedLedger, outcome: CommitOutcome | 'failed'): void {
    this.#uncommitted.settle()
    if (outcome !== 'committed') {
      this.#end(outcome === 'moved' ? 'restart' : 'unavailable', staged)
      return
    }
    this.ledger.settle(sealed)
    // Before the relay: what was written after a removal, in the same commit, is not for those who were removed.
    for (const { user, access } of staged.members.values()) {
      if (access !== null || this.accessOf(user) !== undefined) continue
      this.audience.close('no-access', user)
      this.deps.activity.gone({ conversation: this.id, code: 'no-access' }, [user])
    }
    if (sealed.beginsEpoch) {
      // They come back and meet it from its beginning.
      this.audience.close('restart')
    } else if (sealed.records.length > 0) {
      this.audience.relay({ update: sealed.update, before: () => this.ledger.before(sealed) })
    }
    this.deps.activity.moved(this.id, () => this.#movement())
    staged.resolve()
    // Only what is void can have made a chain a dead one.
    if (sealed.deleted.length > 0 && this.#hasDeadChains) {
      this.serially(() => this.#dropDeadChains()).catch((error: unknown) => {
        // Deleted meanwhile: that ends it by itself.
        if (!(error instanceof Fault)) this.abandon(error)
      })
    }
  }

  get #hasDeadChains(): boolean {
    return this.ledger.deadChains().length > limits.deadChains
  }

  async #dropDeadChains(): Promise<void> {
    // Another job may have done it, or the conversation have ended.
    if (this.#ended === undefined && this.#hasDeadChains) await this.beginEpoch(() => this.ledger.deadChains())
  }

  #movement(): Movement {
    const { serverClient: server, nextRecord: records, nextSeq } = this.ledger.durableEnd()
    const activity = { conversation: this.id, seq: nextSeq - 1, version: { server, records } }
    return { activity, users: this.#members.users() }
  }

  #delete(): Commit {
    const tombstone = { kind: 'deleted', deletedMs: this.deps.now() } as const
    return { kind: 'delete', conversation: this.id, expectedRevision: this.#head.revision, tombstone }
  }

  #settleDeletion(staged: Staged, deletion: Staged, outcome: CommitOutcome | 'failed'): void {
    this.#uncommitted.settle()
    if (outcome === 'committed') {
      this.deps.activity.gone({ conversation: this.id, code: 'deleted' }, this.#members.users())
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
    for (const waiting of [taken, this.#uncommitted.staged, this.#deletion]) waiting?.reject(new Fault(code))
    this.audience.close(code === 'unavailable' ? 'restart' : code)
  }
}
