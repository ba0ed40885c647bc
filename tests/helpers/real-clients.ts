// Whole clients against a whole server in this process, behind a proxy that can cut them off. Knows no test runner.
import { WebSocket as NodeWebSocket } from 'ws'

import type { ChatClient, Conversation } from '../../client/api.ts'
import { createClient } from '../../client/chat-client.ts'
import type { ChatClientOptions, Platform } from '../../client/client-options.ts'
import { tokenOf } from '../contract/rest/rest-client.ts'
import { CuttingProxy } from './cutting-proxy.ts'
import { keepingMemory } from './open-rig.ts'
import { startTestServer, type TestServer } from './running-server.ts'
import { when } from './when.ts'

export class RealClients {
  readonly server: TestServer
  readonly proxy: CuttingProxy
  readonly #clients: ChatClient[] = []

  private constructor(server: TestServer, proxy: CuttingProxy) {
    this.server = server
    this.proxy = proxy
  }

  static async start(): Promise<RealClients> {
    const server = await startTestServer()
    return new RealClients(server, await CuttingProxy.start(() => server.url))
  }

  token(user: string): string {
    return tokenOf(this.server, user)
  }

  client(
    user: string,
    platform: Partial<Pick<Platform, 'openStorage' | 'fetch'>> = {},
    options: Pick<ChatClientOptions, 'transport'> = {},
  ): ChatClient {
    const client = createClient(
      { url: this.proxy.url, user, token: this.token(user), ...options },
      {
        openStorage: async () => keepingMemory(),
        WebSocket: NodeWebSocket as unknown as typeof WebSocket,
        broadcast: false,
        fetch: globalThis.fetch,
        now: Date.now,
        dropExitListener: (listener) => process.off('exit', listener),
        ...platform,
      },
    )
    this.#clients.push(client)
    return client
  }

  /** Ends the clients that were started; heals the network. */
  async reset(): Promise<void> {
    this.proxy.heal()
    await Promise.all(this.#clients.splice(0).map((client) => client.close()))
  }

  async close(): Promise<void> {
    await this.proxy.close()
    await this.server.close()
  }
}

/** A conversation that the server knows, with these as writers. */
export async function shared(owner: ChatClient, ...users: readonly string[]): Promise<Conversation> {
  const conversation = await owner.create({ members: users.map((user) => ({ user, access: 'writer' })) })
  await isLive(conversation)
  return conversation
}

export function isLive({ status }: Conversation): Promise<unknown> {
  return when(status, ({ connection }) => connection.phase === 'live')
}

/** So many messages have their place, own ones or others'. */
export function hasSent({ messages }: Conversation, count: number): Promise<unknown> {
  return when(messages, (list) => list.filter(({ delivery }) => 'seq' in delivery).length === count)
}
