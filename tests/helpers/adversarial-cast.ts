// Who takes part in the adversarial corpus, and what a case of it is. Knows no test runner.
import type { Random } from './seeded-random.ts'
import { utf8, concat } from './update-forge.ts'

/** A chain as the server holds it before the attack. */
export interface CastChain {
  readonly user: string
  readonly client: number
  /** Payloads of its entries, from clock 0. */
  readonly payloads: readonly Uint8Array[]
}

/** The conversation that is attacked. No case appends to `own`, so a live server can be shown all of them in a row. */
export interface Cast {
  /** A chain of the attacker, who is a member. */
  readonly own: CastChain
  readonly victim: CastChain
  /** The chain that the server holds for the attacker. */
  readonly held: CastChain
  readonly serverClient: number
  readonly serverNext: number
}

export type Expected =
  | { readonly kind: 'fault'; readonly code: 'malformed' | 'client-taken' | 'forked' | 'server-behind' }
  /** No fault; so many fresh entries, all of them on chains of the sender. */
  | { readonly kind: 'taken'; readonly entries: number }
  /** Neither is promised; that nobody else's chain changes is. */
  | { readonly kind: 'unstated' }

export interface CorpusCase {
  readonly name: string
  /** What the bytes claim to be; `frame` is a whole message of the y-websocket protocol. */
  readonly channel: 'update' | 'state-vector' | 'frame'
  readonly bytes: Uint8Array
  /** What the server owes the cast's attacker when they send it. */
  readonly expected: Expected
}

export const malformed: Expected = { kind: 'fault', code: 'malformed' }
export const clientTaken: Expected = { kind: 'fault', code: 'client-taken' }
export const unstated: Expected = { kind: 'unstated' }
export const nothing: Expected = { kind: 'taken', entries: 0 }

export function taken(entries: number): Expected {
  return { kind: 'taken', entries }
}

export function rootOf({ user, client }: Pick<CastChain, 'user' | 'client'>): string {
  return `chain/${client}/${user}`
}

/** A payload with this JSON text. */
export function jsonPayload(text: string): Uint8Array {
  return concat([1], utf8(text))
}

/** A payload that is a valid message, unlike all others. */
export function messagePayload(random: Random, content = `message ${random.below(0x4000_0000)}`): Uint8Array {
  const entry = {
    kind: 'message',
    id: forgedUuidV7(random),
    role: 'user',
    content,
    at: 1_700_000_000_000 + random.below(1e9),
  }
  return jsonPayload(JSON.stringify(entry))
}

export function forgedUuidV7(random: Random): string {
  const hex = (digits: number): string => Array.from({ length: digits }, () => random.below(16).toString(16)).join('')
  return `0${hex(7)}-${hex(4)}-7${hex(3)}-${random.pick(['8', '9', 'a', 'b'])}${hex(3)}-${hex(12)}`
}

/** A cast for tests that have no server to ask for one. */
export function inventCast(random: Random): Cast {
  const chain = (user: string, client: number, length: number): CastChain => ({
    user,
    client,
    payloads: Array.from({ length }, () => messagePayload(random)),
  })
  return {
    own: chain('mallory', 2_002, 3),
    victim: chain('alice', 1_001, 5),
    held: chain('mallory', 3_003, 2),
    serverClient: 9_009,
    serverNext: 7,
  }
}

/** ClientIDs that nobody has, each another one. */
export function freshClients(random: Random): () => number {
  const used = new Set<number>()
  return () => {
    for (;;) {
      const client = random.between(0x100_0000, 0xffff_fffe)
      if (used.has(client)) continue
      used.add(client)
      return client
    }
  }
}
