// Counts sockets of addresses.
import { expect, test } from 'vitest'

import { Strangers } from '../../../server/sync/strangers.ts'

test('[HELLO1] only so many of an address may be unknown at once; each makes room once, when it is known or gone', () => {
  const strangers = new Strangers(2)
  const [first, second] = [strangers.admit('10.0.0.1'), strangers.admit('10.0.0.1')]
  expect([first, second, strangers.admit('10.0.0.1')]).toEqual([expect.any(Function), expect.any(Function), undefined])
  expect(strangers.admit('10.0.0.2')).toBeDefined()
  first?.()
  first?.()
  expect(strangers.admit('10.0.0.1')).toBeDefined()
  expect(strangers.admit('10.0.0.1')).toBeUndefined()
})

test.each([
  ['2001:db8:1:2::1', '2001:db8:1:2:3:4:5:6', true],
  ['2001:db8::1', '2001:db8:0:0:ffff::', true],
  ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
  ['::1', '::2', true],
  ['fe80::1', '::1', false],
  ['::ffff:10.0.0.1', '::ffff:10.0.0.2', false],
  ['10.0.0.1', '10.0.0.2', false],
])('[HELLO1] %s and %s are one customer: %s', (one, other, isOne) => {
  const strangers = new Strangers(1)
  strangers.admit(one)
  expect(strangers.admit(other) === undefined).toBe(isOne)
})
