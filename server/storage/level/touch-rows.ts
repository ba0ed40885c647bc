/** Rows that follow from entries which reach back, the settings, and what happened; like those in rows.ts. */

import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { parseEventEntry } from '../../../shared/chat/timeline-event.ts'
import { type ConversationId, parseUserId } from '../../../shared/sync/ids.ts'
import type { EventRow, PieceRow, PinRow, ReplyRow, SettingRow, TouchedRow } from '../conversation-store.ts'
import { noFields, readCount, writeCount } from './row-fields.ts'
import { openRow, type Row, sealRow } from './seal.ts'

//     touched: seq
export function writeTouched(conversation: ConversationId, { revision, seq }: TouchedRow): Row {
  return sealRow({ kind: 'touched', conversation, revision }, (body) => writeCount(body, seq))
}

export function readTouched(row: Row): TouchedRow {
  return openRow(row, 'touched', (body, { revision }) => ({ revision, seq: readCount(body) }))
}

//     piece: nothing; the key says it all
export function writePiece(conversation: ConversationId, { id, seq }: PieceRow): Row {
  return sealRow({ kind: 'piece', conversation, id, seq }, noFields)
}

export function readPiece(row: Row): PieceRow {
  return openRow(row, 'piece', (_body, { id, seq }) => ({ id, seq }))
}

//     reply: nothing; the key says it all
export function writeReply(conversation: ConversationId, { root, seq }: ReplyRow): Row {
  return sealRow({ kind: 'reply', conversation, id: root, seq }, noFields)
}

export function readReply(row: Row): ReplyRow {
  return openRow(row, 'reply', (_body, { id, seq }) => ({ root: id, seq }))
}

//     setting: JSON in UTF-8
export function writeSetting(conversation: ConversationId, { key, value }: SettingRow): Row {
  return sealRow({ kind: 'setting', conversation, key }, noFields, Buffer.from(JSON.stringify(value)))
}

export function readSetting(row: Row): SettingRow {
  return openRow(row, 'setting', (body, { key }) => {
    const value: unknown = JSON.parse(Buffer.from(decoding.readTailAsUint8Array(body)).toString())
    return { key, value }
  })
}

//     event: timeMs • text user • the entry as JSON in UTF-8
export function writeEvent(conversation: ConversationId, { seq, timeMs, user, entry }: EventRow): Row {
  const writeFields = (body: encoding.Encoder): void => {
    writeCount(body, timeMs)
    encoding.writeVarString(body, user)
  }
  return sealRow({ kind: 'event', conversation, seq }, writeFields, Buffer.from(JSON.stringify(entry)))
}

export function readEvent(row: Row): EventRow {
  return openRow(row, 'event', (body, { seq }) => {
    const timeMs = readCount(body)
    const user = parseUserId(decoding.readVarString(body))
    const entry = parseEventEntry(JSON.parse(Buffer.from(decoding.readTailAsUint8Array(body)).toString()))
    return user === undefined || entry === undefined ? undefined : { seq, user, timeMs, entry }
  })
}

/** A message that is pinned. */
export interface PinnedRow extends PinRow {
  readonly seq: number
}

//     pin: seq
export function writePin(conversation: ConversationId, { id, seq }: PinnedRow): Row {
  return sealRow({ kind: 'pin', conversation, id }, (body) => writeCount(body, seq))
}

export function readPin(row: Row): PinnedRow {
  return openRow(row, 'pin', (body, { id }) => ({ id, seq: readCount(body) }))
}
