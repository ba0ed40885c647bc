/** The little of the REST API that the SDK uses. */

import type { Access } from '../shared/chat/access.ts'
import { faults } from '../shared/fault.ts'
import { limits } from '../shared/limits.ts'
import type { RestConversationItem, RestPage } from '../shared/rest.ts'
import { type ConversationId, parseConversationId, type UserId } from '../shared/sync/ids.ts'
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
  readonly register: (
    id: ConversationId,
    body: { readonly title?: string; readonly members: readonly { readonly user: UserId; readonly access: Access }[] },
  ) => Promise<void>
  /** Every conversation of the user, page by page. */
  readonly conversations: () => Promise<readonly RestConversationItem[]>
  /** Why the user cannot open it any more; undefined when nothing is wrong with it. */
  readonly lost: (id: ConversationId) => Promise<LostCode | undefined>
  /** Those with the newest activity, at most `limits.pageConversations`. */
  readonly newest: (count: number) => Promise<readonly RestConversationItem[]>
}

const timeoutMs = 15_000

export function createRestClient(url: string, tokens: TokenSource, fetch: typeof globalThis.fetch): RestClient {
  async function call(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await send(method, path, body)
    if (answer.status === faults.unauthenticated.httpStatus && tokens.renew())
      return read(await send(method, path, body))
    return read(answer)
  }

  async function send(method: string, path: string, body: unknown): Promise<Response> {
    const headers = new Headers({ authorization: `Bearer ${await tokens.get()}` })
    if (body !== undefined) headers.set('content-type', 'application/json')
    return fetch(url + path, {
      method,
      headers,
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  }

  async function list(limit: number, cursor: string): Promise<RestPage<RestConversationItem>> {
    const from = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const page = await call('GET', `/api/conversations?limit=${limit}${from}`)
    if (!isConversationPage(page)) throw new Error('the server answers in another language')
    return page
  }

  return {
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
    newest: async (count) => (await list(Math.min(count, limits.pageConversations), '')).items,
  }
}

/** Checks what is read of it here. */
function isConversationPage(value: unknown): value is RestPage<RestConversationItem> {
  if (typeof value !== 'object' || value === null || !('items' in value) || !('next_cursor' in value)) return false
  const { items, next_cursor: next } = value
  return Array.isArray(items) && (next === null || typeof next === 'string') && items.every(isConversationItem)
}

function isConversationItem(value: unknown): value is RestConversationItem {
  if (typeof value !== 'object' || value === null) return false
  if (!('id' in value && 'updated_at' in value && 'unread' in value)) return false
  const { id, updated_at: updatedAt, unread } = value
  return (
    parseConversationId(id) !== undefined && !Number.isNaN(Date.parse(String(updatedAt))) && typeof unread === 'number'
  )
}

async function read(answer: Response): Promise<unknown> {
  if (answer.ok) return answer.json()
  const problem: unknown = await answer.json().catch(() => undefined)
  const { code, detail } = { code: undefined, detail: undefined, ...(typeof problem === 'object' ? problem : {}) }
  throw new RestFailure(
    answer.status,
    typeof code === 'string' ? code : 'unknown',
    typeof detail === 'string' ? detail : `HTTP ${answer.status}`,
  )
}
