// The rules of acceptance (DESIGN §4) as a list that grows, in the plainest form: one place, one writer, no disk, no
// slices. What the server accepts is held against this. Knows no test runner, no Yjs and no code of the server.
import { crc32 } from 'node:zlib'

import { type ChainShape, chainShape, type NaiveSection, readUpdate, rootOfSection } from './naive-update.ts'
import { type Fields, readPayload, verdictOf } from './model-rules.ts'

export interface ModelEntry {
  /** The clientID of a chain, or `held/<user>` for one that the server holds. */
  readonly chain: string
  readonly clock: number
  readonly user: string
  readonly crc: number
  /** Why it is void; undefined when it is not. */
  readonly reason: string | undefined
  /** Undefined when it is void, or was taken away. */
  payload: Uint8Array | undefined
}

export type ModelAnswer =
  /** Any of these is right to say when several things are wrong at once; nothing of it was taken unless said. */
  { readonly kind: 'fault'; readonly codes: ReadonlySet<string> } | { readonly kind: 'taken'; readonly gap: boolean }

/** What comes of a request over REST. */
export type ModelReply =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'conflict'; readonly code: 'id-taken' | 'other-content' }
  | { readonly kind: 'fault'; readonly code: 'no-access' }

/** Rules that a model can be made to forget, to show that its tests would miss them. */
export const rules = [
  'deleted-run',
  'client-taken',
  'day-of-chains',
  'duplicate',
  'fold-order',
  'foreign',
  'forked',
  'gap',
  'held',
  'one-section',
  'own-shape',
  'removed',
  'repeat',
  'skip',
  'unknown-gap',
  'void-judged',
] as const

export type Rule = (typeof rules)[number]

interface ModelChain {
  readonly user: string
  readonly createdMs: number
  /** Of each clock from 0. */
  readonly crcs: number[]
  /** Runs of void entries. */
  voidRuns: number
  endsVoid: boolean
}

interface Fresh {
  readonly client: number
  readonly clock: number
  readonly payload: Uint8Array | undefined
}

const deletedClocksPerUpdate = 1024
const voidRunsPerChain = 1024
const chainsPerDay = 64
/** Entries of a chain in one update that are one commit, whatever they touch. */
const surelyOneCommit = 64
const dayMs = 24 * 60 * 60 * 1000
const lastClient = 2 ** 32 - 1

export class AcceptanceModel {
  readonly log: ModelEntry[] = []
  readonly access = new Map<string, string>()
  readonly claims = new Map<string, { user: string; complete: boolean; said: string | undefined }>()
  readonly settings = new Map<string, string>()
  readonly redacted = new Set<string>()
  /** Messages in threads. */
  readonly #threaded = new Set<string>()
  /** By message id: what it says now. */
  readonly #contents = new Map<string, string>()
  /** What is on: pins and reactions, each as one text. */
  readonly #marks = new Set<string>()
  readonly #reads = new Map<string, readonly [through: number, received: number]>()
  /** The last entry that moved the registers of a user. */
  readonly #lastReads = new Map<string, ModelEntry>()
  /** By user and root, where it is beyond what was read of all. */
  readonly #threadReads = new Map<string, Map<string, { readonly through: number; readonly entry: ModelEntry }>>()
  /** ClientIDs of held chains, which the server draws: to be told. */
  readonly heldClients = new Map<number, string>()
  readonly #server: number
  readonly #chains = new Map<number, ModelChain>()
  readonly #heldNext = new Map<string, number>()
  readonly #forgets: ReadonlySet<Rule>

  constructor(owner: string, server: number, forgets: readonly Rule[] = []) {
    this.access.set(owner, 'owner')
    this.#server = server
    this.#forgets = new Set(forgets)
  }

  chain(client: number): { readonly user: string; readonly next: number } | undefined {
    const chain = this.#chains.get(client)
    return chain && { user: chain.user, next: chain.crcs.length }
  }

  clients(): readonly number[] {
    return [...this.#chains.keys()]
  }

  /** The server started again: it has forgotten chains without entries. */
  restart(): void {
    for (const [client, { crcs }] of this.#chains) if (crcs.length === 0) this.#chains.delete(client)
  }

  take(sender: string, bytes: Uint8Array, nowMs: number): ModelAnswer {
    let sections: NaiveSection[]
    try {
      sections = readUpdate(bytes)
    } catch {
      // Whatever it was, it was no update.
      if (!this.#forgets.has('one-section')) return fault('malformed')
      sections = []
    }
    if (sections.length === 0) return { kind: 'taken', gap: false }
    if (!this.access.has(sender) && !this.#forgets.has('removed')) return fault('no-access')
    return this.#takeSections(sender, sections, nowMs)
  }

  #takeSections(sender: string, sections: readonly NaiveSection[], nowMs: number): ModelAnswer {
    const codes = new Set<string>()
    const fresh: Fresh[] = []
    const born: number[] = []
    let gap = false
    let gone = 0
    for (const section of sections) {
      const { client, clock: start } = section
      const whose = this.#whose(sender, section)
      if (whose === 'taken') codes.add('client-taken')
      if (whose === 'unknown') gap = true
      if (whose !== 'own') continue
      const chain = this.#chains.get(client)
      const next = chain?.crcs.length ?? 0
      const links = this.#linksOf(sender, section)
      if (links === undefined) {
        codes.add('malformed')
      } else if (start > next) {
        gap ||= !this.#forgets.has('gap')
      } else {
        if (chain === undefined && links.length > 0) born.push(client)
        const all = links.map((payload, index) => ({ client, clock: start + index, payload }))
        const [known, unknown] = [all.filter(({ clock }) => clock < next), all.filter(({ clock }) => clock >= next)]
        gone += unknown.filter(({ payload }) => payload === undefined).length
        fresh.push(...unknown)
        if (this.#forgets.has('repeat')) fresh.push(...known)
        // 0 where no bytes were accepted: any will do.
        const differs = known.some(({ clock, payload }) => {
          return payload && chain?.crcs[clock] !== 0 && crc32(payload) !== chain?.crcs[clock]
        })
        if (differs && !this.#forgets.has('forked')) codes.add('forked')
      }
    }
    if (gone > deletedClocksPerUpdate && !this.#forgets.has('deleted-run')) codes.add('malformed')
    const today = [...this.#chains.values()].filter(
      ({ user, createdMs }) => user === sender && createdMs > nowMs - dayMs,
    )
    const isDayFull = born.length > 0 && today.length + born.length > chainsPerDay
    if (isDayFull && !this.#forgets.has('day-of-chains')) codes.add('overloaded')
    if (codes.size > 0) return { kind: 'fault', codes }
    for (const client of born) {
      this.#chains.set(client, { user: sender, createdMs: nowMs, crcs: [], voidRuns: 0, endsVoid: false })
    }
    const takenBack = findTakenBack(fresh)
    for (const entry of this.#forgets.has('fold-order') ? fresh : inOrder(fresh)) {
      if (!this.#append(sender, entry, takenBack.has(entry))) return fault('overloaded')
    }
    return { kind: 'taken', gap }
  }

  /** `taken`: the sender's name on a clientID that somebody else has. */
  #whose(sender: string, section: NaiveSection): 'own' | 'taken' | 'foreign' | 'unknown' {
    const { client, clock } = section
    const namesSender = clock === 0 && rootOfSection(section) === `chain/${client}/${sender}`
    const known = this.#chains.get(client)
    const holder = this.heldClients.get(client)
    if (client > lastClient) return 'foreign'
    if (known?.user === sender) return 'own'
    if (holder === sender && !this.#forgets.has('held')) return 'foreign'
    if (known !== undefined || holder !== undefined || client === this.#server) {
      if (this.#forgets.has('foreign') && known !== undefined) return 'own'
      return namesSender && !this.#forgets.has('client-taken') ? 'taken' : 'foreign'
    }
    if (namesSender) return 'own'
    const links = chainShape(section)
    const mayBeOwn = clock > 0 && links !== undefined && links.length > 0
    return mayBeOwn && !this.#forgets.has('unknown-gap') ? 'unknown' : 'foreign'
  }

  /** A payload, or undefined where it was deleted, of each clock; undefined when it is no chain of the sender's. */
  #linksOf(sender: string, section: NaiveSection): (Uint8Array | undefined)[] | undefined {
    const root = rootOfSection(section)
    const skipsNothing = this.#forgets.has('skip')
    const structs = skipsNothing ? section.structs.filter(({ kind }) => kind !== 'skip') : section.structs
    const links: ChainShape = chainShape({ ...section, structs })
    const isOther = section.clock === 0 && root !== undefined && root !== `chain/${section.client}/${sender}`
    if (links === undefined || isOther) return this.#forgets.has('own-shape') ? [] : undefined
    const clocks: (Uint8Array | undefined)[] = []
    for (const link of links) {
      if (link instanceof Uint8Array) clocks.push(link)
      // More than that is refused, however many they are.
      else for (let left = Math.min(link.deleted, 100_000); left > 0; left--) clocks.push(undefined)
    }
    return clocks
  }

  /** False when the chain has been void too often. */
  #append(user: string, { client, clock, payload }: Fresh, isTakenBack: boolean): boolean {
    const chain = this.#chains.get(client)
    if (chain === undefined) throw new Error('no chain')
    const { reason, fields } = isTakenBack ? { reason: 'redacted' } : this.#judge(user, payload)
    const isVoid = reason !== undefined
    if (isVoid && chain.voidRuns >= voidRunsPerChain) return false
    if (isVoid && !chain.endsVoid) chain.voidRuns++
    chain.endsVoid = isVoid
    const crc = payload === undefined ? 0 : crc32(payload)
    chain.crcs.push(crc)
    this.log.push({ chain: `${client}`, clock, user, crc, reason, payload: isVoid ? undefined : payload })
    if (!isVoid && fields !== undefined) this.#apply(user, fields)
    return true
  }

  #judge(user: string, payload: Uint8Array | undefined): { reason: string | undefined; fields?: Fields } {
    if (payload === undefined) return { reason: 'no-bytes' }
    const read = readPayload(payload)
    if (read.kind === 'bad') return { reason: read.reason }
    return { reason: this.#verdict(user, read.fields), fields: read.fields }
  }

  #verdict(user: string, fields: Fields): string | undefined {
    const { access, claims, redacted, log } = this
    const rulebook = { access, claims, redacted, threaded: this.#threaded, length: log.length }
    const reason = verdictOf(rulebook, user, fields)
    if (this.#forgets.has('void-judged')) return undefined
    return reason === 'duplicate' && this.#forgets.has('duplicate') ? undefined : reason
  }

  #apply(user: string, fields: Fields): void {
    const { kind, id, of, role, content, access, key, value } = fields
    if (kind === 'message')
      this.claims.set(String(id), { user, complete: true, said: `${String(role)}\n${String(content)}` })
    if (kind === 'delta' && !this.claims.has(String(of))) {
      this.claims.set(String(of), { user, complete: false, said: undefined })
    }
    if (kind === 'member' && access === null) this.access.delete(String(fields['user']))
    if (kind === 'member' && typeof access === 'string') this.access.set(String(fields['user']), access)
    if (kind === 'member' && access === null)
      for (const reads of [this.#reads, this.#lastReads, this.#threadReads]) reads.delete(String(fields['user']))
    if (kind === 'set') this.settings.set(String(key), JSON.stringify(value))
    if (kind === 'message' && fields['thread'] !== undefined) this.#threaded.add(String(id))
    if (kind === 'read') this.#read(user, fields)
    const mark = markOf(user, fields)
    if (mark !== undefined && fields['on'] === true) this.#marks.add(mark)
    else if (mark !== undefined) this.#marks.delete(mark)
    if (kind === 'message') this.#contents.set(String(id), String(content))
    if (kind === 'edit') this.#contents.set(String(of), String(content))
    if (kind === 'redact') this.#redact(String(of))
  }

  get title(): string | null {
    const title: unknown = JSON.parse(this.settings.get('title') ?? 'null')
    return typeof title === 'string' ? title : null
  }

  /** The words of a message go from the log, and those of all that was said in its name. */
  #redact(id: string): void {
    if (this.claims.get(id)?.complete === true) this.redacted.add(id)
    for (const entry of this.log) {
      const read = entry.payload === undefined ? undefined : readPayload(entry.payload)
      if (read?.kind !== 'entry') continue
      if (wordsOf(read.fields) === id) entry.payload = undefined
    }
  }

  /** Moves registers; what says nothing any more that is not said behind it goes. */
  #read(user: string, fields: Fields): void {
    const entry = this.log.at(-1)
    if (entry === undefined) throw new Error('an entry that is not in the log')
    const { through = -1, received = -1 } = fields
    const thread = threadOf(fields)
    const threads = this.#threadReads.get(user) ?? new Map<string, { through: number; entry: ModelEntry }>()
    this.#threadReads.set(user, threads)
    const before = this.#reads.get(user) ?? [-1, -1]
    if (this.#movesNothing(user, fields)) {
      entry.payload = undefined
    } else if (thread !== undefined) {
      drop(threads.get(thread)?.entry)
      threads.set(thread, { through: Number(through), entry })
    } else {
      const after = this.#readBy(user, fields)
      const said = [Number(through), Math.max(Number(through), Number(received))]
      if (String(said) === String(after)) drop(this.#lastReads.get(user))
      this.#lastReads.set(user, entry)
      this.#reads.set(user, after)
      if (after[0] === before[0]) return
      for (const [root, read] of threads) {
        if (read.through > after[0]) continue
        drop(read.entry)
        threads.delete(root)
      }
    }
  }

  #movesNothing(user: string, fields: Fields): boolean {
    const { through = -1 } = fields
    const thread = threadOf(fields)
    const before = this.#reads.get(user) ?? [-1, -1]
    if (thread === undefined) return String(this.#readBy(user, fields)) === String(before)
    return Number(through) <= Math.max(before[0], this.#threadReads.get(user)?.get(thread)?.through ?? -1)
  }

  #readBy(user: string, { through, received, thread }: Fields): readonly [number, number] {
    const [read, got] = this.#reads.get(user) ?? [-1, -1]
    if (thread !== undefined) return [read, got]
    const now = Math.max(read, Number(through ?? -1))
    return [now, Math.max(got, now, Number(received ?? -1))]
  }

  /** A request over REST; `fields` in the order in which they are written. */
  request(user: string, fields: Fields): ModelReply {
    if (!this.access.has(user)) return { kind: 'fault', code: 'no-access' }
    const payload = Buffer.concat([Uint8Array.of(1), Buffer.from(JSON.stringify(fields))])
    if (fields['kind'] === 'message') {
      const claim = this.claims.get(String(fields['id']))
      if (claim !== undefined && claim.user !== user) return { kind: 'conflict', code: 'id-taken' }
      const isSame = claim?.said === `${String(fields['role'])}\n${String(fields['content'])}`
      if (claim?.complete === true) return isSame ? { kind: 'done' } : { kind: 'conflict', code: 'other-content' }
    }
    const reason = this.#verdict(user, fields)
    if (reason !== undefined) return { kind: 'refused', reason }
    if (this.#isSo(user, fields)) return { kind: 'done' }
    const clock = this.#heldNext.get(user) ?? 0
    this.#heldNext.set(user, clock + 1)
    this.log.push({ chain: `held/${user}`, clock, user, crc: crc32(payload), reason: undefined, payload })
    this.#apply(user, fields)
    return { kind: 'done' }
  }

  /** Whether things are as a request would have them. */
  #isSo(author: string, fields: Fields): boolean {
    const { kind, user, access, key, value, of, content } = fields
    if (kind === 'member') return (this.access.get(String(user)) ?? null) === access
    if (kind === 'set') return (this.settings.get(String(key)) ?? 'null') === JSON.stringify(value)
    if (kind === 'edit') return this.#contents.get(String(of)) === content
    if (kind === 'redact') return this.redacted.has(String(of))
    if (kind === 'read') return this.#movesNothing(author, fields)
    const mark = markOf(author, fields)
    return mark !== undefined && this.#marks.has(mark) === fields['on']
  }
}

function threadOf({ thread }: Fields): string | undefined {
  return typeof thread === 'string' ? thread : undefined
}

function drop(entry: ModelEntry | undefined): void {
  if (entry !== undefined) entry.payload = undefined
}

/** What a reaction or a pin turns on or off; undefined for anything else. */
function markOf(user: string, { kind, of, emoji }: Fields): string | undefined {
  if (kind === 'pin') return `pin ${String(of)}`
  return kind === 'react' ? `${user} ${String(emoji)} ${String(of)}` : undefined
}

/** The message of whose words these are some; undefined for what is no words. */
function wordsOf({ kind, id, of }: Fields): unknown {
  return kind === 'message' ? id : kind === 'edit' || kind === 'delta' ? of : undefined
}

/** Words that a later entry of their chain takes away, where a chain brings more than may be one commit. */
function findTakenBack(fresh: readonly Fresh[]): ReadonlySet<Fresh> {
  const found = new Set<Fresh>()
  for (const client of new Set(fresh.map((entry) => entry.client))) {
    const own = fresh.filter((entry) => entry.client === client)
    if (own.length <= surelyOneCommit) continue
    const later = new Set<unknown>()
    for (const entry of own.toReversed()) {
      const read = entry.payload && readPayload(entry.payload)
      if (read?.kind !== 'entry') continue
      if (read.fields['kind'] === 'redact') later.add(read.fields['of'])
      else if (later.has(wordsOf(read.fields))) found.add(entry)
    }
  }
  return found
}

/** By the running maximum of `at` in each chain, then by client, then by clock. */
function inOrder(fresh: readonly Fresh[]): Fresh[] {
  const latest = new Map<number, number>()
  const keyed = fresh.map((entry) => {
    const read = entry.payload === undefined ? undefined : readPayload(entry.payload)
    const at = read?.kind === 'entry' ? (read.at ?? 0) : 0
    latest.set(entry.client, Math.max(latest.get(entry.client) ?? 0, at))
    return { entry, time: latest.get(entry.client) ?? 0 }
  })
  const isBefore = (a: (typeof keyed)[number], b: (typeof keyed)[number]): number =>
    a.time - b.time || a.entry.client - b.entry.client || a.entry.clock - b.entry.clock
  return keyed.toSorted(isBefore).map(({ entry }) => entry)
}

function fault(...codes: readonly string[]): ModelAnswer {
  return { kind: 'fault', codes: new Set(codes) }
}
