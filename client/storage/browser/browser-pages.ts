/**
 * Pages in IndexedDB. Each change is one transaction, and tabs take turns, so none loses what another has put. Their
 * stores are none of those that sending needs.
 */

import type { ConversationId } from '../../../shared/sync/ids.ts'
import type { Span } from '../page-store.ts'
import { parseConversationFacts } from '../pages/conversation-facts.ts'
import { blockNumber, type PageChanges, type PageMedium, type PageRows } from '../pages/page-medium.ts'
import { type Database, pageStores, type PageTransaction, totalKey } from './database.ts'

export function createBrowserPages(db: Database): PageMedium {
  return {
    look: async (query) => query(rowsWithin(db.transaction(pageStores, 'readonly'))),
    change: async (plan) => {
      const transaction = db.transaction(pageStores, 'readwrite')
      // Awaited below, but an abort may come before.
      transaction.done.catch(() => undefined)
      try {
        const { changes, answer } = await plan(rowsWithin(transaction))
        write(transaction, changes)
        // Without it a tab that freezes now would keep every other tab waiting.
        transaction.commit()
        await transaction.done
        return answer
      } catch (error) {
        abort(transaction)
        throw transaction.error ?? error
      }
    },
  }
}

/** Every key of a conversation, arrays sort behind numbers; or those of the blocks with these numbers. */
function keysOf(id: ConversationId, blocks: Span | undefined): IDBKeyRange {
  if (blocks === undefined) return IDBKeyRange.bound([id], [id, []])
  return IDBKeyRange.bound([id, blocks.from], [id, blocks.to], false, true)
}

function rowsWithin(transaction: PageTransaction<'readonly'> | PageTransaction<'readwrite'>): PageRows {
  const facts = transaction.objectStore('pageFacts')
  return {
    totalBytes: async () => (await transaction.objectStore('pageTotal').get(totalKey)) ?? 0,
    conversation: async (id) => parseConversationFacts(await transaction.objectStore('pageAsOf').get(id)),
    facts: (id, blocks) => facts.getAll(keysOf(id, blocks)),
    runs: (id, blocks) => transaction.objectStore('pages').getAll(keysOf(id, blocks)),
    byReading: async function* byReading() {
      for await (const { value } of facts.index('readAt').iterate()) yield value
    },
  }
}

function write(transaction: PageTransaction<'readwrite'>, changes: PageChanges): void {
  const { blocks = [], facts = [], removed = [], conversations = [], forgotten, totalBytes } = changes
  const [runRows, factRows] = [transaction.objectStore('pages'), transaction.objectStore('pageFacts')]
  for (const { facts: each, run } of blocks) {
    heardOf(runRows.put(run, [each.id, blockNumber(each)]))
    heardOf(factRows.put(each, [each.id, blockNumber(each)]))
  }
  for (const each of facts) heardOf(factRows.put(each, [each.id, blockNumber(each)]))
  for (const each of removed) {
    heardOf(runRows.delete([each.id, blockNumber(each)]))
    heardOf(factRows.delete([each.id, blockNumber(each)]))
  }
  for (const each of conversations) heardOf(transaction.objectStore('pageAsOf').put(each, each.id))
  if (forgotten !== undefined) {
    heardOf(runRows.delete(keysOf(forgotten, undefined)))
    heardOf(factRows.delete(keysOf(forgotten, undefined)))
    heardOf(transaction.objectStore('pageAsOf').delete(forgotten))
  }
  if (totalBytes !== undefined) heardOf(transaction.objectStore('pageTotal').put(totalBytes, totalKey))
}

/** A request that fails aborts its transaction, which tells. */
function heardOf(request: Promise<unknown>): void {
  request.catch(() => undefined)
}

/** What was put before an error counts no more. */
function abort(transaction: PageTransaction<'readwrite'>): void {
  try {
    transaction.abort()
  } catch {
    // It has ended by itself: by the error that is being told.
  }
}
