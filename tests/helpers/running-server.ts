/** The whole server inside this process: coverage counts, and a store of one's own can be put under it. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Config } from '../../server/config.ts'
import { createLog } from '../../server/http/create-log.ts'
import { type RunningServer, type ServerDeps, startServer } from '../../server/server.ts'

const secret = 'a secret for tests, long enough for it'

export interface TestServer {
  readonly url: string
  readonly secret: string
  /** Ends it and starts it again on the same folder. */
  restart(): Promise<void>
  close(): Promise<void>
}

export async function startTestServer(deps: Partial<ServerDeps> = {}): Promise<TestServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'parley-test-'))
  const config: Config = {
    port: 0,
    host: '127.0.0.1',
    dataDir,
    logLevel: 'silent',
    auth: { kind: 'secret', secret: new TextEncoder().encode(secret), issuer: undefined, audience: undefined },
    origins: [],
  }
  const start = (): Promise<RunningServer> =>
    startServer(config, {
      log: createLog('silent', process.stderr),
      now: Date.now,
      webRoot: undefined,
      onStoreFailure: () => undefined,
      ...deps,
    })
  let running = await start()
  return {
    secret,
    get url() {
      return running.url
    },
    restart: async () => {
      await running.close()
      running = await start()
    },
    close: async () => {
      await running.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
