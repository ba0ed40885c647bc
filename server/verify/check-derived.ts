/** Rows of a conversation that nothing in the log leads to: each kind is counted, and claims and keys are followed back. */

import type { ConversationId } from '../../shared/sync/ids.ts'
import type { LoadedConversation } from '../chat/loaded-conversation.ts'
import { type Database, getRows, scan } from '../storage/level/database.ts'
import { encodeKey, type RangeKind, rangeOf } from '../storage/level/keys.ts'
import { readClaim, readIdempotency } from '../storage/level/rows.ts'
import type { Row } from '../storage/level/seal.ts'
import type { LogSummary } from './check-log.ts'
import type { Findings } from './finding.ts'

export async function checkDerived(
  database: Database,
  id: ConversationId,
  { members, upgrade }: LoadedConversation,
  log: LogSummary,
  findings: Findings,
): Promise<void> {
  const counts = { place: 0, message: 0, claim: 0, openClaim: 0 }
  for await (const _ of rowsOf(database, 'place', id)) counts.place++
  for await (const _ of rowsOf(database, 'message', id)) counts.message++
  for await (const row of rowsOf(database, 'id', id)) {
    if (readClaim(row).seq === undefined) counts.openClaim++
    else counts.claim++
  }
  const expect = (kind: string, found: number, expected: number): void => {
    if (found !== expected) findings.add(`there are ${found} ${kind} rows, but ${expected} of them follow from the log`)
  }
  expect('place', counts.place, log.entries)
  expect('message', counts.message, log.messages)
  expect('id', counts.claim, log.messages)
  expect('open id', counts.openClaim, log.openClaims)
  for (const [kind, expected] of [
    ['touched', log.touched],
    ['piece', log.pieces],
    ['reply', log.replies],
    ['setting', log.settings],
    ['pin', log.pins],
    ['event', log.events],
  ] as const) {
    let found = 0
    for await (const _ of rowsOf(database, kind, id)) found++
    // A conversation from before there were such rows has none.
    expect(kind, found, upgrade === undefined || kind === 'touched' || kind === 'event' ? expected : 0)
  }

  for await (const row of rowsOf(database, 'idempotency', id)) {
    const { user, id: message } = readIdempotency(row)
    const [claim] = await getRows(database, [encodeKey({ kind: 'id', conversation: id, id: message })])
    const found = claim === undefined ? undefined : readClaim(claim)
    if (found?.user !== user || found.seq === undefined) {
      findings.add('an idempotency row names a message that is not there', `member ${user}`)
    }
  }
  for (const { user } of members) {
    const [inbox] = await getRows(database, [encodeKey({ kind: 'inbox', user, conversation: id })])
    if (inbox === undefined) findings.add('the inbox row is missing', `member ${user}`)
  }
}

async function* rowsOf(database: Database, kind: RangeKind, id: ConversationId): AsyncGenerator<Row> {
  for await (const rows of scan(database, rangeOf(kind, id))) yield* rows
}
