// Clients on a clock that the test moves: for a file, or a part of it. They are closed after each test.
import { afterEach, beforeEach, vi } from 'vitest'

import type { ChatClient } from '../../client/api.ts'
import { type ClientRig, type ClientRigOptions, startClientRig } from '../helpers/client-rig.ts'

export interface TimedClients {
  readonly start: (options?: ClientRigOptions) => ClientRig
  /** Moves the clock, and lets happen what comes due. */
  readonly settle: (ms?: number) => Promise<unknown>
}

export function timedClients(): TimedClients {
  const clients: ChatClient[] = []
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] })
  })
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()))
    vi.useRealTimers()
  })
  return {
    start: (options) => {
      const rig = startClientRig(options)
      clients.push(rig.client)
      return rig
    },
    settle: (ms = 10_000) => vi.advanceTimersByTimeAsync(ms),
  }
}
