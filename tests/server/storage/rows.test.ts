// The row codecs: what is written comes back, and what was changed on the way does not.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { StoreError } from '../../../server/storage/conversation-store.ts'
import * as rows from '../../../server/storage/level/rows.ts'
import type { Row } from '../../../server/storage/level/seal.ts'
import { accessLevels } from '../../../shared/chat/access.ts'
import { conversationId, headAt, messageAt, recordAt } from '../../contract/store-rows.ts'
import { client, conversation, count, message, requestKey, user } from './arbitrary-ids.ts'

const one = conversationId(1)
const belowMax = count.filter((number) => number < Number.MAX_SAFE_INTEGER)
const crc = fc.nat({ max: 0xffff_ffff })
const bytes = fc.uint8Array({ maxLength: 300 })
const text = fc.string({ unit: 'binary' })
/** Any UTF-16, halves of pairs included. */
const units = fc.array(fc.nat({ max: 0xffff })).map((codes) => String.fromCharCode(...codes))
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })

function comesBack<T>(arbitrary: fc.Arbitrary<T>, write: (value: T) => Row, read: (row: Row) => unknown): void {
  fc.assert(
    fc.property(arbitrary, (value) => {
      const row = write(value)
      // As LevelDB gives them: Buffers.
      expect(read({ key: Buffer.from(row.key), value: Buffer.from(row.value) })).toStrictEqual(value)
    }),
    { numRuns: 500 },
  )
}

describe('rows', () => {
  test('[STORE1] a head comes back as it was', () => {
    const head = fc.record({
      revision: count,
      epoch: count,
      createdMs: count,
      updatedMs: count,
      title: fc.option(fc.oneof(text, units), { nil: null }),
      nextSeq: count,
      serverClient: client,
      nextRecord: count,
      lastStampMs: count,
      lastMessageSeq: fc.option(count, { nil: null }),
    })
    const stored = fc.oneof(
      head.map((value) => ({ kind: 'head', head: value }) as const),
      fc.record({ kind: fc.constant('deleted' as const), deletedMs: count }),
    )
    comesBack(stored, (value) => rows.writeHead(one, value), rows.readHead)
  })

  test('[STORE1] an entry and its place come back as they were', () => {
    const place = { seq: count, client, clock: count, crc, voidReason: maybe(text) }
    const entry = fc.record({ ...place, timeMs: count, payload: maybe(bytes) })
    comesBack(entry, (value) => rows.writeEntry(one, value), rows.readEntry)
    comesBack(fc.record(place), (value) => rows.writePlace(one, value), rows.readPlace)
  })

  test('[STORE1] a record comes back as it was', () => {
    comesBack(fc.record({ clock: count, payload: bytes }), (value) => rows.writeRecord(one, value), rows.readRecord)
  })

  test('[STORE1] a chain and what is deleted of it come back as they were', () => {
    const chain = fc.record({ client, user, held: fc.boolean(), next: count, createdMs: count })
    const deleted = fc.record({ client, ranges: fc.array(fc.record({ clock: count, length: count })) })
    comesBack(chain, (value) => rows.writeChain(one, value), rows.readChain)
    comesBack(deleted, (value) => rows.writeDeleted(one, value), rows.readDeleted)
  })

  test('[STORE1] a message comes back as it was', () => {
    const arbitrary = fc
      .record({ seq: count, id: message, user, content: units, status: text, part: fc.jsonValue() })
      .map(({ seq, part, ...fields }) => messageAt(seq, { ...fields, parts: [{ part }] }))
      .map((value) => JSON.parse(JSON.stringify(value)) as typeof value)
    comesBack(arbitrary, (value) => rows.writeMessage(one, value), rows.readMessage)
  })

  test('[STORE1] claims, members, inboxes and idempotency keys come back as they were', () => {
    const claim = fc.record({ id: message, user, seq: maybe(belowMax), digest: crc })
    comesBack(claim, (value) => rows.writeClaim(one, value), rows.readClaim)
    const member = fc.record({
      user,
      access: fc.constantFrom(...accessLevels),
      readThrough: belowMax.map((number) => number - 1),
    })
    const writeMember = (value: { user: typeof value.user }): Row => rows.writeMember(one, value.user, 'owner', -1)
    comesBack(member, (value) => rows.writeMember(one, value.user, value.access, value.readThrough), rows.readMember)
    comesBack(conversation, (value) => rows.writeInbox(writeMember as never, value), rows.readInbox)
    const idempotency = fc.record({ user, key: requestKey, id: message })
    comesBack(idempotency, (value) => rows.writeIdempotency(one, value), rows.readIdempotency)
  })
})
