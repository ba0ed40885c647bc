// Mentions in what is typed and read.
import { expect, test } from 'vitest'

import { membersLike, namedIn, piecesOf, typedMention } from '../../../client/web/mentions.ts'
import { ann, bob, userId } from '../../helpers/client-rows.ts'

const people = [ann, bob, userId('ann-lee'), userId('joe@example.com'), userId('Zoann')]

test('what is typed behind an @ at the beginning of a word is looked for among the members', () => {
  expect(typedMention('Yes @an', 7)).toEqual({ from: 4, to: 7, query: 'an' })
  expect(typedMention('@', 1)).toEqual({ from: 0, to: 1, query: '' })
  expect(typedMention('Yes @an now', 11)).toBeUndefined()
  expect(typedMention('mail joe@example', 16)).toBeUndefined()
  expect(membersLike(people, 'An')).toEqual(['ann', 'ann-lee', 'Zoann'])
  expect(membersLike(people, 'x')).toEqual(['joe@example.com'])
  expect(membersLike(people, 'q')).toEqual([])
})

test('a text is cut where it names somebody who is mentioned, by the longest name, and nowhere else', () => {
  const text = 'Hi @ann-lee, @ann and @bobby: ask @joe@example.com (@ann)'
  expect(piecesOf(text, people).map((piece) => piece.user ?? piece.text)).toEqual([
    'Hi ',
    'ann-lee',
    ', ',
    'ann',
    ' and @bobby: ask ',
    'joe@example.com',
    ' (',
    'ann',
    ')',
  ])
  expect(
    piecesOf(text, people)
      .map((piece) => piece.text)
      .join(''),
  ).toBe(text)
  expect(piecesOf(text, [])).toEqual([{ text, at: 0 }])
  expect(namedIn(text, people)).toEqual(['ann-lee', 'ann', 'joe@example.com'])
})
