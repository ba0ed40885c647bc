/** Settings: what keys and values may be, and what those say that mean something to server and SDK beside the title. */

import { limits } from '../limits.ts'
import { isDeeperThan } from './json-object.ts'

/** What a member who joins later is shown: `all` when it is not set, or nothing from before they joined (SPEC HISTORY1). */
export const historySetting = 'history'

/** `true`: whoever is removed keeps nothing of it on their devices (SPEC WIPE2). */
export const wipeSetting = 'wipe'

/** The settings that mean something here, as they count where they are not set, or to something else. */
export interface KnownSettings {
  /** What members who join later are shown. */
  readonly history: 'all' | 'from-join'
  /** Whether devices of whoever is removed delete it. */
  readonly wipe: boolean
}

/** Total. */
export function knownSettings(settings: ReadonlyMap<string, unknown>): KnownSettings {
  const isFromJoin = startsAtJoin(settings.get(historySetting))
  return { history: isFromJoin ? 'from-join' : 'all', wipe: wipes(settings.get(wipeSetting)) }
}

/** Settings beside the title. */
export function besideTitle(settings: Iterable<readonly [string, unknown]>): Map<string, unknown> {
  const all = new Map(settings)
  all.delete('title')
  return all
}

/** What is wrong with a setting as such, whatever the key means, for people; undefined when nothing is. */
export function settingFlaw(key: string, value: unknown): string | undefined {
  if (key === '' || key.length > limits.settingKeyLength) return `A key has 1 to ${limits.settingKeyLength} characters.`
  if (value === undefined) return 'What is set is JSON; null clears.'
  // It stands in an object, the entry.
  return isDeeperThan(value, limits.jsonDepth - 1) ? 'It is nested too deeply.' : undefined
}

/** The same of a setting that stands beside the title, which is none of them. */
export function besideTitleFlaw(key: string, value: unknown): string | undefined {
  if (key === 'title') return 'The title has a field of its own.'
  return settingFlaw(key, value) ?? (mayBeSet(key, value) ? undefined : 'This cannot be its value.')
}

/** Whether `value` may be set under `key`; whatever has no meaning here may be any JSON. Null clears. */
export function mayBeSet(key: string, value: unknown): boolean {
  if (value === null) return true
  if (key === historySetting) return value === 'all' || value === 'from-join'
  return key !== wipeSetting || typeof value === 'boolean'
}

/** Whether devices delete what they have when they may not open it any more. Total. */
export function wipes(wipe: unknown): boolean {
  return wipe === true
}

/** Whether whoever joins now gets nothing from before. Total: what an earlier version took for a value says nothing. */
export function startsAtJoin(history: unknown): boolean {
  return history === 'from-join'
}
