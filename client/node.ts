/** The SDK in Node: `createChatClient` and its types. The client's only importer of `ws`. */

import { WebSocket as NodeWebSocket } from 'ws'
import type { ChatClient } from './api.ts'
import { createClient } from './chat-client.ts'
import type { ChatClientOptions } from './client-options.ts'
import { openNodeStorage } from './storage/node/node-storage.ts'

export * from './api.ts'
export * from './search/search-api.ts'
export type { ChatClientOptions } from './client-options.ts'
export { RestFailure } from './rest-client.ts'

export interface NodeClientOptions extends ChatClientOptions {
  /** Folder in which this program keeps its conversations; one process at a time. */
  readonly folder?: string
}

/** A client that keeps everything in LevelDB below `folder`. Throws TypeError for a URL or a user that cannot be one. */
export function createChatClient({ folder = 'parley-client', ...options }: NodeClientOptions): ChatClient {
  return createClient(options, {
    openStorage: (server, user, storage) => openNodeStorage(folder, server, user, storage),
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its class has the browser's shape, and more
    WebSocket: NodeWebSocket as unknown as typeof WebSocket,
    broadcast: false,
    fetch: globalThis.fetch,
    now: Date.now,
    dropExitListener: (listener) => process.off('exit', listener),
  })
}
