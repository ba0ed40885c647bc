/** Pages in memory, where a transaction is a turn. */

import type { ConversationId } from '../../../shared/sync/ids.ts'
import type { Span } from '../page-store.ts'
import { mediumInTurns } from '../pages/medium-in-turns.ts'
import {
  type Block,
  blockNumber,
  type ConversationFacts,
  type PageChanges,
  type PageMedium,
  type PageRows,
} from '../pages/page-medium.ts'

interface Tables {
  readonly blocks: Map<ConversationId, Map<number, Block>>
  readonly conversations: Map<ConversationId, ConversationFacts>
  totalBytes: number
}

const everyBlock: Span = { from: 0, to: Infinity }

export function createMemoryPages(): PageMedium {
  const tables: Tables = { blocks: new Map(), conversations: new Map(), totalBytes: 0 }
  return mediumInTurns(rowsOf(tables), (changes) => apply(tables, changes))
}

function rowsOf(tables: Tables): PageRows {
  function find(id: ConversationId, { from, to }: Span = everyBlock): readonly Block[] {
    const found = [...(tables.blocks.get(id) ?? [])].filter(([number]) => number >= from && number < to)
    return found.toSorted(([a], [b]) => a - b).map(([, block]) => block)
  }
  return {
    totalBytes: async () => tables.totalBytes,
    conversation: async (id) => tables.conversations.get(id),
    facts: async (id, blocks) => find(id, blocks).map(({ facts }) => facts),
    runs: async (id, blocks) => find(id, blocks).map(({ run }) => run),
    byReading: async function* byReading() {
      const all = [...tables.blocks.keys()].flatMap((id) => find(id)).map(({ facts }) => facts)
      yield* all.toSorted((a, b) => a.readAt - b.readAt)
    },
  }
}

function apply(tables: Tables, changes: PageChanges): void {
  const { blocks = [], facts = [], removed = [], conversations = [], forgotten, totalBytes } = changes
  for (const block of blocks) {
    const kept = tables.blocks.get(block.facts.id) ?? new Map<number, Block>()
    tables.blocks.set(block.facts.id, kept.set(blockNumber(block.facts), block))
  }
  for (const each of facts) {
    const kept = tables.blocks.get(each.id)
    const block = kept?.get(blockNumber(each))
    if (block !== undefined) kept?.set(blockNumber(each), { ...block, facts: each })
  }
  for (const each of removed) tables.blocks.get(each.id)?.delete(blockNumber(each))
  for (const each of conversations) tables.conversations.set(each.id, each)
  if (forgotten !== undefined) {
    tables.blocks.delete(forgotten)
    tables.conversations.delete(forgotten)
  }
  if (totalBytes !== undefined) tables.totalBytes = totalBytes
}
