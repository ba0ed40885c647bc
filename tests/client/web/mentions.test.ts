// Mentions in what is typed and read.
import { expect, test } from 'vitest'

import {
  labelOf,
  labelsOf,
  membersLike,
  namedIn,
  piecesOf,
  renamed,
  typedMention,
} from '../../../client/web/mentions.ts'
import type { UserId } from '../../../shared/sync/ids.ts'
import { ann, bob, userId } from '../../helpers/client-rows.ts'

const people = [ann, bob, userId('ann-lee'), userId('joe@example.com'), userId('Zoann')]
const byId = (user: UserId): string => user

const names = new Map<UserId, string>([
  [bob, 'Bob Müller'],
  [userId('u7'), 'Annika Berg'],
  [userId('u8'), 'Eva'],
  [userId('u9'), 'Eva'],
  [userId('u10'), 'ann'],
])
const called = (user: UserId): string => names.get(user) ?? user
const named = [ann, ...names.keys()]

test('what is typed behind an @ at the beginning of a word may be a name, with spaces', () => {
  expect(typedMention('Yes @an', 7)).toEqual({ from: 4, to: 7, query: 'an' })
  expect(typedMention('@', 1)).toEqual({ from: 0, to: 1, query: '' })
  expect(typedMention('Yes @Bob M', 10)).toEqual({ from: 4, to: 10, query: 'Bob M' })
  expect(typedMention('Yes @an\nnow', 11)).toBeUndefined()
  expect(typedMention('Yes @ an', 8)).toBeUndefined()
  expect(typedMention('mail joe@example', 16)).toBeUndefined()
})

test('members are found by user id and by name, whatever case and accents', () => {
  expect(membersLike(people, 'An', byId)).toEqual(['ann', 'ann-lee', 'Zoann'])
  expect(membersLike(people, 'x', byId)).toEqual(['joe@example.com'])
  expect(membersLike(people, 'q', byId)).toEqual([])
  expect(membersLike(named, 'mull', called)).toEqual(['bob'])
  expect(membersLike(named, 'BOB MU', called)).toEqual(['bob'])
  expect(membersLike(named, 'bo', called)).toEqual(['bob'])
  expect(membersLike(named, 'u7', called)).toEqual(['u7'])
  expect(membersLike(named, 'ann hello', called)).toEqual([])
})

test('who shares a name, or is called as another’s id, stands in a text by the own id', () => {
  const labels = labelsOf(named, called)
  expect(named.map((user) => labelOf(user, called, labels))).toEqual([
    'ann',
    'Bob Müller',
    'Annika Berg',
    'u8',
    'u9',
    'u10',
  ])
  const typed = '@Bob Müller, @ann and @u9: hello @Eva'
  expect(namedIn(typed, labels)).toEqual(['bob', 'ann', 'u9'])
  expect(renamed(typed, labels, byId)).toBe('@bob, @ann and @u9: hello @Eva')
  expect(renamed('@bob, @ann and @bobby', labels, (user) => labelOf(user, called, labels))).toBe(
    '@Bob Müller, @ann and @bobby',
  )
})

test('a text is cut where it names somebody, by the longest name, and nowhere else', () => {
  const text = 'Hi @ann-lee, @ann and @bobby: ask @joe@example.com (@ann) @annë me@bob.org'
  const labels = labelsOf(people, byId)
  expect(piecesOf(text, labels).map((piece) => piece.user ?? piece.text)).toEqual([
    'Hi ',
    'ann-lee',
    ', ',
    'ann',
    ' and @bobby: ask ',
    'joe@example.com',
    ' (',
    'ann',
    ') @annë me@bob.org',
  ])
  const whole = piecesOf(text, labels).map((piece) => piece.text)
  expect(whole.join('')).toBe(text)
  expect(piecesOf(text, new Map())).toEqual([{ text, at: 0 }])
  expect(namedIn(text, labels)).toEqual(['ann-lee', 'ann', 'joe@example.com'])
})
