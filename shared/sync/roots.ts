/**
 * Names of the root types of a conversation's document. A chain's name carries its clientID and its user, so that
 * who wrote an entry can be read from the structure alone.
 */

import { type ClientId, parseClientIdText, parseUserId, type UserId } from './ids.ts'

export type Root =
  | { readonly kind: 'chain'; readonly client: ClientId; readonly user: UserId }
  | { readonly kind: 'server'; readonly client: ClientId }

/** Name of the chain of `client`, which belongs to `user`: `chain/<clientID>/<user>`. */
export function chainRoot(client: ClientId, user: UserId): string {
  return `chain/${client}/${user}`
}

/** Name of the server's own chain: `server/<clientID>`. */
export function serverRoot(client: ClientId): string {
  return `server/${client}`
}

/** Reads a root name back; undefined for a root that is not Parley's. */
export function parseRoot(name: string): Root | undefined {
  const [kind, clientText, userText, ...rest] = name.split('/')
  if (clientText === undefined || rest.length > 0) return undefined
  const client = parseClientIdText(clientText)
  if (client === undefined) return undefined
  if (kind === 'server') return userText === undefined ? { kind, client } : undefined
  if (kind !== 'chain') return undefined
  const user = parseUserId(userText)
  return user === undefined ? undefined : { kind, client, user }
}
