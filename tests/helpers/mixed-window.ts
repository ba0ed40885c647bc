// A full live window as people write it, drawn from a seed: messages, replies, mentions, reactions, edits, redactions, one
// stamp for each entry, as a conversation has them that is written in one by one. Knows no test runner.
import type * as Y from 'yjs'

import type { ChainSource } from '../../shared/chat/chain-source.ts'
import { encodeEntry, type KnownEntry, type MessageEntry } from '../../shared/chat/entry.ts'
import { leftOf } from '../../shared/chat/erased.ts'
import { messageOf } from '../../shared/chat/message.ts'
import { limits } from '../../shared/limits.ts'
import type { ChainStruct } from '../../shared/sync/chain-update/chain-struct.ts'
import { encodeUpdate } from '../../shared/sync/chain-update/encode-update.ts'
import { crc32 } from '../../shared/sync/crc32.ts'
import type { ClientId, UserId } from '../../shared/sync/ids.ts'
import { encodeRecord, parseRecord, type ServerRecord } from '../../shared/sync/record.ts'
import { chainRoot, serverRoot } from '../../shared/sync/roots.ts'
import { clientId, docOf, userId } from './chain-doc.ts'
import { messageId } from './client-rows.ts'
import { createRandom, type Random } from './seeded-random.ts'

/** For each message: as people write. */
export const mix = { reactions: 0.13, edits: 0.04, redactions: 0.005, replies: 0.18, mentions: 0.1 } as const

export interface MixedWindow {
  readonly server: ClientId
  /** Of entries, those that were not erased. */
  readonly payloads: readonly Uint8Array[]
  readonly messages: number
  /** A document that a device has loaded. */
  readonly doc: () => Y.Doc
  /** The same chains as plain lists. */
  readonly source: () => ChainSource
}

interface Chain {
  readonly client: ClientId
  readonly user: UserId
  readonly payloads: (Uint8Array | 'gone')[]
}

interface Said {
  readonly entry: MessageEntry
  readonly chain: Chain
  readonly clock: number
}

const people = 20
const words =
  'so we meet at the harbour tomorrow – bring the maps and coffee, Zoë says it may rain 🌧️ after noon'.split(' ')

export function createMixedWindow(seed: number, entries: number = limits.windowEntries): MixedWindow {
  const random = createRandom(seed)
  const chains = Array.from({ length: people }, (_, index): Chain => {
    return { client: clientId(random.below(2 ** 31) * 2 + 1), user: userId(`user-${index}`), payloads: [] }
  })
  const records: ServerRecord[] = [{ kind: 'genesis', epoch: 0, owner: userId('user-0'), createdAt: 1 }]
  const said: Said[] = []
  let seq = 0

  function write(chain: Chain, entry: KnownEntry): void {
    const payload = encodeEntry(entry)
    const clock = chain.payloads.push(payload) - 1
    if (entry.kind === 'message') said.push({ entry, chain, clock })
    const runs = [{ client: chain.client, clock, crcs: [crc32(payload)] }]
    records.push({ kind: 'stamp', seq, timeMs: timeAt(seq), runs })
    seq++
  }

  function redact({ entry, chain, clock }: Said): void {
    write(chain, { kind: 'redact', of: entry.id })
    chain.payloads[clock] = 'gone'
    const left = leftOf(messageOf(chain.user, entry))
    records.push({ kind: 'erased', client: chain.client, clock, of: entry.id, by: chain.user, left })
  }

  while (seq < entries) {
    const chain = random.pick(chains)
    const recent = said.slice(-50)
    write(chain, messageFor(random, said, seq))
    if (recent.length === 0) continue
    const target = random.pick(recent)
    if (random.chance(mix.reactions) && seq < entries) {
      write(random.pick(chains), {
        kind: 'react',
        of: target.entry.id,
        emoji: random.pick(['👍', '❤️', '😂']),
        on: true,
      })
    }
    if (random.chance(mix.edits) && seq < entries) {
      write(target.chain, { kind: 'edit', of: target.entry.id, content: sentence(random), at: timeAt(seq) })
    }
    if (random.chance(mix.redactions) && seq < entries && target.chain.payloads[target.clock] !== 'gone') redact(target)
  }

  const server = clientId(2 ** 32 - 2)
  return {
    server,
    payloads: chains.flatMap(({ payloads }) => payloads.filter((payload) => payload !== 'gone')),
    messages: said.length,
    doc: () => docOf(updateOf(chains, server, records)),
    source: () => listSource(chains, server, records),
  }
}

function timeAt(seq: number): number {
  return 1_700_000_000_000 + seq * 1000
}

function messageFor(random: Random, said: readonly Said[], seq: number): MessageEntry {
  const target = said.at(-1 - random.below(20))
  const replyTo = target !== undefined && random.chance(mix.replies) ? { replyTo: target.entry.id } : {}
  const mentions = random.chance(mix.mentions) ? { mentions: [userId(`user-${random.below(people)}`)] } : {}
  const id = messageId(seq + 1)
  return { kind: 'message', id, role: 'user', content: sentence(random), at: timeAt(seq), ...replyTo, ...mentions }
}

function sentence(random: Random): string {
  return Array.from({ length: random.between(3, 20) }, () => random.pick(words)).join(' ')
}

function updateOf(chains: readonly Chain[], server: ClientId, records: readonly ServerRecord[]): Uint8Array {
  const toStruct = (payload: Uint8Array | 'gone'): ChainStruct =>
    payload === 'gone' ? { kind: 'deleted', length: 1 } : { kind: 'payload', bytes: payload }
  const parts = chains.map(({ client, user, payloads }) => {
    return { client, root: chainRoot(client, user), clock: 0, structs: payloads.map(toStruct) }
  })
  const own = { client: server, root: serverRoot(server), clock: 0, structs: records.map(encodeRecord).map(toStruct) }
  return encodeUpdate([...parts, own])
}

function listSource(chains: readonly Chain[], server: ClientId, records: readonly ServerRecord[]): ChainSource {
  const byClient = new Map(chains.map((chain) => [chain.client, chain]))
  const written = records.map(encodeRecord)
  return {
    *chains() {
      for (const { client, user, payloads } of chains) yield { client, user, next: payloads.length }
    },
    userOf: (client) => byClient.get(client)?.user,
    payloadAt: (client, clock) => byClient.get(client)?.payloads[clock],
    nextKept: (client, clock) => {
      const list = client === server ? written : (byClient.get(client)?.payloads ?? [])
      const end = list.length
      for (let at = clock; at < end; at++) if (list[at] !== 'gone') return at
      return end
    },
    recordAt: (_server, clock) => {
      const payload = written[clock]
      return payload && (parseRecord(payload) ?? 'gone')
    },
    newestCheckpoint: () => undefined,
    deletions: () => 0,
  }
}
