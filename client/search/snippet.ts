/** The part of a message that shows why it was found. */

import type { Highlight } from './search-api.ts'
import { isMatch, type SoughtWord, type Word, wordsOf } from './words.ts'

export interface Snippet {
  readonly content: string
  readonly highlights: readonly Highlight[]
}

/** UTF-16 units: two lines of a list. */
const snippetLength = 160
/** What is shown before the first word that was found. */
const leadLength = 40
/** Words that were found and are looked at: a long text may have thousands. */
const mostMatches = 100

interface Match {
  readonly word: SoughtWord
  readonly from: number
  readonly to: number
}

export function snippetOf(text: string, sought: readonly SoughtWord[]): Snippet {
  const matches = findMatches(text, sought)
  const [from, to] = borders(text, bestPlace(matches))
  const lead = from > 0 ? '…' : ''
  const tail = to < text.length ? '…' : ''
  const content = `${lead}${text.slice(from, to).replaceAll(/[\s\p{Cc}]/gu, ' ')}${tail}`
  const offset = lead.length - from
  const within = matches.filter((match) => match.from >= from && match.to <= to)
  return { content, highlights: merged(within, offset) }
}

function findMatches(text: string, sought: readonly SoughtWord[]): readonly Match[] {
  const matches: Match[] = []
  for (const word of wordsOf(text)) {
    const found = sought.find((each) => isMatch(word, each))
    if (found === undefined) continue
    matches.push({ word: found, from: word.from, to: endOf(word, found) })
    if (matches.length >= mostMatches) break
  }
  return matches
}

/** Of a pair of characters only the first may be meant. */
function endOf({ term, to, firstTo = to }: Word, sought: SoughtWord): number {
  return term === sought.term ? to : firstTo
}

/** Where the most of what was sought stands together; the first such place. */
function bestPlace(matches: readonly Match[]): number {
  let best = { from: 0, count: 0 }
  for (const [index, { from }] of matches.entries()) {
    const near = new Set<SoughtWord>()
    for (let at = index; at < matches.length; at++) {
      const match = matches[at]
      if (match === undefined || match.to > from + snippetLength - leadLength) break
      near.add(match.word)
    }
    if (near.size > best.count) best = { from, count: near.size }
  }
  return best.from
}

/** `to` exclusive; neither cuts a character in two, and the first is the beginning of a word where one is near. */
function borders(text: string, place: number): readonly [from: number, to: number] {
  let from = Math.max(0, place - leadLength)
  if (text.length - from < snippetLength) from = Math.max(0, Math.min(from, text.length - snippetLength))
  if (from > 0) {
    const space = text.slice(from, place).search(/\s/)
    from += space === -1 ? 0 : space + 1
  }
  const to = Math.min(text.length, from + snippetLength)
  return [isInPair(text, from) ? from + 1 : from, isInPair(text, to) ? to - 1 : to]
}

/** Whether the second half of a surrogate pair stands there. */
function isInPair(text: string, at: number): boolean {
  return at > 0 && at < text.length && (text.codePointAt(at - 1) ?? 0) > 0xffff
}

function merged(matches: readonly Match[], offset: number): readonly Highlight[] {
  const highlights: { from: number; to: number }[] = []
  for (const match of matches) {
    const [from, to] = [match.from + offset, match.to + offset]
    const last = highlights.at(-1)
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to)
    else highlights.push({ from, to })
  }
  return highlights
}
