/** /api/conversations: create, list, read, rename and set, delete. */

import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import {
  type RestConversation,
  type RestConversationItem,
  type RestOwnConversation,
  type RestPage,
  restMessage,
  restTime,
} from '../../shared/rest.ts'
import { type ConversationId, parseConversationId, type UserId } from '../../shared/sync/ids.ts'
import type {
  Conversations,
  ConversationState,
  ConversationSummary,
  ListCursor,
  NewConversation,
  OwnConversation,
  WithSettings,
} from '../conversations.ts'
import { bodyInput } from './body.ts'
import { restRegister } from './read.ts'
import { userOf } from './identify.ts'
import {
  accept,
  bad,
  conversationOf,
  good,
  type Input,
  mapInput,
  orThrow,
  parameter,
  parseInput,
  requireAccess,
} from './input.ts'
import { describe } from './openapi.ts'
import type { Pace } from './pace.ts'
import { invalid } from './problem.ts'
import * as shapes from './shapes.ts'

const params = z.object({ id: z.string() })
const query = z.object({
  limit: shapes.queryNumber(1, limits.pageConversations).exactOptional(),
  cursor: z.string().exactOptional(),
})
const optionalBody = shapes.newConversation.optional()

export function conversationRoutes(scope: FastifyInstance, conversations: Conversations, pace: Pace): void {
  const path = '/api/conversations/:id'
  const onRequest = pace.beforeWrite

  const create = describe({
    operationId: 'createConversation',
    summary: 'Creates a conversation',
    body: optionalBody,
    ok: { 201: shapes.conversationShape },
    sent: { 201: ['location'] },
    refusals: [413, 415, 422],
  })
  scope.post('/api/conversations', { schema: create, onRequest }, async (request, reply) => {
    const user = userOf(request)
    const fresh = orThrow(newConversation(user, bodyInput(optionalBody, request)))
    pace.charge(user, entriesBesideGenesis(fresh))
    const { state } = await conversations.create(user, fresh)
    return reply.code(201).header('location', `/api/conversations/${state.id}`).send(restConversation(state))
  })

  const put = describe({
    operationId: 'putConversation',
    summary: 'Creates a conversation with an id of your own; a member gets it as it is',
    params,
    body: optionalBody,
    ok: { 200: shapes.conversationShape, 201: shapes.conversationShape },
    refusals: [410, 413, 415, 422],
  })
  scope.put(path, { schema: put, onRequest }, async (request, reply) => {
    const user = userOf(request)
    const id = parseConversationId(parameter(request, 'id'))
    if (id === undefined) throw invalid([{ path: 'id', message: 'Invalid input: expected a UUIDv7 in lower case' }])
    const existing = await find(conversations, user, id)
    if (existing !== undefined) return restConversation(existing)
    const fresh = orThrow(newConversation(user, bodyInput(optionalBody, request)))
    pace.charge(user, entriesBesideGenesis(fresh))
    const { state, created } = await conversations.create(user, { ...fresh, id })
    return reply.code(created ? 201 : 200).send(restConversation(state))
  })

  const list = describe({
    operationId: 'listConversations',
    summary: 'Your conversations, newest activity first',
    querystring: query,
    ok: { 200: shapes.conversationPageShape },
    refusals: [422],
  })
  scope.get('/api/conversations', { schema: list }, async (request): Promise<RestPage<RestConversationItem>> => {
    const page = orThrow(mapInput(parseInput(query, request.query), listPage))
    const { items, next } = await conversations.list(userOf(request), page)
    return { items: items.map(restItem), next_cursor: next === undefined ? null : encodeCursor(next) }
  })

  const get = describe({
    operationId: 'getConversation',
    summary: 'A conversation',
    params,
    ok: { 200: shapes.ownConversationShape },
    refusals: [404, 410],
  })
  scope.get(path, { schema: get }, async (request): Promise<RestOwnConversation> => {
    return restAlone(await conversations.own(userOf(request), conversationOf(request)))
  })

  const patch = describe({
    operationId: 'changeConversation',
    summary: 'Renames a conversation and changes its settings: all that is named, or nothing. What is not named stays',
    params,
    body: shapes.conversationPatch,
    ok: { 200: shapes.conversationShape },
    refusals: [404, 410, 413, 415, 422],
  })
  scope.patch(path, { schema: patch, onRequest }, async (request) => {
    const user = userOf(request)
    const id = conversationOf(request)
    const changes = await accept(bodyInput(shapes.conversationPatch, request), () =>
      requireAccess(conversations, user, id, 'admin'),
    )
    const { title, settings = {} } = changes
    const all = new Map(Object.entries({ ...settings, ...(title === undefined ? {} : { title }) }))
    pace.charge(user, all.size - 1)
    return restConversation(await conversations.change(user, id, all))
  })

  const remove = describe({
    operationId: 'deleteConversation',
    summary: 'Deletes a conversation',
    params,
    ok: { 204: undefined },
    refusals: [404],
  })
  scope.delete(path, { schema: remove, onRequest }, async (request, reply) => {
    await deleteOnce(conversations, userOf(request), conversationOf(request))
    return reply.code(204).send()
  })
}

function restConversation(state: ConversationState & Partial<WithSettings>): RestConversation {
  const { settings } = state
  return {
    id: state.id,
    title: state.title,
    access: state.access,
    created_at: restTime(state.createdMs),
    updated_at: restTime(state.updatedMs),
    last_seq: state.lastSeq,
    ...(settings === undefined ? {} : { settings: Object.fromEntries(settings) }),
  }
}

export function restOwn(own: OwnConversation & Partial<WithSettings>): RestOwnConversation {
  const { unread, mentions, register, from } = own
  const { through, received } = restRegister(register)
  return {
    ...restConversation(own),
    unread,
    mentions,
    read_through: through,
    received,
    history_from: from === 0 ? null : from,
  }
}

/** As it is told where it is asked for alone. */
export function restAlone(own: OwnConversation & WithSettings): RestOwnConversation {
  const { threads } = own
  return { ...restOwn(own), ...(threads.size === 0 ? {} : { read_threads: Object.fromEntries(threads) }) }
}

function restItem(summary: ConversationSummary): RestConversationItem {
  const { id, lastMessage } = summary
  return {
    ...restOwn(summary),
    last_message: lastMessage === null ? null : restMessage(id, lastMessage),
  }
}

function newConversation(user: UserId, input: Input<z.output<typeof optionalBody>>): Input<NewConversation> {
  return mapInput(input, (body = {}) => {
    const { title, members, settings } = body
    const self = members?.findIndex((member) => member.user === user && member.access !== 'owner') ?? -1
    if (self !== -1) return bad(invalid([{ path: `members.${self}.access`, message: 'You are the owner' }]))
    return good({
      ...(typeof title === 'string' ? { title } : {}),
      ...(members === undefined ? {} : { members: members.filter((member) => member.user !== user) }),
      ...(settings === undefined ? {} : { settings: new Map(Object.entries(settings)) }),
    })
  })
}

function entriesBesideGenesis({ title, members = [], settings }: NewConversation): number {
  return (title === undefined ? 0 : 1) + members.length + (settings?.size ?? 0)
}

async function find(
  conversations: Conversations,
  user: UserId,
  id: ConversationId,
): Promise<(ConversationState & WithSettings) | undefined> {
  try {
    return await conversations.own(user, id)
  } catch (error) {
    if (error instanceof Fault && error.code === 'not-found') return undefined
    throw error
  }
}

/** Deleting again changes nothing and is answered the same. */
async function deleteOnce(conversations: Conversations, user: UserId, id: ConversationId): Promise<void> {
  try {
    await conversations.delete(user, id)
  } catch (error) {
    if (!(error instanceof Fault && error.code === 'deleted')) throw error
  }
}

function listPage({ limit = limits.defaultPageMessages, cursor }: z.output<typeof query>) {
  const place = cursor === undefined ? undefined : parseCursor(cursor)
  return cursor !== undefined && place === undefined
    ? bad(invalid([{ path: 'cursor', message: 'Not a next_cursor of this server' }]))
    : good({ limit, cursor: place })
}

function encodeCursor({ updatedMs, id }: ListCursor): string {
  return Buffer.from(`${updatedMs}:${id}`).toString('base64url')
}

function parseCursor(text: string): ListCursor | undefined {
  const [, digits, idText] = /^([0-9]{1,16}):(.+)$/.exec(Buffer.from(text, 'base64url').toString('latin1')) ?? []
  const id = parseConversationId(idText)
  const updatedMs = Number(digits)
  return id === undefined || !Number.isSafeInteger(updatedMs) ? undefined : { updatedMs, id }
}
