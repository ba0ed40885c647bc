/** What every live conversation is given. */

import type { ConversationId } from '../../shared/sync/ids.ts'
import type { ConversationStore } from '../storage/conversation-store.ts'
import type { ActivityFeed } from '../sync/activity.ts'
import type { GroupCommit } from '../sync/group-commit.ts'
import type { WindowRules } from './archiving.ts'

export interface LiveDeps {
  readonly store: ConversationStore
  readonly commits: GroupCommit
  /** Server time in ms. */
  readonly now: () => number
  /** A random unsigned 32-bit integer. */
  readonly drawUint32: () => number
  readonly activity: ActivityFeed
  /** Runs a job once, after a pause in which more can come together. */
  readonly afterPause: (job: () => void) => void
  /** Runs a job once, after so many ms, unless what it returns is called before. */
  readonly after: (ms: number, job: () => void) => () => void
  /** Told when a device knew more of a conversation than this server. */
  readonly noteBehind: (conversation: ConversationId) => void
  /** Told of an assertion that failed; the conversation starts again from the disk by itself. */
  readonly onBug: (error: unknown) => void
  /** How much a document may hold. */
  readonly window: WindowRules
}
