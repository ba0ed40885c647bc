// A server that is killed again and again under writers, on one folder; after each time everything that was shown as sent
// is looked for by a newcomer over sync and over REST.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { root } from '../helpers/root.ts'
import type { Random } from '../helpers/seeded-random.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'
import { type Close, StockClient } from '../helpers/stock-client.ts'
import { damages, type Seen } from './crash-check.ts'
import { type CrashWriter, RestWriter, seenOf, SocketWriter } from './crash-writers.ts'

/** What one round did. */
export interface Round {
  /** The process died between the beginning of a commit and the moment it knew of its end. */
  readonly inFlight: boolean
  /** Entries and requests that the server had not answered when it was killed. */
  readonly unanswered: number
  /** Messages that were there afterwards although nobody had been shown them as sent. */
  readonly unannounced: number
  /** Messages shown as sent so far, all of them looked for. */
  readonly acknowledged: number
}

interface RoundOptions {
  readonly end?: () => Promise<unknown>
  readonly tamper?: () => Promise<void>
}

interface Talk {
  readonly conversation: string
  readonly writers: readonly CrashWriter[]
}

const reader = 'rita'

/** Longest wait for a commit to begin. */
const aimMs = 500
/** How long to look for it without letting the writers write. */
const lookMs = 3
/** About what a commit takes on a fast disk. */
const commitMs = 0.2
/** About what a process takes to stop. */
const stopMs = 0.1

export class CrashRounds {
  readonly server: ServerProcess
  /** One line for each promise that was broken. */
  readonly damages: string[] = []
  readonly #random: Random
  /** The file that commit-witness.ts writes. */
  readonly #witness: string
  readonly #over: { readonly conversation: string; readonly seen: readonly Seen[] }[] = []
  #talks: readonly Talk[] = []
  #acknowledgements = 0
  #onAcknowledged: () => void = () => undefined

  private constructor(server: ServerProcess, witness: string, random: Random) {
    this.server = server
    this.#witness = witness
    this.#random = random
  }

  static async start(witness: string, random: Random): Promise<CrashRounds> {
    // Of the build, for Node does not read TypeScript.
    const hook = new URL('./commit-witness.ts', import.meta.url).pathname.replace(/\.ts$/, '.js')
    const built = join(root, 'dist', hook.slice(root.length).replace(/^\/dist/, ''))
    const env = { NODE_OPTIONS: `--import=${pathToFileURL(built).href}`, PARLEY_COMMIT_WITNESS: witness }
    const server = await startServerProcess(env)
    return new CrashRounds(server, witness, random)
  }

  /** Two conversations, written to at the same time, so that they meet in commits. */
  async begin(): Promise<void> {
    const talk = async (socketUsers: readonly string[], restUsers: readonly string[]): Promise<Talk> => {
      const users = [...socketUsers, ...restUsers]
      const conversation = await this.server.createConversation('olga', reader, ...users)
      const place = (user: string) => ({
        server: this.server,
        conversation,
        user,
        random: this.#random,
        onAcknowledged: () => this.#acknowledge(),
      })
      const sockets = socketUsers.map((user) => new SocketWriter(place(user)))
      const rests = restUsers.map((user) => new RestWriter(place(user)))
      return { conversation, writers: [...sockets, ...rests] }
    }
    this.#talks = [await talk(['ann', 'bob'], ['dan']), await talk(['ann', 'carol'], ['eve'])]
  }

  /**
   * Lets everybody write, ends the server at a random moment, by SIGKILL unless `end` does it in another way, starts it
   * again and looks for what was shown as sent. `tamper` may change the data in between.
   */
  async round({ end, tamper }: RoundOptions = {}): Promise<Round> {
    await Promise.all(this.#writers().map((writer) => writer.start()))
    await this.#acknowledgementsCome(this.#random.between(1, 80))
    // Not always just after an answer.
    await new Promise((resolve) => setTimeout(resolve, this.#random.below(15)))
    if (end === undefined) await this.#aim()
    const unanswered = this.#writers().reduce((sum, writer) => sum + writer.unanswered(), 0)
    await (end === undefined ? this.server.kill() : end())
    const inFlight = this.#isInFlight()
    await Promise.all(this.#writers().map((writer) => writer.stop()))
    await tamper?.()
    await this.server.start()
    const checks = await Promise.all(this.#talks.map((talk) => this.#check(talk)))
    return {
      inFlight,
      unanswered,
      unannounced: checks.reduce((sum, { unannounced }) => sum + unannounced, 0),
      acknowledged: checks.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
    }
  }

  /** Brings what is pending to its end and closes the two conversations: everything said is there, once. */
  async settle(): Promise<void> {
    await Promise.all(this.#writers().map((writer) => writer.start()))
    await Promise.all(this.#writers().map((writer) => writer.finish()))
    for (const talk of this.#talks) {
      await this.#check(talk)
      const seen = await this.find(talk.conversation)
      const contents = new Set(seen.map(({ content }) => content))
      for (const content of talk.writers.flatMap((writer) => [...writer.expected()])) {
        if (!contents.has(content)) this.damages.push(`never arrived: ${content.slice(0, 24)}`)
      }
      this.#over.push({ conversation: talk.conversation, seen })
    }
    for (const writer of this.#writers()) writer.destroy()
    this.#talks = []
  }

  /** Looks once more through everything that was settled. */
  async recheck(): Promise<number> {
    for (const { conversation, seen } of this.#over) {
      const said = new Set(seen.map(({ content }) => content))
      this.damages.push(...damages(seen, await this.find(conversation), said))
    }
    return this.#over.reduce((sum, { seen }) => sum + seen.length, 0)
  }

  /** The whole conversation over REST; a damage when a newcomer gets another end of it over sync. */
  async find(conversation: string): Promise<readonly Seen[]> {
    const token = await this.server.token(reader)
    const client = new StockClient({ url: this.server.url, conversation, user: reader, token })
    try {
      await client.synced()
      const { sent, pending } = client.view()
      const { pendingStructs, pendingDs } = client.doc.store
      if (pending.length > 0) this.damages.push(`${pending.length} entries without a stamp`)
      if (pendingStructs !== null || pendingDs !== null) this.damages.push('the document waits for more')
      const seen = sent.map(({ id, user, content, seq, createdAt }) => ({ id, user, content, seq, createdAt }))
      const all = await this.#readAll(conversation)
      if (JSON.stringify(seen) !== JSON.stringify(all.slice(all.length - seen.length))) {
        this.damages.push('REST tells another story than sync')
      }
      return all
    } finally {
      client.destroy()
    }
  }

  async close(): Promise<void> {
    for (const writer of this.#writers()) writer.destroy()
    await this.server.dispose()
  }

  /**
   * Waits until a commit has begun, and a random part of its time. Every other time it also stops the process there: a
   * signal takes a while, and on a busy machine the commit may be over by then; but a stop lets a write come to its end.
   * Looks without a pause, for a commit is short, and lets the writers write now and then.
   */
  async #aim(): Promise<void> {
    const pid = Number.parseInt(readFileSync(this.#witness, 'utf8'), 10)
    const end = performance.now() + aimMs
    const delayMs = this.#random.below(commitMs * 1000) / 1000
    const stops = this.#random.chance(0.5)
    while (performance.now() < end) {
      const look = performance.now() + lookMs
      while (!this.#isInFlight() && performance.now() < look);
      if (this.#isInFlight()) {
        spin(delayMs)
        if (!stops) return
        process.kill(pid, 'SIGSTOP')
        spin(stopMs)
        if (this.#isInFlight()) return
        process.kill(pid, 'SIGCONT')
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  #isInFlight(): boolean {
    return readFileSync(this.#witness, 'utf8').endsWith('(')
  }

  /** How the server ended each connection of the stock protocol that is known to have been ended by it. */
  closes(): readonly Close[] {
    return this.#writers().flatMap((writer) => [...writer.closes()])
  }

  #writers(): readonly CrashWriter[] {
    return this.#talks.flatMap(({ writers }) => writers)
  }

  #acknowledge(): void {
    this.#acknowledgements++
    this.#onAcknowledged()
  }

  #acknowledgementsCome(count: number): Promise<void> {
    const enough = this.#acknowledgements + count
    return new Promise((resolve) => {
      this.#onAcknowledged = () => {
        if (this.#acknowledgements >= enough) resolve()
      }
    })
  }

  async #check({ conversation, writers }: Talk): Promise<{ acknowledged: number; unannounced: number }> {
    const acknowledged = new Map<string, Seen>()
    for (const seen of writers.flatMap((writer) => [...writer.acknowledged()])) acknowledged.set(seen.id, seen)
    const found = await this.find(conversation)
    const said = new Set(writers.flatMap((writer) => [...writer.said]))
    for (const writer of writers) this.damages.push(...damages(writer.acknowledged(), found, said))
    const unannounced = found.filter(({ id }) => !acknowledged.has(id)).length
    return { acknowledged: acknowledged.size, unannounced }
  }

  async #readAll(conversation: string): Promise<Seen[]> {
    const all: Seen[] = []
    for (;;) {
      const after = all.at(-1)?.seq
      // Seq 0 is the first member that was added.
      const path = `/api/conversations/${conversation}/messages?limit=200&after=${after ?? 0}`
      const { status, body } = await this.server.rest(reader, 'GET', path)
      if (status !== 200 || !Array.isArray(body)) throw new Error(`the server answers ${status}`)
      if (body.length === 0) return all
      all.push(...body.map(seenOf))
    }
  }
}

function spin(ms: number): void {
  const start = performance.now()
  while (performance.now() - start < ms);
}
