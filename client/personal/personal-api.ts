/** The public surface of what a user keeps for nobody else, as types: it follows them to all their devices. */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { VoidReason } from '../../shared/chat/policy.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import type { ConnectionStatus, Draft, ReadableStore, StorageStatus } from '../api.ts'

/** What the user has set for one conversation. */
export interface PersonalState {
  readonly muted: boolean
  /** Until a message comes behind those that were there when it was hidden. */
  readonly hidden: boolean
  readonly favourite: boolean
  /** Until it is read. */
  readonly markedUnread: boolean
  /** What was begun there and not sent, in no thread; null: nothing. */
  readonly draft: Draft | null
}

/** Something that the server did not take: it is still shown and kept on this device, and goes when its key is set anew. */
export interface RefusedSetting {
  readonly key: string
  readonly reason: VoidReason
}

export type PersonalStatus =
  /** What this device has of it is being read; what is set meanwhile is shown. */
  | { readonly phase: 'opening' }
  | {
      readonly phase: 'open'
      readonly connection: ConnectionStatus
      readonly storage: StorageStatus
      readonly refused: readonly RefusedSetting[]
    }
  /** It could not be opened: what is set is shown as long as this client runs. */
  | { readonly phase: 'failed'; readonly reason: string }

/** Of which thread, by its root; of the conversation itself when not given. */
export interface DraftPlace {
  readonly thread?: MessageId | undefined
}

/**
 * All stores are local first and the same objects for the same arguments; a change of one conversation tells only those who
 * watch that one. What is set shows at once, is kept here, and goes out when there is a connection; of several devices the
 * last one whose entry the server stamps counts. All methods throw TypeError for what is no conversation id, and for what no
 * server would take; Refusal `too-large` when all of it together would have more than 768 KiB.
 */
export interface Personal {
  readonly status: ReadableStore<PersonalStatus>
  /** Of all conversations for which something is set: for a list of them. */
  readonly all: ReadableStore<ReadonlyMap<ConversationId, PersonalState>>
  of(conversation: string): ReadableStore<PersonalState>
  mute(conversation: string, on?: boolean): void
  /** A message that comes later, of whomever, brings it back. */
  hide(conversation: string, on?: boolean): void
  favourite(conversation: string, on?: boolean): void
  /** Moves no register and tells nobody; `markRead` of the conversation or of a thread, on any device, takes it back. */
  markUnread(conversation: string, on?: boolean): void
  /**
   * Keeps what was begun, or clears it (null, or nothing in it); to be called as often as it changes. Shown at once; written
   * at once and then every 2 s at most, every 10 s while the server has not taken the last one, and when the page is hidden
   * or the client closed. Resolves when it, or a later one in its place, is kept on this device. Sending a message to the same place
   * clears it at once.
   *
   * While the own one waits for its stamp it is what is shown here; then the last that was stamped is, from whichever device. So a text
   * box must not follow the store while somebody types: it takes another device's draft when nothing was typed in it since
   * it last showed what the store has.
   */
  setDraft(conversation: string, draft: Draft | null, place?: DraftPlace): Promise<void>
  draft(conversation: string, place?: DraftPlace): ReadableStore<Draft | null>
  /** Of an application's own: any JSON under a key that begins with `app/`; undefined when there is none. */
  get(key: string): ReadableStore<unknown>
  /** Null clears. */
  set(key: string, value: unknown): void
  /** Writes what was gathered now; resolves when all that was set so far is kept on this device. */
  flush(): Promise<void>
}
