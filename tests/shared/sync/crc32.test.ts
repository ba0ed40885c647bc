import { crc32 as zlibCrc32 } from 'node:zlib'

import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { crc32 } from '../../../shared/sync/crc32.ts'
import { announceSeed } from '../../helpers/seeded-random.ts'
import { utf8 } from '../../helpers/update-forge.ts'

test('[CODEC4] the checksum is the CRC-32 of zlib', () => {
  expect(crc32(utf8('123456789'))).toBe(0xcbf4_3926)
  expect(crc32(new Uint8Array())).toBe(0)
  expect(crc32(Uint8Array.of(0))).toBe(0xd202_ef8d)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(crc32(bytes)).toBe(zlibCrc32(bytes))
      expect(crc32(Uint8Array.from([9, ...bytes]).subarray(1))).toBe(zlibCrc32(bytes))
    }),
    { seed: announceSeed('CODEC4 checksums') },
  )
})

test('[CODEC4] a flipped bit changes the checksum', () => {
  const payload = fc.uint8Array({ minLength: 1, maxLength: 100 })
  fc.assert(
    fc.property(payload, fc.nat(), fc.nat({ max: 7 }), (bytes, place, bit) => {
      const damaged = bytes.slice()
      const index = place % bytes.length
      damaged[index] = (damaged[index] ?? 0) ^ (1 << bit)
      expect(crc32(damaged)).not.toBe(crc32(bytes))
    }),
    { seed: announceSeed('CODEC4 damage') },
  )
})
