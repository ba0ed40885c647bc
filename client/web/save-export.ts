/** Puts an export of the account into a file that the browser saves. */

import type { UserId } from '../../shared/sync/ids.ts'
import type { AccountPart } from '../api.ts'

/** Long enough for the browser to have begun saving. */
const keepUrlMs = 60_000

/**
 * A JSON array with a part a line; resolves with how many. `goesOn` is told how many have come and says whether anybody still
 * wants them; else undefined, and nothing is saved. Rejects as the export does.
 */
export async function saveExport(
  parts: AsyncIterable<AccountPart>,
  user: UserId,
  goesOn: (parts: number) => boolean,
): Promise<number | undefined> {
  const lines: string[] = []
  for await (const part of parts) {
    lines.push(JSON.stringify(part))
    if (!goesOn(lines.length)) return undefined
  }
  const url = URL.createObjectURL(new Blob(['[\n', lines.join(',\n'), '\n]\n'], { type: 'application/json' }))
  const link = document.createElement('a')
  link.href = url
  link.download = `parley-${user}.json`
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), keepUrlMs)
  return lines.length
}
