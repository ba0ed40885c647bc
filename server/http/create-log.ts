/** Makes the server's logger: Fastify's own Pino, so that requests and everything else write to one stream. */

import { fastify, type FastifyBaseLogger } from 'fastify'
import { type LogLevel, logOptions } from '../log.ts'

/** A stream of lines, such as `process.stderr`. */
export interface LogStream {
  write(line: string): unknown
}

export function createLog(level: LogLevel, stream: LogStream): FastifyBaseLogger {
  // An instance that never listens: the public way to Fastify's Pino.
  return fastify({ logger: { ...logOptions(level), stream } }).log
}
