/** Tells a retry of a message from another message under the same id or key. */

import { encodeUtf8 } from 'lib0/string'
import type { MessageEntry } from '../../shared/chat/entry.ts'
import { crc32 } from '../../shared/sync/crc32.ts'

/** CRC-32 of role and content as first sent; what else a message carries does not make it another. */
export function messageDigest({ role, content }: Pick<MessageEntry, 'role' | 'content'>): number {
  return crc32(encodeUtf8(`${role}\n${content}`))
}
