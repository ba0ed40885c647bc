import { expect, test } from 'vitest'

import { accessLevels, hasAccess, parseAccess } from '../../../shared/chat/access.ts'

test('[POLICY1] access has four levels, each of which includes all below it', () => {
  expect(accessLevels).toEqual(['owner', 'admin', 'writer', 'reader'])
  const allowed = accessLevels.map((access) => accessLevels.filter((needed) => hasAccess(access, needed)))
  expect(allowed).toEqual([
    ['owner', 'admin', 'writer', 'reader'],
    ['admin', 'writer', 'reader'],
    ['writer', 'reader'],
    ['reader'],
  ])
  for (const needed of accessLevels) expect(hasAccess(undefined, needed)).toBe(false)
})

test('[POLICY1] only the names of the levels are access', () => {
  for (const access of accessLevels) expect(parseAccess(access)).toBe(access)
  for (const bad of ['', 'Owner', 'user', 'none', '__proto__', 0, 1, null, undefined, ['owner'], {}]) {
    expect(parseAccess(bad)).toBeUndefined()
  }
})
