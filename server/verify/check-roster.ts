/** Members, settings and pins as they are stored, against what the log makes of them. */

import type { LiveRoster } from '../chat/live-roster.ts'
import type { Findings } from './finding.ts'
import { isEqual } from './is-equal.ts'

export function checkRoster(found: LiveRoster, expected: LiveRoster, { add }: Findings): void {
  for (const user of new Set([...found.users(), ...expected.users()])) {
    const isSame =
      found.accessOf(user) === expected.accessOf(user) &&
      found.historyFrom(user) === expected.historyFrom(user) &&
      isEqual(found.registerOf(user), expected.registerOf(user)) &&
      isEqual(Object.fromEntries(found.threadReadsOf(user)), Object.fromEntries(expected.threadReadsOf(user)))
    if (!isSame) add('the row is not what the log makes of it', `member ${user}`)
  }
  const [stored, made] = [found.toRoster(), expected.toRoster()]
  for (const key of new Set([...stored.settings.keys(), ...made.settings.keys()])) {
    // Which one is not told: keys are content.
    if (!isEqual(stored.settings.get(key), made.settings.get(key))) add('a setting is not what the log makes of it')
  }
  for (const id of new Set([...stored.pins.keys(), ...made.pins.keys()])) {
    if (stored.pins.get(id) !== made.pins.get(id)) add('its pin is not what the log makes of it', `message ${id}`)
  }
}
