import * as fc from 'fast-check'
import { decodeUtf8, encodeUtf8 } from 'lib0/string'
import { expect, test } from 'vitest'

import { type FaultCode, faults } from '../../../shared/fault.ts'
import { limits } from '../../../shared/limits.ts'
import {
  type ClientControl,
  encodeClientControl,
  encodeServerControl,
  parseClientControl,
  parseServerControl,
  type ServerControl,
  type Version,
} from '../../../shared/sync/control.ts'
import { controlChannel, parseFrame } from '../../../shared/sync/frame.ts'
import { conversationId } from '../../helpers/client-rows.ts'
import { announceSeed } from '../../helpers/seeded-random.ts'

const counts = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
const channels = fc.integer({ min: 1, max: limits.highestChannel })
const conversations = fc.integer({ min: 0, max: 999 }).map(conversationId)
const versions: fc.Arbitrary<Version> = fc.record({ server: counts, records: counts })
const texts = fc.string({ maxLength: limits.deviceNameLength, unit: 'binary-ascii' })
const codes = fc.constantFrom(...Object.keys(faults).filter((code): code is FaultCode => Object.hasOwn(faults, code)))

const clientControls: fc.Arbitrary<ClientControl> = fc.oneof(
  fc.record({
    type: fc.constant('hello' as const),
    token: fc.string(),
    device: fc.option(texts, { nil: undefined }),
    versions: fc.array(fc.tuple(conversations, versions), { maxLength: 20 }).map((list) => new Map(list)),
  }),
  fc.record({
    type: fc.constant('open' as const),
    channel: channels,
    conversation: conversations,
    version: fc.option(versions, { nil: undefined }),
  }),
  fc.record({ type: fc.constant('close' as const), channel: channels }),
  fc.record({ type: fc.constant('token' as const), token: fc.string() }),
)

const serverControls: fc.Arbitrary<ServerControl> = fc.oneof(
  fc.record({ type: fc.constant('hello' as const), user: fc.string(), expiresMs: counts }),
  fc.record({ type: fc.constant('opened' as const), channel: channels, current: fc.boolean() }),
  fc.record({ type: fc.constant('refused' as const), channel: channels, code: codes, reason: fc.string() }),
  fc.record({
    type: fc.constant('activity' as const),
    moved: fc.array(fc.record({ conversation: conversations, seq: fc.integer({ min: -1 }), version: versions })),
    gone: fc.array(fc.record({ conversation: conversations, code: codes })),
  }),
  fc.record({ type: fc.constant('token' as const), expiresMs: counts }),
  fc.constant({ type: 'beat' as const }),
)

/** What stands on channel 0 of a frame. */
function contentOf(bytes: Uint8Array): Uint8Array {
  const frame = parseFrame(bytes)
  if (frame.kind === 'malformed' || frame.channel !== controlChannel) throw new Error('no control frame')
  return frame.content
}

function json(value: unknown): Uint8Array {
  return encodeUtf8(JSON.stringify(value))
}

test('[MUX3] what a client writes comes back', () => {
  fc.assert(
    fc.property(clientControls, (message) => {
      expect(parseClientControl(contentOf(encodeClientControl(message)))).toEqual(message)
    }),
    { seed: announceSeed('MUX3 client'), numRuns: 500 },
  )
})

test('[MUX3] what a server writes comes back', () => {
  fc.assert(
    fc.property(serverControls, (message) => {
      expect(parseServerControl(contentOf(encodeServerControl(message)))).toEqual(message)
    }),
    { seed: announceSeed('MUX3 server'), numRuns: 500 },
  )
})

test('[MUX3] any bytes give an answer, to both sides', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(parseClientControl(bytes).type).toBeTypeOf('string')
      expect(parseServerControl(bytes).type).toBeTypeOf('string')
    }),
    { seed: announceSeed('MUX3 any bytes'), numRuns: 1000 },
  )
})

test('[MUX3] any JSON gives an answer, and only what is in order is taken', () => {
  const types = fc.constantFrom('hello', 'open', 'close', 'token', 'opened', 'refused', 'activity', 'beat', 'else')
  const names = ['token', 'device', 'versions', 'channel', 'conversation', 'version', 'moved', 'gone', 'code', 'user']
  const fields = fc.dictionary(fc.constantFrom(...names, 'expiresMs', 'reason', 'current'), fc.jsonValue())
  fc.assert(
    fc.property(types, fields, (type, rest) => {
      const bytes = json({ ...rest, type })
      for (const [parse, encode] of [
        [parseClientControl, encodeClientControl],
        [parseServerControl, encodeServerControl],
      ] as const) {
        const message = parse(bytes)
        if (message.type === 'malformed') continue
        // Whatever was taken is a message that can be written, and is the same again.
        expect(parse(contentOf(encode(message as never)))).toEqual(message)
      }
    }),
    { seed: announceSeed('MUX3 any JSON'), numRuns: 1000 },
  )
})

test('[MUX3] unknown fields are ignored, and what a list holds of a later version is left out', () => {
  expect(parseServerControl(json({ type: 'beat', mood: 'good' }))).toEqual({ type: 'beat' })
  const known = { conversation: conversationId(1), seq: 3, version: { server: 7, records: 4 } }
  expect(
    parseServerControl(json({ type: 'activity', moved: [known, { conversation: 'all' }, 7], gone: [{ code: 'no' }] })),
  ).toEqual({ type: 'activity', moved: [known], gone: [] })
})

const [id] = [conversationId(1)]
test.each([
  ['a list', []],
  ['no type', {}],
  ['a hello without a token', { type: 'hello', versions: [] }],
  ['a long device', { type: 'hello', token: 't', device: 'x'.repeat(limits.deviceNameLength + 1) }],
  ['versions that are none', { type: 'hello', token: 't', versions: [[id, 1]] }],
  ['a negative version', { type: 'hello', token: 't', versions: [[id, 1, -1]] }],
  [
    'too many versions',
    { type: 'hello', token: 't', versions: Array.from({ length: limits.statedVersions + 1 }, () => [id, 1, 1]) },
  ],
  ['channel 0', { type: 'open', channel: 0, conversation: id }],
  ['half a channel', { type: 'open', channel: 1.5, conversation: id }],
  ['a channel beyond the highest', { type: 'close', channel: limits.highestChannel + 1 }],
  ['no conversation', { type: 'open', channel: 1, conversation: 'all' }],
  ['no version', { type: 'open', channel: 1, conversation: id, version: 7 }],
])('[MUX3] from a client, %s is malformed', (_what, value) => {
  expect(parseClientControl(json(value)).type).toBe('malformed')
})

test('[MUX3] a hello with as many versions as may be stated fits in a frame', () => {
  const stated = new Map(
    Array.from({ length: limits.statedVersions }, (_, index) => [
      conversationId(index),
      { server: 0xffff_ffff, records: 1_000_000 },
    ]),
  )
  expect(stated.size).toBe(limits.statedVersions)
  const hello = encodeClientControl({ type: 'hello', token: 't'.repeat(8192), device: 'phone', versions: stated })
  expect(hello.length).toBeLessThan(limits.frameBytes / 2)
  expect(decodeUtf8(contentOf(hello)).startsWith('{"type":"hello"')).toBe(true)
})
