import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { parseInvitationId, parseInvitedAccess } from '../../../shared/chat/invitation.ts'
import { findProfiles, parseProfileColor, parseProfileName } from '../../../shared/chat/profile.ts'
import { parseUserId } from '../../../shared/sync/ids.ts'

test('[PROFILE1] a name shows something, fits, and does nothing to the text around it', () => {
  for (const name of ['Ann', 'Ann-Sophie O’Neill', '李', 'عَلِيّ', '👩‍👩‍👧', 'x'.repeat(80), '7', '.'])
    expect(parseProfileName(` \t${name}\n`)).toBe(name)
  const invisible = ['', ' ', '\u200b\u200d', '\u0301', '\u2003\u00a0', '\u3164', '\u115f\u1160', '\uffa0', '\u2800']
  const controls = [
    'a\u0000',
    'a\u007fb',
    'a\u0085b',
    'a\nb',
    'a\u2028b',
    '\u202eann',
    'a\u2066b',
    'a\ud83d',
    '\udc00a',
  ]
  for (const name of [...invisible, ...controls, 'x'.repeat(81), '🎈'.repeat(41), 7, null, undefined, ['Ann'], {}])
    expect([name, parseProfileName(name)]).toEqual([name, undefined])
})

test('[PROFILE1] whatever is taken for a name is taken again as it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 90 }), (text) => {
      const name = parseProfileName(text)
      expect(name === undefined || parseProfileName(name) === name).toBe(true)
    }),
    { numRuns: 3000 },
  )
})

test('[PROFILE1][INVITE2] colours, ids and what an invitation gives are exactly what they should be', () => {
  expect(parseProfileColor('#00FFaa')).toBe('#00ffaa')
  for (const bad of ['', 'red', '#fff', '#00ff0g', '#00ff0011', ' #00ff00', '#00ff00\n', 0, null])
    expect(parseProfileColor(bad)).toBeUndefined()
  expect(['owner', 'admin', 'writer', 'reader', '', null].map(parseInvitedAccess)).toEqual([
    undefined,
    undefined,
    'writer',
    'reader',
    undefined,
    undefined,
  ])
  const id = '01890a5d-ac96-774b-bcce-b302099a8057'
  expect(parseInvitationId(id)).toBe(id)
  for (const bad of [id.toUpperCase(), id.slice(1), '', 7]) expect(parseInvitationId(bad)).toBeUndefined()
})

test('[USERS1] those of whom id or name begins with it come first, each part by id; everybody contains nothing', () => {
  const people = (['zoe', 'bob', 'annabel', 'carla', 'joan'] as const).map((text, index) => {
    const user = parseUserId(text)
    if (user === undefined) throw new Error('not a user id')
    return { user, name: [null, 'Anna B.', null, 'Joanna', 'ÁNN'][index] ?? null, color: null }
  })
  const found = (query: string, limit = 9): readonly string[] =>
    findProfiles(people, query, limit).map(({ user }) => user)
  expect(found('an')).toEqual(['annabel', 'bob', 'carla', 'joan'])
  expect(found(' AN ', 3)).toEqual(['annabel', 'bob', 'carla'])
  expect(found('ánn')).toEqual(['joan'])
  expect(found('')).toEqual(['annabel', 'bob', 'carla', 'joan', 'zoe'])
  expect(found('zoez')).toEqual([])
  expect(found('z', 0)).toEqual([])
})
