/** Reads bodies: JSON in UTF-8 and nothing else. A body that is too large is told later, after access (REST2). */

import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import { bad, type Input, parseInput } from './input.ts'
import { Problem, tooLarge, unsupportedMediaType } from './problem.ts'

/** Stands in the place of a body beyond `limits.restBodyBytes`. */
const tooLargeBody = Symbol('too large')

/** Beyond the limit a body is read and thrown away up to this, because most clients read the answer only after sending. */
const discardedBytes = 8 * limits.restBodyBytes

export function takeJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', async (request: FastifyRequest, payload: Readable) => {
    const encoding = request.headers['content-encoding']
    if (encoding !== undefined && encoding !== 'identity') throw unsupportedMediaType()
    const bytes = await readBytes(payload)
    return bytes === undefined ? tooLargeBody : parseJson(bytes)
  })
}

/** What the body says; a request without one says undefined. */
export function bodyInput<T>(schema: z.ZodType<T>, request: FastifyRequest): Input<T> {
  return request.body === tooLargeBody ? bad(tooLarge()) : parseInput(schema, request.body)
}

function readBytes(payload: Readable): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    payload.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= limits.restBodyBytes) chunks.push(chunk)
      if (size <= discardedBytes) return
      payload.pause()
      resolve(undefined)
    })
    payload.once('end', () => {
      resolve(size > limits.restBodyBytes ? undefined : Buffer.concat(chunks))
    })
    payload.once('error', () => {
      reject(new Problem(400, 'aborted', 'The body did not arrive.'))
    })
  })
}

function parseJson(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return value
  } catch {
    // The parser's message quotes the body, so it goes no further.
    throw new Fault('malformed', 'The body is not JSON in UTF-8.')
  }
}
