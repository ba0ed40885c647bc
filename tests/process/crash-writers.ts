// Writers that never let a server rest: over the stock protocol and over REST. Each remembers what it said and what it was
// shown as sent; a server may die under them at any moment.
import { z } from 'zod'

import type { Random } from '../helpers/seeded-random.ts'
import type { ServerProcess } from '../helpers/server-process.ts'
import { type Close, freshMessageId, messageEntry, StockClient } from '../helpers/stock-client.ts'
import { encodeEntry } from '../../shared/chat/entry.ts'
import type { Seen } from './crash-check.ts'

export interface WriterPlace {
  readonly server: ServerProcess
  readonly conversation: string
  readonly user: string
  readonly random: Random
  /** Called whenever something of this writer was shown as sent. */
  readonly onAcknowledged: () => void
}

export interface CrashWriter {
  /** Contents of everything this writer asked for. */
  readonly said: ReadonlySet<string>
  start(): Promise<void>
  /** What has been asked for and not answered. */
  unanswered(): number
  /** Resolves when no word of the server can come any more. */
  stop(): Promise<void>
  /** What was shown as sent, others' messages included. */
  acknowledged(): Iterable<Seen>
  /** Brings everything that is still open to its end; to be called while it is started. */
  finish(): Promise<void>
  /** Contents of what must be there in the end: all but what was asked for without a name and not answered. */
  expected(): Iterable<string>
  /** How the server ended its connections. */
  closes(): Iterable<Close>
  destroy(): void
}

/** Entries on their way at any time: enough that the next commit has work before the last one is done. */
const backlog = 4

let counted = 0

/** A content like no other, of some bytes or some kilobytes. */
function freshContent({ user, random }: WriterPlace): string {
  return `${user} ${++counted} ${'x'.repeat(random.pick([0, 10, 100, 3000]))}`
}

/** A device of the stock protocol that keeps a few entries unstamped. */
export class SocketWriter implements CrashWriter {
  readonly said = new Set<string>()
  readonly #place: WriterPlace
  /** Shown as sent, and archived since. */
  readonly #left = new Map<string, Seen>()
  #client: StockClient | undefined
  #isWriting = false

  constructor(place: WriterPlace) {
    this.#place = place
  }

  async start(): Promise<void> {
    const { server, conversation, user } = this.#place
    if (this.#client === undefined) {
      const { url } = server
      this.#client = new StockClient({ url, conversation, user, token: await server.token(user), connect: false })
      this.#client.doc.on('afterTransaction', () => this.#write())
    }
    this.#isWriting = true
    this.#client.provider.connect()
    this.#write()
  }

  unanswered(): number {
    const client = this.#open()
    return client.provider.wsconnected ? this.#unstamped(client) : 0
  }

  async stop(): Promise<void> {
    this.#isWriting = false
    const client = this.#open()
    await client.until('the connection is gone', () => !client.provider.wsconnected)
    client.provider.disconnect()
  }

  acknowledged(): Iterable<Seen> {
    const { folded } = this.#open()
    const { sent } = folded.view()
    for (const { messages } of folded.fold().takeArchived())
      for (const message of messages) this.#left.set(message.id, message)
    return [...this.#left.values(), ...sent]
  }

  async finish(): Promise<void> {
    this.#isWriting = false
    await this.#open().sent()
  }

  expected(): Iterable<string> {
    return this.said
  }

  closes(): Iterable<Close> {
    return this.#open().closes
  }

  destroy(): void {
    this.#client?.destroy()
  }

  #open(): StockClient {
    if (this.#client === undefined) throw new Error('the writer was not started')
    return this.#client
  }

  #unstamped({ doc, folded }: StockClient): number {
    const { pending } = folded.view()
    return pending.filter(({ client }) => client === doc.clientID).length
  }

  #write(): void {
    const client = this.#client
    if (!this.#isWriting || client === undefined) return
    const missing = backlog - this.#unstamped(client)
    if (missing <= 0) return
    this.#place.onAcknowledged()
    const contents = Array.from({ length: missing }, () => freshContent(this.#place))
    for (const content of contents) this.said.add(content)
    const payloads = contents.map((content) => encodeEntry(messageEntry(content)))
    // Making the root is a transaction too, and would come back here before the entries are in.
    client.doc.transact(() => client.append(...payloads))
  }
}

const answered = z.object({
  id: z.string(),
  user_id: z.string(),
  content: z.string(),
  seq: z.number(),
  created_at: z.string(),
})

export function seenOf(body: unknown): Seen {
  const { id, user_id: user, content, seq, created_at: createdAt } = answered.parse(body)
  return { id, user, content, seq, createdAt: Date.parse(createdAt) }
}

interface Request {
  readonly content: string
  /** Half of the requests name their message, and ask again until they are answered. */
  readonly id: string | undefined
}

/** Posts over REST, some requests at a time. */
export class RestWriter implements CrashWriter {
  readonly said = new Set<string>()
  readonly #place: WriterPlace
  readonly #acknowledged: Seen[] = []
  readonly #again: Request[] = []
  #isWriting = false
  #unanswered = 0
  #loops: Promise<void> = Promise.resolve()

  constructor(place: WriterPlace) {
    this.#place = place
  }

  async start(): Promise<void> {
    this.#isWriting = true
    const loops = Array.from({ length: backlog }, () => this.#loop())
    this.#loops = Promise.all(loops).then(() => undefined)
  }

  unanswered(): number {
    return this.#unanswered
  }

  stop(): Promise<void> {
    this.#isWriting = false
    return this.#loops
  }

  acknowledged(): Iterable<Seen> {
    return this.#acknowledged
  }

  async finish(): Promise<void> {
    await this.stop()
    for (const request of this.#again.splice(0)) await this.#post(request)
    if (this.#again.length > 0) throw new Error('a request was not answered')
  }

  expected(): Iterable<string> {
    return this.#acknowledged.map(({ content }) => content)
  }

  closes(): Iterable<Close> {
    return []
  }

  destroy(): void {
    this.#isWriting = false
  }

  async #loop(): Promise<void> {
    while (this.#isWriting) {
      const isAnswered = await this.#post(this.#again.pop() ?? this.#freshRequest())
      if (!isAnswered) return
    }
  }

  #freshRequest(): Request {
    const content = freshContent(this.#place)
    this.said.add(content)
    return { content, id: this.#place.random.chance(0.5) ? freshMessageId() : undefined }
  }

  async #post(request: Request): Promise<boolean> {
    const { server, conversation, user, onAcknowledged } = this.#place
    const { content, id } = request
    const path = `/api/conversations/${conversation}/messages`
    this.#unanswered++
    try {
      const { status, body } = await server.rest(user, 'POST', path, { role: 'user', content, id })
      // 503: it is about to end.
      if (status === 503) return this.#noAnswer(request)
      if (status !== 200 && status !== 201) throw new Error(`the server answers ${status}`)
      this.#acknowledged.push(seenOf(body))
      onAcknowledged()
      return true
    } catch (error) {
      // What fetch throws when the server died.
      if (error instanceof TypeError) return this.#noAnswer(request)
      throw error
    } finally {
      this.#unanswered--
    }
  }

  /** What has a name is asked for again. */
  #noAnswer(request: Request): false {
    if (request.id !== undefined) this.#again.push(request)
    return false
  }
}
