/**
 * What later entries of the same author take from the log: bytes that say nothing any more, of receipts and of private
 * state. Their places, times and checksums stay, and they do not count against the window.
 */

import type { SupersededEntry } from '../sync/sealed-ledger.ts'
import { heldRow, type Targets } from './targets.ts'
import type { Uncommitted } from './uncommitted.ts'

/** Notes it in what is staged; those of the entries at `seqs` that lose bytes which they have now. */
export function supersedeEntries(
  seqs: readonly number[],
  uncommitted: Uncommitted,
  targets: Targets,
): readonly SupersededEntry[] {
  const { staged } = uncommitted
  return seqs.flatMap((seq): SupersededEntry[] => {
    if (staged.erased.has(seq)) return []
    const place = staged.places.get(seq)
    if (place !== undefined) {
      staged.erased.add(seq)
      return [{ seq, client: place.client, clock: place.clock, bytes: undefined }]
    }
    const written = uncommitted.writtenEntry(seq)
    const [held] = written === undefined ? [targets.superseded.get(seq)] : heldRow(written)
    // What is archived stays in the log as it is: it is in no document.
    if (held === undefined) return []
    staged.erased.add(seq)
    staged.supersededRows.push({ ...held.row, superseded: true })
    return [{ seq, client: held.row.client, clock: held.row.clock, bytes: held.bytes }]
  })
}
