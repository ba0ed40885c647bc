/** What the SDK tells of the whole of an account, as types: times are in ms. */

import type { Access } from '../../shared/chat/access.ts'
import type { MessageId } from '../../shared/chat/entry.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { Version } from '../message-api.ts'

/** A conversation as its member sees it; seqs are null before the first. */
export interface ExportedConversation {
  readonly id: ConversationId
  readonly title: string | null
  readonly access: Access
  readonly createdAt: number
  readonly updatedAt: number
  readonly lastSeq: number | null
  readonly unread: number
  readonly mentions: number
  readonly readThrough: number | null
  readonly received: number | null
  /** The first entry that the user is told of; null: of all. */
  readonly historyFrom: number | null
  readonly members: readonly { readonly user: UserId; readonly access: Access }[]
}

/**
 * A part of an export. They come in one order: `account`; `profile`, where one was chosen; `state` by ascending key; then
 * conversation after conversation by ascending id, each followed by the own messages and reactions by ascending seq of the
 * message, and by the own pins; `unreadable` stands for one that is damaged on the server.
 */
export type AccountPart =
  | { readonly kind: 'account'; readonly user: UserId; readonly exportedAt: number }
  | {
      readonly kind: 'profile'
      readonly name: string | null
      readonly color: string | null
      readonly updatedAt: number
    }
  | { readonly kind: 'state'; readonly key: string; readonly value: unknown }
  | { readonly kind: 'conversation'; readonly conversation: ExportedConversation }
  | {
      readonly kind: 'message'
      readonly conversation: ConversationId
      /** Without others' reactions. */
      readonly message: StampedMessage
      /** All that it has said, when it was edited and not redacted. */
      readonly versions?: readonly Version[]
    }
  | {
      readonly kind: 'reaction'
      readonly conversation: ConversationId
      readonly message: MessageId
      readonly emoji: string
    }
  | { readonly kind: 'pin'; readonly conversation: ConversationId; readonly message: MessageId }
  | { readonly kind: 'unreadable'; readonly conversation: ConversationId }

export interface AccountDeletion {
  /** `erase`: own messages are redacted and own reactions taken back first, as far as the rules still let their author. */
  readonly messages: 'keep' | 'erase'
  /** Told after each answer of the server: how many conversations are left to leave, the private one among them. */
  readonly onProgress?: (left: number) => void
}

/** The whole of what the server has of the user. */
export interface Account {
  /**
   * Everything of the user that the server has, part by part, told no faster than it is read; what is unsent is not in it.
   * Ends when all is told; leaving the loop ends the request. Throws NoConnection when the server cannot be asked, RestFailure
   * when it refuses (`overloaded`: another export of this user is under way), and ExportCutOff when the connection ends before
   * the export does: then what came is not all. Kinds that this version does not know are left out.
   */
  exportAccount(): AsyncIterable<AccountPart>
  /**
   * Leaves every conversation and deletes profile and private state on the server, bit by bit, then closes the client and
   * deletes what this device keeps, as `wipe` does: also what was not sent. Needs a connection, for what nobody else was told
   * of yet cannot be taken back. Rejects with NoConnection when the server cannot be asked, and RestFailure when it
   * refuses: nothing is deleted on this device then, and to call it again goes on with what is left on the server. Rejects
   * with StillOpen as `wipe`, when all is done on the server.
   */
  deleteAccount(how: AccountDeletion): Promise<void>
}
