/** What the SDK tells of conversations that were deleted from this device, as types. */

import type { ConversationId } from '../../shared/sync/ids.ts'
import type { Draft } from '../api.ts'

/** Why a conversation cannot be opened at the server any more: the user was removed, or has left; or it was deleted for all. */
export type GoneReason = 'no-access' | 'deleted'

/** The user was removed from it, or it was deleted, and its setting `wipe` says that nothing of it stays on the device. */
export interface RemovedConversation {
  readonly id: ConversationId
  readonly title: string | null
  /** What was written here and the server never took, oldest first: kept in memory alone, to be copied. */
  readonly unsent: readonly Draft[]
}
