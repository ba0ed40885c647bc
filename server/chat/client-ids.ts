/** ClientIDs of a live conversation: those that are taken, for ever, and new ones. All of it from serial jobs. */

import { type ClientId, parseClientId, type UserId } from '../../shared/sync/ids.ts'
import type { DroppedRow } from '../storage/conversation-store.ts'
import type { LiveConversation } from './live-conversation.ts'

/** The user's held chain, begun when there is none: where the server writes what they do over REST. */
export async function heldChain(live: LiveConversation, user: UserId): Promise<ClientId> {
  const held = live.ledger.heldChain(user)
  if (held !== undefined) return held
  const client = await drawClient(live)
  live.ledger.addChain({ client, user, held: true, createdMs: live.deps.now() })
  return client
}

/** A clientID that no chain has or had. */
export async function drawClient(live: LiveConversation): Promise<ClientId> {
  for (;;) {
    const client = parseClientId(live.deps.drawUint32())
    if (client === undefined || live.ledger.chain(client) !== undefined || live.ledger.isServer(client)) continue
    if ((await findDropped(live, [client])).size === 0) return client
  }
}

/** Those of the chains that an earlier epoch had and this one does without. */
export async function findDropped(
  { ledger, deps, id }: LiveConversation,
  clients: readonly ClientId[],
): Promise<ReadonlyMap<ClientId, DroppedRow>> {
  // In the first epoch nothing was dropped yet.
  if (clients.length === 0 || ledger.epoch === 0) return new Map()
  // First what is on its way to the disk: it may arrive while that is read, and then it is nowhere else.
  const dropping = clients.map((client) => ledger.dropping(client))
  const rows = await deps.store.dropped(id, clients)
  return new Map(
    clients.flatMap((client, index) => {
      const row = dropping[index] ?? rows[index]
      return row === undefined ? [] : [[client, row]]
    }),
  )
}
