/**
 * Looks through a whole store for damage (SPEC STORE8): the files, every row by itself, then each conversation's rows
 * against each other and as the document that devices are sent. Streams; repairs nothing.
 */

import type { ConversationId } from '../../shared/sync/ids.ts'
import { loadConversation } from '../chat/loaded-conversation.ts'
import { type ConversationStore, isDamage } from '../storage/conversation-store.ts'
import { type Database, scan } from '../storage/level/database.ts'
import { checkStoreFiles } from '../storage/level/files/store-files.ts'
import { decodeKey, headRange } from '../storage/level/keys.ts'
import { checkRows } from '../storage/level/row-check.ts'
import { openView } from '../storage/level/view.ts'
import { checkDerived } from './check-derived.ts'
import { checkDocument } from './check-document.ts'
import { checkLog } from './check-log.ts'
import { checkRecords } from './check-records.ts'
import { createFindings, type Finding } from './finding.ts'

export interface Verified {
  readonly conversations: number
  readonly messages: number
  readonly problems: number
}

/** `tell` hears of each finding as it is made. Throws StoreError `locked`, or `failed` when there is no store. */
export async function verifyStore(location: string, tell: (finding: Finding) => void): Promise<Verified> {
  const view = await openView(location)
  const told = new Map<ConversationId | undefined, Set<string>>()
  const counts = { conversations: 0, messages: 0, problems: 0 }
  const report = (finding: Finding): void => {
    const { kind, conversation, text } = finding
    const texts = told.get(conversation) ?? new Set()
    // A damaged row is met again when its conversation is looked through.
    if (texts.has(text)) return
    told.set(conversation, texts.add(text))
    if (kind === 'problem') counts.problems++
    tell(finding)
  }
  try {
    let isReadable = true
    for await (const { kind, text, endsReading } of checkStoreFiles(location, view.files)) {
      report({ kind, conversation: undefined, text })
      if (endsReading) isReadable = false
    }
    const open = isReadable ? await view.open() : undefined
    if (open === undefined) {
      report({ kind: 'problem', conversation: undefined, text: 'the rows in these files were not looked through' })
      return counts
    }
    const { database, store } = open
    try {
      for await (const { conversation, text } of checkRows(database)) report({ kind: 'problem', conversation, text })
    } catch (error) {
      report(unreadable(error))
    }
    try {
      for await (const id of conversationsIn(database)) {
        const { texts, isThere, messages } = await checkConversation(database, store, id)
        if (isThere) counts.conversations++
        counts.messages += messages
        for (const text of texts) report({ kind: 'problem', conversation: id, text })
      }
    } catch (error) {
      report(unreadable(error))
    }
    return counts
  } finally {
    await view.close()
  }
}

/** LevelDB cannot read on where it meets some kinds of damage; anything else is thrown on. */
function unreadable(error: unknown): Finding {
  if (!isDamage(error)) throw error
  return { kind: 'problem', conversation: undefined, text: `${error.message}: not everything could be looked through` }
}

/** The ids of all conversations, those that were deleted included. */
async function* conversationsIn(database: Database): AsyncGenerator<ConversationId> {
  for await (const rows of scan(database, headRange())) {
    for (const { key } of rows) {
      const head = decodeKey(key)
      if (head?.kind === 'head') yield head.conversation
    }
  }
}

async function checkConversation(
  database: Database,
  store: ConversationStore,
  id: ConversationId,
): Promise<{ readonly texts: readonly string[]; readonly isThere: boolean; readonly messages: number }> {
  const findings = createFindings()
  let messages = 0
  try {
    const stored = await store.head(id)
    if (stored?.kind !== 'head') return { texts: [], isThere: false, messages }
    const conversation = await loadConversation(store, id)
    if (conversation === undefined) throw new Error('a head that was there a moment ago')
    if (conversation.head.generation > conversation.generation)
      findings.add('the head is of a later generation than the store')
    const { owner } = await checkRecords(store, id, conversation, findings)
    const log = await checkLog(store, id, conversation, owner, findings)
    messages = log.messages
    await checkDerived(database, id, conversation, log, findings)
    await checkDocument(store, id, conversation, log.kept, findings)
  } catch (error) {
    // One damaged row ends the comparison of this conversation: it was told of, or is now.
    if (!isDamage(error)) throw error
    return { texts: [...findings.texts(), error.message], isThere: true, messages }
  }
  return { texts: findings.texts(), isThere: true, messages }
}
