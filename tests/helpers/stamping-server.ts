// The least server there is: a Y.Doc whose own chain stamps what others wrote. Voids, erases and archives as the real one
// does, each commit one transaction and so one update. Places entries as it is told to, not by any policy.
import * as Y from 'yjs'

import { type MessageId, parseEntry } from '../../shared/chat/entry.ts'
import { leftOf } from '../../shared/chat/erased.ts'
import { messageOf } from '../../shared/chat/message.ts'
import { applyToRoster, emptyRoster, type Roster, rosterToJson } from '../../shared/chat/roster.ts'
import { crc32 } from '../../shared/sync/crc32.ts'
import type { ClientId } from '../../shared/sync/ids.ts'
import { encodeRecord, parseRecord, type ServerRecord, type StampRun } from '../../shared/sync/record.ts'
import { chainRoot, serverRoot } from '../../shared/sync/roots.ts'
import { chainSource, clientId, createDoc, userId } from './chain-doc.ts'

/** One entry to stamp; with a reason it is void. */
export interface Stamped {
  readonly client: ClientId
  readonly clock: number
  readonly voidReason?: string
}

/** A stamped entry with its seq. */
export interface Accepted extends Stamped {
  readonly crc: number
}

export interface StampingServer {
  readonly doc: Y.Doc
  readonly owner: string
  /** Every update that the server emitted, in order. */
  readonly updates: readonly Uint8Array[]
  /** What was stamped, by seq. */
  readonly accepted: readonly Accepted[]
  /** Seq of the last archived entry. */
  readonly through: () => number
  /** Takes what a device has. */
  readonly receive: (from: Y.Doc) => void
  /** Stamps entries in this order at a time in ms; `crcOf` replaces the checksum. */
  readonly commit: (entries: readonly Stamped[], timeMs: number, crcOf?: (payload: Uint8Array) => number) => void
  /** What was stamped at a place, whatever devices have deleted since. */
  readonly payloadAt: (place: Stamped) => Uint8Array | undefined
  /** Erases the entry at a place, which is of the message `of` (redacted by `by`). */
  readonly erase: (place: Stamped, of: MessageId, by: string) => void
  /** Takes all entries up to `through` out of the document, with their records. */
  readonly archive: (through: number) => void
  /** Appends records as they are. */
  readonly append: (...records: readonly (ServerRecord | Uint8Array)[]) => void
  /** Does several of these in one transaction. */
  readonly atOnce: (job: () => void) => void
}

export function createStampingServer(client = 900, owner = 'ann', epoch = 0): StampingServer {
  const doc = createDoc(client)
  const root = serverRoot(clientId(client))
  const chain = doc.getArray<Uint8Array>(root)
  const updates: Uint8Array[] = []
  const accepted: Accepted[] = []
  const payloads = new Map<string, Uint8Array>()
  let roster: Roster = { ...emptyRoster, members: new Map([[userId(owner), 'owner']]) }
  let through = -1
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
    const seq = accepted.length
    doc.transact(() => {
      for (const entry of entries) {
        const payload = source.payloadAt(entry.client, entry.clock)
        if (payload === undefined) throw new Error('nothing to stamp there')
        const crc = payload === 'gone' ? 0 : crcOf(payload)
        if (payload !== 'gone') payloads.set(placeOf(entry), payload)
        const last = runs.at(-1)
        if (last?.client === entry.client && last.clock + last.crcs.length === entry.clock) last.crcs.push(crc)
        else runs.push({ client: entry.client, clock: entry.clock, crcs: [crc] })
        accepted.push({ ...entry, crc })
        const { voidReason } = entry
        if (voidReason === undefined) note(entry, payload)
        else {
          append({ kind: 'void', client: entry.client, clock: entry.clock, reason: voidReason })
          if (payload !== 'gone') remove(entry.client, entry.clock)
        }
      }
      append({ kind: 'stamp', seq, timeMs, runs: runs satisfies readonly StampRun[] })
    })
  }

  function note({ client: author }: Stamped, payload: Uint8Array | 'gone'): void {
    const user = chainSource(doc).userOf(author)
    const parsed = payload === 'gone' ? undefined : parseEntry(payload)
    if (user === undefined || parsed?.kind !== 'entry') return
    roster = applyToRoster(roster, user, parsed.entry, accepted.length - 1)
  }

  function erase({ client: author, clock }: Stamped, of: MessageId, by: string): void {
    const source = chainSource(doc)
    const payload = payloads.get(placeOf({ client: author, clock }))
    const user = source.userOf(author)
    if (payload === undefined || user === undefined) return
    payloads.delete(placeOf({ client: author, clock }))
    const parsed = parseEntry(payload)
    const isMessage = parsed.kind === 'entry' && parsed.entry.kind === 'message'
    const left = isMessage ? { left: leftOf(messageOf(user, parsed.entry)) } : {}
    doc.transact(() => {
      append({ kind: 'erased', client: author, clock, of, by: userId(by), ...left })
      if (source.payloadAt(author, clock) instanceof Uint8Array) remove(author, clock)
    })
  }

  function archive(next: number): void {
    const before = through
    through = next
    doc.transact(() => {
      const source = chainSource(doc)
      for (const { client: author, clock } of accepted.slice(before + 1, next + 1))
        if (source.payloadAt(author, clock) instanceof Uint8Array) remove(author, clock)
      for (const clock of replacedRecords()) removeFrom(root, clientId(client), clock)
      append({ kind: 'checkpoint', through, state: rosterToJson(roster) })
    })
  }

  /** The records of what is archived, and the checkpoint before. */
  function replacedRecords(): readonly number[] {
    const source = chainSource(doc)
    const server = clientId(client)
    const end = Y.getState(doc.store, client)
    const live = new Set(accepted.slice(through + 1).map((entry) => `${entry.client}/${entry.clock}`))
    const isReplaced = (record: ServerRecord): boolean => {
      if (record.kind === 'checkpoint') return true
      if (record.kind === 'stamp') {
        const count = record.runs.reduce((sum, { crcs }) => sum + crcs.length, 0)
        return record.seq + count - 1 <= through
      }
      if (record.kind === 'superseded') return false
      return record.kind !== 'genesis' && !live.has(`${record.client}/${record.clock}`)
    }
    const found: number[] = []
    for (let clock = source.nextKept(server, 1); clock < end; clock = source.nextKept(server, clock + 1)) {
      const payload = source.payloadAt(server, clock)
      const record = payload instanceof Uint8Array ? parseRecord(payload) : undefined
      if (record !== undefined && isReplaced(record)) found.push(clock)
    }
    return found
  }

  function remove(author: ClientId, clock: number): void {
    const user = chainSource(doc).userOf(author)
    if (user === undefined) throw new Error('a chain without a user')
    removeFrom(chainRoot(author, user), author, clock)
  }

  function removeFrom(name: string, author: ClientId, clock: number): void {
    const source = chainSource(doc)
    let index = 0
    for (let at = source.nextKept(author, 0); at < clock; at = source.nextKept(author, at + 1)) index++
    doc.getArray(name).delete(index, 1)
  }

  append({ kind: 'genesis', epoch, owner: userId(owner), createdAt: 1 })
  return {
    doc,
    owner,
    updates,
    accepted,
    payloadAt: (place) => payloads.get(placeOf(place)),
    through: () => through,
    receive: (from) => Y.applyUpdate(doc, Y.encodeStateAsUpdate(from, Y.encodeStateVector(doc)), 'device'),
    commit,
    erase,
    archive,
    append,
    atOnce: (job) => doc.transact(job),
  }
}

function placeOf({ client, clock }: Stamped): string {
  return `${client}/${clock}`
}
