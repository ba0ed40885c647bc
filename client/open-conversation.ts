/**
 * An open conversation: its document, the fold over it, the outbox, the connection. Owns their life cycle; what it shows
 * is derived and never kept.
 */

import { v7 as uuidV7 } from 'uuid'
import type { Access } from '../shared/chat/access.ts'
import {
  encodeEntry,
  isDeeperThan,
  isTitle,
  type KnownEntry,
  type MessageId,
  parseEntry,
  parseMessageId,
  saysSomething,
  type Unreadable,
} from '../shared/chat/entry.ts'
import { ConversationFold, type Folded } from '../shared/chat/fold.ts'
import { judge } from '../shared/chat/policy.ts'
import { faults } from '../shared/fault.ts'
import { limits } from '../shared/limits.ts'
import { type ClientId, type ConversationId, parseClientId, parseUserId, type UserId } from '../shared/sync/ids.ts'
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
import { createOutbox, type Outbox } from './outbox.ts'
import { createStore, type Store } from './store.ts'
import type { Connection } from './sync/connection.ts'
import { createDocSource, type DocSource } from './sync/doc-source.ts'
import { appendOwn, nextOwnPlace } from './sync/own-chain.ts'
import { createSendGate, type SendGate } from './sync/send-gate.ts'
import { createTimeline, type Timeline } from './timeline.ts'

export interface OpenConversationDeps {
  readonly id: ConversationId
  readonly user: UserId
  readonly local: LocalConversation
  /** What the device knows of it beside the document: shown until the server's first record has arrived. */
  readonly beforehand: () => Pick<ConversationInfo, 'title' | 'access' | 'members'>
  /** Connects the document; called again when Yjs has renamed it. */
  readonly connect: (gate: SendGate, onStatus: (status: ConnectionStatus) => void) => Connection
  /** The device's clock in ms. */
  readonly now: () => number
  readonly onChange: (conversation: OpenConversation) => void
  readonly onClose: () => void
}

export class OpenConversation implements Conversation {
  readonly id: ConversationId
  readonly #deps: OpenConversationDeps
  readonly #source: DocSource
  readonly #outbox: Outbox
  readonly #timeline: Timeline
  readonly #gate = createSendGate()
  readonly #messages = createStore<readonly ChatMessage[]>([])
  readonly #info: Store<ConversationInfo>
  readonly #status: Store<ConversationStatus>
  #fold = new ConversationFold()
  #server: ClientId | undefined
  #folded: Folded
  /** What it holds the lock on. */
  #chain: LocalConversation['chain']
  /** What it appends to: that of `#chain`, except while Yjs has given the document another. */
  #client: ClientId
  #following: Promise<void> = Promise.resolve()
  #connection: Connection | undefined
  #connectionStatus: ConnectionStatus = { phase: 'connecting' }
  #storageStatus: StorageStatus
  #isForked = false
  #closing: Promise<void> | undefined

  constructor(deps: OpenConversationDeps) {
    const { id, user, local } = deps
    this.id = id
    this.#deps = deps
    this.#source = createDocSource(local.doc)
    this.#timeline = createTimeline(user)
    this.#chain = local.chain
    this.#client = local.chain.client
    this.#storageStatus = local.storage.status
    this.#outbox = createOutbox({
      storage: local.storage,
      id,
      rows: local.outbox,
      documentFlushed: local.cache.flushed,
      onFailure: (error) => this.#noteStorageFailure(error),
    })
    this.#folded = this.#fold.view(this.#source)
    this.#info = createStore<ConversationInfo>({ id, ...deps.beforehand() })
    this.#status = createStore<ConversationStatus>(this.#currentStatus())
    this.#refresh()
    local.doc.on('afterTransaction', () => {
      if (this.#closing === undefined) this.#refresh()
    })
    // Only by then has Yjs renamed a document that met its own id from elsewhere.
    local.doc.on('afterTransactionCleanup', () => {
      if (this.#closing === undefined && local.doc.clientID !== this.#client) this.#follow()
    })
    if (this.#fold.fork === undefined) this.#connection = this.#connect()
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
    return this.#outbox.size()
  }

  get isClosing(): boolean {
    return this.#closing !== undefined
  }

  /** Others' messages after the own read register. */
  get unread(): number {
    const { user } = this.#deps
    const through = this.#folded.reads.get(user) ?? -1
    let count = 0
    const { sent } = this.#folded
    for (let index = sent.length - 1; index >= 0 && count < limits.unreadCount; index--) {
      const message = sent[index]
      if (message === undefined || message.seq <= through) break
      if (message.user !== user) count++
    }
    return count
  }

  send(message: string | Draft): MessageId {
    const draft: Draft = typeof message === 'string' ? { content: message } : message
    if (!saysSomething(draft.content, draft.parts)) throw new TypeError('The message is empty.')
    // Before encoding, which recurses.
    if (isDeeperThan(draft.parts, limits.jsonDepth)) throw new TypeError('The parts are nested too deeply.')
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
    const through = this.#folded.sent.findLast((message) => message.user !== user)?.seq ?? -1
    const isMember = this.#folded.members.has(user)
    if (isMember && through > (this.#folded.reads.get(user) ?? -1)) this.#append({ kind: 'read', through })
  }

  retry(id: MessageId): MessageId {
    const failed = this.#outbox.failed().find(({ entry }) => entry.id === id)
    if (failed === undefined) throw new TypeError('there is no failed message with this id')
    const { kind: _kind, id: _id, at: _at, status: _status, ...draft } = failed.entry
    const again = this.send(draft)
    this.discard(id)
    return again
  }

  discard(id: MessageId): void {
    if (this.#outbox.discard(id) !== undefined) this.#show()
  }

  async flush(): Promise<void> {
    await this.#outbox.flushed()
    await this.#deps.local.cache.flushed()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const { local, onClose } = this.#deps
    this.#connection?.close()
    await this.#outbox.flushed()
    await this.#following
    // What its copy lacks, the outbox still has, for rows go only behind `flushed`.
    await local.cache.close().catch((error: unknown) => this.#noteStorageFailure(error))
    this.#chain.release()
    local.doc.destroy()
    onClose()
  }

  #connect(): Connection {
    return this.#deps.connect(this.#gate, (status) => {
      this.#connectionStatus = status
      this.#showStatus()
    })
  }

  /** Outbox first, then the document, and the socket only when the outbox has it (SPEC OUTBOX1). */
  #append(entry: KnownEntry): void {
    if (this.#closing !== undefined) throw new Error('the conversation is closed')
    const { doc } = this.#deps.local
    const payload = encodeEntry(entry)
    // Types do not tell lengths and depths; what nobody would take must not be shown as on its way.
    const parsed = parseEntry(payload)
    if (parsed.kind === 'unreadable') throw new TypeError(unreadableText(parsed.reason))
    const reason = this.#folded.genesis && judge(this.#fold.policyView(this.#folded), this.#deps.user, entry)
    if (reason !== undefined) throw new Refusal(reason)
    this.#gate.hold(this.#outbox.put({ ...nextOwnPlace(doc), payload }))
    appendOwn(doc, this.#deps.user, payload)
  }

  /** The chain that the document had is no longer safe to append to. */
  #follow(): void {
    const client = parseClientId(this.#deps.local.doc.clientID)
    if (client === undefined) throw new Error('a clientID beyond 32 bits')
    this.#client = client
    this.#following = this.#following
      .then(() => this.#changeChain(client))
      .catch((error: unknown) => this.#noteStorageFailure(error))
    if (this.#fold.fork !== undefined) return
    this.#connection?.close()
    this.#connection = this.#connect()
  }

  async #changeChain(client: ClientId): Promise<void> {
    const { storage } = this.#deps.local
    const old = this.#chain
    await storage.removePool(this.id, old.client)
    const release = await storage.lockChain(this.id, client)
    old.release()
    this.#chain = { client, release: release ?? (() => undefined) }
  }

  #refresh(): void {
    this.#advance()
    this.#outbox.settle(this.#fold)
    this.#show()
  }

  #advance(): void {
    const server = this.#source.serverClient()
    if (server === undefined) return
    if (server !== this.#server) {
      this.#server = server
      this.#fold = new ConversationFold()
    }
    for (;;) {
      const record = this.#source.recordAt(server, this.#fold.nextRecord)
      if (record === undefined || !this.#fold.advance(record === 'gone' ? undefined : record, this.#source)) break
    }
    if (this.#fold.fork !== undefined && !this.#isForked) this.#stopForked()
  }

  /** What this device holds is not what the server has: nothing it would send from here on could be trusted. */
  #stopForked(): void {
    this.#isForked = true
    this.#connection?.close()
    this.#connectionStatus = { phase: 'refused', code: 'forked', reason: faults.forked.text }
  }

  #show(): void {
    this.#folded = this.#fold.view(this.#source)
    this.#info.set(this.#currentInfo())
    this.#messages.set(this.#timeline.messages(this.#folded, this.#outbox.failed()))
    this.#showStatus()
    this.#deps.onChange(this)
  }

  #currentInfo(): ConversationInfo {
    const before = this.#info.getSnapshot()
    const { genesis, title, members } = this.#folded
    if (genesis === undefined) return before
    const access = members.get(this.#deps.user)
    const list = [...members].map(([user, held]) => ({ user, access: held }))
    const same = before.title === title && before.access === access && sameMembers(before.members, list)
    return same ? before : { id: this.id, title, access, members: list }
  }

  #currentStatus(): ConversationStatus {
    const pending = this.#folded.pending.filter(({ user }) => user === this.#deps.user).length
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

/** Throws TypeError for a title that no server would take. */
export function assertTitle(title: string | null): void {
  if (!isTitle(title)) throw new TypeError(`A title has at most ${limits.titleLength} characters.`)
}

function unreadableText(reason: Unreadable): string {
  if (reason !== 'too-large') return `Nobody would take this: ${reason}.`
  return `The message is too long: it may have ${limits.entryBytes / 1024} KiB.`
}

function drawMessageId(nowMs: number): MessageId {
  const id = parseMessageId(uuidV7({ msecs: nowMs }))
  if (id === undefined) throw new Error('not a UUIDv7')
  return id
}

function sameMembers(a: ConversationInfo['members'], b: ConversationInfo['members']): boolean {
  return a.length === b.length && a.every(({ user, access }, at) => user === b[at]?.user && access === b[at]?.access)
}
