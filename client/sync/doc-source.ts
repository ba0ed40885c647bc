/** Reads a conversation's Y.Doc as chains of payloads: what the fold asks of a document. Never writes. */

import * as Y from 'yjs'
import type { ChainSource, SourceChain } from '../../shared/chat/fold.ts'
import type { ClientId, UserId } from '../../shared/sync/ids.ts'
import { parseRecord, type ServerRecord } from '../../shared/sync/record.ts'
import { parseRoot } from '../../shared/sync/roots.ts'

/** A server's chain whose genesis has arrived. */
export interface ServerChain {
  readonly client: ClientId
  readonly epoch: number
}

export interface DocSource extends ChainSource {
  /** By ascending epoch: more than one where a document has met a later epoch. */
  readonly serverChains: () => readonly ServerChain[]
  /** The server's chain of the highest epoch; undefined until a genesis has arrived. */
  readonly serverClient: () => ClientId | undefined
  /** The record at a clock; `gone` when deleted or of a later version, undefined when it has not arrived. */
  readonly recordAt: (server: ClientId, clock: number) => ServerRecord | 'gone' | undefined
}

export function createDocSource(doc: Y.Doc): DocSource {
  const users = new Map<ClientId, UserId>()
  const servers = new Set<ClientId>()
  let rootsRead = 0
  let deletions = 0
  doc.on('afterTransaction', ({ deleteSet }: Y.Transaction) => {
    if (deleteSet.clients.size > 0) deletions++
  })

  /** Roots are only ever added. */
  function readRoots(): void {
    if (doc.share.size === rootsRead) return
    rootsRead = doc.share.size
    for (const name of doc.share.keys()) {
      const root = parseRoot(name)
      if (root?.kind === 'chain') users.set(root.client, root.user)
      else if (root?.kind === 'server') servers.add(root.client)
    }
  }

  function payloadAt(client: ClientId, clock: number): Uint8Array | 'gone' | undefined {
    const structs = doc.store.clients.get(client)
    if (structs === undefined || clock >= Y.getState(doc.store, client)) return undefined
    const struct = structs[Y.findIndexSS(structs, clock)]
    if (!(struct instanceof Y.Item) || struct.deleted) return 'gone'
    return struct.content instanceof Y.ContentBinary ? struct.content.content : 'gone'
  }

  function recordAt(server: ClientId, clock: number): ServerRecord | 'gone' | undefined {
    const payload = payloadAt(server, clock)
    return payload instanceof Uint8Array ? (parseRecord(payload) ?? 'gone') : payload
  }

  function serverChains(): readonly ServerChain[] {
    readRoots()
    const chains: ServerChain[] = []
    for (const client of servers) {
      const first = recordAt(client, 0)
      if (typeof first === 'object' && first.kind === 'genesis') chains.push({ client, epoch: first.epoch })
    }
    return chains.toSorted((a, b) => a.epoch - b.epoch)
  }

  return {
    userOf: (client) => {
      readRoots()
      return users.get(client)
    },
    *chains(): Iterable<SourceChain> {
      readRoots()
      for (const [client, user] of users) yield { client, user, next: Y.getState(doc.store, client) }
    },
    payloadAt,
    deletions: () => deletions,
    recordAt,
    serverChains,
    serverClient: () => serverChains().at(-1)?.client,
  }
}
