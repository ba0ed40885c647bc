/** Reads the lines of an export: whatever is not as it should be is an error, and kinds that are not known are left out. */

import { parseAccess } from '../../shared/chat/access.ts'
import { parseMessageId } from '../../shared/chat/entry.ts'
import { parseRestMessage } from '../../shared/rest.ts'
import { parseConversationId, parseUserId } from '../../shared/sync/ids.ts'
import { anotherLanguage, type Fields, fieldsOf, isCount, parseVersions } from '../rest-answers.ts'
import type { AccountPart, ExportedConversation } from './account-api.ts'

/** Of the form of the lines. */
const exportFormat = 1

/** `end`: there is no more. Undefined: of a later version. */
export function readExportLine(line: string): AccountPart | 'end' | undefined {
  const fields = fieldsOf(JSON.parse(line))
  switch (fields['kind']) {
    case 'account': {
      if (fields['format'] !== exportFormat) throw anotherLanguage()
      return { kind: 'account', user: needed(parseUserId(fields['user'])), exportedAt: timeIn(fields, 'exported_at') }
    }
    case 'profile':
      return {
        kind: 'profile',
        name: textOrNull(fields['name']),
        color: textOrNull(fields['color']),
        updatedAt: timeIn(fields, 'updated_at'),
      }
    case 'state':
      return { kind: 'state', key: textIn(fields, 'key'), value: fields['value'] }
    case 'conversation':
      return { kind: 'conversation', conversation: readConversation(fields) }
    case 'message':
      return readMessage(fields)
    case 'reaction':
      return { kind: 'reaction', ...placeIn(fields), emoji: textIn(fields, 'emoji') }
    case 'pin':
      return { kind: 'pin', ...placeIn(fields) }
    case 'unreadable':
      return { kind: 'unreadable', conversation: conversationIn(fields) }
    case 'end':
      return 'end'
    default:
      return undefined
  }
}

function readConversation(fields: Fields): ExportedConversation {
  const { id, title, access, members } = fields
  if (!Array.isArray(members)) throw anotherLanguage()
  return {
    id: needed(parseConversationId(id)),
    title: textOrNull(title),
    access: needed(parseAccess(access)),
    createdAt: timeIn(fields, 'created_at'),
    updatedAt: timeIn(fields, 'updated_at'),
    lastSeq: seqOrNull(fields['last_seq']),
    unread: seqOrNull(fields['unread']) ?? 0,
    mentions: seqOrNull(fields['mentions']) ?? 0,
    readThrough: seqOrNull(fields['read_through']),
    received: seqOrNull(fields['received']),
    historyFrom: seqOrNull(fields['history_from']),
    members: members.map((member) => {
      const { user, access: level } = fieldsOf(member)
      return { user: needed(parseUserId(user)), access: needed(parseAccess(level)) }
    }),
  }
}

function readMessage({ kind: _kind, versions, ...fields }: Fields): AccountPart {
  const message = needed(parseRestMessage(fields))
  const said = versions === undefined ? {} : { versions: parseVersions({ items: versions }) }
  return { kind: 'message', conversation: conversationIn(fields), message, ...said }
}

function placeIn(fields: Fields) {
  return { conversation: conversationIn(fields), message: needed(parseMessageId(fields['message_id'])) }
}

function conversationIn(fields: Fields) {
  return needed(parseConversationId(fields['conversation_id']))
}

function needed<T>(value: T | undefined): T {
  if (value === undefined) throw anotherLanguage()
  return value
}

function textIn(fields: Fields, name: string): string {
  const text = fields[name]
  if (typeof text !== 'string') throw anotherLanguage()
  return text
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function seqOrNull(value: unknown): number | null {
  return isCount(value) ? value : null
}

/** In ms. */
function timeIn(fields: Fields, name: string): number {
  const timeMs = Date.parse(textIn(fields, name))
  if (Number.isNaN(timeMs)) throw anotherLanguage()
  return timeMs
}
