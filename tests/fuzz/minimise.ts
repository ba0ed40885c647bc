// Makes an input smaller as long as it keeps its property: halves, quarters, … of it go, then single bytes become 0.
import { concat } from '../helpers/update-forge.ts'

/** Ends after so many attempts. */
export async function minimise(
  input: Uint8Array,
  mostAttempts: number,
  keeps: (smaller: Uint8Array) => Promise<boolean>,
): Promise<Uint8Array> {
  let least = input
  let left = mostAttempts

  async function attempt(smaller: Uint8Array): Promise<boolean> {
    left--
    if (!(await keeps(smaller))) return false
    least = smaller
    return true
  }

  for (let size = Math.ceil(input.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < least.length && left > 0;) {
      const without = concat(least.subarray(0, at), least.subarray(at + size))
      if (!(await attempt(without))) at += size
    }
  }
  for (let at = 0; at < least.length && left > 0; at++) {
    if (least[at] !== 0) await attempt(least.with(at, 0))
  }
  return least
}
