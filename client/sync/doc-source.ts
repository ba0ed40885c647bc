/** Reads a conversation's Y.Doc as chains of payloads: what the fold asks of a document. Never writes. */

import * as Y from 'yjs'
import type { ChainSource, PlacedCheckpoint, SourceChain } from '../../shared/chat/chain-source.ts'
import type { ClientId, UserId } from '../../shared/sync/ids.ts'
import { format } from '../../shared/sync/payload-format.ts'
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
}

export function createDocSource(doc: Y.Doc): DocSource {
  const users = new Map<ClientId, UserId>()
  const servers = new Set<ClientId>()
  /** Up to which clock of a server's chain a checkpoint was looked for, and the newest found. */
  const looked = new Map<ClientId, { readonly next: number; readonly newest: PlacedCheckpoint | undefined }>()
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
    const last = structs?.at(-1)
    if (structs === undefined || last === undefined || clock >= last.id.clock + last.length) return undefined
    // Most ask for what came last, or for all from the beginning of a chain of which nothing is gone.
    const guess = last.id.clock <= clock ? last : structs[clock]
    const isIt = guess !== undefined && guess.id.clock <= clock && clock < guess.id.clock + guess.length
    const struct = isIt ? guess : structs[Y.findIndexSS(structs, clock)]
    if (!(struct instanceof Y.Item) || struct.deleted) return 'gone'
    return struct.content instanceof Y.ContentBinary ? struct.content.content : 'gone'
  }

  /** Deleted runs are one struct each, or a few: it goes from struct to struct. */
  function nextKept(client: ClientId, clock: number): number {
    const structs = doc.store.clients.get(client)
    const end = Y.getState(doc.store, client)
    if (structs === undefined || clock >= end) return end
    for (let index = Y.findIndexSS(structs, clock); ; index++) {
      const struct = structs[index]
      if (struct === undefined) return end
      if (struct instanceof Y.Item && !struct.deleted) return Math.max(clock, struct.id.clock)
    }
  }

  /** From struct to struct: whoever opens a conversation looks at all of the server's. */
  function* payloadsFrom(client: ClientId, clock: number): Generator<{ clock: number; payload: Uint8Array }> {
    const structs = doc.store.clients.get(client)
    if (structs === undefined || clock >= Y.getState(doc.store, client)) return
    for (let index = Y.findIndexSS(structs, clock); index < structs.length; index++) {
      const struct = structs[index]
      if (!(struct instanceof Y.Item) || struct.deleted || !(struct.content instanceof Y.ContentBinary)) continue
      yield { clock: struct.id.clock, payload: struct.content.content }
    }
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

  /** Looks at what has come since it last looked; one that is gone has made way for a newer one. */
  function newestCheckpoint(server: ClientId, clock: number): PlacedCheckpoint | undefined {
    const known = looked.get(server) ?? { next: 0, newest: undefined }
    const end = Y.getState(doc.store, server)
    let { newest } = known
    for (const { clock: at, payload } of payloadsFrom(server, known.next)) {
      if (payload[0] !== format.json) continue
      const record = parseRecord(payload)
      if (record?.kind === 'checkpoint') newest = { clock: at, record }
    }
    if (newest !== undefined && payloadAt(server, newest.clock) === 'gone') newest = undefined
    looked.set(server, { next: end, newest })
    return newest !== undefined && newest.clock >= clock ? newest : undefined
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
    nextKept,
    recordAt,
    newestCheckpoint,
    deletions: () => deletions,
    serverChains,
    serverClient: () => serverChains().at(-1)?.client,
  }
}
