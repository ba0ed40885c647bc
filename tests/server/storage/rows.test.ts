// The row codecs: what is written comes back, and what was changed on the way does not.
import * as fc from 'fast-check'
import * as encoding from 'lib0/encoding'
import { describe, expect, test } from 'vitest'

import {
  type ChainRow,
  type ClaimRow,
  type DeletedRow,
  type DroppedRow,
  type EntryRow,
  type Head,
  type IdempotencyRow,
  type PieceRow,
  type PlaceRow,
  type SettingRow,
  StoreError,
  type StoredHead,
  type TouchedRow,
} from '../../../server/storage/conversation-store.ts'
import type { Key } from '../../../server/storage/level/keys.ts'
import { readMember, writeMember } from '../../../server/storage/level/member-rows.ts'
import * as rows from '../../../server/storage/level/rows.ts'
import {
  readInvitation,
  readProfile,
  writeInvitation,
  writeProfile,
} from '../../../server/storage/level/people-rows.ts'
import { type Row, sealRow } from '../../../server/storage/level/seal.ts'
import type { InvitationRow, ProfileRow } from '../../../server/storage/people-rows.ts'
import * as touchRows from '../../../server/storage/level/touch-rows.ts'
import {
  type ErasingRow,
  readErasing,
  readPurging,
  writeErasing,
  writePurging,
} from '../../../server/storage/level/vanishing-rows.ts'
import { accessLevels } from '../../../shared/chat/access.ts'
import { invitedAccesses } from '../../../shared/chat/invitation.ts'
import type { StampedMessage } from '../../../shared/chat/message.ts'
import type { ClockRange } from '../../../shared/sync/chain-update/chain-struct.ts'
import {
  ann,
  clientId,
  conversationId,
  entryAt,
  headAt,
  invitationAt,
  messageAt,
  messageId,
  recordAt,
} from '../../contract/store-rows.ts'
import {
  client,
  conversation,
  count,
  invitation,
  message,
  record,
  requestKey,
  settingKey,
  user,
} from './arbitrary-ids.ts'

const one = conversationId(1)
const crc = fc.nat({ max: 0xffff_ffff })
const bytes = fc.uint8Array({ maxLength: 300 })
const someBytes = fc.uint8Array({ minLength: 1, maxLength: 40 })
const text = fc.string({ unit: 'binary' })
/** Any UTF-16, halves of pairs included. */
const units = fc.array(fc.nat({ max: 0xffff })).map((codes) => String.fromCharCode(...codes))
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })

interface RoundTrip {
  readonly value: unknown
  readonly found: unknown
}

function roundTrip<T>(
  values: fc.Arbitrary<T>,
  write: (value: T) => Row,
  read: (row: Row) => unknown,
): fc.Arbitrary<RoundTrip> {
  return values.map((value) => {
    const { key, value: stored } = write(value)
    // As LevelDB gives them: Buffers.
    return { value, found: read({ key: Buffer.from(key), value: Buffer.from(stored) }) }
  })
}

/** A seq, or -1. */
const through = count.filter((number) => number < Number.MAX_SAFE_INTEGER).map((number) => number - 1)
const head: fc.Arbitrary<StoredHead> = record({
  kind: fc.constant('head' as const),
  head: record<Head>({
    revision: count,
    epoch: count,
    generation: count,
    createdMs: count,
    updatedMs: count,
    title: fc.option(fc.oneof(text, units), { nil: null }),
    nextSeq: count,
    serverClient: client,
    nextRecord: count,
    lastStampMs: count,
    lastMessageSeq: fc.option(count, { nil: null }),
    through,
    firstRecord: count,
    checkpoint: fc.option(count, { nil: null }),
    liveEntries: count,
    liveBytes: count,
    redactions: count,
    soleAuthor: fc.option(user, { nil: null }),
    events: count,
  }),
})
const tombstone: fc.Arbitrary<StoredHead> = record({ kind: fc.constant('deleted' as const), deletedMs: count })
const place = { seq: count, client, clock: count, crc, voidReason: maybe(text) }
const entry = record<EntryRow>({ ...place, timeMs: count, payload: maybe(bytes) })
const chain = record<ChainRow>({ client, user, held: fc.boolean(), next: count, createdMs: count, epoch: count })
const deleted = record<DeletedRow>({ client, ranges: fc.array(record<ClockRange>({ clock: count, length: count })) })
const dropped = record<DroppedRow>({ client, user: fc.option(user, { nil: null }), next: count })
const claim = record<ClaimRow>({ id: message, user, seq: maybe(count), digest: crc })
const member = record({ user, access: fc.constantFrom(...accessLevels), readThrough: through, received: through })
const lateMember = fc
  .tuple(member, count, fc.array(record({ root: message, through: count, at: count }), { minLength: 1 }))
  .map(([row, from, threads]) => ({ ...row, from, threads }))
const stamped: fc.Arbitrary<StampedMessage> = record({
  id: message,
  user,
  role: fc.constantFrom('user' as const, 'assistant' as const),
  content: units,
  writtenAt: count,
  seq: count,
  createdAt: count,
  revision: count,
  parts: fc.array(record({ text, more: fc.array(fc.oneof(count, units, fc.constant(null))) })),
})

const invited = record<InvitationRow>({
  id: invitation,
  access: fc.constantFrom(...invitedAccesses),
  createdBy: user,
  createdMs: count,
  expiresMs: count,
  usesLeft: fc.option(count, { nil: null }),
})
const optionalText = fc.option(text, { nil: null })
const profile = record<ProfileRow>({ user, name: optionalText, color: optionalText, updatedMs: count })

const roundTrips: readonly (readonly [kind: string, fc.Arbitrary<RoundTrip>])[] = [
  ['format', roundTrip(count, rows.writeFormat, rows.readFormat)],
  ['generation', roundTrip(count, rows.writeGeneration, rows.readGeneration)],
  ['head', roundTrip(fc.oneof(head, tombstone), (value) => rows.writeHead(one, value), rows.readHead)],
  ['log', roundTrip(entry, (value) => rows.writeEntry(one, value), rows.readEntry)],
  ['place', roundTrip(record<PlaceRow>(place), (value) => rows.writePlace(one, value), rows.readPlace)],
  [
    'record',
    roundTrip(
      record({ clock: count, payload: maybe(someBytes) }),
      (value) => rows.writeRecord(one, value),
      rows.readRecord,
    ),
  ],
  ['message', roundTrip(stamped, (value) => rows.writeMessage(one, value), rows.readMessage)],
  ['id', roundTrip(claim, (value) => rows.writeClaim(one, value), rows.readClaim)],
  ['chain', roundTrip(chain, (value) => rows.writeChain(one, value), rows.readChain)],
  ['deleted', roundTrip(deleted, (value) => rows.writeDeleted(one, value), rows.readDeleted)],
  ['invitation', roundTrip(invited, (value) => writeInvitation(one, value), readInvitation)],
  ['profile', roundTrip(profile, writeProfile, readProfile)],
  ['dropped', roundTrip(dropped, (value) => rows.writeDropped(one, value), rows.readDropped)],
  ['member', roundTrip(member, (value) => writeMember(one, value), readMember)],
  ['late member', roundTrip(lateMember, (value) => writeMember(one, value), readMember)],
  ['inbox', roundTrip(conversation, (value) => rows.writeInbox(ann, value), rows.readInbox)],
  [
    'idempotency',
    roundTrip(
      record<IdempotencyRow>({ user, key: requestKey, id: message }),
      (value) => rows.writeIdempotency(one, value),
      rows.readIdempotency,
    ),
  ],
  [
    'touched',
    roundTrip(
      record<TouchedRow>({ revision: count, seq: count }),
      (value) => touchRows.writeTouched(one, value),
      touchRows.readTouched,
    ),
  ],
  [
    'piece',
    roundTrip(
      record<PieceRow>({ id: message, seq: count }),
      (value) => touchRows.writePiece(one, value),
      touchRows.readPiece,
    ),
  ],
  [
    'setting',
    roundTrip(
      record<SettingRow>({ key: settingKey, value: fc.oneof(units, count, fc.boolean(), fc.array(record({ units }))) }),
      (value) => touchRows.writeSetting(one, value),
      touchRows.readSetting,
    ),
  ],
  ['pin', roundTrip(record({ id: message, seq: count }), (value) => touchRows.writePin(one, value), touchRows.readPin)],
  [
    'erasing',
    roundTrip(record<ErasingRow>({ conversation, revision: count, seqs: fc.array(count) }), writeErasing, readErasing),
  ],
  ['purging', roundTrip(conversation, writePurging, readPurging)],
]

test.each(roundTrips)('[STORE1] a %s row comes back as it was', (_kind, trips) => {
  fc.assert(
    fc.property(trips, ({ value, found }) => {
      expect(found).toStrictEqual(value)
    }),
    { numRuns: 1000 },
  )
})

const content = 'the content of a row'
const samples: readonly (readonly [kind: string, row: Row, read: (row: Row) => unknown])[] = [
  ['format', rows.writeFormat(1), rows.readFormat],
  ['generation', rows.writeGeneration(1_700_000_000_000), rows.readGeneration],
  ['head', rows.writeHead(one, { kind: 'head', head: headAt(3, { title: content }) }), rows.readHead],
  ['head', rows.writeHead(one, { kind: 'deleted', deletedMs: 1_700_000_000_000 }), rows.readHead],
  ['log', rows.writeEntry(one, entryAt(3, { payload: new TextEncoder().encode(content) })), rows.readEntry],
  ['log', rows.writeEntry(one, entryAt(3, { payload: undefined, voidReason: 'access' })), rows.readEntry],
  ['place', rows.writePlace(one, entryAt(3)), rows.readPlace],
  ['record', rows.writeRecord(one, recordAt(3)), rows.readRecord],
  ['message', rows.writeMessage(one, messageAt(3, { content })), rows.readMessage],
  ['id', rows.writeClaim(one, { id: messageId(3), user: ann, seq: 3, digest: 4 }), rows.readClaim],
  [
    'chain',
    rows.writeChain(one, { client: clientId(3), user: ann, held: true, next: 4, createdMs: 5, epoch: 6 }),
    rows.readChain,
  ],
  ['deleted', rows.writeDeleted(one, { client: clientId(3), ranges: [{ clock: 4, length: 5 }] }), rows.readDeleted],
  ['dropped', rows.writeDropped(one, { client: clientId(3), user: ann, next: 4 }), rows.readDropped],
  ['member', writeMember(one, { user: ann, access: 'owner', readThrough: 3, received: 4 }), readMember],
  ['inbox', rows.writeInbox(ann, one), rows.readInbox],
  ['idempotency', rows.writeIdempotency(one, { user: ann, key: 'a/key', id: messageId(3) }), rows.readIdempotency],
  ['touched', touchRows.writeTouched(one, { revision: 4, seq: 3 }), touchRows.readTouched],
  ['piece', touchRows.writePiece(one, { id: messageId(3), seq: 4 }), touchRows.readPiece],
  ['setting', touchRows.writeSetting(one, { key: 'metadata', value: { content } }), touchRows.readSetting],
  ['pin', touchRows.writePin(one, { id: messageId(3), seq: 4 }), touchRows.readPin],
  ['erasing', writeErasing({ conversation: one, revision: 3, seqs: [4, 5] }), readErasing],
  ['purging', writePurging(one), readPurging],
  ['invitation', writeInvitation(one, invitationAt(3)), readInvitation],
  ['profile', writeProfile({ user: ann, name: content, color: '#00ff00', updatedMs: 5 }), readProfile],
]

function errorOf(read: () => unknown): unknown {
  try {
    return read()
  } catch (error) {
    return error
  }
}

function flipped(source: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(source)
  copy[bit >>> 3] = (copy[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
  return copy
}

/** The same row without its last bytes, sealed again. */
function shortened({ value }: Row, key: Key, length = 1): Row {
  const body = value.subarray(0, -4 - length)
  return sealRow(key, () => undefined, body)
}

test('[STORE4] rows from before there were epochs and generations read as of the first', () => {
  const first = { kind: 'head', head: headAt(3, { epoch: 0, generation: 0 }) } as const
  // Behind the generation stand seven fields of one byte each.
  const oldHead = shortened(rows.writeHead(one, first), { kind: 'head', conversation: one }, 8)
  expect(rows.readHead(oldHead)).toStrictEqual(first)
  const row = { client: clientId(3), user: ann, held: true, next: 4, createdMs: 5, epoch: 0 }
  const oldChain = shortened(rows.writeChain(one, row), { kind: 'chain', conversation: one, client: clientId(3) })
  expect(rows.readChain(oldChain)).toStrictEqual(row)
})

test('[STORE4] rows from before there was an archive, and messages that change, read as of then', () => {
  const first = { kind: 'head', head: headAt(3, { generation: 5, lastMessageSeq: 2 }) } as const
  const oldHead = shortened(rows.writeHead(one, first), { kind: 'head', conversation: one }, 7)
  expect(rows.readHead(oldHead)).toStrictEqual(first)
  expect(first.head).toMatchObject({
    through: -1,
    firstRecord: 1,
    checkpoint: null,
    liveEntries: 0,
    redactions: 0,
    soleAuthor: null,
  })
  for (const readThrough of [-1, 0, 7]) {
    const row = { user: ann, access: 'owner', readThrough, received: readThrough } as const
    const oldMember = shortened(writeMember(one, row), { kind: 'member', conversation: one, user: ann })
    expect(readMember(oldMember)).toStrictEqual(row)
  }
  const { revision: _revision, ...oldMessage } = messageAt(3)
  const body = Buffer.from(JSON.stringify(oldMessage))
  const oldRow = sealRow({ kind: 'message', conversation: one, seq: 3 }, () => undefined, body)
  expect(rows.readMessage(oldRow)).toStrictEqual(messageAt(3))
})

describe('damage', () => {
  test.each(samples)('[STORE3] one flipped bit of a %s row, anywhere, is damage', (kind, { key, value }, read) => {
    expect(read({ key, value })).toBeDefined()
    const damagedRows = [
      ...Array.from({ length: key.length * 8 }, (_, bit) => ({ key: flipped(key, bit), value })),
      ...Array.from({ length: value.length * 8 }, (_, bit) => ({ key, value: flipped(value, bit) })),
      ...Array.from({ length: value.length }, (_, length) => ({ key, value: value.subarray(0, length) })),
      { key, value: Uint8Array.of(...value, 0) },
    ]
    for (const row of damagedRows) {
      const error = errorOf(() => read(row))
      expect(error).toBeInstanceOf(StoreError)
      expect(error).toMatchObject({ code: 'damaged', message: expect.stringContaining(kind) as string })
      expect(String(error)).not.toContain(content)
    }
  })

  test('[STORE3] a whole row under the key of another is damage, and the error says which conversation', () => {
    const { key } = rows.writeEntry(one, entryAt(3))
    for (const other of [rows.writeEntry(one, entryAt(4)), rows.writeEntry(conversationId(2), entryAt(3))]) {
      const error = errorOf(() => rows.readEntry({ key, value: other.value }))
      expect(error).toMatchObject({ code: 'damaged', message: `a log row of conversation ${one} is damaged` })
    }
  })

  test('[STORE3] a sealed row that does not hold what its kind holds is damage', () => {
    const other = rows.writePlace(one, entryAt(3))
    expect(errorOf(() => rows.readEntry(other))).toMatchObject({ code: 'damaged' })
    const nobody = sealRow({ kind: 'chain', conversation: one, client: clientId(1) }, (body) => {
      encoding.writeVarString(body, 'no/user')
    })
    expect(errorOf(() => rows.readChain(nobody))).toMatchObject({ code: 'damaged' })
    const short = sealRow({ kind: 'place', conversation: one, client: clientId(1), clock: 2 }, () => {})
    expect(errorOf(() => rows.readPlace(short))).toMatchObject({ code: 'damaged' })
    const noJson = sealRow({ kind: 'message', conversation: one, seq: 1 }, (body) => {
      encoding.writeVarString(body, '{')
    })
    expect(errorOf(() => rows.readMessage(noJson))).toMatchObject({ code: 'damaged' })
  })

  test('a number that is no count is a bug', () => {
    for (const revision of [-1, 0.5, Number.NaN, 2 ** 53]) {
      expect(() => rows.writeHead(one, { kind: 'head', head: headAt(revision) })).toThrow(RangeError)
    }
  })
})
