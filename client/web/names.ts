/** What conversations, people and amounts are called on the page, and how people's names are typed in. */

import { parseUserId, type UserId } from '../../shared/sync/ids.ts'

/** What a user name may be, for people. */
export const userNameRule = 'up to 128 letters, digits or signs, without spaces, accents or “/”'

/** A conversation's title, or else whom it is with. */
export function conversationName(
  title: string | null,
  members: readonly UserId[] | undefined,
  me: UserId,
  nameOf: (user: UserId) => string = (user) => user,
): string {
  if (title !== null && title.trim() !== '') return title
  if (members === undefined || members.length === 0) return 'Untitled conversation'
  const others = members.filter((user) => user !== me)
  return others.length === 0 ? 'Only you' : listNames(others.map(nameOf))
}

/** Those whom `conversationName` names, if it names anybody. */
export function namedMembers(members: readonly UserId[] | undefined, me: UserId): readonly UserId[] {
  const named: UserId[] = []
  for (const user of members ?? []) {
    if (user !== me) named.push(user)
    if (named.length === 3) break
  }
  return named
}

/** “ann”, “ann and bob”, “ann, bob and 3 others”. */
export function listNames(names: readonly string[]): string {
  const [first = '', second = '', third = ''] = names
  if (names.length < 3) return names.join(' and ')
  return names.length === 3 ? `${first}, ${second} and ${third}` : `${first}, ${second} and ${names.length - 2} others`
}

/** `3 messages`, `1 message`. */
export function count(number: number, singular: string): string {
  return `${number} ${singular}${number === 1 ? '' : 's'}`
}

/** `340 kB`, `1.2 MB`. */
export function formatBytes(bytes: number): string {
  const [value, unit] = bytes < 1_000_000 ? [Math.ceil(bytes / 1000), 'kB'] : [bytes / 1_000_000, 'MB']
  return `${value < 10 && unit === 'MB' ? value.toFixed(1) : Math.round(value)} ${unit}`
}

export interface TypedNames {
  /** Each once, in the order typed. */
  readonly users: readonly UserId[]
  /** What is no user name. */
  readonly bad: readonly string[]
}

/** Reads user names separated by commas, semicolons or white space. */
export function parseTypedNames(text: string): TypedNames {
  const users = new Set<UserId>()
  const bad = new Set<string>()
  for (const word of text.split(/[\s,;]+/)) {
    if (word === '') continue
    const user = parseUserId(word)
    if (user === undefined) bad.add(word)
    else users.add(user)
  }
  return { users: [...users], bad: [...bad] }
}

const hues = 8

/** One of `hues` colours, the same for a name wherever it stands. */
export function hueOf(name: string): number {
  let sum = 0
  for (const character of name) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 65_521
  return sum % hues
}

/** Black or white, whichever can be read on a colour, `#rrggbb` (WCAG 2: relative luminance). */
export function inkOn(color: string): string {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? '#000000' : '#ffffff'
}
