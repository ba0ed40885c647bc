/**
 * What an update is held against that the disk alone knows and that never changes again: chains that were dropped, and
 * entries that are durable. Looked up before the update has its turn in the conversation, so that nobody waits for it.
 */

import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import type { Section } from '../../shared/sync/chain-update/parse-update.ts'
import { type ClientId, parseClientId, type UserId } from '../../shared/sync/ids.ts'
import { type BoundChain, type ChainTable, comingAgain, unknownClients } from '../sync/acceptance.ts'
import type { DroppedRow } from '../storage/conversation-store.ts'
import { findDropped } from './client-ids.ts'
import { type Compared, overlapsAgree } from './fork.ts'
import type { LiveConversation } from './live-conversation.ts'

/** Keys that are looked up in one go: the event loop turns in between. */
const keysPerLookUp = 256

export interface LookedUp {
  /** An epoch that has begun since may have dropped more. */
  readonly epoch: number
  /** Chains as they are now, the dropped ones that the sections name included. */
  readonly table: ChainTable
  /** Entries that come again are those that were accepted. */
  readonly agrees: boolean
}

export async function lookUp(
  live: LiveConversation,
  sender: UserId,
  sections: readonly Section[],
  compared: Compared,
): Promise<LookedUp> {
  live.assertMember(sender)
  const { ledger } = live
  const { epoch } = ledger
  const dropped = await droppedAmong(live, sender, sections)
  const ends = new Map<ClientId, number>()
  for (const section of sections) {
    const client = parseClientId(section.client)
    if (client === undefined) continue
    const end = dropped.get(client)?.next ?? ledger.durableNext(client)
    if (section.clock < end) ends.set(client, end)
  }
  const chain = (client: ClientId): BoundChain | undefined => {
    const row = dropped.get(client)
    return row === undefined ? ledger.chain(client) : { ...row, held: false, dropped: true }
  }
  const isServer = (client: ClientId): boolean => ledger.isServer(client)
  const atEnd = (client: ClientId): BoundChain | undefined => {
    const known = chain(client)
    return known && { ...known, next: ends.get(client) ?? 0 }
  }
  const again = ends.size === 0 ? [] : comingAgain(sections, sender, { chain: atEnd, isServer })
  const agrees = await overlapsAgree(live, again, compared)
  const withCompared = (client: ClientId): BoundChain | undefined => {
    const known = chain(client)
    return known && { ...known, compared: ends.get(client) ?? 0 }
  }
  return { epoch, table: { chain: withCompared, isServer }, agrees }
}

/** Of the chains that the sections name and that are not in memory, those that were dropped. */
async function droppedAmong(
  live: LiveConversation,
  sender: UserId,
  sections: readonly Section[],
): Promise<ReadonlyMap<ClientId, DroppedRow>> {
  const dropped = new Map<ClientId, DroppedRow>()
  if (live.ledger.epoch === 0) return dropped
  const { own, unnamed } = unknownClients(sections, sender, live.ledger)
  const clients = [...own, ...unnamed]
  for (let from = 0; from < clients.length; from += keysPerLookUp) {
    const end = from + keysPerLookUp
    for (const [client, row] of await findDropped(live, clients.slice(from, end))) dropped.set(client, row)
    // At least so many would begin.
    if (Math.min(end, own.length) - dropped.size > limits.newChainsPerUserPerDay)
      throw new Fault('overloaded', 'too many new chains')
  }
  return dropped
}
