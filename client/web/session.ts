/**
 * Who is signed in: a user and a token of the server's demo mode, kept in this browser so that the page opens offline.
 * Knows the token's end but not what is in it.
 */

import { parseUserId, type UserId } from '../../shared/sync/ids.ts'
import type { Keep } from './keep.ts'

export interface Session {
  readonly user: UserId
  readonly token: string
  readonly expiresAtMs: number
}

export type TokenAnswer =
  | { readonly kind: 'token'; readonly session: Session }
  /** The server runs without demo mode: it hands out no tokens. */
  | { readonly kind: 'no-demo' }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'refused'; readonly reason: string }

export type RequestToken = (user: UserId) => Promise<TokenAnswer>

/** The name under which the session is kept. */
export const sessionName = 'parley.session'

/** A token this close to its end is renewed: a day is enough to come online once. */
const renewBeforeMs = 24 * 60 * 60 * 1000

/** A server that has not answered by then counts as unreachable. */
const requestMs = 10_000

export function parseSession(text: string): Session | undefined {
  const value = parseJson(text)
  if (typeof value !== 'object' || value === null) return undefined
  const token = 'token' in value ? value.token : undefined
  const user = 'user' in value ? parseUserId(value.user) : undefined
  const expiresAt = 'expires_at' in value ? value.expires_at : undefined
  if (typeof token !== 'string' || token === '' || user === undefined || typeof expiresAt !== 'string') return undefined
  const expiresAtMs = Date.parse(expiresAt)
  return Number.isNaN(expiresAtMs) ? undefined : { user, token, expiresAtMs }
}

export function loadSession(keep: Keep): Session | undefined {
  const text = keep.get(sessionName)
  return text === undefined ? undefined : parseSession(text)
}

export function keepSession(keep: Keep, session: Session): void {
  const { user, token, expiresAtMs } = session
  keep.set(sessionName, JSON.stringify({ user, token, expires_at: new Date(expiresAtMs).toISOString() }))
}

/** Asks the server at this page's origin for a token; never rejects. */
export async function requestDemoToken(user: UserId): Promise<TokenAnswer> {
  let status: number
  let body: string
  try {
    const response = await fetch('/api/demo/token', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ user }),
      signal: AbortSignal.timeout(requestMs),
    })
    status = response.status
    body = await response.text()
  } catch {
    // fetch tells no more than that it failed, and so does the answer.
    return { kind: 'unreachable' }
  }
  if (status === 404) return { kind: 'no-demo' }
  if (status < 200 || status > 299) return { kind: 'refused', reason: detailOf(body) ?? `It answered ${status}.` }
  const session = parseSession(body)
  return session === undefined
    ? { kind: 'refused', reason: 'Its answer is not one that this page understands.' }
    : { kind: 'token', session }
}

/**
 * The token for the SDK, which asks again only when the last one was refused or is about to end: first the kept one, if
 * it is good for a day, then new ones. While the server cannot be asked, the last one.
 */
export function createTokenSource(
  first: Session,
  deps: { readonly request: RequestToken; readonly renewed: (session: Session) => void; readonly now: () => number },
): () => Promise<string> {
  let session = first
  let isFirst = true
  let renewal: Promise<string> | undefined

  async function renew(): Promise<string> {
    const answer = await deps.request(session.user)
    if (answer.kind === 'token') {
      session = answer.session
      deps.renewed(session)
      return session.token
    }
    if (deps.now() < session.expiresAtMs) return session.token
    throw new Error(`The sign-in has expired and could not be renewed. ${explainAnswer(answer)}`)
  }

  return async () => {
    const wasFirst = isFirst
    isFirst = false
    if (wasFirst && deps.now() < session.expiresAtMs - renewBeforeMs) return session.token
    renewal ??= renew().finally(() => {
      renewal = undefined
    })
    return await renewal
  }
}

/** Why there is no token, for people. */
export function explainAnswer(answer: Exclude<TokenAnswer, { kind: 'token' }>): string {
  switch (answer.kind) {
    case 'no-demo':
      return 'This server has no demo mode, so nobody can sign in with a name alone. Ask whoever runs it for access.'
    case 'unreachable':
      return 'The server cannot be reached. Check the connection and try again.'
    case 'refused':
      return `The server refused: ${answer.reason}`
  }
}

function detailOf(body: string): string | undefined {
  const value = parseJson(body)
  if (typeof value !== 'object' || value === null || !('detail' in value)) return undefined
  return typeof value.detail === 'string' ? value.detail : undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON: nothing in it to read.
    return undefined
  }
}
