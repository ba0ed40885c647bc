/** An open conversation: what it shows, derived from its document, its outbox and its archive, and what is done in it. */

import type { MessageId } from '../shared/chat/entry.ts'
import type { ConversationId, UserId } from '../shared/sync/ids.ts'
import {
  type ChatMessage,
  type Conversation,
  type ConversationInfo,
  type ConversationStatus,
  type Draft,
  type EventRun,
  type FailedChange,
  type GoneReason,
  type Keep,
  type MessageReceipts,
  type ReadableStore,
  Refusal,
  type StorageStatus,
  type Version,
} from './api.ts'
import { describeConversation, sameStatus } from './describe-conversation.ts'
import { goneReason, type LostCode } from './lost-code.ts'
import type { OpenDocument } from './open-document.ts'
import { createParts, type OpenParts, type OpenPartsDeps } from './open-parts.ts'
import type { OpenPresence } from './presence/open-presence.ts'
import { createStore, type Store } from './store.ts'
import type { UnreadCounts } from './unread.ts'
import { findVersions } from './versions.ts'
import { createTakeBack, takeBackRedacted, type TakeBack } from './withdraw.ts'

export interface OpenConversationDeps extends OpenPartsDeps {
  /** On the server; rejects when that does not. */
  readonly deleteIt: () => Promise<void>
  readonly onChange: (conversation: OpenConversation) => void
  readonly onClose: () => void
  /** The user has written a message, in a thread or in none. */
  readonly onSent?: (thread: MessageId | undefined) => void
  /** The user has looked at what is there. */
  readonly onLooked?: () => void
}

export class OpenConversation implements Conversation {
  readonly id: ConversationId
  readonly user: UserId
  readonly #deps: OpenConversationDeps
  readonly #parts: OpenParts
  readonly #messages = createStore<readonly ChatMessage[]>([])
  readonly messages: Conversation['messages'] = this.#messages
  readonly #info: Store<ConversationInfo>
  readonly #status: Store<ConversationStatus>
  readonly message: Conversation['message'] = (id) => this.#parts.single.message(id)
  readonly quote: Conversation['quote'] = (id) => this.#parts.single.quote(id)
  readonly thread: Conversation['thread'] = (root) => this.#parts.threads.of(root)
  readonly setTitle: Conversation['setTitle'] = (title) => this.#parts.author.setTitle(title)
  readonly set: Conversation['set'] = (key, value) => this.#parts.author.set(key, value)
  readonly setMember: Conversation['setMember'] = (user, access) => this.#parts.author.setMember(user, access)
  readonly edit: Conversation['edit'] = (id, content) => this.#parts.author.edit(id, content)
  readonly redact: Conversation['redact'] = (id) => this.#parts.author.redact(id)
  readonly react: Conversation['react'] = (id, emoji, on = true) => this.#parts.author.react(id, emoji, on)
  readonly pin: Conversation['pin'] = (id, on = true) => this.#parts.author.pin(id, on)
  readonly loadOlder: Conversation['loadOlder'] = (count = 50) => this.#parts.archive.history.loadOlder(count)
  readonly loadNewer: Conversation['loadNewer'] = (count = 50) => this.#parts.archive.history.loadNewer(count)
  readonly loadAround: Conversation['loadAround'] = (seq, count = 50) =>
    this.#parts.archive.history.loadAround(seq, count)
  readonly showNewest: Conversation['showNewest'] = () => this.#parts.archive.history.showNewest()
  readonly #takeBack: TakeBack
  #storageStatus: StorageStatus
  #closing: Promise<void> | undefined
  #isForgotten = false

  constructor(deps: OpenConversationDeps) {
    const { id, user, local } = deps
    this.id = id
    this.user = user
    this.#deps = deps
    this.#storageStatus = local.storage.status
    this.#takeBack = createTakeBack(user)
    this.#parts = createParts(deps, {
      shown: () => this.#messages.getSnapshot(),
      writable: () => this.#writable(),
      isBarred: () => this.isBarred,
      isLost: () => this.lost !== undefined,
      unread: () => this.unread,
      send: (draft) => this.send(draft),
      onLooked: () => deps.onLooked?.(),
      onChange: () => this.#show(),
      onStatus: () => this.#showStatus(),
      onStorageFailure: (error) => this.#noteStorageFailure(error),
    })
    const { unread: _unread, mentions: _mentions, ...known } = deps.beforehand()
    this.#info = createStore<ConversationInfo>({ id, ...known })
    this.#status = createStore<ConversationStatus>(this.#currentStatus())
    takeBackRedacted(this.document)
    this.#parts.keeper.start()
  }

  get events(): Conversation['events'] {
    return this.#parts.events.store
  }

  /** What is to be kept of them. */
  get knownEvents(): EventRun | undefined {
    return this.#parts.events.known
  }

  get threads(): Conversation['threads'] {
    return this.#parts.threads.list
  }

  get pins(): Conversation['pins'] {
    return this.#parts.pins.store
  }

  get info(): Conversation['info'] {
    return this.#info
  }

  get status(): Conversation['status'] {
    return this.#status
  }

  get failedChanges(): Conversation['failedChanges'] {
    return this.#parts.failed.changes
  }

  get history(): Conversation['history'] {
    return this.#parts.archive.history.status
  }

  get presence(): OpenPresence {
    return this.#deps.presence
  }

  get invitations(): Conversation['invitations'] {
    return this.#deps.invitations
  }

  /** Own entries whose fate is open. */
  get unsent(): number {
    return this.document.outbox.size()
  }

  /** What is shown, until it is replaced. */
  get document(): OpenDocument {
    return this.#parts.keeper.document
  }

  /** Why the server does not let this user open it, as far as is known: without a connection nobody knows better. */
  get lost(): LostCode | undefined {
    return this.#parts.keeper.lost
  }

  /** The server takes nothing more from this user here. */
  get isBarred(): boolean {
    return this.gone !== undefined
  }

  get gone(): GoneReason | undefined {
    return goneReason(this.lost)
  }

  get isClosing(): boolean {
    return this.#closing !== undefined
  }

  /** Seq up to which the user has read as known here, whether or not others were told; -1 before the first. */
  get readThrough(): number {
    return this.#parts.receipts.readThrough
  }

  /** How much there is to read. */
  get unread(): UnreadCounts {
    return this.#parts.archive.unread()
  }

  send(message: string | Draft): MessageId {
    const id = this.#send(message)
    this.#deps.onSent?.(typeof message === 'string' ? undefined : message.thread)
    return id
  }

  /** Of private state: any JSON, by key. */
  get settings(): ReadonlyMap<string, unknown> {
    return this.document.replica.folded.settings
  }

  /** Throws as `set` would, and writes nothing. */
  assertSettable(key: string, value: unknown): void {
    this.#parts.author.assertSettable(key, value)
  }

  versions(id: MessageId): Promise<readonly Version[]> {
    return findVersions(this.user, this.document, id, this.#deps.versions)
  }

  markRead(through?: number): void {
    this.#parts.receipts.markRead(through)
    this.#deps.onLooked?.()
  }

  /** The user has read up to a seq on another device, which tells nobody else: all, or a thread. */
  noteRead(through: number, thread?: MessageId): void {
    this.#parts.receipts.noteRead(through, thread)
  }

  receipts(id: MessageId): ReadableStore<MessageReceipts> {
    return this.#parts.receipts.of(id)
  }

  /** How far the user has come is told now, not when it would be its turn. */
  tellReceipts(): void {
    this.#parts.receipts.tell()
  }

  retry(id: MessageId): MessageId {
    const draft = this.#parts.failed.draft(id)
    if (draft === undefined) throw new TypeError('there is no failed message with this id')
    const again = this.#send(draft)
    this.discard(id)
    return again
  }

  copy(id: MessageId): Draft {
    return this.#parts.failed.draft(id) ?? this.#parts.author.copy(id)
  }

  discard(id: MessageId): void {
    if (this.#parts.failed.discard(id)) this.#show()
  }

  firstUnread(): number | undefined {
    return this.#parts.archive.firstUnread()
  }

  setKeep(keep: Keep | undefined): void {
    void this.#deps.onKeep(keep).then(() => this.#parts.archive.history.look())
  }

  dismiss(change: FailedChange): void {
    if (this.#parts.failed.dismiss(change)) this.#show()
  }

  async delete(): Promise<void> {
    const { access = 'owner' } = this.#info.getSnapshot()
    if (access !== 'owner') throw new Refusal('access')
    await this.#deps.deleteIt()
  }

  /** More of its archive is kept on the device, not by its own doing. */
  noteKept(): void {
    this.#parts.archive.history.noteKept()
  }

  /** Tries once more after a refusal: what was the reason is gone. */
  reconnect(): void {
    this.#parts.keeper.reconnect()
  }

  flush(): Promise<void> {
    return this.document.flushed()
  }

  close(): Promise<void> {
    if (this.#closing === undefined) this.#parts.receipts.close()
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Closes it and shows nothing of it any more: what is kept of it is about to go. */
  async forget(): Promise<void> {
    await this.close()
    this.#isForgotten = true
    this.#messages.set([])
    const { pins, threads, single, events, failed } = this.#parts
    for (const part of [pins, threads, single, events, failed]) part.forget()
    this.#info.set({ id: this.id, title: null, access: undefined, members: [], settings: new Map() })
  }

  #send(message: string | Draft): MessageId {
    const id = this.#parts.author.send(message)
    this.presence.typing(false)
    this.showNewest()
    return id
  }

  async #close(): Promise<void> {
    this.#parts.archive.close()
    this.#parts.events.close()
    this.presence.close()
    this.#parts.single.quotes.close()
    await this.#parts.keeper.close()
    this.#deps.onClose()
  }

  #writable(): OpenDocument {
    if (this.#closing !== undefined) throw new Error('the conversation is closed')
    return this.document
  }

  #show(): void {
    // What was still on its way may come all the same.
    if (this.#isForgotten) return
    if (this.#closing === undefined) this.#takeBack(this.document)
    const { replica, timeline, outbox } = this.document
    const archived = replica.fold.takeArchived()
    this.#parts.archive.take(archived)
    this.#info.set(describeConversation(this.id, this.user, replica.folded, this.#info.getSnapshot(), this.gone))
    this.#messages.set(
      timeline.messages(
        replica.folded,
        outbox.failed(),
        this.isBarred,
        this.#parts.archive.history.shown(),
        replica.marks,
      ),
    )
    this.#parts.events.take(archived)
    this.#parts.pins.look()
    const changed = this.#parts.single.note(archived)
    this.#parts.threads.note(changed, archived)
    this.#parts.failed.look()
    this.presence.wrote(replica.folded.sent.at(-1))
    this.#showStatus()
    // What comes later is no news of the conversation: it may have moved on since, and be open once more.
    if (this.#closing === undefined) this.#deps.onChange(this)
  }

  #currentStatus(): ConversationStatus {
    const pending = this.isBarred ? 0 : this.document.pending
    return { connection: this.#parts.keeper.status, storage: this.#storageStatus, pending }
  }

  #showStatus(): void {
    this.#parts.receipts.look()
    const status = this.#currentStatus()
    if (sameStatus(this.#status.getSnapshot(), status)) return
    // Before whoever has it open for no other reason than to bring it up to date closes it.
    this.#parts.archive.look()
    this.#parts.events.look()
    this.#parts.single.quotes.look()
    this.#parts.threads.look()
    this.#status.set(status)
  }

  #noteStorageFailure(error: unknown): void {
    this.#storageStatus = { phase: 'memory', reason: error instanceof Error ? error.message : String(error) }
    this.#showStatus()
  }
}
