/** Pinned messages as applications see them. */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { UserId } from '../../shared/sync/ids.ts'

export interface Pin {
  readonly message: MessageId
  /** Who pinned it, and when by the server's time in ms; absent while what happened then is not known here. */
  readonly user?: UserId
  readonly at?: number
  /** Own, and not durable on the server yet: it has no time. */
  readonly pending?: true
}
