/** Settings that mean something to server and SDK beside the title: what their values may be, and what they say. */

/** What a member who joins later is shown: `all` when it is not set, or nothing from before they joined (SPEC HISTORY1). */
export const historySetting = 'history'

/** `true`: whoever is removed keeps nothing of it on their devices (SPEC WIPE2). */
export const wipeSetting = 'wipe'

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
