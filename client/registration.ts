/**
 * Makes conversations known to the server: those that were made offline, and those that it has lost and this user owns. What
 * it does not let the user open any more is listed as gone.
 */

import type { FaultCode } from '../shared/fault.ts'
import type { ConversationId, UserId } from '../shared/sync/ids.ts'
import type { ConversationList } from './conversation-list.ts'
import { lostCodeOf } from './lost-code.ts'
import { lostConversationRow } from './new-conversation.ts'
import type { OpenConversation } from './open-conversation.ts'
import type { Removals } from './removal/removals.ts'
import type { RestClient } from './rest-client.ts'

export interface Registration {
  /** Tells the server of it; resolves at once when it knows. */
  readonly register: (id: ConversationId) => Promise<void>
  /** Its status may have changed. */
  readonly look: (conversation: OpenConversation) => void
}

export function createRegistration(
  user: UserId,
  list: ConversationList,
  rest: Pick<RestClient, 'register'>,
  now: () => number,
  removals: Pick<Removals, 'take'>,
): Registration {
  /** Conversations that the server had lost and is told of again, until they are live: it is told once. */
  const registeredAgain = new Set<ConversationId>()

  async function delist(conversation: OpenConversation, code: FaultCode): Promise<void> {
    if (list.row(conversation.id) === undefined) return
    await conversation.flush()
    if (conversation.lost === undefined) return
    await removals.take([{ conversation: conversation.id, code }])
  }

  return {
    register: async (id) => {
      const row = list.row(id)
      if (row?.unregistered === undefined) return
      const { members, settings = [] } = row.unregistered
      await rest.register(id, {
        members,
        ...(row.title === null ? {} : { title: row.title }),
        ...(settings.length === 0 ? {} : { settings: Object.fromEntries(settings) }),
      })
      // When that cannot be kept, the server is told again after the next start, and answers the same.
      await list.change(id, (current) => ({ ...current, unregistered: undefined })).catch(() => undefined)
    },
    look: (conversation) => {
      const { id, status } = conversation
      const { connection } = status.getSnapshot()
      if (connection.phase === 'live') registeredAgain.delete(id)
      const code = lostCodeOf(connection)
      if (code === undefined) return
      const row = lostConversationRow(user, conversation, list.row(id), now())
      if (code !== 'not-found' || row === undefined || registeredAgain.has(id)) {
        delist(conversation, code).catch(() => undefined)
        return
      }
      registeredAgain.add(id)
      // A list that cannot be kept is told again at the next start.
      list.add(row).catch(() => undefined)
      conversation.reconnect()
    },
  }
}
