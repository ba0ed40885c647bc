/** Who is there, as applications see it. */

import type { UserId } from '../../shared/sync/ids.ts'
import type { ReadableStore } from '../api.ts'

/**
 * What others are told of this device's user while it has a conversation open: nothing; that they are typing; or also that
 * they are there, which costs a small frame every 15 s for each conversation that is open.
 */
export type PresenceMode = 'off' | 'typing' | 'online'

/** Somebody else who is there, with however many devices. */
export interface PresentPerson {
  readonly user: UserId
  readonly typing: boolean
  /** Somebody who tells only of their typing is not. */
  readonly online: boolean
  /** Names of those that have one. */
  readonly devices: readonly string[]
}

/** Who else is there just now. Nothing of it is kept: without a connection nobody is. */
export interface ConversationPresence {
  /** By user id; people who are as they were stay the same objects. */
  readonly people: ReadableStore<readonly PresentPerson[]>
  /**
   * To be called whenever something is typed: others see it until 6 s after the last call, until a message is sent, or
   * until it is called with false.
   */
  typing(isTyping?: boolean): void
}
