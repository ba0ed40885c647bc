/** A medium of which nobody else has hold: a transaction is a turn among its own calls. */

import { createTurns } from '../turns.ts'
import type { PageChanges, PageMedium, PageRows } from './page-medium.ts'

/** `write` makes all of the changes or none. */
export function mediumInTurns(rows: PageRows, write: (changes: PageChanges) => Promise<void> | void): PageMedium {
  const inTurn = createTurns()
  return {
    look: (query) => inTurn(() => query(rows)),
    change: (plan) =>
      inTurn(async () => {
        const { changes, answer } = await plan(rows)
        await write(changes)
        return answer
      }),
  }
}
