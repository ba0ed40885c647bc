/**
 * Pages in LevelDB. One process has it open, so a transaction is a turn among its own calls, and one batch. Batches are not
 * synced: what is lost is fetched again.
 */

import { type ConversationId, parseConversationId } from '../../../shared/sync/ids.ts'
import type { PageRun, Span } from '../page-store.ts'
import { isSpan, parseConversationFacts } from '../pages/conversation-facts.ts'
import { mediumInTurns } from '../pages/medium-in-turns.ts'
import { type BlockFacts, blockNumber, type PageChanges, type PageMedium, type PageRows } from '../pages/page-medium.ts'
import { type Database, fromJson, last, padded, toJson, values } from './database.ts'

const totalKey = 'page-total'

export function createNodePages(db: Database): PageMedium {
  return mediumInTurns(rowsOf(db), (changes) => write(db, changes))
}

function rowsOf(db: Database): PageRows {
  const find = (table: string, id: ConversationId, blocks: Span | undefined): Promise<Uint8Array[]> =>
    blocks === undefined
      ? values(db, `${table}/${id}/`)
      : db.values({ gte: `${table}/${id}/${padded(blocks.from)}`, lt: `${table}/${id}/${padded(blocks.to)}` }).all()
  return {
    totalBytes: () => readTotal(db),
    conversation: async (id) => parseConversationFacts(await readJson(db, asOfKey(id))),
    facts: async (id, blocks) => (await find('page-facts', id, blocks)).map(fromJson).filter(isBlockFacts),
    runs: async (id, blocks) => (await find('page', id, blocks)).map(fromJson).filter(isPageRun),
    byReading: async function* byReading() {
      for await (const value of db.values({ gt: 'page-reading/', lt: `page-reading/${last}` })) {
        const facts = fromJson(value)
        if (isBlockFacts(facts)) yield facts
      }
    },
  }
}

async function write(db: Database, changes: PageChanges): Promise<void> {
  const { blocks = [], facts = [], removed = [], conversations = [], forgotten, totalBytes } = changes
  const put = [...blocks.map((block) => block.facts), ...facts]
  const before = await db.getMany([...put, ...removed].map((each) => blockKey('page-facts', each)))
  const dropped = forgotten === undefined ? [] : await values(db, `page-facts/${forgotten}/`)
  const batch = db.batch()
  for (const value of [...before, ...dropped]) {
    const known = value === undefined ? undefined : fromJson(value)
    if (isBlockFacts(known)) batch.del(readingKey(known))
  }
  for (const { facts: each, run } of blocks) batch.put(blockKey('page', each), toJson(run))
  for (const each of put) batch.put(blockKey('page-facts', each), toJson(each)).put(readingKey(each), toJson(each))
  for (const each of removed) batch.del(blockKey('page', each)).del(blockKey('page-facts', each))
  if (forgotten !== undefined) {
    for (const prefix of [`page/${forgotten}/`, `page-facts/${forgotten}/`]) {
      for (const key of await db.keys({ gt: prefix, lt: prefix + last }).all()) batch.del(key)
    }
    batch.del(asOfKey(forgotten))
  }
  for (const each of conversations) batch.put(asOfKey(each.id), toJson(each))
  if (totalBytes !== undefined) batch.put(totalKey, toJson(totalBytes))
  await batch.write()
}

function blockKey(table: 'page' | 'page-facts', facts: BlockFacts): string {
  return `${table}/${facts.id}/${padded(blockNumber(facts))}`
}

/** Of a copy of the facts, in the order of reading. */
function readingKey(facts: BlockFacts): string {
  return `page-reading/${padded(facts.readAt)}/${facts.id}/${padded(blockNumber(facts))}`
}

/** Of the row of a conversation. */
function asOfKey(id: ConversationId): string {
  return `page-as-of/${id}`
}

async function readTotal(db: Database): Promise<number> {
  const total = await readJson(db, totalKey)
  return typeof total === 'number' ? total : 0
}

async function readJson(db: Database, key: string): Promise<unknown> {
  const kept = await db.get(key)
  return kept === undefined ? undefined : fromJson(kept)
}

/** Of rows that this module has written; damaged ones are left out: not kept, so they are fetched again. */
function isPageRun(value: unknown): value is PageRun {
  return isSpan(value) && 'messages' in value && Array.isArray(value.messages)
}

function isBlockFacts(value: unknown): value is BlockFacts {
  return isSpan(value) && 'id' in value && parseConversationId(value.id) !== undefined
}
