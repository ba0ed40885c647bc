import * as fc from 'fast-check'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { expect, test } from 'vitest'
import { applyAwarenessUpdate, Awareness } from 'y-protocols/awareness'
import * as sync from 'y-protocols/sync'
import * as Y from 'yjs'

import {
  encodeStep1,
  encodeStep2,
  encodeUpdateMessage,
  heartbeat,
  parseWireMessage,
} from '../../../shared/sync/wire.ts'
import { append, createDoc, hex, rootContents } from '../../helpers/chain-doc.ts'
import { announceSeed } from '../../helpers/seeded-random.ts'
import { concat, paddedVarUint, varBytes, varUint } from '../../helpers/update-forge.ts'

/** A frame as y-websocket writes it. */
function stockFrame(write: (encoder: encoding.Encoder) => void): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, 0)
  write(encoder)
  return encoding.toUint8Array(encoder)
}

test('[CODEC4] sync messages come back as they went out', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      expect(parseWireMessage(encodeStep1(bytes))).toEqual({ kind: 'step1', stateVector: bytes })
      expect(parseWireMessage(encodeStep2(bytes))).toEqual({ kind: 'step2', update: bytes })
      expect(parseWireMessage(encodeUpdateMessage(bytes))).toEqual({ kind: 'update', update: bytes })
    }),
    { seed: announceSeed('CODEC4 frames') },
  )
  expect(hex(encodeStep1(Uint8Array.of(0)))).toBe('00000100')
  expect(hex(encodeStep2(Uint8Array.of(0, 0)))).toBe('0001020000')
  expect(hex(encodeUpdateMessage(Uint8Array.of(0, 0)))).toBe('0002020000')
})

test('[CODEC4] frames are those of y-protocols, both ways', () => {
  const doc = createDoc(5)
  append(doc, 'ann', [Uint8Array.of(1, 2, 3)])
  const vector = Y.encodeStateVector(doc)
  const state = Y.encodeStateAsUpdate(doc)
  const step1 = stockFrame((encoder) => sync.writeSyncStep1(encoder, doc))
  const step2 = stockFrame((encoder) => sync.writeSyncStep2(encoder, doc))
  const update = stockFrame((encoder) => sync.writeUpdate(encoder, state))
  expect([encodeStep1(vector), encodeStep2(state), encodeUpdateMessage(state)].map(hex)).toEqual(
    [step1, step2, update].map(hex),
  )
  expect(parseWireMessage(step1)).toEqual({ kind: 'step1', stateVector: vector })
  expect(parseWireMessage(step2)).toEqual({ kind: 'step2', update: state })
  expect(parseWireMessage(update)).toEqual({ kind: 'update', update: state })
  const copy = new Y.Doc()
  const decoder = decoding.createDecoder(encodeStep2(state))
  decoding.readVarUint(decoder)
  sync.readSyncMessage(decoder, encoding.createEncoder(), copy, 'test')
  expect([...rootContents(copy)]).toEqual([...rootContents(doc)])
})

test('[CODEC4] the heartbeat is awareness of nobody', () => {
  const doc = new Y.Doc()
  const awareness = new Awareness(doc)
  const before = new Map(awareness.getStates())
  const decoder = decoding.createDecoder(heartbeat)
  expect(decoding.readVarUint(decoder)).toBe(1)
  applyAwarenessUpdate(awareness, decoding.readVarUint8Array(decoder), 'test')
  expect(decoding.hasContent(decoder)).toBe(false)
  expect(awareness.getStates()).toEqual(before)
  expect(parseWireMessage(heartbeat)).toEqual({ kind: 'awareness', update: Uint8Array.of(0) })
  awareness.destroy()
  doc.destroy()
})

test('[CODEC4] what does not touch the document is an aside', () => {
  expect(parseWireMessage(Uint8Array.of(2, 0, 0))).toEqual({ kind: 'aside' })
  expect(parseWireMessage(Uint8Array.of(3))).toEqual({ kind: 'query-awareness' })
  expect(parseWireMessage(Uint8Array.of(1, 2, 5, 5))).toEqual({ kind: 'awareness', update: Uint8Array.of(5, 5) })
})

test('[CODEC4] what is no frame has a reason', () => {
  const empty = Uint8Array.of(0, 0)
  const bad: readonly Uint8Array[] = [
    new Uint8Array(),
    Uint8Array.of(0),
    Uint8Array.of(0, 0),
    Uint8Array.of(0, 2),
    Uint8Array.of(4),
    Uint8Array.of(1),
    Uint8Array.of(1, 5, 5),
    concat(varUint(2 ** 40), [0]),
    concat([0, 3], varBytes(empty)),
    concat([0, 2, 1], empty),
    concat([0, 2, 3], empty),
    concat([0, 2], varBytes(empty), [0]),
    concat([0, 2], varUint(2 ** 53 - 1), empty),
    concat([0, 2], paddedVarUint(0, 200), empty),
    paddedVarUint(0, 200),
  ]
  for (const frame of bad)
    expect(parseWireMessage(frame)).toEqual({ kind: 'malformed', why: expect.any(String) as string })
})
