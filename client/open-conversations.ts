/** The conversations that are open, each once: its chain and its document are free only when it is closed. */

import { isPrivateConversation } from '../shared/chat/private-conversation.ts'
import type { ConversationId } from '../shared/sync/ids.ts'
import type { OpenConversation } from './open-conversation.ts'

export class OpenConversations {
  readonly #create: (id: ConversationId) => Promise<OpenConversation>
  readonly #opening = new Map<ConversationId, Promise<OpenConversation>>()
  readonly #open = new Map<ConversationId, OpenConversation>()
  #isClosed = false

  constructor(create: (id: ConversationId) => Promise<OpenConversation>) {
    this.#create = create
  }

  /** The same object while it is open; who asks while it closes waits, and gets another one. */
  async open(id: ConversationId): Promise<OpenConversation> {
    if (this.#isClosed) throw new Error('the client is closed')
    const conversation = await (this.#opening.get(id) ?? this.#begin(id))
    if (!conversation.isClosing) return conversation
    await conversation.close()
    return this.open(id)
  }

  /** Open or being opened, and not being closed. */
  has(id: ConversationId): boolean {
    return this.#opening.has(id) && this.#open.get(id)?.isClosing !== true
  }

  /** One that is open, closing or not; undefined while it is being opened. */
  get(id: ConversationId): OpenConversation | undefined {
    return this.#open.get(id)
  }

  all(): Iterable<OpenConversation> {
    return this.#open.values()
  }

  forget(conversation: OpenConversation): void {
    if (this.#open.get(conversation.id) !== conversation) return
    this.#open.delete(conversation.id)
    this.#opening.delete(conversation.id)
  }

  /** Opens nothing more, and closes also what is being opened; `before`: what has still to be written into private state. */
  async close(before?: Promise<void>): Promise<void> {
    this.#isClosed = true
    // At once, for what is taken from here on would be kept by nobody where all of it is about to be deleted.
    const shown = [...this.#open.values()].filter(({ id }) => !isPrivateConversation(id))
    const closing = shown.map((conversation) => conversation.close())
    await before
    const settled = await Promise.allSettled(this.#opening.values())
    const opened = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    await Promise.all([...closing, ...opened.map((conversation) => conversation.close())])
  }

  #begin(id: ConversationId): Promise<OpenConversation> {
    const opening = this.#create(id)
    this.#opening.set(id, opening)
    opening.then(
      (conversation) => this.#open.set(id, conversation),
      () => this.#opening.delete(id),
    )
    return opening
  }
}
