/** Reads a conversation's Y.Doc as chains of payloads: what the fold asks of a document. Never writes. */

import * as Y from 'yjs'
import type { ChainSource, SourceChain } from '../../shared/chat/fold.ts'
import type { ClientId, UserId } from '../../shared/sync/ids.ts'
import { parseRecord, type ServerRecord } from '../../shared/sync/record.ts'
import { parseRoot } from '../../shared/sync/roots.ts'

export interface DocSource extends ChainSource {
  /** The server's chain of the highest epoch; undefined until a genesis has arrived. */
  readonly serverClient: () => ClientId | undefined
  /** The record at a clock; `gone` when deleted or of a later version, undefined when it has not arrived. */
  readonly recordAt: (server: ClientId, clock: number) => ServerRecord | 'gone' | undefined
}

export function createDocSource(doc: Y.Doc): DocSource {
  const users = new Map<ClientId, UserId>()
  const servers = new Set<ClientId>()
  let rootsRead = 0

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

  function epochOf(server: ClientId): number {
    const first = recordAt(server, 0)
    return typeof first === 'object' && first.kind === 'genesis' ? first.epoch : -1
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
    recordAt,
    serverClient: () => {
      readRoots()
      const [highest] = [...servers]
        .filter((server) => epochOf(server) >= 0)
        .toSorted((a, b) => epochOf(b) - epochOf(a))
      return highest
    },
  }
}
