/**
 * One document of an open conversation, with all that goes when it is replaced: its fold, its outbox, its chain, its copy
 * on this device. Owns their life cycle; knows no connection.
 */

import type { Doc } from 'yjs'
import { type ClientId, type ConversationId, parseClientId, type UserId } from '../shared/sync/ids.ts'
import type { ChatMessage } from './api.ts'
import type { LocalConversation } from './local-conversation.ts'
import { type CountOwn, createOwnCount } from './count-own.ts'
import { createOutbox, isAmong, type Outbox } from './outbox.ts'
import { Replica } from './replica.ts'
import type { OutboxRow } from './storage/client-storage.ts'
import { appendOwn, nextOwnPlace, type OwnChain } from './sync/own-chain.ts'
import { createSendGate, type SendGate } from './sync/send-gate.ts'
import { createTimeline, type Timeline } from './timeline.ts'
import { takeBackAgain } from './withdraw.ts'

export interface OpenDocumentOptions {
  readonly id: ConversationId
  readonly user: UserId
  readonly local: LocalConversation
  readonly onStorageFailure: (error: unknown) => void
  /** Of a document that was connected before it was complete. */
  readonly replica?: Replica
  readonly gate?: SendGate
  /** What was shown before. */
  readonly shown?: readonly ChatMessage[]
}

/** What a connection needs to know of a document. */
export interface Connectable {
  readonly doc: Doc
  /** Tabs that show another generation must not hear of it. */
  readonly generation: number
}

export class OpenDocument implements Connectable {
  readonly local: LocalConversation
  readonly replica: Replica
  readonly outbox: Outbox
  readonly gate: SendGate
  readonly timeline: Timeline
  readonly #id: ConversationId
  readonly #countOwn: CountOwn
  readonly #user: UserId
  readonly #onStorageFailure: (error: unknown) => void
  /** Chains that were appended to here. */
  readonly #clients = new Set<ClientId>()
  /** What it holds the lock on. */
  #chain: OwnChain
  /** What it appends to: that of `#chain`, except while Yjs has given the document another. */
  #client: ClientId
  #following: Promise<void> = Promise.resolve()
  #isLeft = false

  constructor(options: OpenDocumentOptions) {
    const { id, user, local, onStorageFailure } = options
    this.#id = id
    this.#user = user
    this.#onStorageFailure = onStorageFailure
    this.#countOwn = createOwnCount(user)
    this.local = local
    this.replica = options.replica ?? new Replica(local.doc)
    this.gate = options.gate ?? createSendGate()
    this.timeline = createTimeline(user, options.shown)
    this.#chain = local.chain
    this.#client = local.chain.client
    this.#clients.add(this.#client)
    this.outbox = createOutbox({
      storage: local.storage,
      id,
      rows: local.outbox,
      documentFlushed: local.cache.flushed,
      onFailure: onStorageFailure,
    })
  }

  get doc(): Doc {
    return this.local.doc
  }

  get generation(): number {
    return this.local.generation
  }

  /** Own messages without a stamp. */
  get pending(): number {
    const { folded, marks } = this.replica
    return this.#countOwn(folded.pending, marks.pending)
  }

  get clients(): ReadonlySet<ClientId> {
    return this.#clients
  }

  /** Outbox first, then the document, and the socket only when the outbox has it (SPEC OUTBOX1). */
  append(payload: Uint8Array): void {
    const { doc } = this.local
    this.gate.hold(this.outbox.put({ ...nextOwnPlace(doc), payload }))
    appendOwn(doc, this.#user, payload)
  }

  /** True when Yjs has renamed the document: what it appended to is no longer safe to append to, and is left. */
  followRename(): boolean {
    const client = parseClientId(this.local.doc.clientID)
    if (client === undefined) throw new Error('a clientID beyond 32 bits')
    if (client === this.#client) return false
    this.#client = client
    this.#clients.add(client)
    this.#following = this.#following.then(() => this.#changeChain(client)).catch(this.#onStorageFailure)
    return true
  }

  /**
   * Appends what only the outbox has of other chains (SPEC OUTBOX2), once the document has all that the server has: its
   * tab is gone, and the document has lost it. False: another tab has one of these chains, perhaps to do the same.
   */
  adoptOrphans(): Promise<boolean> {
    const { source } = this.replica
    return this.appendAgain(
      ({ client, clock }) => !this.#clients.has(client) && source.payloadAt(client, clock) === undefined,
    )
  }

  /** Leaves out rows of other tabs that the store has no more: these have moved them, or taken back what is in them. */
  async overlookMoved(rows: readonly OutboxRow[]): Promise<void> {
    const kept = await this.local.storage.outbox(this.#id)
    for (const row of rows) if (!this.#clients.has(row.client) && !isAmong(kept, row)) this.outbox.overlook(row)
  }

  /** Appends open rows whose places mean nothing any more. False: another tab writes some of these chains. */
  async appendAgain(isWanted: (row: OutboxRow) => boolean): Promise<boolean> {
    const { storage } = this.local
    let isDone = true
    const wanted = new Set(this.outbox.open().flatMap((row) => (isWanted(row) ? [row.client] : [])))
    for (const client of wanted) {
      const isFree = this.#clients.has(client) || !storage.canLock
      const release = isFree ? () => undefined : await storage.lockChain(this.#id, client)
      if (release === undefined) {
        isDone = false
        continue
      }
      try {
        await this.#appendAgain(client, isWanted)
      } finally {
        release()
      }
    }
    return isDone
  }

  /** Its tab may have lived on since the rows were read, and moved them or had them stamped: the store is asked again. */
  async #appendAgain(client: ClientId, isWanted: (row: OutboxRow) => boolean): Promise<void> {
    const isOwn = this.#clients.has(client)
    const kept = isOwn ? [] : (await this.local.storage.outbox(this.#id)).filter(({ failed }) => failed === undefined)
    const due: OutboxRow[] = []
    for (const row of this.#isLeft ? [] : this.outbox.open()) {
      if (row.client !== client || !isWanted(row)) continue
      if (isOwn || isAmong(kept, row)) due.push(row)
      else this.outbox.overlook(row)
    }
    // At once: nobody sees any of them in two places, and what was taken back in none (SPEC UNSENT1).
    this.doc.transact(() => {
      for (const row of due) {
        this.append(row.payload)
        this.outbox.forget(row)
      }
      takeBackAgain(this, this.#user, due)
    })
    // The next tab that gets the lock must not find them.
    await this.outbox.flushed()
  }

  /** Nothing is appended by itself any more. */
  leave(): void {
    this.#isLeft = true
  }

  async flushed(): Promise<void> {
    await this.outbox.flushed()
    await this.local.cache.flushed().catch((error: unknown) => {
      this.#onStorageFailure(error)
      throw error
    })
  }

  /** Rejects nothing: what its copy lacks the outbox still has, for rows go only behind `flushed`. */
  async close(): Promise<void> {
    this.leave()
    await this.outbox.flushed()
    await this.#following
    await this.local.cache.close().catch(this.#onStorageFailure)
    this.#chain.release()
    this.local.doc.destroy()
  }

  async #changeChain(client: ClientId): Promise<void> {
    const { storage } = this.local
    const old = this.#chain
    await storage.removePool(this.#id, old.client)
    const release = await storage.lockChain(this.#id, client)
    old.release()
    this.#chain = { client, release: release ?? (() => undefined) }
  }
}
