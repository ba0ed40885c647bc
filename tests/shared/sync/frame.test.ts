import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { limits } from '../../../shared/limits.ts'
import { controlChannel, encodeFrame, parseFrame } from '../../../shared/sync/frame.ts'
import { hex } from '../../helpers/chain-doc.ts'
import { announceSeed } from '../../helpers/seeded-random.ts'
import { concat, paddedVarUint, varUint } from '../../helpers/update-forge.ts'

const channels = fc.integer({ min: 0, max: limits.highestChannel })

test('[MUX3] frames come back as they went out', () => {
  fc.assert(
    fc.property(channels, fc.uint8Array({ maxLength: 200 }), (channel, content) => {
      expect(parseFrame(encodeFrame(channel, content))).toEqual({ kind: 'frame', channel, content })
    }),
    { seed: announceSeed('MUX3 frames') },
  )
})

test('[MUX3] their bytes are fixed', () => {
  expect(hex(encodeFrame(controlChannel, Uint8Array.of(0x7b, 0x7d)))).toBe('007b7d')
  expect(hex(encodeFrame(1, Uint8Array.of(0, 1)))).toBe('010001')
  expect(hex(encodeFrame(300, new Uint8Array()))).toBe('ac02')
  expect(hex(encodeFrame(limits.highestChannel, new Uint8Array()))).toBe('ffffffff07')
})

test('[MUX3] any bytes give an answer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const frame = parseFrame(bytes)
      if (frame.kind === 'malformed') return
      expect(frame.channel).toBeLessThanOrEqual(limits.highestChannel)
      expect(hex(bytes).endsWith(hex(frame.content))).toBe(true)
    }),
    { seed: announceSeed('MUX3 any bytes'), numRuns: 1000 },
  )
})

test.each([
  ['nothing', new Uint8Array()],
  ['a channel that does not end', Uint8Array.of(0x80)],
  ['a channel beyond the highest', varUint(limits.highestChannel + 1)],
  ['a channel beyond a double', concat(new Uint8Array(9).fill(0xff), Uint8Array.of(1))],
  ['a frame beyond the limit', new Uint8Array(limits.frameBytes + 1)],
])('[MUX3] %s is malformed', (_what, bytes) => {
  expect(parseFrame(bytes).kind).toBe('malformed')
})

test('[MUX3] a frame at the limit is none too long, and a padded channel is that channel', () => {
  expect(parseFrame(new Uint8Array(limits.frameBytes)).kind).toBe('frame')
  expect(parseFrame(paddedVarUint(5, 3))).toMatchObject({ kind: 'frame', channel: 5 })
})
