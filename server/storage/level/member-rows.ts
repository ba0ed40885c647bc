/** The rows of members; like those in rows.ts. */

import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { type Access, parseAccess } from '../../../shared/chat/access.ts'
import { parseMessageId } from '../../../shared/chat/entry.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import type { MemberRow, ThreadReadRow } from '../conversation-store.ts'
import { readCount, readLaterCount, writeCount } from './row-fields.ts'
import { openRow, type Row, sealRow } from './seal.ts'

/** Somebody who is a member. */
export interface JoinedRow extends MemberRow {
  readonly access: Access
}

//     member: text access • readThrough + 1 • received + 1 (as far as was read, where it is not there) • readAt + 1
//             • threads × (text root • through • at) (rows from before threads end before) • empty text • from (where there is one)
/** Stands where the root of a thread would, which is never empty. */
const fromMark = ''

export function writeMember(conversation: ConversationId, row: JoinedRow): Row {
  return sealRow({ kind: 'member', conversation, user: row.user }, (body) => {
    encoding.writeVarString(body, row.access)
    writeCount(body, row.readThrough + 1)
    writeCount(body, row.received + 1)
    writeCount(body, (row.readAt ?? -1) + 1)
    for (const { root, through, at } of row.threads ?? []) {
      encoding.writeVarString(body, root)
      writeCount(body, through)
      writeCount(body, at)
    }
    if (row.from === undefined) return
    encoding.writeVarString(body, fromMark)
    writeCount(body, row.from)
  })
}

export function readMember(row: Row): JoinedRow {
  return openRow(row, 'member', (body, { user }) => {
    const access = parseAccess(decoding.readVarString(body))
    if (access === undefined) return undefined
    const read = readCount(body)
    const received = readLaterCount(body, read)
    const at = readLaterCount(body)
    const threads: ThreadReadRow[] = []
    let from: number | undefined
    while (decoding.hasContent(body)) {
      const text = decoding.readVarString(body)
      if (text === fromMark) {
        from = readCount(body)
        break
      }
      const root = parseMessageId(text)
      if (root === undefined) return undefined
      threads.push({ root, through: readCount(body), at: readCount(body) })
    }
    return {
      user,
      access,
      readThrough: read - 1,
      received: received - 1,
      ...(at === 0 ? {} : { readAt: at - 1 }),
      ...(from === undefined ? {} : { from }),
      ...(threads.length === 0 ? {} : { threads }),
    }
  })
}
