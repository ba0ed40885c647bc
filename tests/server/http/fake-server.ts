/** The real HTTP side over a fake service, listening on a free port. */

import { randomBytes } from 'node:crypto'

import type { FastifyInstance } from 'fastify'
import { v7 } from 'uuid'

import type { Accounts } from '../../../server/account/accounts.ts'
import type { Conversations } from '../../../server/conversations.ts'
import { type AppDeps, buildApp } from '../../../server/http/app.ts'
import { createAuthenticate } from '../../../server/http/auth.ts'
import { createLog, type LogStream } from '../../../server/http/create-log.ts'
import { createInvitationTokens } from '../../../server/http/invitation-token.ts'
import { createTickets } from '../../../server/http/tickets.ts'
import type { LogLevel } from '../../../server/log.ts'
import { createRates } from '../../../server/sync/rate.ts'
import { limits } from '../../../shared/limits.ts'
import { type ConversationId, parseConversationId } from '../../../shared/sync/ids.ts'
import type { RestServer } from '../../contract/rest-acceptance.ts'
import { fakeConversations } from './fake-conversations.ts'
import { fakeInvitations, fakeProfiles } from './fake-people.ts'

const secret = 'a secret for tests, long enough for it'

export interface FakeServer extends RestServer {
  readonly app: FastifyInstance
}

export interface FakeServerOptions {
  readonly deps?: Partial<AppDeps>
  readonly logLevel?: LogLevel
  readonly logStream?: LogStream
  /** Called before it listens. */
  readonly prepare?: (app: FastifyInstance) => void
}

export async function startFakeServer({
  deps = {},
  logLevel = 'warn',
  logStream = process.stderr,
  prepare = () => {},
}: FakeServerOptions = {}): Promise<FakeServer> {
  const now = Date.now
  const conversations = deps.conversations ?? fakeConversations({ now, newId: freshConversationId })
  const people = { invitations: fakeInvitations(conversations, now), profiles: fakeProfiles(conversations, now) }
  const start = async (): Promise<{ readonly app: FastifyInstance; readonly url: string }> => {
    const app = buildApp({
      conversations,
      ...people,
      invitationTokens: createInvitationTokens(new TextEncoder().encode(secret)),
      accounts: noAccounts,
      authenticate: createAuthenticate({ secret: new TextEncoder().encode(secret), now }),
      tickets: createTickets({ now, random: randomBytes }),
      demo: undefined,
      log: createLog(logLevel, logStream),
      now,
      origins: [],
      webRoot: undefined,
      health: async () => ({ failures: [], warnings: [] }),
      rates: createRates({ now, perSecond: limits.entriesPerSecondPerUser, burst: limits.burstEntriesPerUser }),
      ...deps,
    })
    prepare(app)
    return { app, url: await app.listen({ port: 0, host: '127.0.0.1' }) }
  }
  let running = await start()
  return {
    secret,
    get url() {
      return running.url
    },
    get app() {
      return running.app
    },
    async restart() {
      await running.app.close()
      running = await start()
    },
    close: async () => running.app.close(),
  }
}

/** Nobody has anything. */
const noAccounts: Accounts = {
  export: async function* nothing() {},
  erase: async () => 0,
}

/** A service of which only these methods work. */
export function partialConversations(some: Partial<Conversations>): Conversations {
  return { ...fakeConversations({ now: Date.now, newId: freshConversationId }), ...some }
}

function freshConversationId(): ConversationId {
  const id = parseConversationId(v7())
  if (id === undefined) throw new Error('not a UUIDv7')
  return id
}
