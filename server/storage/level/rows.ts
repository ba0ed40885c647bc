/**
 * What the body of a row holds: one write and one read for each kind, the layout beside them. Counts are varUints, texts
 * varStrings (lib0), `?` is a byte 1 and the value, or a byte 0. What stands in the key is not repeated in the body.
 */

import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { parseMessageId } from '../../../shared/chat/entry.ts'
import type { StampedMessage } from '../../../shared/chat/message.ts'
import type { ClockRange } from '../../../shared/sync/chain-update/chain-struct.ts'
import { type ConversationId, parseClientId, parseUserId, type UserId } from '../../../shared/sync/ids.ts'
import type {
  ChainRow,
  ClaimRow,
  DeletedRow,
  DroppedRow,
  EntryRow,
  Head,
  IdempotencyRow,
  PlaceRow,
  RecordRow,
  StoredHead,
} from '../conversation-store.ts'
import { noFields, readCount, readLaterCount, readOptional, writeCount, writeOptional } from './row-fields.ts'
import { openRow, type Row, sealRow } from './seal.ts'

//     format: version. It stays readable in all versions.
export function writeFormat(version: number): Row {
  return sealRow({ kind: 'format' }, (body) => writeCount(body, version))
}

export function readFormat(row: Row): number {
  return openRow(row, 'format', readCount)
}

//     generation: ms
export function writeGeneration(generation: number): Row {
  return sealRow({ kind: 'generation' }, (body) => writeCount(body, generation))
}

export function readGeneration(row: Row): number {
  return openRow(row, 'generation', readCount)
}

//     head: uint8 0 • revision • epoch • createdMs • updatedMs • text title as JSON • nextSeq • serverClient • nextRecord
//           • lastStampMs • lastMessageSeq? • generation • through + 1 • firstRecord • checkpoint? • liveEntries
//           • liveBytes • redactions • text soleAuthor? • events (format 1 began without generation and what follows: older rows end before)
//     tombstone: uint8 1 • deletedMs
const headTag = 0
const tombstoneTag = 1

export function writeHead(conversation: ConversationId, stored: StoredHead): Row {
  return sealRow({ kind: 'head', conversation }, (body) => {
    if (stored.kind === 'deleted') {
      encoding.writeUint8(body, tombstoneTag)
      writeCount(body, stored.deletedMs)
      return
    }
    const { head } = stored
    encoding.writeUint8(body, headTag)
    writeCount(body, head.revision)
    writeCount(body, head.epoch)
    writeCount(body, head.createdMs)
    writeCount(body, head.updatedMs)
    // JSON keeps every UTF-16 unit; a title may hold half a surrogate pair, and UTF-8 may not.
    encoding.writeVarString(body, JSON.stringify(head.title))
    writeCount(body, head.nextSeq)
    writeCount(body, head.serverClient)
    writeCount(body, head.nextRecord)
    writeCount(body, head.lastStampMs)
    writeOptional(body, head.lastMessageSeq ?? undefined, writeCount)
    writeCount(body, head.generation)
    writeCount(body, head.through + 1)
    writeCount(body, head.firstRecord)
    writeOptional(body, head.checkpoint ?? undefined, writeCount)
    writeCount(body, head.liveEntries)
    writeCount(body, head.liveBytes)
    writeCount(body, head.redactions)
    writeOptional(body, head.soleAuthor ?? undefined, encoding.writeVarString)
    writeCount(body, head.events)
  })
}

export function readHead(row: Row): StoredHead {
  return openRow(row, 'head', (body) => {
    const tag = decoding.readUint8(body)
    if (tag === tombstoneTag) return { kind: 'deleted', deletedMs: readCount(body) }
    if (tag !== headTag) return undefined
    const revision = readCount(body)
    const epoch = readCount(body)
    const createdMs = readCount(body)
    const updatedMs = readCount(body)
    const title: unknown = JSON.parse(decoding.readVarString(body))
    if (typeof title !== 'string' && title !== null) return undefined
    const nextSeq = readCount(body)
    const serverClient = parseClientId(readCount(body))
    if (serverClient === undefined) return undefined
    const nextRecord = readCount(body)
    const lastStampMs = readCount(body)
    const lastMessageSeq = readOptional(body, readCount) ?? null
    const generation = readLaterCount(body)
    const times = { createdMs, updatedMs, lastStampMs }
    const log = { nextSeq, serverClient, nextRecord, lastMessageSeq }
    return { kind: 'head', head: { revision, epoch, generation, ...times, title, ...log, ...readWindow(body) } }
  })
}

/** What heads hold since there is an archive; before that everything was in the document. */
function readWindow(
  body: decoding.Decoder,
): Pick<
  Head,
  'through' | 'firstRecord' | 'checkpoint' | 'liveEntries' | 'liveBytes' | 'redactions' | 'soleAuthor' | 'events'
> {
  const through = readLaterCount(body) - 1
  const firstRecord = readLaterCount(body, 1)
  const checkpoint = (decoding.hasContent(body) ? readOptional(body, readCount) : undefined) ?? null
  const live = { liveEntries: readLaterCount(body), liveBytes: readLaterCount(body) }
  const redactions = readLaterCount(body)
  const sole = decoding.hasContent(body) ? readOptional(body, decoding.readVarString) : undefined
  const events = readLaterCount(body)
  return { through, firstRecord, checkpoint, ...live, redactions, soleAuthor: parseUserId(sole) ?? null, events }
}

//     chain: text user • uint8 held • next • createdMs • epoch (0 where it is not there: format 1 began without)
export function writeChain(conversation: ConversationId, row: ChainRow): Row {
  return sealRow({ kind: 'chain', conversation, client: row.client }, (body) => {
    encoding.writeVarString(body, row.user)
    encoding.writeUint8(body, row.held ? 1 : 0)
    writeCount(body, row.next)
    writeCount(body, row.createdMs)
    writeCount(body, row.epoch)
  })
}

export function readChain(row: Row): ChainRow {
  return openRow(row, 'chain', (body, { client }) => {
    const user = parseUserId(decoding.readVarString(body))
    if (user === undefined) return undefined
    const held = decoding.readUint8(body) === 1
    return { client, user, held, next: readCount(body), createdMs: readCount(body), epoch: readLaterCount(body) }
  })
}

//     dropped: text user? • next
export function writeDropped(conversation: ConversationId, { client, user, next }: DroppedRow): Row {
  return sealRow({ kind: 'dropped', conversation, client }, (body) => {
    writeOptional(body, user ?? undefined, encoding.writeVarString)
    writeCount(body, next)
  })
}

export function readDropped(row: Row): DroppedRow {
  return openRow(row, 'dropped', (body, { client }) => {
    const text = readOptional(body, decoding.readVarString)
    const user = text === undefined ? null : parseUserId(text)
    return user === undefined ? undefined : { client, user, next: readCount(body) }
  })
}

//     deleted: ranges × (clock • length)
export function writeDeleted(conversation: ConversationId, { client, ranges }: DeletedRow): Row {
  return sealRow({ kind: 'deleted', conversation, client }, (body) => {
    for (const { clock, length } of ranges) {
      writeCount(body, clock)
      writeCount(body, length)
    }
  })
}

export function readDeleted(row: Row): DeletedRow {
  return openRow(row, 'deleted', (body, { client }) => {
    const ranges: ClockRange[] = []
    while (decoding.hasContent(body)) ranges.push({ clock: readCount(body), length: readCount(body) })
    // Of its size: these lists stay as long as their conversation is in memory.
    return { client, ranges: [...ranges] }
  })
}

//     log: client • clock • timeMs • uint32 crc • text voidReason? • uint8 1 and the payload, or uint8 0, or 2 when superseded
const supersededTag = 2

export function writeEntry(conversation: ConversationId, row: EntryRow): Row {
  const writeFields = (body: encoding.Encoder): void => {
    writeCount(body, row.client)
    writeCount(body, row.clock)
    writeCount(body, row.timeMs)
    encoding.writeUint32(body, row.crc)
    writeOptional(body, row.voidReason, encoding.writeVarString)
    encoding.writeUint8(body, row.superseded === true ? supersededTag : row.payload === undefined ? 0 : 1)
  }
  return sealRow({ kind: 'log', conversation, seq: row.seq }, writeFields, row.payload)
}

export function readEntry(row: Row): EntryRow {
  return openRow(row, 'log', (body, { seq }) => {
    const client = parseClientId(readCount(body))
    if (client === undefined) return undefined
    const clock = readCount(body)
    const timeMs = readCount(body)
    const crc = decoding.readUint32(body)
    const voidReason = readOptional(body, decoding.readVarString)
    const tag = decoding.readUint8(body)
    const payload = tag === 1 ? decoding.readTailAsUint8Array(body) : undefined
    const place = { seq, client, clock, timeMs, crc, payload, voidReason }
    return tag === supersededTag ? { ...place, superseded: true } : place
  })
}

//     place: seq • uint32 crc • text voidReason?
export function writePlace(conversation: ConversationId, { seq, client, clock, crc, voidReason }: PlaceRow): Row {
  return sealRow({ kind: 'place', conversation, client, clock }, (body) => {
    writeCount(body, seq)
    encoding.writeUint32(body, crc)
    writeOptional(body, voidReason, encoding.writeVarString)
  })
}

export function readPlace(row: Row): PlaceRow {
  return openRow(row, 'place', (body, { client, clock }) => {
    const seq = readCount(body)
    const crc = decoding.readUint32(body)
    return { seq, client, clock, crc, voidReason: readOptional(body, decoding.readVarString) }
  })
}

/** No record is as short. */
const noPayload = new Uint8Array(0)

//     record: payload, or nothing when it was replaced
export function writeRecord(conversation: ConversationId, { clock, payload }: RecordRow): Row {
  return sealRow({ kind: 'record', conversation, clock }, noFields, payload ?? noPayload)
}

export function readRecord(row: Row): RecordRow {
  return openRow(row, 'record', (body, { clock }) => {
    const payload = decoding.readTailAsUint8Array(body)
    return { clock, payload: payload.length === 0 ? undefined : payload }
  })
}

//     message: JSON in UTF-8 (without `revision` in rows from before messages changed)
export function writeMessage(conversation: ConversationId, message: StampedMessage): Row {
  return sealRow({ kind: 'message', conversation, seq: message.seq }, noFields, Buffer.from(JSON.stringify(message)))
}

export function readMessage(row: Row): StampedMessage {
  return openRow(row, 'message', (body, { seq }) => {
    const message: unknown = JSON.parse(Buffer.from(decoding.readTailAsUint8Array(body)).toString())
    if (!isMessageAt(message, seq)) return undefined
    return hasRevision(message) ? message : { ...message, revision: seq }
  })
}

type KeptMessage = Omit<StampedMessage, 'revision'> & Partial<Pick<StampedMessage, 'revision'>>

function hasRevision(message: KeptMessage): message is StampedMessage {
  return message.revision !== undefined
}

/** Asks for what every message has; for the rest the seal vouches that `writeMessage` made it of a StampedMessage. */
function isMessageAt(value: unknown, seq: number): value is KeptMessage {
  if (typeof value !== 'object' || value === null) return false
  const fields: Readonly<Record<string, unknown>> = { ...value }
  return (
    fields['seq'] === seq && parseMessageId(fields['id']) !== undefined && parseUserId(fields['user']) !== undefined
  )
}

//     id: text user • seq? • uint32 digest
export function writeClaim(conversation: ConversationId, { id, user, seq, digest }: ClaimRow): Row {
  return sealRow({ kind: 'id', conversation, id }, (body) => {
    encoding.writeVarString(body, user)
    writeOptional(body, seq, writeCount)
    encoding.writeUint32(body, digest)
  })
}

export function readClaim(row: Row): ClaimRow {
  return openRow(row, 'id', (body, { id }) => {
    const user = parseUserId(decoding.readVarString(body))
    if (user === undefined) return undefined
    return { id, user, seq: readOptional(body, readCount), digest: decoding.readUint32(body) }
  })
}

//     inbox: nothing; the key says it all
export function writeInbox(user: UserId, conversation: ConversationId): Row {
  return sealRow({ kind: 'inbox', user, conversation }, noFields)
}

export function readInbox(row: Row): ConversationId {
  return openRow(row, 'inbox', (_body, { conversation }) => conversation)
}

//     idempotency: text id
export function writeIdempotency(conversation: ConversationId, { user, key, id }: IdempotencyRow): Row {
  return sealRow({ kind: 'idempotency', conversation, user, key }, (body) => encoding.writeVarString(body, id))
}

export function readIdempotency(row: Row): IdempotencyRow {
  return openRow(row, 'idempotency', (body, { user, key }) => {
    const id = parseMessageId(decoding.readVarString(body))
    return id === undefined ? undefined : { user, key, id }
  })
}
