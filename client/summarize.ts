/** The line of an open conversation in the list. */

import type { OpenConversation } from './open-conversation.ts'
import type { ConversationRow } from './storage/client-storage.ts'

export function summarize(conversation: OpenConversation): Partial<ConversationRow> {
  const { title, access: held, members } = conversation.info.getSnapshot()
  // The document of whoever was removed does not say so.
  const access = conversation.lost === undefined ? held : undefined
  const { folded } = conversation.document.replica
  const known: Partial<ConversationRow> = {
    title,
    access,
    ...conversation.unread,
    ...(members.length === 0 ? {} : { members }),
    ...seqOf('archivedThrough', folded.through),
    ...seqOf('readThrough', conversation.readThrough),
    ...seqOf('lastSeq', folded.lastSeq),
    ...seqOf('lastMessageSeq', folded.sent.at(-1)?.seq ?? -1),
  }
  const last = conversation.newest
  return last === undefined ? known : { ...known, ...last }
}

function seqOf<Name extends 'archivedThrough' | 'readThrough' | 'lastSeq' | 'lastMessageSeq'>(
  name: Name,
  seq: number,
): Partial<Pick<ConversationRow, Name>> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a computed name widens to string
  return (seq < 0 ? {} : { [name]: seq }) as Partial<Pick<ConversationRow, Name>>
}
