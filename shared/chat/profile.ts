/** What people are called and how they are shown: a name and a colour, of a user and not of a member. */

import { limits } from '../limits.ts'
import type { UserId } from '../sync/ids.ts'

/** Null: none was chosen. */
export interface Profile {
  readonly user: UserId
  readonly name: string | null
  /** `#rrggbb`, in lower case. */
  readonly color: string | null
}

/** What is to be changed of a profile; null clears. */
export interface ProfileChange {
  readonly name?: string | null
  readonly color?: string | null
}

/** Control characters, halves of pairs, line breaks, and what turns the direction of the text behind it. */
const unfit = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u
/** Not only joiners, accents and blanks; among letters and signs there are some as well that show nothing: fillers. */
const visible = /[^\p{C}\p{Z}\p{M}\p{Default_Ignorable_Code_Point}\u2800]/u

/** A name without blanks around it; undefined for one that is too long, shows nothing, or has control characters. */
export function parseProfileName(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const name = value.trim()
  const isName = name.length <= limits.profileNameLength && visible.test(name) && !unfit.test(name)
  return isName ? name : undefined
}

export function parseProfileColor(value: unknown): string | undefined {
  return typeof value === 'string' && /^#[0-9a-f]{6}$/i.test(value) ? value.toLowerCase() : undefined
}

/**
 * Those whose id or name contains what is looked for, upper and lower case alike: first those of whom one of the two begins
 * with it, each part by user id; at most `limit`. Everybody contains the empty text.
 */
export function findProfiles<P extends Profile>(profiles: Iterable<P>, query: string, limit: number): P[] {
  const wanted = query.trim().toLowerCase()
  const [beginning, containing]: [P[], P[]] = [[], []]
  for (const profile of profiles) {
    const texts = [profile.user.toLowerCase(), profile.name?.toLowerCase() ?? '']
    if (texts.some((text) => text.startsWith(wanted))) beginning.push(profile)
    else if (texts.some((text) => text.includes(wanted))) containing.push(profile)
  }
  const byUser = (a: P, b: P): number => (a.user < b.user ? -1 : 1)
  return [...beginning.toSorted(byUser), ...containing.toSorted(byUser)].slice(0, limit)
}
