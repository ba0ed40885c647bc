/** Rows of invitations and profiles; like those in rows.ts. */

import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { parseInvitedAccess } from '../../../shared/chat/invitation.ts'
import { type ConversationId, parseUserId } from '../../../shared/sync/ids.ts'
import type { InvitationRow, ProfileRow } from '../people-rows.ts'
import { readCount, readOptional, writeCount, writeOptional } from './row-fields.ts'
import { openRow, type Row, sealRow } from './seal.ts'

//     invitation: text access • text createdBy • createdMs • expiresMs • usesLeft?
export function writeInvitation(conversation: ConversationId, row: InvitationRow): Row {
  return sealRow({ kind: 'invitation', conversation, id: row.id }, (body) => {
    encoding.writeVarString(body, row.access)
    encoding.writeVarString(body, row.createdBy)
    writeCount(body, row.createdMs)
    writeCount(body, row.expiresMs)
    writeOptional(body, row.usesLeft ?? undefined, writeCount)
  })
}

export function readInvitation(row: Row): InvitationRow {
  return openRow(row, 'invitation', (body, { id }) => {
    const access = parseInvitedAccess(decoding.readVarString(body))
    const createdBy = parseUserId(decoding.readVarString(body))
    if (access === undefined || createdBy === undefined) return undefined
    const [createdMs, expiresMs] = [readCount(body), readCount(body)]
    return { id, access, createdBy, createdMs, expiresMs, usesLeft: readOptional(body, readCount) ?? null }
  })
}

//     profile: updatedMs • text name? • text color?
export function writeProfile({ user, name, color, updatedMs }: ProfileRow): Row {
  return sealRow({ kind: 'profile', user }, (body) => {
    writeCount(body, updatedMs)
    writeOptional(body, name ?? undefined, encoding.writeVarString)
    writeOptional(body, color ?? undefined, encoding.writeVarString)
  })
}

export function readProfile(row: Row): ProfileRow {
  return openRow(row, 'profile', (body, { user }) => {
    const updatedMs = readCount(body)
    const name = readOptional(body, decoding.readVarString) ?? null
    return { user, name, color: readOptional(body, decoding.readVarString) ?? null, updatedMs }
  })
}
