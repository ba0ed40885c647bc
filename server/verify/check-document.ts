/**
 * The document that devices are sent, as a real Y.Doc: whether Yjs takes it whole, and holds exactly what the rows hold.
 * The only importer of yjs on the server, which keeps no document otherwise (SPEC DOC1).
 */

import * as Y from 'yjs'
import { crc32 } from '../../shared/sync/crc32.ts'
import type { ClientId, ConversationId } from '../../shared/sync/ids.ts'
import { chainRoot, serverRoot } from '../../shared/sync/roots.ts'
import type { LoadedConversation } from '../chat/loaded-conversation.ts'
import type { ConversationStore } from '../storage/conversation-store.ts'
import { Ledger } from '../sync/ledger.ts'
import { durableStateVector, encodeMissing } from '../sync/projection.ts'
import type { Findings } from './finding.ts'

/** `kept` are the checksums of the payloads of live entries that the log keeps, in the order of each chain. */
export async function checkDocument(
  store: ConversationStore,
  id: ConversationId,
  { head, chains, deleted }: LoadedConversation,
  kept: ReadonlyMap<ClientId, readonly number[]>,
  findings: Findings,
): Promise<void> {
  const state = new Ledger({ ...head, chains, deleted }).durable()
  const doc = new Y.Doc()
  Y.applyUpdate(doc, await encodeMissing(store, id, state, new Map()))
  const { pendingStructs, pendingDs } = doc.store
  if (pendingStructs !== null || pendingDs !== null) findings.add('the document is not whole: it waits for more')
  const clocks = Y.decodeStateVector(Y.encodeStateVector(doc))
  for (const [client, next] of durableStateVector(state)) {
    if (clocks.get(client) !== next) findings.add('it has another length in the document', `chain ${client}`)
    clocks.delete(client)
  }
  if (clocks.size > 0) findings.add('the document has chains that nobody knows')
  for (const { client, user } of chains) {
    if (!holds(doc, chainRoot(client, user), kept.get(client) ?? [])) {
      findings.add('the document has other entries than the log', `chain ${client}`)
    }
  }
  const records: number[] = []
  for await (const { payload } of store.records(id, { from: 0, to: head.nextRecord })) {
    if (payload !== undefined) records.push(crc32(payload))
  }
  if (!holds(doc, serverRoot(head.serverClient), records)) findings.add('the document has other records than the rows')
  doc.destroy()
}

/** Whether an array has exactly these payloads, by their checksums. */
function holds(doc: Y.Doc, root: string, crcs: readonly number[]): boolean {
  const items: readonly unknown[] = doc.getArray(root).toArray()
  return (
    items.length === crcs.length &&
    items.every((item, index) => item instanceof Uint8Array && crc32(item) === crcs[index])
  )
}
