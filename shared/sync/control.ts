/**
 * Control messages of `parley.1`, JSON on channel 0. Each side reads only what the other may send; unknown fields are
 * ignored, so that later versions can add some. Total: any bytes give an answer.
 */

import { decodeUtf8, encodeUtf8 } from 'lib0/string'
import { type FaultCode, faults } from '../fault.ts'
import { limits } from '../limits.ts'
import { type ConversationId, parseConversationId } from './ids.ts'
import { encodeFrame, controlChannel } from './frame.ts'

/**
 * What a device has of a conversation: all records of this server chain before clock `records`, and with them every
 * entry that they stamp. Equal versions are equal documents, but for what is pending.
 */
export interface Version {
  readonly server: number
  readonly records: number
}

/** A conversation that moved: a device that states another version lacks something. */
export interface Activity {
  readonly conversation: ConversationId
  /** Seq of the last entry; -1 before the first. */
  readonly seq: number
  readonly version: Version
}

/** A conversation that this user can no longer open. */
export interface Gone {
  readonly conversation: ConversationId
  readonly code: FaultCode
  /** What devices have of it is to be deleted. */
  readonly wipe?: true
}

/** From client to server. */
export type ClientControl =
  /** The first frame. `versions`: what the device has, open or not; the answer names those that moved since. */
  | {
      readonly type: 'hello'
      readonly token: string
      /** Name of the device, shown to others with its presence. */
      readonly device: string | undefined
      readonly versions: ReadonlyMap<ConversationId, Version>
    }
  /** Channels are numbered by the client, from 1, each number once in the life of a socket. */
  | {
      readonly type: 'open'
      readonly channel: number
      readonly conversation: ConversationId
      /** When it is the server's, nothing is exchanged: `opened` says `current`, and no SyncStep1 comes. */
      readonly version: Version | undefined
    }
  | { readonly type: 'close'; readonly channel: number }
  /** Renews the token of the live socket; it must be of the same user. */
  | { readonly type: 'token'; readonly token: string }

/** From server to client. */
export type ServerControl =
  /** Answers `hello`, behind the activity that belongs to it. */
  | { readonly type: 'hello'; readonly user: string; readonly expiresMs: number }
  | { readonly type: 'opened'; readonly channel: number; readonly current: boolean }
  /** The channel is closed; `code` is one of the fault table. */
  | { readonly type: 'refused'; readonly channel: number; readonly code: FaultCode; readonly reason: string }
  /** Of conversations that are not open on this socket, or whose channel has not brought all of it yet. */
  | { readonly type: 'activity'; readonly moved: readonly Activity[]; readonly gone: readonly Gone[] }
  /** Answers `token`. */
  | { readonly type: 'token'; readonly expiresMs: number }
  /** Comes every `limits.heartbeatMs`: the server lives, and so do all channels. */
  | { readonly type: 'beat' }

export interface Malformed {
  readonly type: 'malformed'
  readonly why: string
}

type Fields = Readonly<Record<string, unknown>>

export function encodeClientControl(message: ClientControl): Uint8Array<ArrayBuffer> {
  if (message.type !== 'hello') return encodeControl(message)
  const versions: [string, number, number][] = []
  for (const [conversation, { server, records }] of message.versions) versions.push([conversation, server, records])
  return encodeControl({ ...message, versions })
}

export function encodeServerControl(message: ServerControl): Uint8Array {
  return encodeControl(message)
}

export function parseClientControl(content: Uint8Array): ClientControl | Malformed {
  const fields = parseFields(content)
  if (fields === undefined) return malformed('not a JSON object')
  switch (fields['type']) {
    case 'hello':
      return parseHello(fields)
    case 'open':
      return parseOpen(fields)
    case 'close': {
      const channel = parseChannel(fields['channel'])
      return channel === undefined ? malformed('close: no channel') : { type: 'close', channel }
    }
    case 'token': {
      const { token } = fields
      return isToken(token) ? { type: 'token', token } : malformed('token: no token')
    }
    default:
      return malformed('unknown type')
  }
}

export function parseServerControl(content: Uint8Array): ServerControl | Malformed {
  const fields = parseFields(content)
  if (fields === undefined) return malformed('not a JSON object')
  const channel = parseChannel(fields['channel'])
  const { user, expiresMs, current, code, reason } = fields
  switch (fields['type']) {
    case 'hello':
      if (typeof user !== 'string' || !isTime(expiresMs)) return malformed('hello: no user or no end')
      return { type: 'hello', user, expiresMs }
    case 'opened':
      return channel === undefined
        ? malformed('opened: no channel')
        : { type: 'opened', channel, current: current === true }
    case 'refused':
      if (channel === undefined || !isFaultCode(code)) return malformed('refused: no channel or no code')
      return { type: 'refused', channel, code, reason: typeof reason === 'string' ? reason : '' }
    case 'activity':
      return {
        type: 'activity',
        moved: parseList(fields['moved'], parseActivity),
        gone: parseList(fields['gone'], parseGone),
      }
    case 'token':
      return isTime(expiresMs) ? { type: 'token', expiresMs } : malformed('token: no end')
    case 'beat':
      return { type: 'beat' }
    default:
      return malformed('unknown type')
  }
}

function encodeControl(message: object): Uint8Array<ArrayBuffer> {
  return encodeFrame(controlChannel, encodeUtf8(JSON.stringify(message)))
}

function parseHello(fields: Fields): ClientControl | Malformed {
  const { token, device, versions = [] } = fields
  if (!isToken(token)) return malformed('hello: no token')
  if (device !== undefined && (typeof device !== 'string' || device.length > limits.deviceNameLength)) {
    return malformed('hello: not a device name')
  }
  if (!Array.isArray(versions) || versions.length > limits.statedVersions) return malformed('hello: not versions')
  const parsed = new Map<ConversationId, Version>()
  for (const item of versions) {
    const stated: readonly unknown[] = Array.isArray(item) ? item : []
    const conversation = parseConversationId(stated[0])
    const version = parseVersion({ server: stated[1], records: stated[2] })
    if (conversation === undefined || version === undefined) return malformed('hello: not a version')
    parsed.set(conversation, version)
  }
  return { type: 'hello', token, device, versions: parsed }
}

function parseOpen(fields: Fields): ClientControl | Malformed {
  const channel = parseChannel(fields['channel'])
  const conversation = parseConversationId(fields['conversation'])
  const version = parseVersion(fields['version'])
  if (channel === undefined || conversation === undefined) return malformed('open: no channel or no conversation')
  if (version === undefined && fields['version'] !== undefined) return malformed('open: not a version')
  return { type: 'open', channel, conversation, version }
}

function parseActivity(value: unknown): Activity | undefined {
  if (!isFields(value)) return undefined
  const conversation = parseConversationId(value['conversation'])
  const version = parseVersion(value['version'])
  const { seq } = value
  if (conversation === undefined || version === undefined || !Number.isSafeInteger(seq)) return undefined
  return { conversation, version, seq: Number(seq) }
}

function parseGone(value: unknown): Gone | undefined {
  if (!isFields(value)) return undefined
  const conversation = parseConversationId(value['conversation'])
  const { code } = value
  if (conversation === undefined || !isFaultCode(code)) return undefined
  return value['wipe'] === true ? { conversation, code, wipe: true } : { conversation, code }
}

/** What this version cannot read of a list is left out. */
function parseList<T>(value: unknown, parse: (item: unknown) => T | undefined): T[] {
  return Array.isArray(value) ? value.map(parse).filter((item) => item !== undefined) : []
}

function parseVersion(value: unknown): Version | undefined {
  if (!isFields(value)) return undefined
  const { server, records } = value
  return isCount(server) && isCount(records) ? { server, records } : undefined
}

function parseChannel(value: unknown): number | undefined {
  return isCount(value) && value > controlChannel && value <= limits.highestChannel ? value : undefined
}

function parseFields(content: Uint8Array): Fields | undefined {
  try {
    const value: unknown = JSON.parse(decodeUtf8(content))
    return isFields(value) ? value : undefined
  } catch {
    // What it was instead says nothing that the caller's answer does not.
    return undefined
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isToken(value: unknown): value is string {
  return typeof value === 'string' && value.length <= limits.tokenLength
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

/** JSON has numbers that are none: 1e999 is read as Infinity, and would be written as null. */
function isTime(value: unknown): value is number {
  return Number.isFinite(value)
}

function isFaultCode(value: unknown): value is FaultCode {
  return typeof value === 'string' && Object.hasOwn(faults, value)
}

function malformed(why: string): Malformed {
  return { type: 'malformed', why: `control: ${why}` }
}
