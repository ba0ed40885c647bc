// How many followers of a conversation one user may have, whatever way they leave.
import { expect, test } from 'vitest'

import { Broadcast, type Subscriber } from '../../../server/sync/broadcast.ts'
import { limits } from '../../../shared/limits.ts'
import { userId } from '../../helpers/chain-doc.ts'

function subscriberOf(user: string): Subscriber {
  const ignore = (): void => undefined
  return { user: userId(user), relay: ignore, show: ignore, close: ignore }
}

test('[AWARE1] of one user so many follow at most; the next is told to come later, others are let in, and who leaves makes room', () => {
  const audience = new Broadcast()
  const anns = Array.from({ length: limits.followersPerUser }, () => subscriberOf('ann'))
  const [first = subscriberOf('ann'), second = subscriberOf('ann')] = anns
  for (const subscriber of anns) audience.add(subscriber)
  const late = subscriberOf('ann')
  const expectFull = (): void =>
    expect(() => audience.add(late)).toThrow(expect.objectContaining({ code: 'overloaded' }))
  expectFull()
  // It was never in.
  audience.remove(late)
  expectFull()
  audience.add(subscriberOf('bob'))
  audience.remove(first)
  audience.remove(first)
  audience.add(first)
  expectFull()
  audience.remove(second)
  audience.add(late)
  expect(audience.size).toBe(limits.followersPerUser + 1)
  audience.close('no-access', userId('ann'))
  expect(audience.size).toBe(1)
  for (const subscriber of anns) audience.add(subscriber)
  expectFull()
  audience.close('restart')
  for (const subscriber of anns) audience.add(subscriber)
  expect(audience.size).toBe(limits.followersPerUser)
})
