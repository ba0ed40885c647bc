/**
 * Tokens of invitations: what they name and a signature, nothing that is kept anywhere (SPEC INVITE2). Only the holder of the
 * key can make one. Whether it still works stands in a row of the store.
 *
 *     base64url of: uint8 version • 16 bytes conversation • 16 bytes invitation • uint64 expiresMs • 32 bytes HMAC-SHA-256
 */

import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { parseInvitationId } from '../../shared/chat/invitation.ts'
import { parseConversationId } from '../../shared/sync/ids.ts'
import type { InvitationRef } from '../invitations.ts'

export interface InvitationTokens {
  readonly sign: (ref: InvitationRef) => string
  /** Undefined for what was not signed here. */
  readonly verify: (token: string) => InvitationRef | undefined
}

const version = 1
const uuidBytes = 16
const expiryAt = 1 + 2 * uuidBytes
const signatureAt = expiryAt + 8
const tokenBytes = signatureAt + 32

/** `secret` may be one that signs something else as well: the key is derived from it, for this use alone. */
export function createInvitationTokens(secret: Uint8Array): InvitationTokens {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'parley invitation', 32))
  const signature = (named: Uint8Array): Buffer => createHmac('sha256', key).update(named).digest()
  return {
    sign: ({ conversation, id, expiresMs }) => {
      const named = Buffer.alloc(signatureAt)
      named[0] = version
      named.set(uuidIn(conversation), 1)
      named.set(uuidIn(id), 1 + uuidBytes)
      named.writeBigUInt64BE(BigInt(expiresMs), expiryAt)
      return Buffer.concat([named, signature(named)]).toString('base64url')
    },
    verify: (token) => {
      const bytes = Buffer.from(token, 'base64url')
      // One token has one spelling.
      if (bytes.length !== tokenBytes || bytes.toString('base64url') !== token) return undefined
      const named = bytes.subarray(0, signatureAt)
      if (!timingSafeEqual(signature(named), bytes.subarray(signatureAt)) || named[0] !== version) return undefined
      const conversation = parseConversationId(uuidAt(named, 1))
      const id = parseInvitationId(uuidAt(named, 1 + uuidBytes))
      if (conversation === undefined || id === undefined) return undefined
      return { conversation, id, expiresMs: Number(named.readBigUInt64BE(expiryAt)) }
    },
  }
}

function uuidIn(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex')
}

function uuidAt(bytes: Buffer, at: number): string {
  const hex = bytes.toString('hex', at, at + uuidBytes)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
