/**
 * How the server logs: one JSON line per event, by Pino, without message content, tokens or tickets (CONF2). Knows no
 * logging library; `server/http/create-log.ts` makes the logger from what stands here.
 */

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

export type LogLevel = (typeof logLevels)[number]

export function parseLogLevel(text: string): LogLevel | undefined {
  return logLevels.find((level) => level === text)
}

/** Names under which nothing may be logged, at the top of a line or one level down. */
const secretNames = [
  'token',
  'ticket',
  'secret',
  'authorization',
  'content',
  'headers',
  'body',
  'query',
  'url',
] as const

/** Pino's options. */
export function logOptions(level: LogLevel) {
  return {
    level,
    // Neither process id nor host name: whoever collects the lines knows where they come from.
    base: null,
    redact: { paths: secretNames.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    serializers: { req: describeRequest, res: describeReply, err: describeError },
  }
}

interface RequestFacts {
  readonly method: string
  readonly routeOptions?: { readonly url?: string | undefined }
}

/** The pattern of the route, not the URL: that may carry a ticket. */
function describeRequest(request: RequestFacts) {
  return { method: request.method, route: request.routeOptions?.url ?? 'none' }
}

function describeReply(reply: { readonly statusCode: number }) {
  return { status: reply.statusCode }
}

export interface ErrorFacts {
  readonly type: string
  readonly message: string
  readonly stack: string
  readonly [more: string]: unknown
}

/** Type, code, message and stack of an error and of its causes; of a parser's complaint not the text it quotes. */
export function describeError(error: unknown, depth = 0): ErrorFacts {
  if (!(error instanceof Error)) return { type: typeof error, message: '', stack: '' }
  const frames = error.stack?.split('\n').filter((line) => line.startsWith('    at ')) ?? []
  return {
    type: error.name,
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
    message: error instanceof SyntaxError ? '' : error.message,
    stack: frames.join('\n'),
    ...(error.cause === undefined || depth === 5 ? {} : { cause: describeError(error.cause, depth + 1) }),
  }
}
