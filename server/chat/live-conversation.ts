/**
 * A conversation in memory: its members and its order, one step ahead of the disk. Entries from sockets and from REST
 * meet the same rules here, one after another, and become rows in the next group commit. Keeps no messages and no
 * entries; those are read from the store.
 */

import type { Access } from '../../shared/chat/access.ts'
import type { Entry, MessageId } from '../../shared/chat/entry.ts'
import { messageOf } from '../../shared/chat/message.ts'
import { judge, type PolicyView } from '../../shared/chat/policy.ts'
import { Fault, type FaultCode } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import { parseClientId, type ClientId, type ConversationId, type UserId } from '../../shared/sync/ids.ts'
import type { ClaimRow, Commit, CommitOutcome, ConversationStore, Head } from '../storage/conversation-store.ts'
import { Broadcast, type Subscriber } from '../sync/broadcast.ts'
import type { GroupCommit, Sealed, Writer } from '../sync/group-commit.ts'
import { Ledger, type SealedLedger } from '../sync/ledger.ts'
import { createSerial } from '../sync/serial.ts'
import type { Candidate } from './candidate.ts'
import { messageDigest } from './digest.ts'
import type { LoadedConversation } from './loaded-conversation.ts'
import { Members } from './members.ts'
import { Staged } from './staged.ts'

export interface LiveDeps {
  readonly store: ConversationStore
  readonly commits: GroupCommit
  /** Server time in ms. */
  readonly now: () => number
  /** A random unsigned 32-bit integer. */
  readonly drawUint32: () => number
  /** Told of an assertion that failed; the conversation starts again from the disk by itself. */
  readonly onBug: (error: unknown) => void
}

export class LiveConversation implements Writer {
  readonly id: ConversationId
  readonly ledger: Ledger
  readonly deps: LiveDeps
  /** Jobs that read, judge and stage: one at a time. */
  readonly serially = createSerial()
  readonly #broadcast = new Broadcast()
  readonly #members: Members
  #head: Head
  #staged = new Staged()
  #inFlight: Staged | undefined
  /** Set once the conversation is to be deleted; whoever asked for that waits for it. */
  #deletion: Staged | undefined
  #ended: FaultCode | undefined
  #isStopping = false

  constructor(id: ConversationId, loaded: LoadedConversation, deps: LiveDeps) {
    this.id = id
    this.deps = deps
    this.#head = loaded.head
    this.#members = new Members(loaded.members)
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
    return this.#broadcast.size === 0 && this.#inFlight === undefined && !this.#hasNews
  }

  get uncommittedBytes(): number {
    return this.#staged.bytes + (this.#inFlight?.bytes ?? 0)
  }

  accessOf(user: UserId): Access | undefined {
    return this.#members.accessOf(user)
  }

  /** Throws the fault that keeps `user` out, if there is one. */
  assertMember(user: UserId): void {
    if (this.#ended !== undefined) throw new Fault(this.#ended)
    if (this.#isStopping) throw new Fault('restart')
    if (this.accessOf(user) === undefined) throw new Fault('no-access')
  }

  /** Relays every later commit to the subscriber. */
  follow(subscriber: Subscriber): void {
    this.assertMember(subscriber.user)
    this.#broadcast.add(subscriber)
  }

  unfollow(subscriber: Subscriber): void {
    this.#broadcast.remove(subscriber)
  }

  /** The claims on message ids, those that are not durable yet included; to be called from a serial job. */
  async claims(ids: readonly MessageId[]): Promise<Map<MessageId, ClaimRow>> {
    const claims = new Map<MessageId, ClaimRow>()
    const unknown: MessageId[] = []
    for (const id of ids) {
      const row = this.#staged.claims.get(id) ?? this.#inFlight?.claims.get(id)
      if (row === undefined) unknown.push(id)
      else claims.set(id, row)
    }
    if (unknown.length === 0) return claims
    for (const row of await this.deps.store.claims(this.id, unknown)) if (row !== undefined) claims.set(row.id, row)
    return claims
  }

  /** Which message an Idempotency-Key made, also when that is not durable yet. */
  async idempotent(user: UserId, key: string): Promise<MessageId | undefined> {
    const isIt = (row: { readonly user: UserId; readonly key: string }): boolean => row.user === user && row.key === key
    const row = this.#staged.idempotency.find(isIt) ?? this.#inFlight?.idempotency.find(isIt)
    return (row ?? (await this.deps.store.idempotency(this.id, user, key)))?.id
  }

  noteIdempotency(user: UserId, key: string, id: MessageId): void {
    this.#staged.idempotency.push({ user, key, id })
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
    for (const candidate of candidates) {
      const { client, clock, payload, content } = candidate
      const reason = content.kind === 'void' ? content.reason : judge(view, author, content.entry)
      if (reason !== undefined && this.ledger.deletedRanges(client) >= limits.voidRunsPerChain) {
        this.deps.commits.request(this)
        throw new Fault('overloaded', 'too many void entries on this chain')
      }
      const seq = this.ledger.append({ client, clock, payload, voidReason: reason })
      this.#staged.bytes += payload?.length ?? 0
      if (content.kind !== 'entry' || reason !== undefined) continue
      // Whoever only reads does not move the conversation to the top of everybody's list.
      if (content.entry.kind !== 'read') this.#staged.isActivity = true
      this.#applyEntry(author, content.entry, seq, claims)
    }
    this.deps.commits.request(this)
  }

  /** Whether things are already as an entry would have them: then a repeated request needs none. */
  changesNothing(entry: Entry): boolean {
    if (entry.kind === 'member') return (this.accessOf(entry.user) ?? null) === entry.access
    if (entry.kind !== 'set' || entry.key !== 'title') return false
    return (this.#staged.title ?? this.#inFlight?.title ?? { value: this.#head.title }).value === entry.value
  }

  /** Writes the first record; from a serial job, on an unborn conversation. */
  begin(owner: UserId): void {
    this.ledger.appendRecord({ kind: 'genesis', epoch: this.#head.epoch, owner, createdAt: this.#head.createdMs })
    this.#setMember(owner, 'owner')
    this.deps.commits.request(this)
  }

  #setMember(user: UserId, access: Access | null): void {
    this.#staged.members.set(user, this.#members.set(user, access))
  }

  /** The user's held chain, begun when there is none: where the server writes what they do over REST. */
  heldChain(user: UserId): ClientId {
    const held = this.ledger.heldChain(user)
    if (held !== undefined) return held
    let client = parseClientId(this.deps.drawUint32())
    while (client === undefined || this.ledger.chain(client) !== undefined || this.ledger.isServer(client)) {
      client = parseClientId(this.deps.drawUint32())
    }
    this.ledger.addChain({ client, user, held: true, createdMs: this.deps.now() })
    return client
  }

  /** Asks for a commit of what is staged; resolves when it is durable. */
  commit(): Promise<void> {
    const { durable } = this.#staged
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
      this.#staged.reject(new Fault(this.#ended))
      return undefined
    }
    const deletion = this.#deletion
    if (deletion === undefined && !this.#hasNews) {
      this.#staged.resolve()
      this.#staged = new Staged()
      return undefined
    }
    const staged = this.#staged
    this.#staged = new Staged()
    this.#inFlight = staged
    if (deletion !== undefined) {
      return { commit: this.#delete(), settle: (outcome) => this.#settleDeletion(staged, deletion, outcome) }
    }
    const sealed = this.ledger.seal(this.deps.now())
    return { commit: this.#write(staged, sealed), settle: (outcome) => this.#settle(staged, sealed, outcome) }
  }

  get #hasNews(): boolean {
    return this.ledger.hasNews || this.#staged.idempotency.length > 0
  }

  #applyEntry(author: UserId, entry: Entry, seq: number, claims: Map<MessageId, ClaimRow>): void {
    const claim = (row: ClaimRow): void => {
      claims.set(row.id, row)
      this.#staged.claims.set(row.id, row)
    }
    switch (entry.kind) {
      case 'message':
        this.#staged.messages.push({ seq, message: messageOf(author, entry) })
        claim({ id: entry.id, user: author, seq, digest: messageDigest(entry) })
        return
      case 'delta':
        if (!claims.has(entry.of)) claim({ id: entry.of, user: author, seq: undefined, digest: 0 })
        return
      case 'member':
        this.#setMember(entry.user, entry.access)
        return
      case 'read':
        if (entry.thread === undefined) this.#read(author, entry.through ?? -1)
        return
      case 'set':
        if (entry.key === 'title') this.#staged.title = { value: typeof entry.value === 'string' ? entry.value : null }
        return
      case 'edit':
      case 'redact':
      case 'react':
      case 'pin':
      case 'stop':
      case 'unknown':
        // Kept in the log; their effects on messages are folded by those who show them.
        return
    }
  }

  #read(user: UserId, through: number): void {
    const moved = this.#members.read(user, through)
    if (moved !== undefined) this.#staged.members.set(user, moved)
  }

  #write(staged: Staged, sealed: SealedLedger): Commit {
    const expectedRevision = this.#head.revision
    const { timeMs, nextSeq, nextRecord, entries, records, chains, deleted } = sealed
    const messages = staged.messages.map(({ seq, message }) => ({ ...message, seq, createdAt: timeMs }))
    this.#head = {
      ...this.#head,
      revision: expectedRevision + 1,
      updatedMs: staged.isActivity ? timeMs : this.#head.updatedMs,
      lastStampMs: timeMs,
      title: staged.title === undefined ? this.#head.title : staged.title.value,
      nextSeq,
      nextRecord,
      lastMessageSeq: messages.at(-1)?.seq ?? this.#head.lastMessageSeq,
    }
    return {
      kind: 'write',
      conversation: this.id,
      expectedRevision,
      head: this.#head,
      chains,
      deleted,
      entries,
      records,
      messages,
      claims: [...staged.claims.values()],
      members: [...staged.members.values()],
      idempotency: staged.idempotency,
    }
  }

  #settle(staged: Staged, sealed: SealedLedger, outcome: CommitOutcome | 'failed'): void {
    this.#inFlight = undefined
    if (outcome !== 'committed') {
      this.#end(outcome === 'moved' ? 'restart' : 'unavailable', staged)
      return
    }
    this.ledger.settle(sealed)
    // Before the relay: what was written after a removal, in the same commit, is not for those who were removed.
    for (const { user, access } of staged.members.values()) {
      if (access === null && this.accessOf(user) === undefined) this.#broadcast.close('no-access', user)
    }
    if (sealed.records.length > 0) this.#broadcast.relay(sealed.update)
    staged.resolve()
  }

  #delete(): Commit {
    const tombstone = { kind: 'deleted', deletedMs: this.deps.now() } as const
    return { kind: 'delete', conversation: this.id, expectedRevision: this.#head.revision, tombstone }
  }

  #settleDeletion(staged: Staged, deletion: Staged, outcome: CommitOutcome | 'failed'): void {
    this.#inFlight = undefined
    if (outcome === 'committed') deletion.resolve()
    this.#end(outcome === 'committed' ? 'deleted' : 'unavailable', staged)
  }

  abandon(error: unknown): void {
    this.deps.onBug(error)
    this.#end('unavailable', this.#inFlight ?? this.#staged)
  }

  /** What is in memory may be ahead of the disk for ever: everybody starts again from the disk. */
  #end(code: FaultCode, staged: Staged): void {
    this.#ended = code
    for (const waiting of [staged, this.#staged, this.#deletion]) waiting?.reject(new Fault(code))
    this.#broadcast.close(code === 'unavailable' ? 'restart' : code)
  }
}
