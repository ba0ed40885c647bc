// Search: an index of 100,000 messages of as many words, and as often, as people use; what it costs to build and what to ask,
// against looking through the same texts one by one. Runs in this process, as the worker would.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { type IndexQuery, type SearchDocument, SearchIndex } from '../../../client/search/search-index.ts'
import { limits } from '../../../shared/limits.ts'
import { conversationId, messageId } from '../../helpers/client-rows.ts'
import { createRandom, type Random } from '../../helpers/seeded-random.ts'
import { parseUserId } from '../../../shared/sync/ids.ts'
import { atMost, type Figure, type Outcome } from '../figure.ts'

const messages = 100_000
const conversations = 200
const vocabulary = 30_000
const rounds = 40
const mostMs = 50
const syllables =
  'ba be bi bo da de di do fa fe ga ge ha he ka ke ki ko la le li lo ma me mi mo na ne ni no ra re ri ro sa se so ta te ti to'
const dayMs = 24 * 60 * 60 * 1000

export async function search(): Promise<Outcome> {
  const random = createRandom(2026)
  const words = makeWords(random)
  const texts = makeTexts(random, words)
  const documents = makeDocuments(texts)
  const before = heapBytes()
  const index = new SearchIndex()
  let longest = 0
  const start = performance.now()
  const cpuBefore = process.cpuUsage()
  for (let at = 0; at < documents.length; at += limits.searchSliceMessages) {
    const sliceStart = performance.now()
    index.apply({ kind: 'put', documents: documents.slice(at, at + limits.searchSliceMessages) })
    longest = Math.max(longest, performance.now() - sliceStart)
  }
  const buildMs = performance.now() - start
  const { user, system } = process.cpuUsage(cpuBefore)
  const bytes = heapBytes() - before
  if (index.size !== messages) throw new Error(`${index.size} messages were indexed`)
  const word = (rank: number): string => words[rank] ?? ''
  const queries: readonly (readonly [string, string])[] = [
    ['one common word', word(3)],
    ['one word', word(300)],
    ['one rare word', word(20_000)],
    ['the beginning of a word', word(2000).slice(0, 4)],
    ['a single letter', 'k'],
    ['two words', `${word(30)} ${word(60)}`],
    ['a common and a rare word', `${word(1)} ${word(15_000)}`],
    ['nothing', 'zzyzx'],
  ]
  return {
    figures: [
      {
        name: `search, ${messages.toLocaleString('en')} messages: index built`,
        unit: 'ms',
        values: { Parley: buildMs },
      },
      { name: '  CPU', unit: 'ms', values: { Parley: (user + system) / 1000 } },
      { name: '  longest slice', unit: 'ms', values: { Parley: longest } },
      { name: '  memory', unit: 'MB', values: { Parley: bytes / 1e6 } },
      ...queries.flatMap(([name, text]) => figuresOf(index, texts, name, text)),
    ],
    voids: [],
    failures: [],
  }
}

function figuresOf(index: SearchIndex, texts: readonly string[], name: string, text: string): readonly Figure[] {
  const query: IndexQuery = { text, conversation: undefined, user: undefined, limit: 20 }
  const asked = times(() => index.query(query).length)
  const scanned = times(() => texts.filter((each) => text.split(' ').every((word) => each.includes(word))).length)
  const values = { Parley: asked.p95 }
  return [
    { name: `  ${name}, p95`, unit: 'ms', values, judged: atMost(values, 'ms', mostMs) },
    {
      name: '    p50',
      unit: 'ms',
      values: { Parley: asked.p50, scan: scanned.p50 },
      judged: ratio(asked.p50, scanned.p50),
    },
  ]
}

function ratio(value: number, floor: number): { readonly value: number; readonly unit: string; readonly most: number } {
  return { value: value / floor, unit: '×', most: 1 }
}

function times(work: () => number): { readonly p50: number; readonly p95: number } {
  // The first ones are compiled while they run.
  for (let round = 0; round < 5; round++) work()
  const all: number[] = []
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    work()
    all.push(performance.now() - start)
  }
  const sorted = all.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
  return { p50: at(0.5), p95: at(0.95) }
}

function makeWords(random: Random): readonly string[] {
  const parts = syllables.split(' ')
  const words = new Set<string>()
  while (words.size < vocabulary) {
    const length = 1 + Math.min(5, Math.floor(Math.log10(1 + words.size)) + random.below(2))
    words.add(Array.from({ length }, () => random.pick(parts)).join(''))
  }
  return [...words]
}

/** By Zipf's law, about: the rank of a word is as likely to lie between 1 and 10 as between 1,000 and 10,000. */
function makeTexts(random: Random, words: readonly string[]): readonly string[] {
  const draw = (): string => words[Math.floor(vocabulary ** (random.below(2 ** 30) / 2 ** 30)) - 1] ?? ''
  return Array.from({ length: messages }, () => Array.from({ length: random.between(3, 20) }, draw).join(' '))
}

/** As a device reads them: conversation by conversation, in each the newest first. */
function makeDocuments(texts: readonly string[]): readonly SearchDocument[] {
  const each = messages / conversations
  const user = parseUserId('ann')
  if (user === undefined) throw new Error('a constant is wrong')
  return texts.map((text, number) => {
    const conversation = Math.floor(number / each)
    const seq = each - 1 - (number % each)
    return {
      conversation: conversationId(conversation + 1),
      id: messageId(number + 1),
      seq,
      user,
      createdAt: seq * dayMs - conversation * 1000,
      text,
    }
  })
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc()')
  return process.memoryUsage().heapUsed
}
