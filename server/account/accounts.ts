/** What a user can do with everything of theirs at once: take it along (`export.ts`), and have it gone (`erasing.ts`). */

import type { UserId } from '../../shared/sync/ids.ts'
import type { Conversations } from '../conversations.ts'
import type { Registry } from '../chat/registry.ts'
import type { ConversationStore } from '../storage/conversation-store.ts'
import type { Profiles } from '../profiles.ts'
import { AccountErasing, type MessageChoice } from './erasing.ts'
import { type AccountPart, exportAccount } from './export.ts'

export interface AccountDeps {
  readonly store: ConversationStore
  readonly registry: Registry
  readonly conversations: Conversations
  readonly profiles: Pick<Profiles, 'remove'>
}

export interface Accounts {
  /** Part by part, as it is asked for: nothing of it has to be held in memory. */
  readonly export: (user: UserId) => AsyncIterable<AccountPart>
  /**
   * Does a part of what `choice` asks for, as much as one request may; how many things are left then. To be asked
   * again until none are: also after a crash, for what is done is found done.
   */
  readonly erase: (user: UserId, choice: MessageChoice) => Promise<number>
}

export function createAccounts(deps: AccountDeps): Accounts {
  const erasing = new AccountErasing(deps)
  return {
    export: (user) => exportAccount(deps, user),
    erase: (user, choice) => erasing.go(user, choice),
  }
}
