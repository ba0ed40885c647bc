/** An open conversation: what it shows, derived from its document, its outbox and its archive, and what is done in it. */

import type { Access } from '../shared/chat/access.ts'
import type { MessageId } from '../shared/chat/entry.ts'
import { isPrivateConversation } from '../shared/chat/private-conversation.ts'
import type { ConversationId, UserId } from '../shared/sync/ids.ts'
import type {
  ChatMessage,
  Conversation,
  ConversationInfo,
  ConversationStatus,
  Draft,
  FailedChange,
  Keep,
  MessageReceipts,
  ReadableStore,
  StorageStatus,
} from './api.ts'
import { Author, draftOf } from './author.ts'
import { OpenReceipts } from './delivery/open-receipts.ts'
import type { ReceiptsSetting } from './delivery/own-receipts.ts'
import { describeConversation, sameStatus } from './describe-conversation.ts'
import { DocumentKeeper, type DocumentKeeperDeps } from './document-keeper.ts'
import { FailedEntries } from './failed-entries.ts'
import { OpenArchive } from './history/open-archive.ts'
import type { ArchiveSource } from './history/page-cache.ts'
import type { LostCode } from './lost-code.ts'
import type { OpenDocument } from './open-document.ts'
import type { OpenPresence } from './presence/open-presence.ts'
import type { OwnCounts } from './rest-answers.ts'
import { createStore, type Store } from './store.ts'
import type { UnreadCounts } from './unread.ts'

export interface OpenConversationDeps extends Pick<
  DocumentKeeperDeps,
  'id' | 'user' | 'local' | 'connect' | 'draw' | 'lookUpChain'
> {
  /** What the device knows of it beside the document: shown until the server's first record has arrived. */
  readonly beforehand: () => Pick<ConversationInfo, 'title' | 'access' | 'members'> & Partial<UnreadCounts>
  /** What the server has of its archive. */
  readonly archive: ArchiveSource
  /** What there is to read, as the server counts it. */
  readonly counts: () => Promise<OwnCounts>
  readonly keep: () => Keep
  /** Resolves when `keep` answers it. */
  readonly onKeep: (keep: Keep | undefined) => Promise<void>
  readonly presence: OpenPresence
  readonly receipts: ReceiptsSetting
  readonly onPageKept: () => void
  readonly onPageFailure: (error: unknown) => void
  /** The device's clock in ms. */
  readonly now: () => number
  readonly onChange: (conversation: OpenConversation) => void
  readonly onClose: () => void
}

export class OpenConversation implements Conversation {
  readonly id: ConversationId
  readonly #user: UserId
  readonly #deps: OpenConversationDeps
  readonly #keeper: DocumentKeeper
  readonly #author: Author
  readonly #archive: OpenArchive
  readonly #receipts: OpenReceipts
  readonly #messages = createStore<readonly ChatMessage[]>([])
  readonly #info: Store<ConversationInfo>
  readonly #status: Store<ConversationStatus>
  readonly #failed: FailedEntries
  #storageStatus: StorageStatus
  #closing: Promise<void> | undefined

  constructor(deps: OpenConversationDeps) {
    const { id, user, local } = deps
    this.id = id
    this.#user = user
    this.#deps = deps
    this.#storageStatus = local.storage.status
    this.#keeper = new DocumentKeeper({
      ...deps,
      shown: () => this.#messages.getSnapshot(),
      onChange: () => this.#show(),
      onStatus: () => this.#showStatus(),
      onStorageFailure: (error) => this.#noteStorageFailure(error),
    })
    this.#failed = new FailedEntries({ document: () => this.document, isBarred: () => this.#isBarred })
    this.#author = new Author({
      user,
      now: deps.now,
      document: () => this.#writable(),
      archived: (message) => this.#archive.history.message(message),
      isPrivate: isPrivateConversation(id),
      hasOlderUnread: () => this.#archive.hasUnread(),
    })
    this.#receipts = new OpenReceipts({
      ...deps,
      document: () => this.document,
      author: this.#author,
      archived: (message) => this.#archive.history.message(message),
      isLive: () => this.#keeper.status.phase === 'live',
      isBarred: () => this.lost !== undefined,
      hasUnread: () => this.unread.unread > 0,
      onAdvance: () => this.#show(),
    })
    const { unread: _unread, mentions: _mentions, ...known } = deps.beforehand()
    this.#archive = new OpenArchive({
      ...deps,
      listed: () => {
        const { unread, mentions = 0 } = deps.beforehand()
        return unread === undefined ? undefined : { unread, mentions }
      },
      store: local.storage.pages,
      folded: () => this.#receipts.view(),
      isConnected: () => this.#keeper.status.phase === 'live',
      onChange: () => this.#show(),
    })
    this.#info = createStore<ConversationInfo>({ id, ...known })
    this.#status = createStore<ConversationStatus>(this.#currentStatus())
    this.#keeper.start()
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

  get failedChanges(): Conversation['failedChanges'] {
    return this.#failed.changes
  }

  get history(): Conversation['history'] {
    return this.#archive.history.status
  }

  get presence(): OpenPresence {
    return this.#deps.presence
  }

  /** Own entries whose fate is open. */
  get unsent(): number {
    return this.document.outbox.size()
  }

  /** What is shown, until it is replaced. */
  get document(): OpenDocument {
    return this.#keeper.document
  }

  /** Why the server does not let this user open it, as far as is known: without a connection nobody knows better. */
  get lost(): LostCode | undefined {
    return this.#keeper.lost
  }

  get isClosing(): boolean {
    return this.#closing !== undefined
  }

  /** Seq up to which the user has read as known here, whether or not others were told; -1 before the first. */
  get readThrough(): number {
    return this.#receipts.readThrough
  }

  /** How much there is to read. */
  get unread(): UnreadCounts {
    return this.#archive.unread()
  }

  /** What was said last, failed messages aside, and when in ms. */
  get newest(): { readonly lastMessage: string; readonly updatedAt: number } | undefined {
    const { pending, sent } = this.document.replica.folded
    const waiting = this.#isBarred ? pending.findLast(({ user }) => user !== this.#user) : pending.at(-1)
    if (waiting !== undefined) return { lastMessage: waiting.content, updatedAt: waiting.writtenAt }
    const last = sent.at(-1)
    return last && { lastMessage: last.content, updatedAt: last.createdAt }
  }

  send(message: string | Draft): MessageId {
    const id = this.#author.send(message)
    this.presence.typing(false)
    this.showNewest()
    return id
  }

  setTitle(title: string | null): void {
    this.#author.setTitle(title)
  }

  setMember(user: string, access: Access | null): void {
    this.#author.setMember(user, access)
  }

  edit(id: MessageId, content: string): void {
    this.#author.edit(id, content)
  }

  redact(id: MessageId): void {
    this.#author.redact(id)
  }

  react(id: MessageId, emoji: string, on = true): void {
    this.#author.react(id, emoji, on)
  }

  pin(id: MessageId, on = true): void {
    this.#author.pin(id, on)
  }

  markRead(through?: number): void {
    this.#receipts.markRead(through)
  }

  receipts(id: MessageId): ReadableStore<MessageReceipts> {
    return this.#receipts.of(id)
  }

  /** How far the user has come is told now, not when it would be its turn. */
  tellReceipts(): void {
    this.#receipts.tell()
  }

  retry(id: MessageId): MessageId {
    const failed = this.#failed.message(id)
    if (failed === undefined) throw new TypeError('there is no failed message with this id')
    const again = this.send(draftOf(failed))
    this.discard(id)
    return again
  }

  copy(id: MessageId): Draft {
    const failed = this.#failed.message(id)
    return failed === undefined ? this.#author.copy(id) : draftOf(failed)
  }

  discard(id: MessageId): void {
    if (this.#failed.discard(id)) this.#show()
  }

  loadOlder(count = 50): Promise<number> {
    return this.#archive.history.loadOlder(count)
  }

  loadNewer(count = 50): Promise<number> {
    return this.#archive.history.loadNewer(count)
  }

  loadAround(seq: number, count = 50): Promise<void> {
    return this.#archive.history.loadAround(seq, count)
  }

  showNewest(): void {
    this.#archive.history.showNewest()
  }

  firstUnread(): number | undefined {
    return this.#archive.firstUnread()
  }

  setKeep(keep: Keep | undefined): void {
    void this.#deps.onKeep(keep).then(() => this.#archive.history.look())
  }

  dismiss(change: FailedChange): void {
    if (this.#failed.dismiss(change)) this.#show()
  }

  /** More of its archive is kept on the device, not by its own doing. */
  noteKept(): void {
    this.#archive.history.noteKept()
  }

  /** Tries once more after a refusal: what was the reason is gone. */
  reconnect(): void {
    this.#keeper.reconnect()
  }

  flush(): Promise<void> {
    return this.document.flushed()
  }

  close(): Promise<void> {
    if (this.#closing === undefined) this.#receipts.close()
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#archive.close()
    this.presence.close()
    await this.#keeper.close()
    this.#deps.onClose()
  }

  #writable(): OpenDocument {
    if (this.#closing !== undefined) throw new Error('the conversation is closed')
    return this.document
  }

  /** The server takes nothing more from this user here. */
  get #isBarred(): boolean {
    return this.lost === 'no-access' || this.lost === 'deleted'
  }

  #show(): void {
    const { replica, timeline, outbox } = this.document
    this.#archive.take(replica.fold.takeArchived())
    this.#info.set(describeConversation(this.id, this.#user, replica.folded, this.#info.getSnapshot()))
    this.#messages.set(
      timeline.messages(replica.folded, outbox.failed(), this.#isBarred, this.#archive.history.shown(), replica.marks),
    )
    this.#failed.look()
    this.presence.wrote(replica.folded.sent.at(-1))
    this.#showStatus()
    this.#deps.onChange(this)
  }

  #currentStatus(): ConversationStatus {
    const own = this.document.replica.folded.pending.filter(({ user }) => user === this.#user)
    const pending = this.#isBarred ? 0 : own.length
    return { connection: this.#keeper.status, storage: this.#storageStatus, pending }
  }

  #showStatus(): void {
    this.#receipts.look()
    const status = this.#currentStatus()
    if (sameStatus(this.#status.getSnapshot(), status)) return
    // Before whoever has it open for no other reason than to bring it up to date closes it.
    this.#archive.look()
    this.#status.set(status)
  }

  #noteStorageFailure(error: unknown): void {
    this.#storageStatus = { phase: 'memory', reason: error instanceof Error ? error.message : String(error) }
    this.#showStatus()
  }
}
