// A server that is ended, or that crashes, and comes back on the same disk. Knows no test runner and no kind of store.
import type { WindowRules } from '../../server/chat/archiving.ts'
import type { ConversationStore } from '../../server/storage/conversation-store.ts'
import type { Random } from '../helpers/seeded-random.ts'
import { createSyncNode, type SyncNode } from '../helpers/sync-node.ts'

/** Outlives the stores that are opened on it, one after another. */
export interface Disk {
  readonly open: () => Promise<ConversationStore>
}

export interface RestartingServer {
  /** The one that runs now. */
  readonly node: SyncNode
  /** What went wrong, in any of them, that should not have. */
  readonly errors: () => readonly unknown[]
  /** In order: what is on its way to the disk gets there. */
  readonly end: () => Promise<void>
  /** What waits for the disk never gets there. */
  readonly crash: () => Promise<void>
  readonly start: () => Promise<void>
}

export async function startRestartingServer(
  disk: Disk,
  options: { readonly random: Random; readonly now: () => number; readonly window?: WindowRules },
): Promise<RestartingServer> {
  let store = await disk.open()
  let node = createSyncNode({ ...options, store })
  const ended: SyncNode[] = []

  async function crash(): Promise<void> {
    await node.settled()
    ended.push(node)
    await store.close()
  }

  return {
    get node() {
      return node
    },
    errors: () => [...ended, node].flatMap(({ errors, storeFailures }) => [...errors, ...storeFailures]),
    end: async () => {
      node.gate.open()
      await node.registry.stop()
      await node.commits.idle()
      await crash()
    },
    crash,
    start: async () => {
      store = await disk.open()
      node = createSyncNode({ ...options, store })
    },
  }
}
