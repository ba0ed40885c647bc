/** People who use the API in tests: each has a name of its own in every test, so that tests can share a server. */

import { randomUUID } from 'node:crypto'

import { v7 } from 'uuid'
import { z } from 'zod'

import { type Answer, type Call, type RestClient, restClient, type RestServer, tokenOf } from './rest-client.ts'

const message = z.object({
  id: z.string(),
  user_id: z.string(),
  content: z.string(),
  seq: z.number(),
  created_at: z.string(),
  written_at: z.string(),
})
const conversation = z.object({ id: z.string(), created_at: z.string(), updated_at: z.string() })

export type SeenMessage = z.output<typeof message>

export class Person {
  readonly name: string
  readonly token: string
  readonly #call: RestClient

  constructor(name: string, token: string, call: RestClient) {
    this.name = name
    this.token = token
    this.#call = call
  }

  call(method: string, path: string, call: Call = {}): Promise<Answer> {
    return this.#call(method, path, { token: this.token, ...call })
  }

  /** Path of a new conversation, with these members beside its owner. */
  async creates(members: Readonly<Record<string, string>> = {}): Promise<string> {
    const body = { members: Object.entries(members).map(([user, access]) => ({ user, access })) }
    const answer = await this.call('POST', '/api/conversations', { body })
    if (answer.status !== 201) throw new Error(`no conversation: ${JSON.stringify(answer.body)}`)
    return `/api/conversations/${seenConversation(answer).id}`
  }

  post(
    path: string,
    content: string,
    more: object = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    return this.call('POST', `${path}/messages`, { body: { role: 'user', content, ...more }, headers })
  }

  async reads(path: string, query = ''): Promise<readonly SeenMessage[]> {
    const { body } = await this.call('GET', `${path}/messages${query}`)
    return z.array(message).parse(body)
  }
}

export class People {
  readonly server: RestServer
  #client: RestClient

  constructor(server: RestServer) {
    this.server = server
    this.#client = restClient(server)
  }

  person(name: string): Person {
    const unique = `${name}-${randomUUID().slice(0, 8)}`
    return new Person(unique, tokenOf(this.server, unique), (...call) => this.#client(...call))
  }

  /** As nobody: no token unless given. */
  call(method: string, path: string, call: Call = {}): Promise<Answer> {
    return this.#client(method, path, call)
  }

  async restart(): Promise<void> {
    await this.server.restart()
    this.#client = restClient(this.server)
  }
}

export function seenMessage({ body }: Answer): SeenMessage {
  return message.parse(body)
}

export function seenConversation({ body }: Answer): z.output<typeof conversation> {
  return conversation.parse(body)
}

/** Its status and its code. */
export function seenProblem({ status, body }: Answer): readonly unknown[] {
  return [status, z.object({ code: z.string() }).safeParse(body).data?.code]
}

/** Of a member who has told nothing of how far they have come. */
export const nothingRead = { read_through: null, received: null }

export function freshId(): string {
  return v7()
}

/** Resolves when the clock shows another millisecond than at the call. */
export async function nextMillisecond(): Promise<void> {
  const start = Date.now()
  while (Date.now() === start) await new Promise((resolve) => setImmediate(resolve))
}
