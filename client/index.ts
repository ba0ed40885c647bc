/** The SDK in browsers: `createChatClient` and its types. */

import type { ChatClient } from './api.ts'
import { createClient } from './chat-client.ts'
import type { ChatClientOptions } from './client-options.ts'
import { startSearchWorker } from './search/start-search-worker.ts'
import { openBrowserStorage } from './storage/browser/browser-storage.ts'
import { askToPersist } from './storage/browser/persistence.ts'
import { onHide, onWake } from './wake.ts'

export * from './api.ts'
export * from './search/search-api.ts'
export type { ChatClientOptions } from './client-options.ts'
export { RestFailure } from './rest-client.ts'

/** A client that keeps everything in IndexedDB. Throws TypeError for a URL or a user that cannot be one. */
export function createChatClient(options: ChatClientOptions): ChatClient {
  return createClient(options, {
    openStorage: openBrowserStorage,
    WebSocket: globalThis.WebSocket,
    broadcast: true,
    fetch: (...request) => globalThis.fetch(...request),
    now: Date.now,
    onWake,
    onHide,
    askToPersist,
    startSearchWorker,
  })
}
