// One token for as long as it is good, and a new one in time.
import { expect, test, vi } from 'vitest'

import { createTokenSource } from '../../../client/sync/token-source.ts'
import { ann } from '../../helpers/client-rows.ts'
import { deferred } from '../../helpers/when.ts'

/** A JWT that nobody signed: only its `exp` and `sub` are read here. */
function jwt(claims: object): string {
  return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.sig`
}

const nowMs = 1_000_000_000
const now = (): number => nowMs
const good = jwt({ sub: 'ann', exp: nowMs / 1000 + 3600 })
const ending = jwt({ sub: 'ann', name: 'ann~é?>', exp: nowMs / 1000 + 59 })

test('a token that was given is all there is', async () => {
  const tokens = createTokenSource(ending, now, ann)
  expect(await tokens.get()).toBe(ending)
  expect(tokens.renew()).toBe(false)
  expect(await tokens.get()).toBe(ending)
})

test('a token is fetched once, for all who ask, and again after a renewal', async () => {
  const fetchToken = vi.fn<() => Promise<string>>(async () => good)
  const tokens = createTokenSource(fetchToken, now, ann)
  expect(fetchToken).not.toHaveBeenCalled()
  expect(await Promise.all([tokens.get(), tokens.get()])).toEqual([good, good])
  expect(await tokens.get()).toBe(good)
  expect(fetchToken).toHaveBeenCalledTimes(1)
  expect(tokens.renew()).toBe(true)
  expect(await tokens.get()).toBe(good)
  expect(fetchToken).toHaveBeenCalledTimes(2)
})

test('a token in its last minute is replaced, one that ends later is not', async () => {
  const fetchToken = vi.fn<() => Promise<string>>().mockResolvedValueOnce(ending).mockResolvedValue(good)
  const tokens = createTokenSource(fetchToken, now, ann)
  expect(await tokens.get()).toBe(ending)
  expect(await tokens.get()).toBe(good)
  expect(await tokens.get()).toBe(good)
  expect(fetchToken).toHaveBeenCalledTimes(2)
})

test('a token that has ended is replaced once, however many ask for it', async () => {
  const fetchToken = vi.fn<() => Promise<string>>().mockResolvedValueOnce(ending).mockResolvedValue(good)
  const tokens = createTokenSource(fetchToken, now, ann)
  await tokens.get()
  expect(await Promise.all([tokens.get(), tokens.get(), tokens.get()])).toEqual([good, good, good])
  expect(fetchToken).toHaveBeenCalledTimes(2)
})

test('a renewal while somebody asks costs one token', async () => {
  const fetchToken = vi.fn<() => Promise<string>>().mockResolvedValueOnce(ending).mockResolvedValue(good)
  const tokens = createTokenSource(fetchToken, now, ann)
  await tokens.get()
  // As a connection does that was closed with 4401.
  const asked = tokens.get()
  tokens.renew()
  expect(await Promise.all([asked, tokens.get()])).toEqual([good, good])
  expect(fetchToken).toHaveBeenCalledTimes(2)
})

test.each(['a-token', 'a.b.c', `e30.${btoa('[1]').replace(/=+$/, '')}.sig`, jwt({ sub: 'ann' }), jwt({ exp: 'soon' })])(
  'what tells no end is kept until the server refuses it: %s',
  async (token) => {
    const fetchToken = vi.fn<() => Promise<string>>(async () => token)
    const tokens = createTokenSource(fetchToken, now, ann)
    await tokens.get()
    expect(await tokens.get()).toBe(token)
    expect(fetchToken).toHaveBeenCalledTimes(1)
  },
)

test('a failure is told and forgotten', async () => {
  const failing = Promise.reject(new Error('nobody is signed in'))
  const fetchToken = vi.fn<() => Promise<string>>().mockReturnValueOnce(failing).mockResolvedValue(good)
  const tokens = createTokenSource(fetchToken, now, ann)
  await expect(tokens.get()).rejects.toThrow('nobody is signed in')
  expect(await tokens.get()).toBe(good)
  expect(await tokens.get()).toBe(good)
  expect(fetchToken).toHaveBeenCalledTimes(2)
})

test('a failure that comes after a renewal does not undo it', async () => {
  const failing = deferred<string>()
  const fetchToken = vi.fn<() => Promise<string>>().mockReturnValueOnce(failing.promise).mockResolvedValue(good)
  const tokens = createTokenSource(fetchToken, now, ann)
  const first = tokens.get()
  tokens.renew()
  const second = tokens.get()
  failing.reject(new Error('too late'))
  await expect(first).rejects.toThrow('too late')
  expect(await second).toBe(good)
  expect(await tokens.get()).toBe(good)
  expect(fetchToken).toHaveBeenCalledTimes(2)
})

test('[AUTH1] a token that never comes is not waited for, and the next who asks asks anew', async () => {
  vi.useFakeTimers()
  try {
    const fetchToken = vi
      .fn<() => Promise<string>>()
      .mockReturnValueOnce(deferred<string>().promise)
      .mockResolvedValue(good)
    const tokens = createTokenSource(fetchToken, now, ann)
    const asked = Promise.allSettled([tokens.get(), tokens.get()])
    await vi.advanceTimersByTimeAsync(15_000)
    // Who came second has not asked yet, and does then.
    expect(await asked).toEqual([
      { status: 'rejected', reason: new Error('No token came in time.') },
      { status: 'fulfilled', value: good },
    ])
    expect(await tokens.get()).toBe(good)
    expect(fetchToken).toHaveBeenCalledTimes(2)
    // Nothing is left that would keep a process alive.
    expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})

test('a token with a newline behind it is taken without, what is none is an error', async () => {
  expect(await createTokenSource('a.b.c\n', Date.now, ann).get()).toBe('a.b.c')
  await expect(createTokenSource('not a jwt', Date.now, ann).get()).rejects.toThrow('not a JWT')
  await expect(createTokenSource(() => Promise.resolve('a,b'), Date.now, ann).get()).rejects.toThrow('not a JWT')
})

test('[AUTH1][WIPE2] a token that says that it is of somebody else is no token: nothing is lost to them that is here', async () => {
  const others = jwt({ sub: 'bob', exp: nowMs / 1000 + 3600 })
  await expect(createTokenSource(others, now, ann).get()).rejects.toThrow('somebody else')
  const fetchToken = vi.fn<() => Promise<string>>().mockResolvedValueOnce(others).mockResolvedValue(good)
  const tokens = createTokenSource(fetchToken, now, ann)
  await expect(tokens.get()).rejects.toThrow('somebody else')
  // The next who asks asks anew.
  expect(await tokens.get()).toBe(good)
})
