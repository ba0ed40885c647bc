/**
 * Entries: the elements of a chain. A payload is a format byte and, in format 1, a JSON object with a `kind`. The kinds
 * of version 1 are frozen; unknown kinds and fields are accepted and kept, for a later version reads them.
 */

import { encodeUtf8 } from 'lib0/string'
import { limits } from '../limits.ts'
import { isUuidV7, parseUserId, type UserId } from '../sync/ids.ts'
import { format } from '../sync/payload-format.ts'
import { type Access, parseAccess } from './access.ts'
import { type InvitationId, parseInvitationId } from './invitation.ts'
import { type Fields, isFields, parseJsonObject } from './json-object.ts'

declare const brand: unique symbol

/** A message's id: a UUIDv7 made by whoever writes it. */
export type MessageId = string & { readonly [brand]: 'MessageId' }

function isMessageId(value: unknown): value is MessageId {
  return isUuidV7(value)
}

export function parseMessageId(value: unknown): MessageId | undefined {
  return isMessageId(value) ? value : undefined
}

export type Role = 'user' | 'assistant'

export interface MessageEntry {
  readonly kind: 'message'
  readonly id: MessageId
  readonly role: Role
  readonly content: string
  /** The device's clock in ms. */
  readonly at: number
  readonly replyTo?: MessageId
  readonly thread?: MessageId
  readonly parent?: MessageId
  readonly mentions?: readonly UserId[]
  /** Structured content for clients that know it: objects with whatever fields they agree on. */
  readonly parts?: readonly Readonly<Record<string, unknown>>[]
  readonly status?: string
}

export interface EditEntry {
  readonly kind: 'edit'
  readonly of: MessageId
  readonly content: string
  readonly at: number
}

export interface RedactEntry {
  readonly kind: 'redact'
  readonly of: MessageId
}

export interface ReactEntry {
  readonly kind: 'react'
  readonly of: MessageId
  readonly emoji: string
  readonly on: boolean
}

export interface ReadEntry {
  readonly kind: 'read'
  /** Seq up to which the user has read. */
  readonly through?: number
  /** Seq up to which a device of the user has received. */
  readonly received?: number
  readonly thread?: MessageId
}

export interface SetEntry {
  readonly kind: 'set'
  readonly key: string
  /** Any JSON; null clears. */
  readonly value: unknown
}

export interface MemberEntry {
  readonly kind: 'member'
  readonly user: UserId
  /** Null removes the member. */
  readonly access: Access | null
  /** They joined with this one, which the author had made. The server alone tells so. */
  readonly invitation?: InvitationId
}

export interface PinEntry {
  readonly kind: 'pin'
  readonly of: MessageId
  readonly on: boolean
}

export interface DeltaEntry {
  readonly kind: 'delta'
  readonly of: MessageId
  readonly text: string
}

export interface StopEntry {
  readonly kind: 'stop'
  readonly of: MessageId
}

/** An entry of a later version: kept, and without effect here. */
export interface UnknownEntry {
  readonly kind: 'unknown'
  readonly name: string
  readonly at?: number
}

export type KnownEntry =
  | MessageEntry
  | EditEntry
  | RedactEntry
  | ReactEntry
  | ReadEntry
  | SetEntry
  | MemberEntry
  | PinEntry
  | DeltaEntry
  | StopEntry

export type Entry = KnownEntry | UnknownEntry

/** Why a payload is no entry; also reasons of void records. */
export type Unreadable = 'bad-format' | 'sealed' | 'bad-json' | 'bad-schema' | 'too-large'

export type ParsedEntry =
  | { readonly kind: 'entry'; readonly entry: Entry }
  | { readonly kind: 'unreadable'; readonly reason: Unreadable }

/** Reads a payload; total. */
export function parseEntry(payload: Uint8Array): ParsedEntry {
  if (payload.length > limits.entryBytes) return unreadable('too-large')
  if (payload[0] === format.sealed) return unreadable('sealed')
  if (payload[0] !== format.json) return unreadable('bad-format')
  const fields = parseJsonObject(payload.subarray(1))
  if (fields === undefined) return unreadable('bad-json')
  const entry = readEntry(fields)
  return entry === undefined ? unreadable('bad-schema') : { kind: 'entry', entry }
}

/** Writes an entry as a payload; fields come in the order of the table in SPEC.md, absent ones are left out. */
export function encodeEntry(entry: KnownEntry): Uint8Array {
  const json = encodeUtf8(JSON.stringify(inTableOrder(entry)))
  const payload = new Uint8Array(json.length + 1)
  payload[0] = format.json
  payload.set(json, 1)
  return payload
}

/** The device's clock that an entry tells, in ms, if it tells one. */
export function entryTime(entry: Entry): number | undefined {
  return 'at' in entry ? entry.at : undefined
}

/** Whether a message says anything: it has text, or parts. */
export function saysSomething(content: string, parts: readonly unknown[] | undefined): boolean {
  return content.trim() !== '' || (parts !== undefined && parts.length > 0)
}

function unreadable(reason: Unreadable): ParsedEntry {
  return { kind: 'unreadable', reason }
}

function readEntry(fields: Fields): Entry | undefined {
  const { kind } = fields
  // Most are; what only others have is looked for in those alone.
  if (kind === 'message') return readMessage(fields)
  const { of, on, content, at } = fields
  switch (kind) {
    case 'edit': {
      const id = parseMessageId(of)
      return id !== undefined && typeof content === 'string' && content.trim() !== '' && isTime(at)
        ? { kind, of: id, content, at }
        : undefined
    }
    case 'redact':
    case 'stop': {
      const id = parseMessageId(of)
      return id === undefined ? undefined : { kind, of: id }
    }
    case 'react': {
      const id = parseMessageId(of)
      const { emoji } = fields
      return id !== undefined && isEmoji(emoji) && typeof on === 'boolean' ? { kind, of: id, emoji, on } : undefined
    }
    case 'read':
      return readRead(fields)
    case 'set': {
      const { key, value } = fields
      if (typeof key !== 'string' || key === '' || key.length > limits.settingKeyLength || value === undefined)
        return undefined
      if (key === 'title' && !isTitle(value)) return undefined
      return { kind, key, value }
    }
    case 'member':
      return readMember(fields)
    case 'pin': {
      const id = parseMessageId(of)
      return id !== undefined && typeof on === 'boolean' ? { kind, of: id, on } : undefined
    }
    case 'delta': {
      const id = parseMessageId(of)
      const { text } = fields
      return id !== undefined && typeof text === 'string' ? { kind, of: id, text } : undefined
    }
    default:
      if (typeof kind !== 'string') return undefined
      return isTime(at) ? { kind: 'unknown', name: kind, at } : { kind: 'unknown', name: kind }
  }
}

function readMessage(fields: Fields): MessageEntry | undefined {
  const { role, content, at, mentions, parts, status } = fields
  const id = parseMessageId(fields['id'])
  if (id === undefined || (role !== 'user' && role !== 'assistant')) return undefined
  if (typeof content !== 'string' || !isTime(at)) return undefined
  if (!isOptional(status, (value) => typeof value === 'string')) return undefined
  if (!isOptional(parts, isParts) || !saysSomething(content, parts)) return undefined
  if (!isOptional(mentions, isMentions)) return undefined
  const { replyTo, thread, parent } = fields
  // Most say nothing more, and a window has a thousand of them.
  const isLinked = replyTo !== undefined || thread !== undefined || parent !== undefined
  if (!isLinked && mentions === undefined && parts === undefined && status === undefined) {
    return { kind: 'message', id, role, content, at }
  }
  const links = readLinks(fields)
  if (links === undefined) return undefined
  return {
    kind: 'message',
    id,
    role,
    content,
    at,
    ...links,
    ...(mentions === undefined ? {} : { mentions }),
    ...(parts === undefined ? {} : { parts }),
    ...(status === undefined ? {} : { status }),
  }
}

type Links = Pick<MessageEntry, 'replyTo' | 'thread' | 'parent'>

function readLinks(fields: Fields): Links | undefined {
  const links: { -readonly [Key in keyof Links]: Links[Key] } = {}
  for (const name of ['replyTo', 'thread', 'parent'] as const) {
    if (fields[name] === undefined) continue
    const id = parseMessageId(fields[name])
    if (id === undefined) return undefined
    links[name] = id
  }
  return links
}

function readRead(fields: Fields): ReadEntry | undefined {
  const { through, received } = fields
  if (!isOptional(through, isSeq) || !isOptional(received, isSeq)) return undefined
  if (through === undefined && received === undefined) return undefined
  const thread = fields['thread'] === undefined ? undefined : parseMessageId(fields['thread'])
  if (fields['thread'] !== undefined && thread === undefined) return undefined
  return {
    kind: 'read',
    ...(through === undefined ? {} : { through }),
    ...(received === undefined ? {} : { received }),
    ...(thread === undefined ? {} : { thread }),
  }
}

/** The fields of a `member` entry; undefined for what is none. */
export function readMember(fields: Fields): MemberEntry | undefined {
  const { invitation: named } = fields
  const user = parseUserId(fields['user'])
  const access = fields['access'] === null ? null : parseAccess(fields['access'])
  const invitation = parseInvitationId(named)
  if (user === undefined || access === undefined) return undefined
  if (named === undefined) return { kind: 'member', user, access }
  return invitation && { kind: 'member', user, access, invitation }
}

function isOptional<T>(value: unknown, is: (value: unknown) => value is T): value is T | undefined {
  return value === undefined || is(value)
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

const isSeq: (value: unknown) => value is number = isTime

/** A title: up to `limits.titleLength` UTF-16 units; null clears it. */
export function isTitle(value: unknown): value is string | null {
  return value === null || (typeof value === 'string' && value.length <= limits.titleLength)
}

/** What a UTF-16 unit takes in UTF-8 at most. */
const mostUnitBytes = 3

export function isEmoji(value: unknown): value is string {
  if (typeof value !== 'string' || value === '') return false
  return value.length * mostUnitBytes <= limits.emojiBytes || encodeUtf8(value).length <= limits.emojiBytes
}

function isMentions(value: unknown): value is readonly UserId[] {
  return (
    Array.isArray(value) &&
    value.length <= limits.mentionsPerMessage &&
    value.every((user) => parseUserId(user) !== undefined)
  )
}

function isParts(value: unknown): value is readonly Fields[] {
  return Array.isArray(value) && value.every(isFields)
}

/** The table of SPEC.md: in which order the fields of each kind are written. */
const fieldsOf: { readonly [Kind in KnownEntry['kind']]: readonly string[] } = {
  message: ['id', 'role', 'content', 'at', 'replyTo', 'thread', 'parent', 'mentions', 'parts', 'status'],
  edit: ['of', 'content', 'at'],
  redact: ['of'],
  react: ['of', 'emoji', 'on'],
  read: ['through', 'received', 'thread'],
  set: ['key', 'value'],
  member: ['user', 'access', 'invitation'],
  pin: ['of', 'on'],
  delta: ['of', 'text'],
  stop: ['of'],
}

function inTableOrder(entry: KnownEntry): object {
  const fields: Fields = { ...entry }
  return Object.fromEntries(['kind', ...fieldsOf[entry.kind]].map((name) => [name, fields[name]]))
}
