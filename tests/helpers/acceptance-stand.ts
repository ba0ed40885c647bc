// A conversation under attack, without a server: what a member sends is bound by the server's own acceptance, encoded
// anew, and applied to a real Y.Doc that holds everybody's chains. Says what came of it and every rule that was broken.
import * as Y from 'yjs'

import { bindSections, type ChainTable, type FreshEntry } from '../../server/sync/acceptance.ts'
import type { FaultCode } from '../../shared/fault.ts'
import { type ChainPart, encodeUpdate } from '../../shared/sync/chain-update/encode-update.ts'
import { parseUpdate } from '../../shared/sync/chain-update/parse-update.ts'
import { crc32 } from '../../shared/sync/crc32.ts'
import type { ClientId } from '../../shared/sync/ids.ts'
import { chainRoot } from '../../shared/sync/roots.ts'
import { type Cast, type CastChain, rootOf } from './adversarial-cast.ts'
import { clientId, docOf, hex, isSettled, rootContents, stateVectorOf, userId } from './chain-doc.ts'
import { chainItems, content, section, update } from './update-forge.ts'

export type Outcome =
  | { readonly kind: 'fault'; readonly code: FaultCode }
  | { readonly kind: 'taken'; readonly fresh: readonly FreshEntry[]; readonly gap: boolean }

export interface Stand {
  /** The document before the attack, as Yjs encodes it. */
  readonly base: Uint8Array
  readonly receive: (bytes: Uint8Array) => Outcome
  /** What the server would relay of these entries. */
  readonly relayed: (fresh: readonly FreshEntry[]) => Uint8Array
  /** Rules that an update breaks when it is applied to the document, given what was taken of it; empty when none. */
  readonly violations: (relayed: Uint8Array, fresh: readonly FreshEntry[]) => readonly string[]
}

export function createStand(cast: Cast): Stand {
  const chains: readonly CastChain[] = [cast.own, cast.victim, cast.held]
  const sender = userId(cast.own.user)
  const records = Array.from({ length: cast.serverNext }, (_, index) => Uint8Array.of(3, index, 1))
  const server: CastChain = { user: 'server', client: cast.serverClient, payloads: records }
  const honest = update([
    ...chains.map((chain) => sectionOf(chain, rootOf(chain))),
    sectionOf(server, `server/${cast.serverClient}`),
  ])
  const base = Y.encodeStateAsUpdate(docOf(honest))
  const baseContents = rootContents(docOf(base))

  const table: ChainTable = {
    chain: (client) => {
      const chain = chains.find((one) => one.client === client)
      return chain && { user: userId(chain.user), held: chain === cast.held, next: chain.payloads.length }
    },
    isServer: (client) => client === cast.serverClient,
  }

  function receive(bytes: Uint8Array): Outcome {
    const parsed = parseUpdate(bytes)
    if (parsed.kind === 'malformed') return { kind: 'fault', code: 'malformed' }
    const binding = bindSections(parsed.sections, sender, table)
    if (binding.kind === 'fault') return { kind: 'fault', code: binding.code }
    for (const { client, clock, crc } of binding.parts.flatMap(({ overlaps }) => [...overlaps])) {
      const stored = chains.find((chain) => chain.client === client)?.payloads[clock]
      if (stored === undefined || crc32(stored) !== crc) return { kind: 'fault', code: 'forked' }
    }
    return { kind: 'taken', fresh: binding.parts.flatMap(({ fresh }) => [...fresh]), gap: binding.gap }
  }

  function relayed(fresh: readonly FreshEntry[]): Uint8Array {
    const parts = [...byClient(fresh)].map(([client, entries]): ChainPart => {
      const structs = entries.map(({ payload }) =>
        payload === undefined
          ? ({ kind: 'deleted', length: 1 } as const)
          : ({ kind: 'payload', bytes: payload } as const),
      )
      return { client, root: chainRoot(client, sender), clock: entries[0]?.clock ?? 0, structs }
    })
    const gone = fresh.filter(({ payload }) => payload === undefined)
    const deletes = [...byClient(gone)].map(
      ([client, entries]) => [client, entries.map(({ clock }) => ({ clock, length: 1 }))] as const,
    )
    return encodeUpdate(parts, new Map(deletes))
  }

  function violations(relayedBytes: Uint8Array, fresh: readonly FreshEntry[]): string[] {
    const broken: string[] = []
    const expected = new Map(baseContents)
    const clocks = new Map(stateVectorOf(docOf(base)))
    for (const [client, entries] of byClient(fresh)) {
      const owner = table.chain(client)
      if (table.isServer(client) || owner?.held === true) broken.push(`took an entry on the server's chain ${client}`)
      if (owner !== undefined && owner.user !== sender) broken.push(`took an entry on the chain of ${owner.user}`)
      const root = chainRoot(client, sender)
      const payloads = entries.flatMap(({ payload }) => (payload === undefined ? [] : [hex(payload)]))
      expected.set(root, [...(expected.get(root) ?? []), ...payloads])
      clocks.set(client, (owner?.next ?? 0) + entries.length)
    }
    const doc = docOf(base)
    try {
      Y.applyUpdate(doc, relayedBytes)
    } catch (error) {
      broken.push(`Yjs throws: ${String(error)}`)
    }
    if (!isSettled(doc)) broken.push('something is pending')
    const contents = rootContents(doc)
    for (const root of new Set([...contents.keys(), ...expected.keys()])) {
      if (!expected.has(root)) broken.push(`a new root: ${root}`)
      else if (contents.get(root)?.join() !== expected.get(root)?.join())
        broken.push(`${root} is not what it should be`)
    }
    const state = stateVectorOf(doc)
    for (const client of new Set([...state.keys(), ...clocks.keys()])) {
      if (state.get(client) !== clocks.get(client)) broken.push(`the clock of ${client} is ${state.get(client)}`)
    }
    return broken
  }

  return { base, receive, relayed, violations }
}

function sectionOf({ client, payloads }: CastChain, root: string): Uint8Array {
  return section(
    client,
    0,
    chainItems(
      root,
      client,
      0,
      payloads.map((bytes) => content.binary(bytes)),
    ),
  )
}

function byClient(entries: readonly FreshEntry[]): Map<ClientId, FreshEntry[]> {
  const groups = new Map<ClientId, FreshEntry[]>()
  for (const entry of entries) {
    const client = clientId(entry.client)
    groups.set(client, [...(groups.get(client) ?? []), entry])
  }
  return groups
}
