// The index alone: what is found by which words, in what order, with which highlights; and what leaves it.
import { expect, test } from 'vitest'

import { type IndexQuery, type SearchDocument, SearchIndex } from '../../../client/search/search-index.ts'
import { soughtWords } from '../../../client/search/words.ts'
import { limits } from '../../../shared/limits.ts'
import { ann, bob, conversationId, messageId } from '../../helpers/client-rows.ts'
import { forSeeds, type Random } from '../../helpers/seeded-random.ts'

const one = conversationId(1)
const two = conversationId(2)

function document(number: number, text: string, more: Partial<SearchDocument> = {}): SearchDocument {
  return { conversation: one, id: messageId(number), seq: number, user: ann, createdAt: number * 1000, text, ...more }
}

function indexOf(...texts: readonly string[]): SearchIndex {
  const index = new SearchIndex()
  index.apply({ kind: 'put', documents: texts.map((text, number) => document(number + 1, text)) })
  return index
}

function ask(index: SearchIndex, text: string, more: Partial<IndexQuery> = {}): readonly string[] {
  return index.query({ text, conversation: undefined, user: undefined, limit: 20, ...more }).map(marked)
}

function marked(hit: ReturnType<SearchIndex['query']>[number]): string {
  let shown = hit.content
  for (const { from, to } of hit.highlights.toReversed())
    shown = `${shown.slice(0, from)}[${shown.slice(from, to)}]${shown.slice(to)}`
  return shown
}

test('[SEARCH1] words are found whatever their case, accents and width, the last one by its beginning', () => {
  const index = indexOf(
    'Drei Straßen weiter',
    'Ein CAFÉ am Eck',
    'Tea at four',
    'ｆｕｌｌ ｗｉｄｔｈ',
    'Καφές',
    'שָׁלוֹם',
    'a🎉b',
  )
  expect(ask(index, 'cafe')).toEqual(['Ein [CAFÉ] am Eck'])
  expect(ask(index, 'ca')).toEqual(['Ein [CAFÉ] am Eck'])
  expect(ask(index, 'STRASSEN')).toEqual(['Drei [Straßen] weiter'])
  expect(ask(index, 'tea fo')).toEqual(['[Tea] at [four]'])
  // Only the last one is a beginning, and all of them are wanted.
  expect(ask(index, 'te four')).toEqual([])
  expect(ask(index, 'tea five')).toEqual([])
  expect(ask(index, 'full')).toEqual(['[ｆｕｌｌ] ｗｉｄｔｈ'])
  expect(ask(index, 'ΚΑΦΕΣ')).toEqual(['[Καφές]'])
  expect(ask(index, 'שלום')).toEqual(['[שָׁלוֹם]'])
  expect(ask(index, '🎉')).toEqual(['a[🎉]b'])
  for (const nothing of ['', '   ', '!?…', '\u0301']) expect(ask(index, nothing)).toEqual([])
})

test('[SEARCH1] scripts without spaces are found by any part; letters that marks tell apart stay apart', () => {
  const index = indexOf('明日は東京で会いましょう', 'iPhoneを買う', 'ガラス', 'カラス', 'ｶﾞﾗｽ', 'สวัสดีครับ', '서울에서')
  expect(ask(index, '東京')).toEqual(['明日は[東京]で会いましょう'])
  expect(ask(index, '会いましょう')).toEqual(['明日は東京で[会いましょう]'])
  expect(ask(index, '京')).toEqual(['明日は東[京]で会いましょう'])
  expect(ask(index, 'う')).toHaveLength(2)
  expect(ask(index, '京東')).toEqual([])
  expect(ask(index, 'iphone 買う')).toEqual(['[iPhone]を[買う]'])
  expect(ask(index, 'ガラス').toSorted()).toEqual(['[ガラス]', '[ｶﾞﾗｽ]'].toSorted())
  expect(ask(index, 'ดีครับ')).toEqual(['สวัส[ดีครับ]'])
  expect(ask(index, '서울')).toEqual(['[서울에서]'])
})

test('[SEARCH1] any part of a text in one script without spaces is found, and every whole word', () => {
  const letters = Array.from('東京大阪日本語のはがをにカタガ')
  const makeText = (random: Random): string =>
    Array.from({ length: random.between(1, 12) }, () => random.pick(letters)).join('')
  forSeeds('parts', 200, (random) => {
    const text = makeText(random)
    const from = random.below(text.length)
    const part = text.slice(from, random.between(from + 1, text.length))
    const index = indexOf(text)
    const [hit] = index.query({ text: part, conversation: undefined, user: undefined, limit: 1 })
    expect(hit?.content, `${part} in ${text}`).toBe(text)
    const covered = hit?.highlights.map(({ from: start, to }) => text.slice(start, to)).join('|')
    expect(covered, `${part} in ${text}`).toContain(part)
  })
})

test('[SEARCH1] of what has the words the newest and the shortest come first, and no more than are wanted', () => {
  const index = new SearchIndex()
  const year = 365 * 24 * 60 * 60 * 1000
  index.apply({
    kind: 'put',
    documents: [
      document(1, 'tea', { createdAt: 0 }),
      document(2, 'tea', { createdAt: 10 * year }),
      document(3, `tea ${'and much else '.repeat(20)}`, { createdAt: 10 * year, user: bob, conversation: two }),
      document(4, 'teapot', { createdAt: 10 * year }),
    ],
  })
  const ids = (more: Partial<IndexQuery> = {}): readonly string[] =>
    index.query({ text: 'tea', conversation: undefined, user: undefined, limit: 20, ...more }).map(({ id }) => id)
  expect(ids()).toHaveLength(4)
  expect(ids({ limit: 1 })).toEqual([messageId(2)])
  expect(ids().indexOf(messageId(1))).toBeGreaterThan(0)
  expect(ids({ user: bob })).toEqual([messageId(3)])
  expect(ids({ conversation: two })).toEqual([messageId(3)])
  expect(ids({ conversation: two, user: ann })).toEqual([])
})

test('[SEARCH1] a rare word is found behind thousands of newer messages, also beside a common one', () => {
  const index = new SearchIndex()
  const documents = Array.from({ length: 9000 }, (_, at) =>
    document(at + 1, at === 8999 ? 'tea with zirconium' : `tea number ${at}`, { createdAt: -at * 1000 }),
  )
  index.apply({ kind: 'put', documents })
  expect(ask(index, 'zirc')).toEqual(['tea with [zirconium]'])
  expect(ask(index, 'tea zirconium')).toEqual(['[tea] with [zirconium]'])
  // Of a common word the newest.
  const [first] = index.query({ text: 'tea', conversation: undefined, user: undefined, limit: 20 })
  expect(first?.createdAt).toBeGreaterThan(-4_000_000)
})

test('[SEARCH1] a long message is shown where the words stand together, without cutting a character in two', () => {
  const filler = '🎈 word '.repeat(100)
  const index = indexOf(`tea ${filler}tea with milk${filler}\n\nend`)
  const [shown = ''] = ask(index, 'milk tea')
  expect(shown).toContain('[tea] with [milk')
  expect(shown.startsWith('…') && shown.endsWith('…')).toBe(true)
  expect(() => encodeURIComponent(shown)).not.toThrow()
  expect(shown.length).toBeLessThan(200)
  expect(soughtWords('a '.repeat(10) + Array.from({ length: 100 }, (_, at) => `w${at}`).join(' '))).toHaveLength(
    limits.searchTerms,
  )
  expect(ask(indexOf('x'.repeat(10_000)), 'x'.repeat(5000))).toHaveLength(1)
})

test('[SEARCH2] what is replaced, removed, not retained or dropped is found no more, and what stays is', () => {
  const index = indexOf('tea one', 'tea two', 'tea three', 'tea four')
  index.apply({ kind: 'put', documents: [document(1, 'coffee'), document(5, 'tea unsent', { seq: undefined })] })
  expect(ask(index, 'coffee')).toEqual(['[coffee]'])
  index.apply({ kind: 'remove', conversation: one, ids: [messageId(2), messageId(77)] })
  index.apply({
    kind: 'change',
    conversation: one,
    texts: [
      { id: messageId(3), text: 'cocoa', by: undefined },
      { id: messageId(2), text: 'back again', by: undefined },
      { id: messageId(4), text: 'of another', by: bob },
    ],
  })
  expect(ask(index, 'tea').toSorted()).toEqual(['[tea] four', '[tea] unsent'])
  expect([ask(index, 'cocoa'), ask(index, 'again'), ask(index, 'two')]).toEqual([['[cocoa]'], [], []])
  index.apply({ kind: 'put', documents: [document(9, 'tea elsewhere', { conversation: two })] })
  index.apply({ kind: 'retain', conversation: one, sent: { spans: [{ from: 1, to: 2 }], from: 4 }, unsent: [] })
  expect([ask(index, 'coffee'), ask(index, 'cocoa'), ask(index, 'unsent'), ask(index, 'four')]).toEqual([
    ['[coffee]'],
    [],
    [],
    ['tea [four]'],
  ])
  // Without text nothing is found of it, and it takes no room.
  index.apply({ kind: 'put', documents: [document(4, '')] })
  index.apply({ kind: 'drop', conversation: one })
  expect(ask(index, 'tea')).toEqual(['[tea] elsewhere'])
  expect(index.size).toBe(1)
})
