/** The SDK's states and reasons in words for people. */

import type { Access } from '../../shared/chat/access.ts'
import type { VoidReason } from '../../shared/chat/policy.ts'
import type { FaultCode } from '../../shared/fault.ts'
import { type ConnectionStatus, type Delivery, type GoneReason, Refusal } from '../api.ts'
import { listNames } from './names.ts'
import type { Reach } from './reach.ts'

const tooLarge = 'It is too large.'
const notUnderstood = 'The server could not read it.'

/** Why a message failed. */
export const failures: Readonly<Record<VoidReason, string>> = {
  access: 'You may not write in this conversation.',
  'too-large': tooLarge,
  'bad-format': notUnderstood,
  'bad-json': notUnderstood,
  'bad-schema': notUnderstood,
  sealed: 'The server does not take encrypted messages.',
  'no-bytes': 'It was withdrawn before it reached the server.',
  'no-target': 'What it refers to does not exist.',
  'not-author': 'Only the author of a message may do this.',
  duplicate: 'It has already been sent.',
  'id-taken': 'Its id belongs to another message.',
  'last-owner': 'A conversation always has an owner.',
  'beyond-end': 'It refers to a message that does not exist.',
  redacted: 'The message was removed meanwhile.',
  'too-many': 'There are as many as there may be.',
  'not-member': 'It mentions somebody who is no longer a member.',
  unknown: 'The server refused it.',
}

/** What an error of the SDK means for whoever caused it. */
export function explainError(error: unknown): string {
  if (error instanceof Refusal) return failures[error.reason]
  return error instanceof Error ? error.message : String(error)
}

/** Refusals that people can do something about; the others speak for themselves. */
const refusals: Partial<Readonly<Record<FaultCode, string>>> = {
  'no-access': 'You are not a member of this conversation.',
  'not-found': 'There is no such conversation on this server.',
  deleted: 'This conversation was deleted.',
  expired: 'Your sign-in has expired. Sign out and in again.',
  unauthenticated: 'The server does not accept your sign-in. Sign out and in again.',
}

/** Why the server refuses this conversation. */
export function explainRefusal({ code, reason }: Extract<ConnectionStatus, { phase: 'refused' }>): string {
  const known: Readonly<Record<string, string | undefined>> = refusals
  return known[code] ?? reason
}

/** Why a conversation can only be read. */
export const goneWords: Readonly<Record<GoneReason, string>> = {
  'no-access': 'You are no longer a member.',
  deleted: 'This conversation was deleted.',
}

/** A connection in a word or two. */
export function connectionWords({ phase }: ConnectionStatus): string {
  switch (phase) {
    case 'live':
      return 'Live'
    case 'syncing':
      return 'Catching up…'
    case 'connecting':
      return 'Connecting…'
    case 'offline':
      return 'Offline'
    case 'refused':
      return 'Refused'
    case 'closed':
      return 'Closed'
  }
}

export function reachWords({ phase }: Reach): string {
  switch (phase) {
    case 'checking':
      return 'Connecting…'
    case 'online':
      return 'Online'
    case 'offline':
      return 'Offline'
    case 'refused':
      return 'Refused'
  }
}

/** How far an own message has come. */
export function deliveryWords({ state }: Delivery): string {
  switch (state) {
    case 'pending':
      return 'Waiting to be sent'
    case 'sent':
      return 'Sent'
    case 'received':
      return 'Received by all'
    case 'read':
      return 'Read by all'
    case 'failed':
      return 'Not sent'
  }
}

/** Nothing when nobody is. */
export function typingWords(users: readonly string[]): string {
  if (users.length === 0) return ''
  return `${listNames(users)} ${users.length === 1 ? 'is' : 'are'} typing …`
}

/** What each access allows. */
export const accessWords: Readonly<Record<Access, string>> = {
  owner: 'Owner',
  admin: 'Admin',
  writer: 'Can write',
  reader: 'Can read',
}
