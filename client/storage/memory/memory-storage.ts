/** A store that forgets: for tests, and where the device refuses to keep anything. */

import * as Y from 'yjs'
import type { Profile, ProfileChange } from '../../../shared/chat/profile.ts'
import type { ClientId, ConversationId, UserId } from '../../../shared/sync/ids.ts'
import type { StorageStatus } from '../../api.ts'
import type {
  ClientStorage,
  ConversationRow,
  OutboxPlace,
  OutboxRow,
  PoolRow,
  StorageOptions,
} from '../client-storage.ts'
import { createHeldLocks } from '../held-locks.ts'
import { createPageStore } from '../pages/create-page-store.ts'
import { createMemoryPages } from './memory-pages.ts'

/** 20 MB, some 80,000 short messages: enough to read back in, and no tab gets killed for it. */
const memoryPageBudgetBytes = 20_000_000

/** `status` tells why nothing is kept. */
export function createMemoryStorage(status: StorageStatus, options: StorageOptions = {}): ClientStorage {
  const { pageBudgetBytes = memoryPageBudgetBytes, now = Date.now } = options
  const conversations = new Map<ConversationId, ConversationRow>()
  const profiles = new Map<UserId, Profile>()
  let ownChoice: ProfileChange | undefined
  const documents = new Map<string, Uint8Array>()
  const generations = new Map<ConversationId, number>()
  const pools = new Map<ConversationId, Map<ClientId, PoolRow>>()
  const outboxes = new Map<ConversationId, Map<string, OutboxRow>>()
  const locks = createHeldLocks()

  return {
    status,
    isNew: true,
    wasLost: false,
    pages: createPageStore(createMemoryPages(), { budgetBytes: pageBudgetBytes, now }),
    conversations: async () => [...conversations.values()],
    putConversation: async (row) => void conversations.set(row.id, row),
    removeConversation: async (id) => void conversations.delete(id),

    profiles: async () => [...profiles.values()],
    putProfiles: async (rows) => {
      for (const row of rows) profiles.set(row.user, row)
    },
    ownChoice: async () => ownChoice,
    putOwnChoice: async (choice) => void (ownChoice = choice),

    generation: async (id) => generations.get(id) ?? 0,
    openDocument: async (id, doc, generation = 0) => {
      const name = `${id}/${generation}`
      const kept = documents.get(name)
      if (kept !== undefined) Y.applyUpdate(doc, kept)
      return {
        flushed: async () => undefined,
        close: async () => void documents.set(name, Y.encodeStateAsUpdate(doc)),
      }
    },
    readDocument: async (id, doc, generation = 0) => {
      const kept = documents.get(`${id}/${generation}`)
      if (kept !== undefined) Y.applyUpdate(doc, kept)
    },
    replaceDocument: async (id, { generation, put, remove, chain, retired }) => {
      generations.set(id, Math.max(generation, generations.get(id) ?? 0))
      for (const place of remove) within(outboxes, id).delete(outboxKey(place))
      for (const row of put) within(outboxes, id).set(outboxKey(row), row)
      for (const client of retired) within(pools, id).delete(client)
      within(pools, id).set(chain.client, chain)
    },
    dropDocument: async (id, generation) => void documents.delete(`${id}/${generation}`),

    pool: async (id) => [...within(pools, id).values()],
    putPool: async (id, row) => void within(pools, id).set(row.client, row),
    removePool: async (id, client) => void within(pools, id).delete(client),
    unsent: async () => [...outboxes].filter(([, rows]) => rows.size > 0).map(([id]) => id),
    outbox: async (id) =>
      [...within(outboxes, id).values()].toSorted((a, b) => a.client - b.client || a.clock - b.clock),
    putOutbox: async (id, row) => {
      within(outboxes, id).set(outboxKey(row), row)
      within(pools, id).set(row.client, { client: row.client, next: row.clock + 1 })
    },
    removeOutbox: async (id, row) => void within(outboxes, id).delete(outboxKey(row)),

    canLock: true,
    lockChain: async (id, client) => locks.take(`${id}/${client}`),
    lockRebuild: (id) => locks.wait(id),
    close: async () => undefined,
    destroy: async () => {
      for (const kept of [conversations, documents, generations, pools, outboxes]) kept.clear()
    },
  }
}

function outboxKey({ client, clock }: OutboxPlace): string {
  return `${client}/${clock}`
}

function within<Key, Value>(maps: Map<ConversationId, Map<Key, Value>>, id: ConversationId): Map<Key, Value> {
  const known = maps.get(id) ?? new Map<Key, Value>()
  maps.set(id, known)
  return known
}
