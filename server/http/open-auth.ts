/** From the configuration to what proves tokens, and in demo mode gives them. */

import { randomBytes } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import type { Config } from '../config.ts'
import type { Authenticate } from '../identity.ts'
import { createAuthenticate, createDemo, createJwksAuthenticate, type Demo } from './auth.ts'
import { loadKey } from './data-key.ts'
import { createInvitationTokens, type InvitationTokens } from './invitation-token.ts'
import { rememberProved } from './proved-tokens.ts'

export interface AuthDeps {
  readonly now: () => number
  readonly log: FastifyBaseLogger
}

export interface Auth {
  readonly authenticate: Authenticate
  /** Undefined outside demo mode. */
  readonly demo: Demo | undefined
  readonly invitationTokens: InvitationTokens
}

interface Rules extends Omit<Auth, 'invitationTokens'> {
  /** What the key of invitations is derived from. */
  readonly secret: Uint8Array
}

/** Call it with the store open: see `loadKey`. A JWKS is not fetched before the first token comes. */
export async function openAuth(config: Config, deps: AuthDeps): Promise<Auth> {
  const { authenticate, demo, secret } = await openRules(config, deps)
  return {
    authenticate: rememberProved(authenticate, deps.now),
    demo,
    invitationTokens: createInvitationTokens(secret),
  }
}

async function openRules({ auth, dataDir }: Config, { now, log }: AuthDeps): Promise<Rules> {
  switch (auth.kind) {
    case 'secret':
      return { authenticate: createAuthenticate({ ...auth, now }), demo: undefined, secret: auth.secret }
    case 'jwks': {
      const onUnavailable = (err: unknown): void => log.error({ err }, 'the keys of tokens cannot be fetched or used')
      // Whoever signs tokens keeps the key: for what the server signs it has one of its own.
      const secret = await loadKey(dataDir, 'invitation-key', randomBytes)
      return { authenticate: createJwksAuthenticate({ ...auth, now, onUnavailable }), demo: undefined, secret }
    }
    case 'demo': {
      const secret = await loadKey(dataDir, 'demo-key', randomBytes)
      return { authenticate: createAuthenticate({ secret, now }), demo: createDemo(secret, now), secret }
    }
  }
}
