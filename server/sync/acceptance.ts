/**
 * Binds what a client sent to the chains it may append to (SPEC ACCEPT*). Only sections on the sender's own chains count;
 * everything else in an update comes along by honest means (step2, browser tabs) and is left out without a word. Pure:
 * looks at structure alone, knows neither entries nor rows.
 */

import type { FaultCode } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import { structLength } from '../../shared/sync/chain-update/chain-struct.ts'
import type { Section } from '../../shared/sync/chain-update/parse-update.ts'
import { crc32 } from '../../shared/sync/crc32.ts'
import { type ClientId, parseClientId, type UserId } from '../../shared/sync/ids.ts'
import { chainRoot } from '../../shared/sync/roots.ts'

/** What acceptance knows of a chain. */
export interface BoundChain {
  /** Null: a server chain of an earlier epoch. */
  readonly user: UserId | null
  readonly held: boolean
  /** A new epoch did without it: it takes no more, and nobody can begin it again. */
  readonly dropped?: boolean
  /** Clock that the next entry gets, counting what is on its way to the disk. */
  readonly next: number
  /** Clocks before it were compared with what comes again. */
  readonly compared?: number
}

export interface ChainTable {
  readonly chain: (client: ClientId) => BoundChain | undefined
  /** Whether the id is one of the server's own chains. */
  readonly isServer: (client: ClientId) => boolean
}

/** An entry that is not stored yet, at the end of its chain. */
export interface FreshEntry {
  readonly client: ClientId
  readonly clock: number
  /** Undefined when the sender's document no longer has the bytes. */
  readonly payload: Uint8Array | undefined
}

/** An entry that the server already has, with the checksum of the bytes that came now. */
export interface Overlap {
  readonly client: ClientId
  readonly clock: number
  readonly crc: number
}

export type Binding =
  | { readonly kind: 'fault'; readonly code: FaultCode; readonly why: string }
  | {
      readonly kind: 'bound'
      readonly parts: readonly OwnPart[]
      /** Something may begin beyond what is stored here: ask with a SyncStep1. */
      readonly gap: boolean
    }

/** What an update brings for one own chain, as of the moment of binding; read from its bytes at every iteration. */
export interface OwnPart {
  readonly client: ClientId
  /** It begins the chain. */
  readonly isNew: boolean
  /** By ascending clock. */
  readonly fresh: Iterable<FreshEntry>
  /** Those that were not compared yet. */
  readonly overlaps: Iterable<Overlap>
}

export function bindSections(sections: readonly Section[], sender: UserId, table: ChainTable): Binding {
  const parts: OwnPart[] = []
  let gap = false
  let claimed = 0
  for (const section of sections) {
    const owner = ownerOf(section, sender, table)
    if (owner.kind === 'fault') return owner
    if (owner.kind === 'unknown') gap = true
    if (owner.kind !== 'own') continue
    if (section.flaw !== undefined) return fault('malformed', `own chain: ${section.flaw}`)
    const { client, next, compared } = owner
    if (owner.dropped && endOf(section) > next) return fault('forked', 'the chain was dropped')
    if (section.clock > next) {
      gap = true
      continue
    }
    claimed += deletedClocks(section, next)
    if (claimed > limits.deletedClocksPerUpdate) return fault('malformed', 'own chain: long deleted run')
    parts.push({
      client,
      // A chain that was begun may still wait for the slice with its first entry.
      isNew: table.chain(client) === undefined && !isEmpty(section.structs),
      fresh: { [Symbol.iterator]: () => freshEntries(section, client, next) },
      overlaps: { [Symbol.iterator]: () => overlaps(section, client, compared, next) },
    })
  }
  return { kind: 'bound', parts, gap }
}

type Owner =
  | {
      readonly kind: 'own'
      readonly client: ClientId
      readonly compared: number
      readonly next: number
      readonly dropped: boolean
    }
  | { readonly kind: 'foreign' }
  /** It names no root, and no chain of that id is known: whose it is will show when its beginning arrives. */
  | { readonly kind: 'unknown' }
  | Extract<Binding, { kind: 'fault' }>

function ownerOf(section: Section, sender: UserId, table: ChainTable): Owner {
  const client = parseClientId(section.client)
  if (client === undefined) return { kind: 'foreign' }
  const known = table.chain(client)
  const namesSender = section.clock === 0 && section.root === chainRoot(client, sender)
  if (known !== undefined && known.user === sender) {
    if (known.held) return { kind: 'foreign' }
    // Without a first struct (none at all, or a Skip) there is nothing that could name a root.
    const namesAnother = section.clock === 0 && section.root !== undefined && !namesSender
    if (namesAnother) return fault('malformed', 'own chain: another root at clock 0')
    const { compared = 0, next, dropped = false } = known
    return { kind: 'own', client, compared, next, dropped }
  }
  if (known !== undefined || table.isServer(client)) {
    return namesSender ? fault('client-taken', 'the clientID is taken') : { kind: 'foreign' }
  }
  if (namesSender) return { kind: 'own', client, compared: 0, next: 0, dropped: false }
  if (section.clock > 0 && section.flaw === undefined && !isEmpty(section.structs)) return { kind: 'unknown' }
  return { kind: 'foreign' }
}

function isEmpty(items: Iterable<unknown>): boolean {
  return items[Symbol.iterator]().next().done === true
}

/** The chains of sections that `table` does not know, each once: whether they were dropped is to be asked. */
export interface UnknownClients {
  /** Begun by the sender, as their root says. */
  readonly own: readonly ClientId[]
  /** Gone on with; whose they are is not said. Not all of them: what is left out is asked for, and then it names its root. */
  readonly unnamed: readonly ClientId[]
}

export function unknownClients(sections: readonly Section[], sender: UserId, table: ChainTable): UnknownClients {
  const own = new Set<ClientId>()
  const unnamed = new Set<ClientId>()
  for (const section of sections) {
    const client = parseClientId(section.client)
    if (client === undefined || table.chain(client) !== undefined) continue
    if (section.clock > 0 && unnamed.size >= limits.unnamedChainsPerUpdate) continue
    const { kind } = ownerOf(section, sender, table)
    if (kind === 'own') own.add(client)
    if (kind === 'unknown') unnamed.add(client)
  }
  return { own: [...own], unnamed: [...unnamed] }
}

/** What comes again of the sender's chains, whatever else is wrong with the sections. */
export function* comingAgain(sections: readonly Section[], sender: UserId, table: ChainTable): Generator<Overlap> {
  for (const section of sections) {
    const owner = ownerOf(section, sender, table)
    if (owner.kind !== 'own' || section.flaw !== undefined) continue
    yield* overlaps(section, owner.client, owner.compared, owner.next)
  }
}

function endOf(section: Section): number {
  let end = section.clock
  for (const struct of section.structs) end += structLength(struct)
  return end
}

/** How many clocks from `next` on a section claims without bytes. */
function deletedClocks(section: Section, next: number): number {
  let clock = section.clock
  let claimed = 0
  for (const struct of section.structs) {
    const end = clock + structLength(struct)
    if (struct.kind === 'deleted') claimed += Math.max(0, end - Math.max(clock, next))
    clock = end
  }
  return claimed
}

function* freshEntries(section: Section, client: ClientId, next: number): Generator<FreshEntry> {
  let clock = section.clock
  for (const struct of section.structs) {
    const end = clock + structLength(struct)
    const payload = struct.kind === 'payload' ? struct.bytes : undefined
    for (let fresh = Math.max(clock, next); fresh < end; fresh++) yield { client, clock: fresh, payload }
    clock = end
  }
}

function* overlaps(section: Section, client: ClientId, compared: number, next: number): Generator<Overlap> {
  let clock = section.clock
  // Of nearly every update: nothing to read again.
  if (Math.max(clock, compared) >= next) return
  for (const struct of section.structs) {
    if (clock >= next) return
    if (clock >= compared && struct.kind === 'payload') yield { client, clock, crc: crc32(struct.bytes) }
    clock += structLength(struct)
  }
}

function fault(code: FaultCode, why: string): Extract<Binding, { kind: 'fault' }> {
  return { kind: 'fault', code, why }
}
