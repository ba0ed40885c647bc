/** Rows that say what has yet to vanish from the medium; they go when it has. */

import * as decoding from 'lib0/decoding'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { noFields, readCount, writeCount } from './row-fields.ts'
import { openRow, type Row, sealRow } from './seal.ts'

/** What one commit erased. Named by the revision of that commit, so that no other one ever writes the same row. */
export interface ErasingRow {
  readonly conversation: ConversationId
  readonly revision: number
  /** Whose log and message rows held it before. */
  readonly seqs: readonly number[]
}

//     erasing: seqs
export function writeErasing({ conversation, revision, seqs }: ErasingRow): Row {
  return sealRow({ kind: 'erasing', conversation, revision }, (body) => {
    for (const seq of seqs) writeCount(body, seq)
  })
}

export function readErasing(row: Row): ErasingRow {
  return openRow(row, 'erasing', (body, { conversation, revision }) => {
    const seqs: number[] = []
    while (decoding.hasContent(body)) seqs.push(readCount(body))
    return { conversation, revision, seqs }
  })
}

//     purging: nothing; the key says it all
export function writePurging(conversation: ConversationId): Row {
  return sealRow({ kind: 'purging', conversation }, noFields)
}

export function readPurging(row: Row): ConversationId {
  return openRow(row, 'purging', (_body, { conversation }) => conversation)
}
