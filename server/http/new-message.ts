/** Turns the requests to post and to edit a message into entries, or says why they cannot be. */

import type { FastifyRequest } from 'fastify'
import { v7 } from 'uuid'
import type { z } from 'zod'
import {
  type EditEntry,
  encodeEntry,
  type MessageEntry,
  type MessageId,
  parseEntry,
  parseMessageId,
  saysSomething,
} from '../../shared/chat/entry.ts'
import { isDeeperThan } from '../../shared/chat/json-object.ts'
import { limits } from '../../shared/limits.ts'
import { bodyInput } from './body.ts'
import { bad, good, type Input, mapInput } from './input.ts'
import { invalid, tooLarge } from './problem.ts'
import { messagePatch, newMessage } from './shapes.ts'

export interface NewMessage {
  readonly entry: MessageEntry
  readonly idempotencyKey: string | undefined
}

/** Everything about it is checked but access, and what only the conversation knows. */
export function messageInput(request: FastifyRequest, nowMs: number): Input<NewMessage> {
  const body = bodyInput(newMessage, request)
  // REST2: too large comes before invalid.
  if (body.kind === 'bad' && isContentTooLarge(request.body)) return bad(tooLarge())
  return mapInput(body, (fields) =>
    mapInput(keyInput(request), (idempotencyKey) =>
      mapInput(checkEntry(entryOf(fields, nowMs)), (entry) => good({ entry, idempotencyKey })),
    ),
  )
}

/** The request to edit message `of`. */
export function editInput(request: FastifyRequest, of: MessageId, nowMs: number): Input<EditEntry> {
  const body = bodyInput(messagePatch, request)
  return mapInput(body, ({ content }) => {
    const entry = { kind: 'edit', of, content, at: nowMs } as const
    return encodeEntry(entry).length > limits.entryBytes ? bad(tooLarge()) : good(entry)
  })
}

function isContentTooLarge(body: unknown): boolean {
  if (typeof body !== 'object' || body === null || !('content' in body)) return false
  return typeof body.content === 'string' && Buffer.byteLength(body.content) >= limits.entryBytes
}

/** Node joins a header that comes twice with a comma and a space, which is no visible character. */
function keyInput(request: FastifyRequest): Input<string | undefined> {
  const key = request.headers['idempotency-key']
  if (key === undefined) return good(undefined)
  if (typeof key === 'string' && /^[!-~]{1,255}$/.test(key)) return good(key)
  return bad(
    invalid([{ path: 'idempotency-key', message: 'Invalid input: expected 1 to 255 visible ASCII characters' }]),
  )
}

function entryOf(fields: z.output<typeof newMessage>, nowMs: number): MessageEntry {
  const { id = newMessageId(nowMs), reply_to: replyTo, ...rest } = fields
  return { kind: 'message', id, at: nowMs, ...rest, ...(replyTo === undefined ? {} : { replyTo }) }
}

function newMessageId(nowMs: number): MessageId {
  const id = parseMessageId(v7({ msecs: nowMs }))
  if (id === undefined) throw new Error('uuid made something else than a UUIDv7')
  return id
}

/** What devices could not read back is refused here. */
function checkEntry(entry: MessageEntry): Input<MessageEntry> {
  if (!saysSomething(entry.content, entry.parts)) {
    return bad(invalid([{ path: 'content', message: 'Blank, and there are no parts' }]))
  }
  // Before encoding, which recurses.
  if (isDeeperThan(entry.parts, limits.jsonDepth))
    return bad(invalid([{ path: 'parts', message: 'Nested too deeply' }]))
  const parsed = parseEntry(encodeEntry(entry))
  if (parsed.kind === 'entry') return good(entry)
  return bad(
    parsed.reason === 'too-large' ? tooLarge() : invalid([{ path: '', message: `Not an entry: ${parsed.reason}` }]),
  )
}
