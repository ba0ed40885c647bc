/**
 * The HTTP side of the server: puts routes, hooks and error answers together. Reaches data through `Conversations` only,
 * and knows nothing of sockets: whoever starts it takes the upgrades of `app.server`.
 */

import { setMaxListeners } from 'node:events'
import {
  fastify,
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify'
import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import type { Accounts } from '../account/accounts.ts'
import type { Conversations } from '../conversations.ts'
import type { Authenticate, Tickets } from '../identity.ts'
import type { Invitations } from '../invitations.ts'
import type { Profiles } from '../profiles.ts'
import type { Rates } from '../sync/rate.ts'
import { accountRoutes } from './account.ts'
import type { Demo } from './auth.ts'
import { takeJsonOnly } from './body.ts'
import { chainRoutes } from './chains.ts'
import { changeRoutes } from './changes.ts'
import { eventRoutes } from './events.ts'
import { answerBrokenRequest } from './broken-request.ts'
import { conversationRoutes } from './conversations.ts'
import { type Health, healthRoutes } from './health.ts'
import { requireToken } from './identify.ts'
import type { InvitationTokens } from './invitation-token.ts'
import { invitationRoutes } from './invitations.ts'
import { memberRoutes } from './members.ts'
import { messageRoutes } from './messages.ts'
import { describeRoutes, openapiRoute } from './openapi.ts'
import { guardOrigins } from './origins.ts'
import { withOtherMethods } from './other-methods.ts'
import { createPace, type Delay } from './pace.ts'
import { internalProblem, problemBody, problemOf } from './problem.ts'
import { privateStateRoutes } from './private-state.ts'
import { profileRoutes } from './profiles.ts'
import { readInTurns } from './read-turns.ts'
import { readRoutes } from './read.ts'
import { demoTokenRoute, ticketRoute } from './sign-in.ts'
import { threadRoutes } from './threads.ts'
import { touchRoutes } from './touches.ts'
import { versionRoutes } from './versions.ts'
import { webRoutes } from './web.ts'

export interface AppDeps {
  readonly conversations: Conversations
  readonly invitations: Invitations
  readonly invitationTokens: InvitationTokens
  readonly profiles: Profiles
  readonly accounts: Accounts
  readonly authenticate: Authenticate
  readonly tickets: Tickets
  /** Undefined outside demo mode. */
  readonly demo: Demo | undefined
  readonly log: FastifyBaseLogger
  /** In ms. */
  readonly now: () => number
  /** Other sites' origins that may use this server. */
  readonly origins: readonly string[]
  /** Folder of the built web chat; undefined: `/` is 404. */
  readonly webRoot: string | undefined
  readonly health: Health
  /** The same for REST and sockets. */
  readonly rates: Rates
  /** How writers are kept waiting; Node's timer when undefined. */
  readonly delay?: Delay
  /** In place of those in `limits`. */
  readonly connectionLimits?: Partial<ConnectionLimits>
}

/** What one client may cost by holding connections. */
export type ConnectionLimits = Readonly<Record<keyof typeof connectionLimits, number>>

const connectionLimits = {
  requestMs: limits.httpRequestMs,
  headersMs: limits.httpHeadersMs,
  silenceMs: limits.httpSilenceMs,
  keepAliveMs: limits.httpKeepAliveMs,
  checkMs: limits.httpCheckMs,
  headerBytes: limits.httpHeaderBytes,
  requestsPerConnection: limits.requestsPerConnection,
  connections: limits.connections,
}

/** A user id with every character escaped, and then some: ids that are too long are refused by their parsers. */
const maxParamLength = 1024

/** Not listening yet. Sockets get past it by the `upgrade` event of `app.server`. */
export function buildApp(deps: AppDeps): FastifyInstance {
  const most = { ...connectionLimits, ...deps.connectionLimits }
  const app = fastify({
    loggerInstance: deps.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.restBodyBytes,
    connectionTimeout: most.silenceMs,
    keepAliveTimeout: most.keepAliveMs,
    requestTimeout: most.requestMs,
    maxRequestsPerSocket: most.requestsPerConnection,
    http: {
      requestTimeout: most.requestMs,
      headersTimeout: most.headersMs,
      connectionsCheckingInterval: most.checkMs,
      maxHeaderSize: most.headerBytes,
    },
    // Whoever waits for a commit in flight hears of it.
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    trustProxy: false,
    routerOptions: { maxParamLength },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: answerError,
  })
  app.server.maxConnections = most.connections
  // Handlers parse what comes in, in the order of REST2, and tests hold what goes out to its description.
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => (value) => JSON.stringify(value))
  app.setErrorHandler(answerError)
  app.setNotFoundHandler(answerNotFound)
  takeJsonOnly(app)
  const closing = new AbortController()
  // Each request that waits is one.
  setMaxListeners(0, closing.signal)
  addHooks(app, deps, closing)
  describeRoutes(app)
  addRoutes(app, deps, closing.signal)
  return app
}

function addHooks(app: FastifyInstance, { origins, demo }: AppDeps, closing: AbortController): void {
  app.addHook('preClose', (done) => {
    closing.abort()
    done()
  })
  app.addHook('onSend', async (_request, reply) => {
    // Whose request was under way would otherwise keep the connection, and with it the server.
    if (closing.signal.aborted) void reply.header('connection', 'close')
  })
  app.addHook('onRequest', (_request, reply, done) => {
    void reply.headers({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    })
    done(closing.signal.aborted ? new Fault('restart') : undefined)
  })
  guardOrigins(app, { origins, isDemo: demo !== undefined })
  // CONF2: the route's pattern, not the URL, which may carry a ticket.
  app.addHook('onResponse', async (request, reply) => {
    const ms = Math.round(reply.elapsedTime * 10) / 10
    request.log.info({ req: request, res: reply, ms }, 'answered')
  })
}

function addRoutes(app: FastifyInstance, deps: AppDeps, closing: AbortSignal): void {
  const { conversations, accounts, profiles, authenticate, tickets, demo, health, webRoot, now, rates, delay } = deps
  const pace = createPace({ rates, delay, closing })
  withOtherMethods(app, (scope) => {
    healthRoutes(scope, health)
    openapiRoute(scope)
    demoTokenRoute(scope, demo)
    // Reserved for a page about the API, which will need no token either.
    scope.get('/api/docs', { schema: { hide: true } }, answerNotFound)
  })
  withOtherMethods(app, (scope) => {
    requireToken(scope, authenticate)
    readInTurns(scope, closing)
    conversationRoutes(scope, conversations, pace)
    memberRoutes(scope, { conversations, profiles, pace })
    invitationRoutes(scope, { ...deps, pace })
    profileRoutes(scope, profiles, pace)
    messageRoutes(scope, { conversations, pace, now })
    touchRoutes(scope, { conversations, pace, now })
    readRoutes(scope, conversations, pace)
    threadRoutes(scope, conversations)
    eventRoutes(scope, conversations)
    privateStateRoutes(scope, conversations, pace)
    changeRoutes(scope, conversations)
    versionRoutes(scope, conversations)
    chainRoutes(scope, conversations)
    ticketRoute(scope, tickets)
    accountRoutes(scope, { accounts, pace, now, closing })
    // REST2: without a token not even whether there is such a path.
    scope.all('/api', { schema: { hide: true }, onRequest: async () => answerNotFound() }, answerNotFound)
    scope.all('/api/*', { schema: { hide: true }, onRequest: async () => answerNotFound() }, answerNotFound)
  })
  if (webRoot !== undefined)
    withOtherMethods(app, (scope) => {
      webRoutes(scope, webRoot)
    })
}

function answerNotFound(): never {
  throw new Fault('not-found')
}

function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const known = problemOf(error)
  if (known === undefined) request.log.error({ req: request, err: error }, 'a request failed')
  const problem = known ?? internalProblem()
  void reply.code(problem.status).headers(problem.headers).type('application/json; charset=utf-8')
  void reply.send(JSON.stringify(problemBody(problem)))
}
