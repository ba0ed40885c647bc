/**
 * Mentions in a text, as people type and read them: `@` and what a member is called. A message has `@` and the user id in its
 * place, which stays right when somebody is called something else. Pure; who is mentioned is a list of its own.
 */

import type { UserId } from '../../shared/sync/ids.ts'

/** Names offered at most: what fits above the text box. */
const offered = 6

/** What is being typed: where its `@` stands, and what follows it so far. */
export interface TypedMention {
  readonly from: number
  readonly to: number
  readonly query: string
}

/** What stands right before the caret, if it may be a mention that has just begun: names have spaces. */
export function typedMention(text: string, caret: number): TypedMention | undefined {
  const found = /(^|[\s([{"'])@((?:[^\s@][^@\n]*)?)$/.exec(text.slice(0, caret))
  const query = found?.[2]
  return query === undefined ? undefined : { from: caret - query.length - 1, to: caret, query }
}

/** Members whom it can mean, by name or user id: those where either begins with it first, then those with a word that does. */
export function membersLike(
  users: readonly UserId[],
  query: string,
  nameOf: (user: UserId) => string,
): readonly UserId[] {
  const wanted = folded(query)
  const ranked = users.map((user) => ({ user, name: nameOf(user), rank: rankOf(wanted, [nameOf(user), user]) }))
  return ranked
    .filter(({ rank }) => rank !== undefined)
    .toSorted((a, b) => (a.rank ?? 0) - (b.rank ?? 0) || a.name.localeCompare(b.name) || a.user.localeCompare(b.user))
    .slice(0, offered)
    .map(({ user }) => user)
}

function rankOf(wanted: string, words: readonly string[]): number | undefined {
  const places = words.map(folded).flatMap((word) => {
    const at = word.indexOf(wanted)
    if (at <= 0) return at === 0 ? [0] : []
    return [word.includes(` ${wanted}`) ? 1 : 2]
  })
  return places.length === 0 ? undefined : Math.min(...places)
}

/** As it is compared: neither case nor accents count. */
function folded(text: string): string {
  return text
    .normalize('NFD')
    .replaceAll(/\p{Mark}/gu, '')
    .toLowerCase()
}

/** What stands behind `@` for each: users by what they are called there. */
export type Labels = ReadonlyMap<string, UserId>

/** Each by their name where nobody else is called so, and by their user id, which is theirs alone. */
export function labelsOf(users: readonly UserId[], nameOf: (user: UserId) => string): Labels {
  const byName = new Map<string, UserId | undefined>()
  for (const user of users) byName.set(nameOf(user), byName.has(nameOf(user)) ? undefined : user)
  const labels = new Map<string, UserId>()
  for (const [name, user] of byName) if (user !== undefined) labels.set(name, user)
  for (const user of users) labels.set(user, user)
  return labels
}

/** What is put into a text for one of them. */
export function labelOf(user: UserId, nameOf: (user: UserId) => string, labels: Labels): string {
  const name = nameOf(user)
  return labels.get(name) === user ? name : user
}

export interface TextPiece {
  readonly text: string
  /** Where it begins in the whole. */
  readonly at: number
  /** Whom it names. */
  readonly user?: UserId
}

/** A text in pieces: those that name somebody, and what stands between them. */
export function piecesOf(text: string, labels: Labels): readonly TextPiece[] {
  if (labels.size === 0 || !text.includes('@')) return [{ text, at: 0 }]
  const names = [...labels.keys()].toSorted((a, b) => b.length - a.length).map(escaped)
  const pieces: TextPiece[] = []
  let end = 0
  for (const found of text.matchAll(
    new RegExp(`(?<![\\p{L}\\p{N}_.+-])@(${names.join('|')})(?![\\p{L}\\p{N}_-])`, 'gu'),
  )) {
    const { 0: whole, 1: name = '', index } = found
    const user = labels.get(name)
    if (user === undefined) continue
    if (index > end) pieces.push({ text: text.slice(end, index), at: end })
    pieces.push({ text: whole, at: index, user })
    end = index + whole.length
  }
  if (end < text.length) pieces.push({ text: text.slice(end), at: end })
  return pieces
}

/** The text with everybody called as `nameOf` says. */
export function renamed(text: string, labels: Labels, nameOf: (user: UserId) => string): string {
  return piecesOf(text, labels)
    .map((piece) => (piece.user === undefined ? piece.text : `@${nameOf(piece.user)}`))
    .join('')
}

/** Whom a text names. */
export function namedIn(text: string, labels: Labels): readonly UserId[] {
  return [...new Set(piecesOf(text, labels).flatMap(({ user }) => (user === undefined ? [] : [user])))]
}

function escaped(name: string): string {
  return name.replaceAll(/[.*+?^${}()|[\]\\/-]/g, (sign) => (sign === '-' ? String.raw`\x2d` : `\\${sign}`))
}
