/**
 * An open conversation: its document, the fold over it, the outbox, the connection. Owns their life cycle; what it shows
 * is derived and never kept.
 */

import type { Access } from '../shared/chat/access.ts'
import type { KnownEntry, MessageId } from '../shared/chat/entry.ts'
import { judge } from '../shared/chat/policy.ts'
import { faults } from '../shared/fault.ts'
import { limits } from '../shared/limits.ts'
import { type ConversationId, parseUserId, type UserId } from '../shared/sync/ids.ts'
import {
  type ChatMessage,
  type ConnectionStatus,
  type Conversation,
  type ConversationInfo,
  type ConversationStatus,
  type Draft,
  Refusal,
  type StorageStatus,
} from './api.ts'
import type { LocalConversation } from './local-conversation.ts'
import { type LostCode, lostCodeOf } from './lost-code.ts'
import { OpenDocument } from './open-document.ts'
import { assertDraft, assertTitle, drawMessageId, encodeOwn } from './own-entry.ts'
import { type ConnectDocument, type Rebuild, startRebuild } from './rebuild.ts'
import { createStore, type Store } from './store.ts'
import type { Connection } from './sync/connection.ts'
import type { DrawClientId } from './sync/own-chain.ts'
import { countUnread } from './unread.ts'
import { findOpenMessage, type OpenMessage, withdraw } from './withdraw.ts'

export interface OpenConversationDeps {
  readonly id: ConversationId
  readonly user: UserId
  readonly local: LocalConversation
  /** What the device knows of it beside the document: shown until the server's first record has arrived. */
  readonly beforehand: () => Pick<ConversationInfo, 'title' | 'access' | 'members'>
  /** Connects a document; called again when Yjs has renamed it, and for each document that is built anew. */
  readonly connect: ConnectDocument
  readonly draw: DrawClientId
  /** The device's clock in ms. */
  readonly now: () => number
  readonly onChange: (conversation: OpenConversation) => void
  readonly onClose: () => void
}

export class OpenConversation implements Conversation {
  readonly id: ConversationId
  readonly #deps: OpenConversationDeps
  readonly #messages = createStore<readonly ChatMessage[]>([])
  readonly #info: Store<ConversationInfo>
  readonly #status: Store<ConversationStatus>
  #document: OpenDocument
  #connection: Connection | undefined
  #connectionStatus: ConnectionStatus = { phase: 'connecting' }
  #storageStatus: StorageStatus
  #lost: LostCode | undefined
  /** Counts connections: what an earlier one says is not heard any more. */
  #turn = 0
  #rebuild: Rebuild | undefined
  /** Since everything was live and sent. */
  #rebuilds = 0
  /** Settles when documents that were replaced are closed. */
  #left: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | undefined

  constructor(deps: OpenConversationDeps) {
    const { id, user, local } = deps
    this.id = id
    this.#deps = deps
    this.#storageStatus = local.storage.status
    const onStorageFailure = (error: unknown): void => this.#noteStorageFailure(error)
    this.#document = new OpenDocument({ id, user, local, onStorageFailure })
    this.#info = createStore<ConversationInfo>({ id, ...deps.beforehand() })
    this.#status = createStore<ConversationStatus>(this.#currentStatus())
    this.#take(this.#document)
    if (this.#rebuild === undefined) this.#connect()
  }

  get messages(): Conversation['messages'] {
    return this.#messages
  }

  get info(): Conversation['info'] {
    return this.#info
  }

  get status(): Conversation['status'] {
    return this.#status
  }

  /** Own entries whose fate is open. */
  get unsent(): number {
    return this.#document.outbox.size()
  }

  /** What is shown, until it is replaced. */
  get document(): OpenDocument {
    return this.#document
  }

  /** Why the server does not let this user open it, as far as is known: without a connection nobody knows better. */
  get lost(): LostCode | undefined {
    return this.#lost
  }

  get isClosing(): boolean {
    return this.#closing !== undefined
  }

  /** Others' messages after the own read register. */
  get unread(): number {
    return countUnread(this.#document.replica.folded, this.#deps.user)
  }

  send(message: string | Draft): MessageId {
    const draft: Draft = typeof message === 'string' ? { content: message } : message
    assertDraft(draft)
    const id = drawMessageId(this.#deps.now())
    const { content, role = 'user', ...rest } = draft
    this.#append({ kind: 'message', id, role, content, at: this.#deps.now(), ...rest })
    return id
  }

  setTitle(title: string | null): void {
    assertTitle(title)
    this.#append({ kind: 'set', key: 'title', value: title })
  }

  setMember(user: string, access: Access | null): void {
    const member = parseUserId(user)
    if (member === undefined) throw new TypeError('a user id is 1–128 visible ASCII characters other than /')
    this.#append({ kind: 'member', user: member, access })
  }

  markRead(): void {
    const { user } = this.#deps
    const { sent, members, reads } = this.#document.replica.folded
    const through = sent.findLast((message) => message.user !== user)?.seq ?? -1
    if (members.has(user) && through > (reads.get(user) ?? -1)) this.#append({ kind: 'read', through })
  }

  retry(id: MessageId): MessageId {
    const failed = this.#document.outbox.failed().find(({ entry }) => entry.id === id) ?? this.#findBarred(id)
    if (failed === undefined) throw new TypeError('there is no failed message with this id')
    const { kind: _kind, id: _id, at: _at, status: _status, ...draft } = failed.entry
    const again = this.send(draft)
    this.discard(id)
    return again
  }

  discard(id: MessageId): void {
    const barred = this.#findBarred(id)
    if (barred !== undefined) withdraw(this.#document, barred)
    if (barred !== undefined || this.#document.outbox.discard(id) !== undefined) this.#show()
  }

  /** Tries once more after a refusal: what was the reason is gone. */
  reconnect(): void {
    if (this.#closing !== undefined || this.#connectionStatus.phase !== 'refused') return
    this.#tell({ phase: 'connecting' })
    const rebuild = this.#rebuild
    if (rebuild === undefined) return this.#connect()
    void rebuild.close().then(() => {
      if (this.#rebuild === undefined && this.#closing === undefined) this.#connect()
    })
  }

  flush(): Promise<void> {
    return this.#document.flushed()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#disconnect()
    this.#tell({ phase: 'closed' })
    await this.#rebuild?.close()
    await this.#left
    await this.#document.close()
    this.#deps.onClose()
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

  #append(entry: KnownEntry): void {
    if (this.#closing !== undefined) throw new Error('the conversation is closed')
    const { replica } = this.#document
    const payload = encodeOwn(entry)
    const { folded } = replica
    const reason = folded.genesis && judge(replica.fold.policyView(folded), this.#deps.user, entry)
    if (reason !== undefined) throw new Refusal(reason)
    this.#document.append(payload)
  }

  /** Shows a document from now on, until it is replaced. */
  #take(document: OpenDocument): void {
    const { doc, cache } = document.local
    const isShown = (): boolean => this.#document === document && this.#closing === undefined
    this.#document = document
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
    const agrees = outbox.settle(replica.fold)
    // Where a rebuild was refused, `reconnect` begins the next.
    const isOver = this.#connection === undefined && this.#connectionStatus.phase === 'refused'
    if ((replica.isOutdated || !agrees) && !isOver) this.#startRebuild()
    else if (this.#connectionStatus.phase === 'live' && outbox.size() === 0) this.#rebuilds = 0
    this.#show()
  }

  #hear(status: ConnectionStatus): void {
    const isForked = status.phase === 'refused' && (status.code === 'forked' || status.code === 'client-taken')
    if (isForked && this.#rebuild === undefined) return this.#startRebuild()
    this.#tell(status)
    if (status.phase !== 'live') return
    const show = (): void => (this.#closing === undefined ? this.#show() : undefined)
    this.#document.adoptOrphans().then(show, (error: unknown) => this.#noteStorageFailure(error))
  }

  #tell(status: ConnectionStatus): void {
    this.#connectionStatus = status
    const before = this.#lost
    this.#lost = status.phase === 'live' ? undefined : (lostCodeOf(status) ?? before)
    if (this.#lost === before) this.#showStatus()
    else this.#show()
  }

  /** The server takes nothing more from this user here. */
  get #isBarred(): boolean {
    return this.#lost === 'no-access' || this.#lost === 'deleted'
  }

  /** A message that cannot go out any more, and that the server has said nothing of. */
  #findBarred(id: MessageId): OpenMessage | undefined {
    return this.#isBarred ? findOpenMessage(this.#document, id) : undefined
  }

  /** What this device holds is not what the server has: nothing it would send from here on could be trusted. */
  #startRebuild(): void {
    if (this.#rebuild !== undefined || this.#closing !== undefined) return
    this.#disconnect()
    if (this.#rebuilds >= limits.rebuildsInARow) {
      if (this.#connectionStatus.phase !== 'refused')
        this.#tell({ phase: 'refused', code: 'forked', reason: faults.forked.text })
      return
    }
    this.#rebuilds++
    const { id, user, draw, connect } = this.#deps
    const rebuild = startRebuild({
      id,
      user,
      draw,
      connect,
      old: this.#document,
      shown: () => this.#messages.getSnapshot(),
      onStatus: this.#listener(),
      onReady: (document, connection) => {
        this.#rebuild = undefined
        this.#left = Promise.all([this.#left, rebuild.ended])
        this.#connection = connection
        this.#take(document)
      },
      onStorageFailure: (error) => this.#noteStorageFailure(error),
    })
    this.#rebuild = rebuild
    void rebuild.ended.then(() => {
      if (this.#rebuild !== rebuild) return
      this.#rebuild = undefined
      this.#rebuilds--
    })
  }

  #show(): void {
    const { replica, timeline, outbox } = this.#document
    this.#info.set(this.#currentInfo())
    this.#messages.set(timeline.messages(replica.folded, outbox.failed(), this.#isBarred))
    this.#showStatus()
    this.#deps.onChange(this)
  }

  #currentInfo(): ConversationInfo {
    const before = this.#info.getSnapshot()
    const { genesis, title, members } = this.#document.replica.folded
    if (genesis === undefined) return before
    const access = members.get(this.#deps.user)
    const list = [...members].map(([user, held]) => ({ user, access: held }))
    const same = before.title === title && before.access === access && sameMembers(before.members, list)
    return same ? before : { id: this.id, title, access, members: list }
  }

  #currentStatus(): ConversationStatus {
    const own = this.#document.replica.folded.pending.filter(({ user }) => user === this.#deps.user)
    const pending = this.#isBarred ? 0 : own.length
    return { connection: this.#connectionStatus, storage: this.#storageStatus, pending }
  }

  #showStatus(): void {
    const before = this.#status.getSnapshot()
    const status = this.#currentStatus()
    const same =
      before.connection === status.connection && before.storage === status.storage && before.pending === status.pending
    if (!same) this.#status.set(status)
  }

  #noteStorageFailure(error: unknown): void {
    this.#storageStatus = { phase: 'memory', reason: error instanceof Error ? error.message : String(error) }
    this.#showStatus()
  }
}

function sameMembers(a: ConversationInfo['members'], b: ConversationInfo['members']): boolean {
  return a.length === b.length && a.every(({ user, access }, at) => user === b[at]?.user && access === b[at]?.access)
}
