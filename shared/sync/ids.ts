/**
 * The identifiers of the sync layer and the one parser each of them comes out of.
 * Knows nothing of what entries mean.
 */

declare const brand: unique symbol
type Branded<T, Name extends string> = T & { readonly [brand]: Name }

/** A Yjs clientID: an unsigned 32-bit integer. (yrs truncates larger ids: y-crdt#221.) */
export type ClientId = Branded<number, 'ClientId'>

/** A conversation's id: a UUIDv7 in lower case. */
export type ConversationId = Branded<string, 'ConversationId'>

/** The `sub` of a token: 1–128 visible ASCII characters other than `/`, so that it fits in a root name. */
export type UserId = Branded<string, 'UserId'>

const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const visibleAsciiWithoutSlash = /^[!-.0-~]{1,128}$/

export const maxClientId = 0xffff_ffff

/** Whether `value` is a UUIDv7 in its canonical lower-case form. */
export function isUuidV7(value: unknown): value is string {
  return typeof value === 'string' && uuidV7.test(value)
}

function isClientId(value: unknown): value is ClientId {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= maxClientId
}

function isConversationId(value: unknown): value is ConversationId {
  return isUuidV7(value)
}

function isUserId(value: unknown): value is UserId {
  return typeof value === 'string' && visibleAsciiWithoutSlash.test(value)
}

export function parseClientId(value: unknown): ClientId | undefined {
  return isClientId(value) ? value : undefined
}

/** Reads a clientID written in decimal, as it stands in a root name or a URL; no sign, no leading zeros. */
export function parseClientIdText(text: string): ClientId | undefined {
  return /^(0|[1-9][0-9]{0,9})$/.test(text) ? parseClientId(Number(text)) : undefined
}

export function parseConversationId(value: unknown): ConversationId | undefined {
  return isConversationId(value) ? value : undefined
}

export function parseUserId(value: unknown): UserId | undefined {
  return isUserId(value) ? value : undefined
}
