/** The root of a thread out of the archive, as it stands by now. */

import type { StampedMessage } from '../../shared/chat/message.ts'

/** Undefined when it cannot be had. `through` is the end of the archive: what left the window meanwhile would be missing in it. */
export async function findRoot(
  find: () => Promise<StampedMessage | undefined>,
  through: () => number,
): Promise<StampedMessage | undefined> {
  for (;;) {
    const asked = through()
    const found = await find().catch(() => undefined)
    if (asked === through()) return found
  }
}
