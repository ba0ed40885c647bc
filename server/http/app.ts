/**
 * The HTTP side of the server: puts routes, hooks and error answers together. Reaches data through `Conversations` only,
 * and knows nothing of sockets: whoever starts it takes the upgrades of `app.server`.
 */

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
import type { Conversations } from '../conversations.ts'
import type { Authenticate, Tickets } from '../identity.ts'
import type { Demo } from './auth.ts'
import { takeJsonOnly } from './body.ts'
import { chainRoutes } from './chains.ts'
import { answerBrokenRequest } from './broken-request.ts'
import { conversationRoutes } from './conversations.ts'
import { type Health, healthRoutes } from './health.ts'
import { requireToken } from './identify.ts'
import { memberRoutes } from './members.ts'
import { messageRoutes } from './messages.ts'
import { describeRoutes, openapiRoute } from './openapi.ts'
import { guardOrigins } from './origins.ts'
import { withOtherMethods } from './other-methods.ts'
import { internalProblem, problemBody, problemOf } from './problem.ts'
import { demoTokenRoute, ticketRoute } from './sign-in.ts'
import { webRoutes } from './web.ts'

export interface AppDeps {
  readonly conversations: Conversations
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
}

/** How long a client may take for a whole request. */
const requestTimeoutMs = 30_000
/** How long for its headers. */
const headersTimeoutMs = 15_000
/** How long a connection may be silent while something is under way. */
const connectionTimeoutMs = 60_000
/** A user id with every character escaped, and then some: ids that are too long are refused by their parsers. */
const maxParamLength = 1024

/** Not listening yet. Sockets get past it by the `upgrade` event of `app.server`. */
export function buildApp(deps: AppDeps): FastifyInstance {
  const app = fastify({
    loggerInstance: deps.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.restBodyBytes,
    connectionTimeout: connectionTimeoutMs,
    requestTimeout: requestTimeoutMs,
    http: { headersTimeout: headersTimeoutMs },
    // Whoever waits for a commit in flight hears of it.
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    trustProxy: false,
    routerOptions: { maxParamLength },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: answerError,
  })
  // Handlers parse what comes in, in the order of REST2, and tests hold what goes out to its description.
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => (value) => JSON.stringify(value))
  app.setErrorHandler(answerError)
  app.setNotFoundHandler(answerNotFound)
  takeJsonOnly(app)
  addHooks(app, deps)
  describeRoutes(app)
  addRoutes(app, deps)
  return app
}

function addHooks(app: FastifyInstance, { origins, demo }: AppDeps): void {
  let closing = false
  app.addHook('preClose', (done) => {
    closing = true
    done()
  })
  app.addHook('onSend', async (_request, reply) => {
    // Whose request was under way would otherwise keep the connection, and with it the server.
    if (closing) void reply.header('connection', 'close')
  })
  app.addHook('onRequest', (_request, reply, done) => {
    void reply.headers({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    })
    done(closing ? new Fault('restart') : undefined)
  })
  guardOrigins(app, { origins, isDemo: demo !== undefined })
  // CONF2: the route's pattern, not the URL, which may carry a ticket.
  app.addHook('onResponse', async (request, reply) => {
    const ms = Math.round(reply.elapsedTime * 10) / 10
    request.log.info({ req: request, res: reply, ms }, 'answered')
  })
}

function addRoutes(app: FastifyInstance, deps: AppDeps): void {
  const { conversations, authenticate, tickets, demo, health, webRoot } = deps
  withOtherMethods(app, (scope) => {
    healthRoutes(scope, health)
    openapiRoute(scope)
    demoTokenRoute(scope, demo)
    // Reserved for a page about the API, which will need no token either.
    scope.get('/api/docs', { schema: { hide: true } }, answerNotFound)
  })
  withOtherMethods(app, (scope) => {
    requireToken(scope, authenticate)
    conversationRoutes(scope, conversations)
    memberRoutes(scope, conversations)
    messageRoutes(scope, deps)
    chainRoutes(scope, conversations)
    ticketRoute(scope, tickets)
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
