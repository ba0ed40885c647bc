// Devices of users at one real server, each behind a proxy that can cut it off. Knows no test runner.
import { WebSocket as NodeWebSocket } from 'ws'

import type { ChatClient } from '../../client/api.ts'
import { createClient } from '../../client/chat-client.ts'
import type { ChatClientOptions, Platform } from '../../client/client-options.ts'
import type { ClientStorage } from '../../client/storage/client-storage.ts'
import { signByHand } from '../contract/rest/rest-client.ts'
import { CuttingProxy } from './cutting-proxy.ts'
import { keepingMemory } from './open-rig.ts'
import type { TestServer } from './running-server.ts'

export interface OwnDevice {
  readonly client: ChatClient
  readonly storage: ClientStorage
  readonly cut: () => void
  /** And the device notices at once. */
  readonly heal: () => void
  /** Nobody looks at it any more. */
  readonly hide: () => void
  readonly close: () => Promise<void>
}

export interface OwnDeviceOptions extends Pick<ChatClientOptions, 'receipts' | 'transport'> {
  readonly storage?: ClientStorage
  /** It is a tab among others of a browser, with this storage of the browser; they know the server by one address. */
  readonly tab?: { readonly openStorage: Platform['openStorage']; readonly proxy: CuttingProxy }
  /** It cannot reach the server from the beginning. */
  readonly isCut?: boolean
}

export function tokenOf(server: TestServer, user: string): string {
  return signByHand({ claims: { sub: user, exp: Math.floor(Date.now() / 1000) + 3600 }, secret: server.secret })
}

export async function startDevice(
  server: TestServer,
  user: string,
  { storage = keepingMemory(), tab, isCut = false, ...options }: OwnDeviceOptions = {},
): Promise<OwnDevice> {
  const proxy = tab?.proxy ?? (await CuttingProxy.start(() => server.url))
  if (isCut) proxy.cut()
  let wake = (): void => undefined
  let hide = (): void => undefined
  // It may close in a moment and be opened again.
  const kept: ClientStorage = { ...storage, close: async () => undefined }
  const client = createClient(
    { url: proxy.url, user, token: tokenOf(server, user), ...options },
    {
      openStorage: tab?.openStorage ?? (async () => kept),
      WebSocket: NodeWebSocket as unknown as typeof WebSocket,
      broadcast: tab !== undefined,
      fetch: globalThis.fetch,
      now: Date.now,
      dropExitListener: (listener) => process.off('exit', listener),
      onWake: (listener) => {
        wake = listener
        return () => undefined
      },
      onHide: (listener) => {
        hide = listener
        return () => undefined
      },
    },
  )
  return {
    client,
    storage,
    cut: () => proxy.cut(),
    heal: () => {
      proxy.heal()
      wake()
    },
    hide: () => hide(),
    close: async () => {
      await client.close()
      if (tab === undefined) await proxy.close()
    },
  }
}
