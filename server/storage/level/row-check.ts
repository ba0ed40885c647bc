/** Every row of a database, each by itself: its key is one, its checksum fits, and it belongs to something that is there. */

import type { ConversationId } from '../../../shared/sync/ids.ts'
import { isDamage, type StoredHead } from '../conversation-store.ts'
import { type Database, getRows, scan } from './database.ts'
import { decodeKey, encodeKey, type Key } from './keys.ts'
import { readMember } from './member-rows.ts'
import { readInvitation, readProfile } from './people-rows.ts'
import * as rows from './rows.ts'
import type { Row } from './seal.ts'
import { readEvent, readPiece, readPin, readReply, readSetting, readTouched } from './touch-rows.ts'
import { readErasing, readPurging } from './vanishing-rows.ts'

export interface RowFinding {
  /** Undefined where it cannot be known. */
  readonly conversation: ConversationId | undefined
  readonly text: string
}

/** Checks the whole of a row against its kind; throws StoreError `damaged`. */
const readers: Readonly<Record<Key['kind'], (row: Row) => unknown>> = {
  format: rows.readFormat,
  generation: rows.readGeneration,
  head: rows.readHead,
  log: rows.readEntry,
  record: rows.readRecord,
  message: rows.readMessage,
  id: rows.readClaim,
  chain: rows.readChain,
  deleted: rows.readDeleted,
  dropped: rows.readDropped,
  place: rows.readPlace,
  member: readMember,
  idempotency: rows.readIdempotency,
  inbox: rows.readInbox,
  touched: readTouched,
  piece: readPiece,
  reply: readReply,
  event: readEvent,
  setting: readSetting,
  pin: readPin,
  erasing: readErasing,
  purging: readPurging,
  invitation: readInvitation,
  profile: readProfile,
}

/** Streams; keeps nothing but the conversation that it is at. */
export async function* checkRows(database: Database): AsyncGenerator<RowFinding> {
  let owner: Owner | undefined
  let hasFormat = false
  for await (const batch of scan(database, {})) {
    for (const row of batch) {
      const key = decodeKey(row.key)
      if (key === undefined || Buffer.compare(encodeKey(key), row.key) !== 0) {
        yield { conversation: undefined, text: `a key is none: ${describeKey(row.key)}` }
        continue
      }
      const damage = damageOf(row, key)
      if (damage !== undefined) yield { conversation: conversationOf(key), text: damage }
      if (key.kind === 'format') hasFormat = true
      if (key.kind === 'format' || key.kind === 'generation' || key.kind === 'head' || key.kind === 'profile') continue
      if (owner?.conversation !== key.conversation) owner = await readOwner(database, key.conversation)
      const stray = key.kind === 'inbox' ? await strayInbox(database, key) : owner.refuses(key.kind)
      // One line for each kind of rows that nobody owns, not one for each row.
      if (stray === undefined || owner.told.has(key.kind)) continue
      owner.told.add(key.kind)
      yield { conversation: key.conversation, text: `${key.kind} rows, but ${stray}` }
    }
  }
  if (!hasFormat) yield { conversation: undefined, text: 'the format row of the store is missing' }
}

interface Owner {
  readonly conversation: ConversationId
  /** Why it has no rows of a kind; undefined when it may have. */
  readonly refuses: (kind: Key['kind']) => string | undefined
  readonly told: Set<Key['kind']>
}

async function readOwner(database: Database, conversation: ConversationId): Promise<Owner> {
  const keys = [encodeKey({ kind: 'head', conversation }), encodeKey({ kind: 'purging', conversation })]
  const [row, purging] = await getRows(database, keys)
  const told = new Set<Key['kind']>()
  if (row === undefined) return { conversation, refuses: () => 'no head', told }
  const isDeleted = headOf(row)?.kind === 'deleted'
  const refuses = (kind: Key['kind']): string | undefined => {
    // Rows that are still to be removed are nothing wrong, and nobody reads them.
    if (isDeleted) return purging === undefined ? 'it was deleted' : undefined
    return kind === 'purging' ? 'it was not deleted' : undefined
  }
  return { conversation, refuses, told }
}

/** Undefined when it is damaged, which is told where the row itself is met. */
function headOf(row: Row): StoredHead | undefined {
  try {
    return rows.readHead(row)
  } catch (error) {
    if (!isDamage(error)) throw error
    return undefined
  }
}

async function strayInbox(
  database: Database,
  key: Extract<Key, { readonly kind: 'inbox' }>,
): Promise<string | undefined> {
  const { user, conversation } = key
  const [member] = await getRows(database, [encodeKey({ kind: 'member', conversation, user })])
  return member === undefined ? `${user} is no member` : undefined
}

function damageOf(row: Row, key: Key): string | undefined {
  try {
    readers[key.kind](row)
    return undefined
  } catch (error) {
    if (!isDamage(error)) throw error
    return error.message
  }
}

function conversationOf(key: Key): ConversationId | undefined {
  return 'conversation' in key ? key.conversation : undefined
}

/** Its first bytes: kind and id, nothing that anybody wrote. */
function describeKey(key: Uint8Array): string {
  return `${Buffer.from(key.subarray(0, 17)).toString('hex')} (${key.length} bytes)`
}
