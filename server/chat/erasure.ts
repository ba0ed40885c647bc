/**
 * What a redaction takes from the log: the bytes of the message and of its pieces, wherever they are: on the disk, in the
 * commit in flight, or in the one that is being staged. Their places, times and checksums stay (SPEC ERASE1).
 */

import type { MessageId } from '../../shared/chat/entry.ts'
import { leftOf } from '../../shared/chat/erased.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { ErasedEntry } from '../sync/sealed-ledger.ts'
import type { Place } from './staged.ts'
import { heldRow, type Targets } from './targets.ts'
import type { Uncommitted } from './uncommitted.ts'

/** Notes it in what is staged; the entries that lose bytes which they have now. `seq`: of the message, if it is one. */
export function eraseWords(
  { of, seq, by }: { readonly of: MessageId; readonly seq: number | undefined; readonly by: UserId },
  uncommitted: Uncommitted,
  targets: Targets,
): readonly ErasedEntry[] {
  const { staged } = uncommitted
  const message = seq === undefined ? undefined : staged.message(seq)
  if (seq !== undefined) staged.redacted.add(seq)
  const stored = new Map((targets.words.get(of) ?? []).map((held) => [held.row.seq, held]))
  const seqs = new Set([...(seq === undefined ? [] : [seq]), ...stored.keys(), ...uncommitted.pieces(of)])
  const erased: ErasedEntry[] = []
  const erase = (at: number, { client, clock, isPassing: wasPassing }: Place, bytes: number | undefined): void => {
    const left = at === seq && message !== undefined ? { left: leftOf(message) } : {}
    staged.erased.add(at)
    erased.push({ seq: at, client, clock, bytes, wasPassing, of, by, ...left })
  }
  for (const at of [...seqs].toSorted((a, b) => a - b)) {
    if (staged.erased.has(at)) continue
    const place = staged.places.get(at)
    if (place !== undefined) {
      erase(at, place, undefined)
      continue
    }
    const written = uncommitted.writtenEntry(at)
    const [held] = written === undefined ? [stored.get(at)] : heldRow(written)
    if (held === undefined) continue
    staged.erasedRows.push(held.row)
    erase(at, { ...held.row, isPassing: held.isPassing }, held.bytes)
  }
  return erased
}
