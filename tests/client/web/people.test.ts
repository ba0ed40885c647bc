// What the page makes of people: whom a conversation is named after, the ink on a colour, and the address of an invitation.
import { expect, test } from 'vitest'

import { conversationName, inkOn, namedMembers } from '../../../client/web/names.ts'
import { parseRoute } from '../../../client/web/route.ts'
import { userId } from '../../helpers/chain-doc.ts'

const [me, bob, cleo, dan, eve] = ['me', 'bob', 'cleo', 'dan', 'eve'].map(userId) as [
  ReturnType<typeof userId>,
  ReturnType<typeof userId>,
  ReturnType<typeof userId>,
  ReturnType<typeof userId>,
  ReturnType<typeof userId>,
]

test('[PROFILE1] a conversation without a title is named after what people call themselves', () => {
  const nameOf = (user: string): string => (user === 'bob' ? 'Bob B.' : user)
  expect(conversationName(null, [me, bob], me, nameOf)).toBe('Bob B.')
  expect(conversationName(null, [cleo, me, bob, dan, eve], me, nameOf)).toBe('cleo, Bob B. and 2 others')
  expect(conversationName('Tea', [me, bob], me, nameOf)).toBe('Tea')
  expect(namedMembers([cleo, me, bob, dan, eve], me)).toEqual([cleo, bob, dan])
  expect(namedMembers(undefined, me)).toEqual([])
})

test('[PROFILE1] a letter can be read on any colour', () => {
  expect(['#000000', '#0000ff', '#a00000', '#ffffff', '#ffff00', '#00ff00'].map(inkOn)).toEqual([
    '#ffffff',
    '#ffffff',
    '#ffffff',
    '#000000',
    '#000000',
    '#000000',
  ])
})

test('[INVITE2] the link of an invitation is an address of the page', () => {
  expect(parseRoute('#/join/aB-_9')).toEqual({ kind: 'join', token: 'aB-_9' })
  for (const bad of ['#/join/', '#/join', '#/join/a/b', '#/join/a%20b', `#/join/${'x'.repeat(513)}`])
    expect(parseRoute(bad)).toEqual({ kind: 'unknown' })
})
