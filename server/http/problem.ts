/**
 * What every answer that is not 2xx looks like (REST1), and which one belongs to which error. Knows nothing of routes.
 * Details are for people; they name no content, no token, no path of this machine.
 */

import { STATUS_CODES } from 'node:http'
import type { FastifyError } from 'fastify'
import type { VoidReason } from '../../shared/chat/policy.ts'
import { Fault, type FaultCode } from '../../shared/fault.ts'
import type { RestError } from '../../shared/rest.ts'
import { Conflict, Refused } from '../conversations.ts'
import { InvitationEnded } from '../invitations.ts'
import { StoreError } from '../storage/conversation-store.ts'

export type InvalidField = NonNullable<RestError['fields']>[number]

/** A refusal that only HTTP knows. */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly fields: readonly InvalidField[]
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    code: string,
    detail: string,
    more: { readonly fields?: readonly InvalidField[]; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail)
    this.name = 'Problem'
    this.status = status
    this.code = code
    this.fields = more.fields ?? []
    this.headers = more.headers ?? {}
  }
}

export function problemBody({ code, message, fields }: Problem): RestError {
  return { detail: message, code, ...(fields.length === 0 ? {} : { fields }) }
}

/** 422 with what is wrong where. */
export function invalid(fields: readonly InvalidField[]): Problem {
  return new Problem(422, 'invalid', 'The request is not valid.', { fields })
}

/** The rest of a body may still be on its way: the connection cannot be used again. */
export function tooLarge(): Problem {
  return new Problem(413, 'too-large', 'It is too large.', { headers: { connection: 'close' } })
}

export function unsupportedMediaType(): Problem {
  return new Problem(415, 'unsupported-media-type', 'The body must be application/json, without content coding.')
}

/** The problem that an error means to the client; undefined for what is our own bug. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error
  if (error instanceof Fault) {
    return new Problem(error.facts.httpStatus, error.code, error.message, { headers: faultHeaders[error.code] ?? {} })
  }
  // Damaged, or being opened again: neither is a bug of the request's.
  if (error instanceof StoreError) return problemOf(new Fault('unavailable'))
  if (error instanceof Conflict) return new Problem(409, error.code, error.message)
  if (error instanceof InvitationEnded) return new Problem(410, 'expired-invitation', error.message)
  if (error instanceof Refused) return new Problem(refusedStatus[error.reason] ?? 422, error.reason, error.message)
  return isFastifyError(error) ? ofFastify(error) : undefined
}

export function internalProblem(): Problem {
  return new Problem(500, 'internal', 'Something went wrong here. It was logged.')
}

const retryAfter = { 'retry-after': '1' }
const bearer = { 'www-authenticate': 'Bearer' }

const faultHeaders: Readonly<Partial<Record<FaultCode, Readonly<Record<string, string>>>>> = {
  unauthenticated: bearer,
  expired: { 'www-authenticate': 'Bearer error="invalid_token"' },
  overloaded: retryAfter,
  restart: retryAfter,
  unavailable: retryAfter,
}

/** Every other reason is 422. */
const refusedStatus: Readonly<Partial<Record<VoidReason, number>>> = {
  access: 403,
  'not-author': 403,
  'no-target': 404,
  duplicate: 409,
  'id-taken': 409,
  'last-owner': 409,
  'too-many': 409,
  redacted: 410,
  'too-large': 413,
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
}

function ofFastify(error: FastifyError): Problem | undefined {
  const status = error.statusCode ?? 500
  if (status < 400 || status > 499) return undefined
  if (status === 413) return tooLarge()
  if (status === 415) return unsupportedMediaType()
  const text = STATUS_CODES[status] ?? 'Bad Request'
  return new Problem(status, text.toLowerCase().replaceAll(' ', '-'), `${text}.`)
}
