import { expect, test } from 'vitest'

import { rememberProved } from '../../../server/http/proved-tokens.ts'
import { Fault } from '../../../shared/fault.ts'
import { limits } from '../../../shared/limits.ts'
import { userId } from '../../helpers/chain-doc.ts'

function rig(lifeMs: number) {
  const clock = { ms: 1_700_000_000_000 }
  const start = clock.ms
  const asked: string[] = []
  const authenticate = rememberProved(
    async (token) => {
      asked.push(token)
      if (token === 'bad' || clock.ms >= start + lifeMs) throw new Fault('unauthenticated')
      return { user: userId(token), expiresMs: start + lifeMs }
    },
    () => clock.ms,
  )
  return { clock, asked, authenticate }
}

test('[AUTH1] a token is checked once, then again when a while has passed', async () => {
  const { clock, asked, authenticate } = rig(10 * limits.provedTokenMs)
  expect((await authenticate('ann')).user).toBe('ann')
  clock.ms += limits.provedTokenMs - 1
  expect((await authenticate('ann')).user).toBe('ann')
  expect(asked).toEqual(['ann'])
  clock.ms += 1
  await authenticate('ann')
  expect(asked).toEqual(['ann', 'ann'])
})

test('[AUTH1] it is never good beyond its end, nor for longer because a clock was set back', async () => {
  const { clock, asked, authenticate } = rig(1000)
  await authenticate('ann')
  clock.ms -= limits.provedTokenMs
  await authenticate('ann')
  expect(asked).toEqual(['ann', 'ann'])
  clock.ms += limits.provedTokenMs + 1000
  await expect(authenticate('ann')).rejects.toThrow(Fault)
})

test('[AUTH1] what was refused is checked every time', async () => {
  const { asked, authenticate } = rig(1000)
  for (let each = 0; each < 2; each++) await expect(authenticate('bad')).rejects.toThrow(Fault)
  expect(asked).toEqual(['bad', 'bad'])
})

test('[AUTH1] the oldest is forgotten for a new one: tokens do not fill the memory', async () => {
  const { asked, authenticate } = rig(1000)
  for (let each = 0; each <= limits.provedTokens; each++) await authenticate(`u${each}`)
  const before = asked.length
  await authenticate(`u${limits.provedTokens}`)
  expect(asked.length).toBe(before)
  await authenticate('u0')
  expect(asked.length).toBe(before + 1)
})
