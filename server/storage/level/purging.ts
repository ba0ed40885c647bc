/**
 * Removes the rows of a conversation that was deleted, some at a time, so that others can write in between; its tombstone
 * stays (SPEC ERASE2). Knows keys, and nothing of what rows hold.
 */

import type { ConversationId } from '../../../shared/sync/ids.ts'
import { scan } from './database.ts'
import type { Medium } from './erasing.ts'
import { encodeKey, type KeyRange, rangeKinds, rangeOf } from './keys.ts'

/** Rows of one write: a few milliseconds, which a commit may have to wait for. */
const rowsAtOnce = 512

/** From the first that is still there; it is done when it resolves, unless it was aborted. */
export async function removeRows(conversation: ConversationId, medium: Medium): Promise<void> {
  for (const kind of rangeKinds) await removeRange(rangeOf(kind, conversation), medium)
}

/** Where all that a conversation ever wrote lies; the head, too, had a title before it was a tombstone. */
export function rangesOfAll(conversation: ConversationId): KeyRange[] {
  const head = encodeKey({ kind: 'head', conversation })
  const behind = Buffer.concat([head, Buffer.of(0)])
  return [{ gte: head, lt: behind }, ...rangeKinds.map((kind) => rangeOf(kind, conversation))]
}

async function removeRange({ gte, lt }: KeyRange, { database, write, signal }: Medium): Promise<void> {
  let from = gte
  while (!signal.aborted) {
    const keys: Uint8Array[] = []
    for await (const rows of scan(database, { gte: from, lt }, { limit: rowsAtOnce })) {
      for (const { key } of rows) keys.push(key)
    }
    const last = keys.at(-1)
    if (last === undefined) return
    await write((batch) => {
      for (const key of keys) batch.del(key)
    })
    // Behind the last one: to look from the beginning again is to pass over all that was deleted before.
    from = Buffer.concat([last, Buffer.of(0)])
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
}
