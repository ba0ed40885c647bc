/**
 * The words of a text, as they are indexed and looked for: without case and accents, full width as half width. Scripts that
 * put no spaces between words are taken as pairs of characters: any part of two and more is found, on every platform in the
 * same way, which a dictionary's word borders would not give.
 */

import { limits } from '../../shared/limits.ts'

export interface Word {
  readonly term: string
  /** Where it stands in the text, in UTF-16 units; `to` exclusive. */
  readonly from: number
  readonly to: number
  /** End of its first character, where it is a pair of characters. */
  readonly firstTo?: number
}

export interface SoughtWord {
  readonly term: string
  /** Longer words that begin with it are meant too. */
  readonly isPrefix: boolean
}

const spaceless = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}々〆ヶー`
const nonAscii = /[^\0-\u007f]/
const asciiWord = /[A-Za-z0-9_]+/g
/** A run of a script without spaces, a word, or a picture. */
const anyWord = new RegExp(
  String.raw`([${spaceless}][${spaceless}\p{M}ﾞﾟ]*)|(?:(?![${spaceless}])[\p{L}\p{N}\p{M}_])+|\p{Extended_Pictographic}`,
  'gu',
)
const character = /\P{M}[\p{M}ﾞﾟ]*/gu

/** Accents, and the points of Hebrew and Arabic; not the marks by which other scripts tell letters apart. */
const accents = /[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670]/g

/** Every word by its place. A pair of characters overlaps the next. */
export function* wordsOf(text: string): Generator<Word> {
  if (!nonAscii.test(text)) {
    for (const { 0: word, index } of text.matchAll(asciiWord))
      yield { term: cut(word.toLowerCase()), from: index, to: index + word.length }
    return
  }
  for (const { 0: word, 1: run, index } of text.matchAll(anyWord)) {
    if (run !== undefined) yield* pairsOf(run, index)
    else {
      const term = cut(fold(word))
      if (term !== '') yield { term, from: index, to: index + word.length }
    }
  }
}

/**
 * What a query looks for: every one of these, the last as the beginning of a word; each once, and no more than
 * `limits.searchTerms`.
 */
export function soughtWords(query: string): readonly SoughtWord[] {
  const words = [...wordsOf(query)]
  const byTerm = new Map<string, SoughtWord>()
  for (const [index, word] of words.entries()) {
    const before = words[index - 1]
    // The last character of a run stands in the pair before it.
    const isTail = word.firstTo === word.to && before?.firstTo !== undefined && before.to === word.to
    if (isTail) continue
    const isSingle = word.firstTo === word.to
    const isLast = index === words.length - 1 && word.firstTo === undefined
    byTerm.set(word.term, { term: word.term, isPrefix: isSingle || isLast })
  }
  return [...byTerm.values()].slice(0, limits.searchTerms)
}

export function isMatch({ term }: Word, sought: SoughtWord): boolean {
  return sought.isPrefix ? term.startsWith(sought.term) : term === sought.term
}

/** Pairs, and the last character alone: so each of them begins some word. */
function* pairsOf(run: string, start: number): Generator<Word> {
  let before: { readonly term: string; readonly from: number; readonly to: number } | undefined
  for (const { 0: one, index } of run.matchAll(character)) {
    const from = start + index
    const now = { term: fold(one), from, to: from + one.length }
    if (before !== undefined) yield { term: before.term + now.term, from: before.from, to: now.to, firstTo: before.to }
    before = now
  }
  if (before !== undefined) yield { ...before, firstTo: before.to }
}

function fold(word: string): string {
  if (!nonAscii.test(word)) return word.toLowerCase()
  const plain = word.normalize('NFKD').replace(accents, '').normalize('NFC').toLowerCase()
  return plain.replaceAll('ß', 'ss').replaceAll('ς', 'σ')
}

function cut(term: string): string {
  return term.length > limits.searchTermLength ? term.slice(0, limits.searchTermLength) : term
}
