/** From the configuration to what proves tokens, and in demo mode gives them. */

import { randomBytes } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import type { Config } from '../config.ts'
import type { Authenticate } from '../identity.ts'
import { createAuthenticate, createDemo, createJwksAuthenticate, type Demo } from './auth.ts'
import { loadDemoKey } from './demo-key.ts'
import { rememberProved } from './proved-tokens.ts'

export interface AuthDeps {
  readonly now: () => number
  readonly log: FastifyBaseLogger
}

export interface Auth {
  readonly authenticate: Authenticate
  /** Undefined outside demo mode. */
  readonly demo: Demo | undefined
}

/** Call it with the store open: see `loadDemoKey`. A JWKS is not fetched before the first token comes. */
export async function openAuth(config: Config, deps: AuthDeps): Promise<Auth> {
  const { authenticate, demo } = await openRules(config, deps)
  return { authenticate: rememberProved(authenticate, deps.now), demo }
}

async function openRules({ auth, dataDir }: Config, { now, log }: AuthDeps): Promise<Auth> {
  switch (auth.kind) {
    case 'secret':
      return { authenticate: createAuthenticate({ ...auth, now }), demo: undefined }
    case 'jwks': {
      const onUnavailable = (err: unknown): void => log.error({ err }, 'the keys of tokens cannot be fetched or used')
      return { authenticate: createJwksAuthenticate({ ...auth, now, onUnavailable }), demo: undefined }
    }
    case 'demo': {
      const secret = await loadDemoKey(dataDir, randomBytes)
      return { authenticate: createAuthenticate({ secret, now }), demo: createDemo(secret, now) }
    }
  }
}
