/** From what the server tells of other devices to who is there: one line for each person, however many devices they have. */

import { parseUserId, type UserId } from '../../shared/sync/ids.ts'
import type { PresentPerson } from '../api.ts'

/** What is told of one device. */
export interface Told {
  readonly user: UserId
  readonly typing: boolean
  /** Undefined: it did not ask to be shown while nothing is typed. */
  readonly device: string | undefined
}

/** Undefined for what no server tells: tabs of one browser hear each other's own states too. Total. */
export function parseTold(state: unknown): Told | undefined {
  if (typeof state !== 'object' || state === null) return undefined
  const { user: name, typing, device }: { user?: unknown; typing?: unknown; device?: unknown } = state
  const user = parseUserId(name)
  if (user === undefined || typeof typing !== 'boolean') return undefined
  return { user, typing, device: typeof device === 'string' ? device : undefined }
}

/** By name; people of `before` who are as they were stay the same objects, and so does the list. */
export function peopleOf(told: Iterable<Told>, before: readonly PresentPerson[]): readonly PresentPerson[] {
  const byUser = new Map<UserId, Told[]>()
  for (const one of told) byUser.set(one.user, [...(byUser.get(one.user) ?? []), one])
  const people = [...byUser].map(([user, all]) => {
    const person = personOf(user, all)
    return before.find((other) => isSame(other, person)) ?? person
  })
  const sorted = people.toSorted((a, b) => (a.user < b.user ? -1 : 1))
  return sorted.length === before.length && sorted.every((person, at) => person === before[at]) ? before : sorted
}

function personOf(user: UserId, all: readonly Told[]): PresentPerson {
  const names = all.flatMap(({ device }) => (device === undefined || device === '' ? [] : [device]))
  return {
    user,
    typing: all.some(({ typing }) => typing),
    online: all.some(({ typing, device }) => !typing || device !== undefined),
    devices: [...new Set(names)].toSorted(),
  }
}

function isSame(a: PresentPerson, b: PresentPerson): boolean {
  if (a.user !== b.user || a.typing !== b.typing || a.online !== b.online) return false
  return a.devices.length === b.devices.length && a.devices.every((name, at) => name === b.devices[at])
}
