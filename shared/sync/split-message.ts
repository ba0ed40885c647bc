/** A wire message that is too long for a frame, as several that say the same. */

import { splitUpdate } from './chain-update/split-update.ts'
import { encodeStep2, encodeUpdateMessage, parseWireMessage } from './wire.ts'

/** What stands before an update in its message: kind, kind of sync, length. */
const headBytes = 1 + 1 + 5

/**
 * The message itself when it is no longer than `maxBytes`; else updates, of which the last is a SyncStep2 when the message
 * was one. Empty for what cannot be cut: no honest message of another kind is that long.
 */
export function splitMessage(message: Uint8Array, maxBytes: number): Uint8Array[] {
  if (message.length <= maxBytes) return [message]
  const parsed = parseWireMessage(message)
  if (parsed.kind !== 'step2' && parsed.kind !== 'update') return []
  const updates = splitUpdate(parsed.update, maxBytes - headBytes)
  const last = updates.length - 1
  return updates.map((update, index) =>
    index === last && parsed.kind === 'step2' ? encodeStep2(update) : encodeUpdateMessage(update),
  )
}
