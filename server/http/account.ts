/** /api/me: everything of whoever asks, to take along or to have gone. */

import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { Fault } from '../../shared/fault.ts'
import { restMessage, restTime } from '../../shared/rest.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { Accounts } from '../account/accounts.ts'
import type { AccountPart } from '../account/export.ts'
import { bodyInput } from './body.ts'
import { restOwn } from './conversations.ts'
import { userOf } from './identify.ts'
import { orThrow } from './input.ts'
import { describe } from './openapi.ts'
import type { Pace } from './pace.ts'
import * as shapes from './shapes.ts'
import { restVersion } from './versions.ts'

export interface AccountRouteDeps {
  readonly accounts: Accounts
  readonly pace: Pace
  /** In ms. */
  readonly now: () => number
  /** Aborted when the server ends: what is being told then is cut off. */
  readonly closing: AbortSignal
}

/** Of the form of the lines; whoever reads them leaves out what they do not know. */
const exportFormat = 1

/** What is read ahead of whoever reads the answer. */
const aheadBytes = 64 * 1024

export function accountRoutes(scope: FastifyInstance, deps: AccountRouteDeps): void {
  exportRoute(scope, deps)
  eraseRoute(scope, deps)
}

function exportRoute(scope: FastifyInstance, { accounts, now, closing }: AccountRouteDeps): void {
  const busy = new Set<UserId>()
  const schema = describe({
    operationId: 'exportAccount',
    summary:
      'Everything of yours, one JSON object with a kind on each line: account, your profile and state if there are any, ' +
      'then conversation after conversation ' +
      '(conversation, message, reaction, pin; unreadable for one that is damaged), and end, without which it was cut off',
    linesOf: shapes.exportLine,
    ok: { 200: undefined },
  })
  scope.get('/api/me/export', { schema }, (request, reply) => {
    const user = userOf(request)
    // It reads all there is: one at a time costs enough.
    if (busy.has(user)) throw new Fault('overloaded', 'Your last export is not at its end yet.')
    busy.add(user)
    const lines = Readable.from(linesOf(accounts, user, now), { objectMode: false, highWaterMark: aheadBytes })
    const cutOff = (): void => void lines.destroy(new Fault('restart'))
    closing.addEventListener('abort', cutOff, { once: true })
    lines.once('close', () => {
      busy.delete(user)
      closing.removeEventListener('abort', cutOff)
    })
    return reply.type('application/x-ndjson').send(lines)
  })
}

async function* linesOf(accounts: Accounts, user: UserId, now: () => number): AsyncGenerator<string, void> {
  yield line({ kind: 'account', format: exportFormat, user, exported_at: restTime(now()) })
  for await (const part of accounts.export(user)) yield line(restPart(part))
  yield line({ kind: 'end' })
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`
}

function restPart(part: AccountPart): object {
  switch (part.kind) {
    case 'profile': {
      const { name, color, updatedMs } = part.profile
      return { kind: part.kind, name, color, updated_at: restTime(updatedMs) }
    }
    case 'state':
      return { kind: part.kind, key: part.key, value: part.value }
    case 'conversation':
      return { kind: part.kind, ...restOwn(part.conversation), members: part.members }
    case 'message': {
      const versions = part.versions?.map(restVersion)
      return { kind: part.kind, ...restMessage(part.id, part.message), ...(versions === undefined ? {} : { versions }) }
    }
    case 'reaction':
      return { kind: part.kind, conversation_id: part.id, message_id: part.of, emoji: part.emoji }
    case 'pin':
      return { kind: part.kind, conversation_id: part.id, message_id: part.of }
    case 'unreadable':
      return { kind: part.kind, conversation_id: part.id }
  }
}

function eraseRoute(scope: FastifyInstance, { accounts, pace }: AccountRouteDeps): void {
  const schema = describe({
    operationId: 'deleteAccount',
    summary:
      'Deletes what the server has of you, bit by bit: 202 with how much is left, ask again; 204 when nothing is. You leave ' +
      'every conversation; one whose last owner you are goes to its longest-writing admin, else writer, else it is deleted',
    body: shapes.accountErasure,
    ok: { 202: shapes.erasureShape, 204: undefined },
    refusals: [413, 415, 422],
  })
  scope.delete('/api/me', { schema, onRequest: pace.beforeWrite }, async (request, reply) => {
    const { messages } = orThrow(bodyInput(shapes.accountErasure, request))
    const left = await accounts.erase(userOf(request), messages)
    if (left === 0) return reply.code(204).send()
    return reply.code(202).send({ left })
  })
}
