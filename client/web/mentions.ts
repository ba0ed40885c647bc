/** Mentions in a text, as people type and read them: `@` and a member's name. Pure; who is mentioned is a list of its own. */

import type { UserId } from '../../shared/sync/ids.ts'

/** Names offered at most: what fits above the text box. */
const offered = 6

/** What is being typed: where its `@` stands, and what follows it so far. */
export interface TypedMention {
  readonly from: number
  readonly to: number
  readonly query: string
}

/** What stands right before the caret, if it is a mention that has just begun. */
export function typedMention(text: string, caret: number): TypedMention | undefined {
  const found = /(^|[\s([{"'])@([^\s@]*)$/.exec(text.slice(0, caret))
  const query = found?.[2]
  return query === undefined ? undefined : { from: caret - query.length - 1, to: caret, query }
}

/** Members whom it can mean: those whose names begin with it first. */
export function membersLike(users: readonly UserId[], query: string): readonly UserId[] {
  const wanted = query.toLowerCase()
  const placeOf = (user: UserId): number => user.toLowerCase().indexOf(wanted)
  return users
    .filter((user) => placeOf(user) !== -1)
    .toSorted((a, b) => placeOf(a) - placeOf(b) || a.localeCompare(b))
    .slice(0, offered)
}

export interface TextPiece {
  readonly text: string
  /** Where it begins in the whole. */
  readonly at: number
  /** Whom it names. */
  readonly user?: UserId
}

/** A text in pieces: those that name one of `users`, and what stands between them. */
export function piecesOf(text: string, users: readonly UserId[]): readonly TextPiece[] {
  if (users.length === 0) return [{ text, at: 0 }]
  const names = users.toSorted((a, b) => b.length - a.length).map(escaped)
  const pieces: TextPiece[] = []
  let end = 0
  for (const { 0: whole, index } of text.matchAll(new RegExp(`@(?:${names.join('|')})(?![\\w-])`, 'g'))) {
    const user = users.find((name) => `@${name}` === whole)
    if (user === undefined) continue
    if (index > end) pieces.push({ text: text.slice(end, index), at: end })
    pieces.push({ text: whole, at: index, user })
    end = index + whole.length
  }
  if (end < text.length) pieces.push({ text: text.slice(end), at: end })
  return pieces
}

/** Which of them a text names. */
export function namedIn(text: string, users: readonly UserId[]): readonly UserId[] {
  const named = new Set(piecesOf(text, users).flatMap(({ user }) => (user === undefined ? [] : [user])))
  return [...named]
}

function escaped(name: string): string {
  return name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
}
