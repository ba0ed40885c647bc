/**
 * Which document of a conversation is shown and written to, and what connects it: a document that has forked, or knows of a
 * later epoch, is built anew and replaced. Owns their life cycle; what is shown of them is for others.
 */

import { faults } from '../shared/fault.ts'
import { limits } from '../shared/limits.ts'
import type { ConversationId, UserId } from '../shared/sync/ids.ts'
import type { ChatMessage, ConnectionStatus } from './api.ts'
import type { LookUpChain } from './fates.ts'
import type { LocalConversation } from './local-conversation.ts'
import { type LostCode, lostCodeOf } from './lost-code.ts'
import { OpenDocument } from './open-document.ts'
import { Outcomes } from './outcomes.ts'
import { type ConnectDocument, type Rebuild, startRebuild } from './rebuild.ts'
import type { OutboxRow } from './storage/client-storage.ts'
import type { Connection } from './sync/connection.ts'
import type { DrawClientId } from './sync/own-chain.ts'

export interface DocumentKeeperDeps {
  readonly id: ConversationId
  readonly user: UserId
  readonly local: LocalConversation
  /** What the server said when it was last asked. */
  readonly lost: LostCode | undefined
  /** Connects a document; called again when Yjs has renamed it, and for each document that is built anew. */
  readonly connect: ConnectDocument
  readonly draw: DrawClientId
  /** What the server says of an own chain. */
  readonly lookUpChain: LookUpChain
  readonly shown: () => readonly ChatMessage[]
  /** The document has changed, or another takes its place, or what the server says of this user. */
  readonly onChange: () => void
  readonly onStatus: () => void
  readonly onStorageFailure: (error: unknown) => void
}

export class DocumentKeeper {
  readonly #deps: DocumentKeeperDeps
  #document: OpenDocument
  #outcomes: Outcomes | undefined
  #connection: Connection | undefined
  #status: ConnectionStatus = { phase: 'connecting' }
  #lost: LostCode | undefined
  /** Counts connections: what an earlier one says is not heard any more. */
  #turn = 0
  #rebuild: Rebuild | undefined
  /** Since everything was live and sent. */
  #rebuilds = 0
  /** Settles when documents that were replaced are closed. */
  #left: Promise<unknown> = Promise.resolve()
  #isLookingAgain = false
  /** Rows of chains that another tab had when it was looked last. */
  #orphansLeft = false
  #isClosed = false

  constructor(deps: DocumentKeeperDeps) {
    this.#deps = deps
    const { id, user, local, onStorageFailure } = deps
    this.#lost = deps.lost
    this.#document = new OpenDocument({ id, user, local, onStorageFailure })
  }

  /** Shows and connects what there is. */
  start(): void {
    this.#take(this.#document)
    if (this.#rebuild === undefined) this.#connect()
  }

  /** What is shown, until it is replaced. */
  get document(): OpenDocument {
    return this.#document
  }

  get status(): ConnectionStatus {
    return this.#status
  }

  /** Why the server does not let this user open it, as far as is known: without a connection nobody knows better. */
  get lost(): LostCode | undefined {
    return this.#lost
  }

  /** Tries once more after a refusal: what was the reason is gone. */
  reconnect(): void {
    if (this.#isClosed || this.#status.phase !== 'refused') return
    this.#tell({ phase: 'connecting' })
    const rebuild = this.#rebuild
    if (rebuild === undefined) return this.#connect()
    void rebuild.close().then(() => {
      if (this.#rebuild === undefined && !this.#isClosed) this.#connect()
    })
  }

  /**
   * Something was taken out of the document. What waits in the gate may have it still: that never leaves, for it belongs to a
   * connection that is over, and the next one tells what is there by then (SPEC UNSENT1).
   */
  tellAnew(): void {
    if (this.#connection !== undefined && this.#document.gate.hasWaiting()) this.#connect()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#disconnect()
    this.#tell({ phase: 'closed' })
    this.#outcomes?.close()
    await this.#rebuild?.close()
    await this.#left
    await this.#document.close()
  }

  #connect(): void {
    this.#disconnect()
    this.#connection = this.#deps.connect(this.#document, this.#document.gate, this.#listener())
  }

  #disconnect(): void {
    const connection = this.#connection
    this.#connection = undefined
    this.#turn++
    connection?.close()
  }

  #listener(): (status: ConnectionStatus) => void {
    const turn = this.#turn
    return (status) => {
      if (turn === this.#turn) this.#hear(status)
    }
  }

  /** Shows a document from now on, until it is replaced. */
  #take(document: OpenDocument): void {
    const { doc, cache } = document.local
    const isShown = (): boolean => this.#document === document && !this.#isClosed
    this.#document = document
    this.#outcomes?.close()
    this.#outcomes = new Outcomes({
      document,
      lookUp: this.#deps.lookUpChain,
      random: Math.random,
      onChange: () => (isShown() ? this.#refresh() : undefined),
      onFork: () => (isShown() ? this.#startRebuild() : undefined),
    })
    this.#refresh()
    doc.on('afterTransaction', () => {
      if (isShown()) this.#refresh()
    })
    // Only by then has Yjs renamed a document that met its own id from elsewhere.
    doc.on('afterTransactionCleanup', () => {
      if (isShown() && document.followRename() && this.#rebuild === undefined) this.#connect()
    })
    const leave = (): void => {
      if (isShown()) this.#startRebuild()
    }
    cache.dropped?.then(leave, () => undefined)
  }

  #refresh(): void {
    const { replica, outbox } = this.#document
    replica.refresh()
    const forked = outbox.settle(replica.fold)
    // Where a rebuild was refused, `reconnect` begins the next.
    const isOver = this.#connection === undefined && this.#status.phase === 'refused'
    if (replica.isOutdated && !isOver) this.#startRebuild()
    else if (forked.length > 0 && !isOver) this.#lookAgain(forked)
    else if (this.#status.phase === 'live' && outbox.size() === 0) this.#rebuilds = 0
    this.#outcomes?.look(this.#status.phase === 'live')
    if (this.#orphansLeft) this.#adoptOrphans()
    this.#deps.onChange()
  }

  /** Other bytes than those of `rows` were stamped where these were written: by a fork, unless a tab took them back. */
  #lookAgain(rows: readonly OutboxRow[]): void {
    const document = this.#document
    if (rows.some(({ client }) => document.clients.has(client))) return this.#startRebuild()
    if (this.#isLookingAgain) return
    this.#isLookingAgain = true
    void document
      .overlookMoved(rows)
      .catch(this.#deps.onStorageFailure)
      .finally(() => {
        this.#isLookingAgain = false
        if (this.#document !== document || this.#isClosed) return
        if (document.outbox.settle(document.replica.fold).length > 0) this.#startRebuild()
        else this.#refresh()
      })
  }

  /** When the document has all that the server has. */
  #adoptOrphans(): void {
    const document = this.#document
    this.#orphansLeft = false
    document.adoptOrphans().then((isDone) => {
      if (this.#document !== document || this.#isClosed) return
      // With the next change: whoever holds them appends them again.
      this.#orphansLeft = !isDone
      this.#deps.onChange()
    }, this.#deps.onStorageFailure)
  }

  #hear(status: ConnectionStatus): void {
    const isForked = status.phase === 'refused' && (status.code === 'forked' || status.code === 'client-taken')
    if (isForked && this.#rebuild === undefined) return this.#startRebuild()
    this.#tell(status)
    this.#outcomes?.look(status.phase === 'live')
    if (status.phase === 'live') this.#adoptOrphans()
  }

  #tell(status: ConnectionStatus): void {
    this.#status = status
    const before = this.#lost
    this.#lost = status.phase === 'live' ? undefined : (lostCodeOf(status) ?? before)
    if (this.#lost === before) this.#deps.onStatus()
    else this.#deps.onChange()
  }

  /** What this device holds is not what the server has: nothing it would send from here on could be trusted. */
  #startRebuild(): void {
    if (this.#rebuild !== undefined || this.#isClosed) return
    this.#disconnect()
    if (this.#rebuilds >= limits.rebuildsInARow) {
      if (this.#status.phase !== 'refused') this.#tell({ phase: 'refused', code: 'forked', reason: faults.forked.text })
      return
    }
    this.#rebuilds++
    const { id, user, draw, connect, lookUpChain, shown, onStorageFailure } = this.#deps
    const rebuild = startRebuild({
      id,
      user,
      draw,
      connect,
      lookUpChain,
      shown,
      old: this.#document,
      onStatus: this.#listener(),
      onReady: (document, connection) => {
        this.#rebuild = undefined
        this.#left = Promise.all([this.#left, rebuild.ended])
        this.#connection = connection
        this.#take(document)
      },
      onStorageFailure,
    })
    this.#rebuild = rebuild
    void rebuild.ended.then(() => {
      if (this.#rebuild !== rebuild) return
      this.#rebuild = undefined
      this.#rebuilds--
    })
  }
}
