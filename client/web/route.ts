/**
 * Where the page is, as the hash of its address: `#/c/<id>`, `#/c/<id>/<seq>`, `#/new`, `#/join/<token>`, or the list. Ids are
 * checked, never trusted.
 */

import type { ReadableStore } from '../api.ts'
import { type ConversationId, parseConversationId } from '../../shared/sync/ids.ts'

export type Route =
  | { readonly kind: 'list' }
  | { readonly kind: 'new' }
  /** `seq`: of the message to go to. */
  | { readonly kind: 'conversation'; readonly id: ConversationId; readonly seq: number | undefined }
  /** The token is for the server to look at. */
  | { readonly kind: 'join'; readonly token: string }
  /** An address that names nothing this page has. */
  | { readonly kind: 'unknown' }

export function parseRoute(hash: string): Route {
  if (hash === '' || hash === '#' || hash === '#/') return { kind: 'list' }
  if (hash === '#/new') return { kind: 'new' }
  const [, token] = /^#\/join\/([\w-]{1,512})$/.exec(hash) ?? []
  if (token !== undefined) return { kind: 'join', token }
  const [, named, seq] = /^#\/c\/([^/]+)(?:\/(\d{1,15}))?$/.exec(hash) ?? []
  const id = parseConversationId(named)
  if (id === undefined) return { kind: 'unknown' }
  return { kind: 'conversation', id, seq: seq === undefined ? undefined : Number(seq) }
}

export const listHash = '#/'
export const newHash = '#/new'

export function conversationHash(id: ConversationId): string {
  return `#/c/${id}`
}

export function messageHash(id: ConversationId, seq: number): string {
  return `${conversationHash(id)}/${seq}`
}

/** The hash as a store. A string, so that equal addresses are equal snapshots. */
export function hashStore(page: Window): ReadableStore<string> {
  return {
    getSnapshot: () => page.location.hash,
    subscribe: (listener) => {
      page.addEventListener('hashchange', listener)
      return () => page.removeEventListener('hashchange', listener)
    },
  }
}
