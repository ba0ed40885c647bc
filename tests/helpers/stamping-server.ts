// The least server there is: a Y.Doc whose own chain stamps what others wrote. Voids and deletes as the real one does,
// each commit one transaction and so one update. Places entries as it is told to, not by any policy.
import * as Y from 'yjs'

import { crc32 } from '../../shared/sync/crc32.ts'
import type { ClientId } from '../../shared/sync/ids.ts'
import { encodeRecord, type ServerRecord, type StampRun } from '../../shared/sync/record.ts'
import { chainRoot, serverRoot } from '../../shared/sync/roots.ts'
import { chainSource, clientId, createDoc, userId } from './chain-doc.ts'

/** One entry to stamp; with a reason it is void. */
export interface Stamped {
  readonly client: ClientId
  readonly clock: number
  readonly voidReason?: string
}

export interface StampingServer {
  readonly doc: Y.Doc
  readonly owner: string
  /** Every update that the server emitted, in order. */
  readonly updates: readonly Uint8Array[]
  /** Takes what a device has. */
  readonly receive: (from: Y.Doc) => void
  /** Stamps entries in this order at a time in ms; `crcOf` replaces the checksum. */
  readonly commit: (entries: readonly Stamped[], timeMs: number, crcOf?: (payload: Uint8Array) => number) => void
  /** Appends records as they are. */
  readonly append: (...records: readonly (ServerRecord | Uint8Array)[]) => void
}

export function createStampingServer(client = 900, owner = 'ann', epoch = 0): StampingServer {
  const doc = createDoc(client)
  const chain = doc.getArray<Uint8Array>(serverRoot(clientId(client)))
  const updates: Uint8Array[] = []
  let seq = 0
  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin !== 'device') updates.push(update)
  })

  function append(...records: readonly (ServerRecord | Uint8Array)[]): void {
    doc.transact(() => {
      for (const record of records) chain.push([record instanceof Uint8Array ? record : encodeRecord(record)])
    })
  }

  function commit(entries: readonly Stamped[], timeMs: number, crcOf: (payload: Uint8Array) => number = crc32): void {
    const source = chainSource(doc)
    const runs: { client: ClientId; clock: number; crcs: number[] }[] = []
    doc.transact(() => {
      for (const entry of entries) {
        const payload = source.payloadAt(entry.client, entry.clock)
        if (payload === undefined) throw new Error('nothing to stamp there')
        const crc = payload === 'gone' ? 0 : crcOf(payload)
        const last = runs.at(-1)
        if (last?.client === entry.client && last.clock + last.crcs.length === entry.clock) last.crcs.push(crc)
        else runs.push({ client: entry.client, clock: entry.clock, crcs: [crc] })
        const { voidReason } = entry
        if (voidReason === undefined) continue
        append({ kind: 'void', client: entry.client, clock: entry.clock, reason: voidReason })
        if (payload !== 'gone') remove(entry)
      }
      append({ kind: 'stamp', seq, timeMs, runs: runs satisfies readonly StampRun[] })
      seq += entries.length
    })
  }

  function remove({ client: author, clock }: Stamped): void {
    const source = chainSource(doc)
    const user = source.userOf(author)
    if (user === undefined) throw new Error('a chain without a user')
    const before = Array.from({ length: clock }, (_, index) => source.payloadAt(author, index))
    doc.getArray(chainRoot(author, user)).delete(before.filter((payload) => payload !== 'gone').length, 1)
  }

  append({ kind: 'genesis', epoch, owner: userId(owner), createdAt: 1 })
  return {
    doc,
    owner,
    updates,
    receive: (from) => Y.applyUpdate(doc, Y.encodeStateAsUpdate(from, Y.encodeStateVector(doc)), 'device'),
    commit,
    append,
  }
}
