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
      if (token.startsWith('bad') || clock.ms >= start + lifeMs) throw new Fault('unauthenticated')
      return { user: userId(token.split('.')[0] ?? ''), expiresMs: start + lifeMs }
    },
    () => clock.ms,
  )
  return { clock, asked, authenticate }
}

test('[AUTH1] a token is checked once, then again when a while has passed', async () => {
  const { clock, asked, authenticate } = rig(10 * limits.provedTokenMs)
  expect((await authenticate('ann.a.b')).user).toBe('ann')
  clock.ms += limits.provedTokenMs - 1
  expect((await authenticate('ann.a.b')).user).toBe('ann')
  expect(asked).toEqual(['ann.a.b'])
  clock.ms += 1
  await authenticate('ann.a.b')
  expect(asked).toEqual(['ann.a.b', 'ann.a.b'])
})

test('[AUTH1] it is never good beyond its end, nor for longer because a clock was set back', async () => {
  const { clock, asked, authenticate } = rig(1000)
  await authenticate('ann.a.b')
  clock.ms -= limits.provedTokenMs
  await authenticate('ann.a.b')
  expect(asked).toEqual(['ann.a.b', 'ann.a.b'])
  clock.ms += limits.provedTokenMs + 1000
  await expect(authenticate('ann.a.b')).rejects.toThrow(Fault)
})

test('[AUTH1] what was refused is checked every time', async () => {
  const { asked, authenticate } = rig(1000)
  for (let each = 0; each < 2; each++) await expect(authenticate('bad.a.b')).rejects.toThrow(Fault)
  expect(asked).toEqual(['bad.a.b', 'bad.a.b'])
})

test('[AUTH1] the oldest is forgotten for a new one: tokens do not fill the memory', async () => {
  const { asked, authenticate } = rig(1000)
  for (let each = 0; each <= limits.provedTokens; each++) await authenticate(`u${each}.a.b`)
  const before = asked.length
  await authenticate(`u${limits.provedTokens}.a.b`)
  expect(asked.length).toBe(before)
  await authenticate('u0.a.b')
  expect(asked.length).toBe(before + 1)
})

test('[AUTH1] a token has one spelling: with spaces in it, or without end, it is none, and nobody is asked', async () => {
  const { asked, authenticate } = rig(1000)
  await authenticate('ann.a.b')
  for (const token of ['ann.a.b ', 'ann.a. b', 'ann.a.b=', 'ann.a', `ann.a.${'b'.repeat(limits.tokenLength)}`]) {
    await expect(authenticate(token)).rejects.toThrow(Fault)
  }
  expect(asked).toEqual(['ann.a.b'])
})
