/** The line of an open conversation in the list. */

import { historyFrom } from '../shared/chat/roster.ts'
import type { OpenConversation } from './open-conversation.ts'
import type { ConversationRow } from './storage/client-storage.ts'

export function summarize(conversation: OpenConversation): Partial<ConversationRow> {
  const { title, access: held, members } = conversation.info.getSnapshot()
  const access = conversation.lost === undefined ? held : undefined
  const { folded } = conversation.document.replica
  const from = historyFrom(folded, conversation.user)
  const known: Partial<ConversationRow> = {
    title,
    access,
    gone: conversation.gone,
    ...conversation.unread,
    ...(members.length === 0 ? {} : { members }),
    ...seqOf('archivedThrough', folded.through),
    ...(conversation.knownEvents === undefined ? {} : { events: conversation.knownEvents }),
    ...(from > 0 ? { historyFrom: from } : {}),
    ...seqOf('readThrough', conversation.readThrough),
    ...seqOf('lastSeq', folded.lastSeq),
    ...seqOf('lastMessageSeq', folded.sent.at(-1)?.seq ?? -1),
  }
  return { ...known, ...newest(conversation) }
}

/** What was said last, failed messages aside, and when in ms. */
function newest({ document, user, isBarred }: OpenConversation): Partial<ConversationRow> {
  const { pending, sent } = document.replica.folded
  const waiting = isBarred ? pending.findLast((message) => message.user !== user) : pending.at(-1)
  if (waiting !== undefined) return { lastMessage: waiting.content, updatedAt: waiting.writtenAt }
  const last = sent.at(-1)
  return last === undefined ? {} : { lastMessage: last.content, updatedAt: last.createdAt }
}

function seqOf<Name extends 'archivedThrough' | 'readThrough' | 'lastSeq' | 'lastMessageSeq'>(
  name: Name,
  seq: number,
): Partial<Pick<ConversationRow, Name>> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a computed name widens to string
  return (seq < 0 ? {} : { [name]: seq }) as Partial<Pick<ConversationRow, Name>>
}
