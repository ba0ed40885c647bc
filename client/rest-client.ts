/** The little of the REST API that the SDK uses. */

import type { Access } from '../shared/chat/access.ts'
import type { StampedMessage } from '../shared/chat/message.ts'
import { faults } from '../shared/fault.ts'
import { limits } from '../shared/limits.ts'
import type { RestChain, RestConversationItem, RestPage } from '../shared/rest.ts'
import type { MessageId } from '../shared/chat/entry.ts'
import type { ClientId, ConversationId, UserId } from '../shared/sync/ids.ts'
import { NoConnection, type Version } from './api.ts'
import {
  type ChangesAnswer,
  type MessagesAnswer,
  type OwnCounts,
  parseChain,
  parseConversationPage,
  parseMessage,
  parseMessageRun,
  parseMessages,
  parseOwnCounts,
  parseVersions,
} from './rest-answers.ts'
import { type LostCode, parseLostCode } from './lost-code.ts'
import type { TokenSource } from './sync/token-source.ts'

/** An answer that is not 2xx. */
export class RestFailure extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, detail: string) {
    super(detail)
    this.name = 'RestFailure'
    this.status = status
    this.code = code
  }

  /** Asking again will bring the same answer. */
  get isPermanent(): boolean {
    return this.status >= 400 && this.status < 500 && this.status !== 401 && this.status !== 408 && this.status !== 429
  }
}

export interface RestClient {
  /**
   * Whatever else there is to ask. Rejects with RestFailure unless the answer is 2xx; with a `signal` it takes as long as that
   * lets it, for answers that are read while they come.
   */
  readonly request: (method: string, path: string, body?: unknown, signal?: AbortSignal) => Promise<Response>
  readonly register: (
    id: ConversationId,
    body: {
      readonly title?: string
      readonly members: readonly { readonly user: UserId; readonly access: Access }[]
      readonly settings?: Readonly<Record<string, unknown>>
    },
  ) => Promise<void>
  /** Every conversation of the user, page by page. */
  readonly conversations: () => Promise<readonly RestConversationItem[]>
  /** Why the user cannot open it any more; undefined when nothing is wrong with it. */
  readonly lost: (id: ConversationId) => Promise<LostCode | undefined>
  /** Those with the newest activity, at most `limits.pageConversations`. */
  readonly newest: (count: number) => Promise<readonly RestConversationItem[]>
  /** What became of entries of an own chain, from a clock on; undefined when the server knows no such chain. */
  readonly chain: (id: ConversationId, client: ClientId, from: number) => Promise<RestChain | undefined>
  /** What there is to read for the user, as the server counts it. */
  readonly counts: (id: ConversationId) => Promise<OwnCounts>
  /** Messages by ascending seq, next to a seq, which is left out. */
  readonly messages: (id: ConversationId, where: MessagesQuery) => Promise<MessagesAnswer>
  /** Undefined when the server has no message with this id. */
  readonly message: (id: ConversationId, message: MessageId) => Promise<StampedMessage | undefined>
  /** Messages that changed behind a seq, by ascending revision; when `hasMore`, it goes on behind `asOf`. */
  readonly changes: (id: ConversationId, after: number) => Promise<ChangesAnswer>
  /** What an own message said, by ascending seq. */
  readonly versions: (id: ConversationId, message: MessageId) => Promise<readonly Version[]>
}

/** Seqs are exclusive. */
export type MessagesQuery = { readonly limit: number; readonly thread?: MessageId } & (
  | { readonly before: number }
  | { readonly after: number }
)

const timeoutMs = 15_000

export function createRestClient(url: string, tokens: TokenSource, fetch: typeof globalThis.fetch): RestClient {
  async function call(method: string, path: string, body?: unknown): Promise<unknown> {
    return (await request(method, path, body)).json()
  }

  async function request(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
    const answer = await send(method, path, body, signal)
    const isRenewed = answer.status === faults.unauthenticated.httpStatus && tokens.renew()
    return succeeded(isRenewed ? await send(method, path, body, signal) : answer)
  }

  async function send(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
    const headers = new Headers({ authorization: `Bearer ${await tokens.get()}` })
    if (body !== undefined) headers.set('content-type', 'application/json')
    return fetch(url + path, {
      method,
      headers,
      signal: signal ?? AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  }

  async function list(limit: number, cursor: string): Promise<RestPage<RestConversationItem>> {
    const from = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const page = await call('GET', `/api/conversations?limit=${limit}${from}`)
    return parseConversationPage(page)
  }

  return {
    request,
    register: async (id, body) => void (await call('PUT', `/api/conversations/${id}`, body)),
    conversations: async () => {
      const items: RestConversationItem[] = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const page: RestPage<RestConversationItem> = await list(limits.pageConversations, cursor)
        items.push(...page.items)
        cursor = page.next_cursor
      }
      return items
    },
    lost: async (id) => {
      try {
        await call('GET', `/api/conversations/${id}`)
        return undefined
      } catch (error) {
        const code = error instanceof RestFailure ? parseLostCode(error.code) : undefined
        if (code === undefined) throw error
        return code
      }
    },
    chain: async (id, client, from) => {
      try {
        return parseChain(await call('GET', `/api/conversations/${id}/chains/${client}?from=${from}`))
      } catch (error) {
        if (error instanceof RestFailure && error.code === 'not-found') return undefined
        throw error
      }
    },
    counts: async (id) => parseOwnCounts(await call('GET', `/api/conversations/${id}`)),
    messages: async (id, where) => {
      const query = new URLSearchParams(Object.entries(where).map(([name, value]) => [name, String(value)]))
      return parseMessageRun(await request('GET', `/api/conversations/${id}/messages?${query.toString()}`), where)
    },
    message: async (id, message) => {
      try {
        return parseMessage(await call('GET', `/api/conversations/${id}/messages/${message}`))
      } catch (error) {
        if (error instanceof RestFailure && error.code === 'not-found') return undefined
        throw error
      }
    },
    changes: async (id, after) => {
      const answer = await request(
        'GET',
        `/api/conversations/${id}/changes?after=${after}&limit=${limits.pageMessages}`,
      )
      return { ...(await parseMessages(answer)), hasMore: answer.headers.get('parley-more') === 'true' }
    },
    versions: async (id, message) =>
      parseVersions(await call('GET', `/api/conversations/${id}/messages/${message}/versions`)),
    newest: async (count) => (await list(Math.min(count, limits.pageConversations), '')).items,
  }
}

/** What the server answers, for what it alone can do: rejects with NoConnection when it could not be asked. */
export async function answered<T>(asking: Promise<T>): Promise<T> {
  try {
    return await asking
  } catch (error) {
    if (error instanceof RestFailure) throw error
    throw new NoConnection(error)
  }
}

async function succeeded(answer: Response): Promise<Response> {
  if (answer.ok) return answer
  const problem: unknown = await answer.json().catch(() => undefined)
  const { code, detail } = { code: undefined, detail: undefined, ...(typeof problem === 'object' ? problem : {}) }
  throw new RestFailure(
    answer.status,
    typeof code === 'string' ? code : 'unknown',
    typeof detail === 'string' ? detail : `HTTP ${answer.status}`,
  )
}
