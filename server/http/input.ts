/** Reads what a request says: parameters, queries and bodies, parsed and never cast. */

import type { FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { type Access, hasAccess } from '../../shared/chat/access.ts'
import { type MessageId, parseMessageId } from '../../shared/chat/entry.ts'
import { Fault } from '../../shared/fault.ts'
import { type ConversationId, parseConversationId, type UserId } from '../../shared/sync/ids.ts'
import type { Conversations } from '../conversations.ts'
import { invalid, type Problem } from './problem.ts'

/** Input, or what is wrong with it. */
export type Input<T> =
  | { readonly kind: 'good'; readonly value: T }
  | { readonly kind: 'bad'; readonly problem: Problem }

export function good<T>(value: T): Input<T> {
  return { kind: 'good', value }
}

export function bad(problem: Problem): Input<never> {
  return { kind: 'bad', problem }
}

export function parseInput<T>(schema: z.ZodType<T>, value: unknown): Input<T> {
  const result = schema.safeParse(value)
  if (result.success) return good(result.data)
  const fields = result.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }))
  return bad(invalid(fields))
}

export function mapInput<T, U>(input: Input<T>, map: (value: T) => Input<U>): Input<U> {
  return input.kind === 'good' ? map(input.value) : input
}

export function orThrow<T>(input: Input<T>): T {
  if (input.kind === 'good') return input.value
  throw input.problem
}

/** REST2: whoever may not, or asks for what is not there, is told so before what is wrong with the input. */
export async function accept<T>(input: Input<T>, checkAccess: () => Promise<unknown>): Promise<T> {
  if (input.kind === 'bad') await checkAccess()
  return orThrow(input)
}

/** Throws the Faults of `Conversations.get`, and `no-access` below `needed`. */
export async function requireAccess(
  conversations: Conversations,
  user: UserId,
  id: ConversationId,
  needed: Access,
): Promise<void> {
  const { access } = await conversations.get(user, id)
  if (!hasAccess(access, needed)) throw new Fault('no-access')
}

/** A parameter of the URL, decoded. */
export function parameter(request: FastifyRequest, name: string): string {
  const { params } = request
  const value: unknown = typeof params === 'object' && params !== null ? Reflect.get(params, name) : undefined
  if (typeof value !== 'string') throw new TypeError(`the route has no parameter ${name}`)
  return value
}

/** The conversation in the URL; what is no id is the id of nothing. */
export function conversationOf(request: FastifyRequest): ConversationId {
  const id = parseConversationId(parameter(request, 'id'))
  if (id === undefined) throw new Fault('not-found')
  return id
}

/** The message that a parameter of the URL names. Throws the Faults of `Conversations.message`: REST2 tells of those first. */
export async function messageOf(
  conversations: Conversations,
  user: UserId,
  request: FastifyRequest,
  name = 'message',
): Promise<MessageId> {
  const id = conversationOf(request)
  const messageId = parseMessageId(parameter(request, name))
  if (messageId === undefined) {
    await requireAccess(conversations, user, id, 'reader')
    throw new Fault('not-found')
  }
  await conversations.message(user, id, messageId)
  return messageId
}
