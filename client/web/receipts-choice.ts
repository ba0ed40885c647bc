/** Whether others are told what one has read, kept in this browser for each user. */

import type { UserId } from '../../shared/sync/ids.ts'
import type { Keep } from './keep.ts'

export type Receipts = 'on' | 'private'

export function receiptsName(user: UserId): string {
  return `parley.receipts.${user}`
}

export function keptReceipts(keep: Keep, user: UserId): Receipts {
  return keep.get(receiptsName(user)) === 'private' ? 'private' : 'on'
}

export function keepReceipts(keep: Keep, user: UserId, receipts: Receipts): void {
  if (receipts === 'on') keep.remove(receiptsName(user))
  else keep.set(receiptsName(user), receipts)
}
