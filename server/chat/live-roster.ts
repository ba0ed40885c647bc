/**
 * Who belongs to a live conversation, with what access and how far they have read, its settings and its pins. All of it is
 * bounded, so all of it is in memory: what the rules look at, and what a checkpoint carries.
 */

import type { Access } from '../../shared/chat/access.ts'
import type { Entry, MessageId, PinEntry, ReadEntry, SetEntry } from '../../shared/chat/entry.ts'
import type { PolicyView } from '../../shared/chat/policy.ts'
import { memberBytes, settingBytes, threadReadBytes } from '../../shared/chat/policy.ts'
import {
  advance,
  advanceAll,
  type ReadRegister,
  type Registers,
  type Roster,
  type ThreadReads,
  unread,
} from '../../shared/chat/roster.ts'
import { historySetting, startsAtJoin } from '../../shared/chat/known-settings.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { MemberRow, PinRow, SettingRow } from '../storage/conversation-store.ts'

/** Rows of the store, and of a private conversation what nobody writes down. */
export interface RosterRows {
  readonly members: readonly MemberRow[]
  readonly settings: readonly SettingRow[]
  readonly pins: readonly PinRow[]
  /** Of a private conversation: seqs of the live entries that set its settings last. Absent: it is not private. */
  readonly setAt?: ReadonlyMap<string, number> | undefined
}

/** What a `read` or `set` entry comes to. */
export interface Superseding<Row> {
  /** To be written; undefined when things are as it says already. */
  readonly row: Row | undefined
  /** Seqs of entries that say nothing any more that is not said behind them; its own, when it says nothing new. */
  readonly superseded: readonly number[]
}

export class LiveRoster {
  readonly #members: Map<UserId, MemberRow>
  #membersBytes = 0
  readonly #settings = new Map<string, { readonly value: unknown; readonly bytes: number }>()
  #settingsBytes = 0
  readonly #pins = new Map<MessageId, number>()
  #threadReadsBytes = 0
  /** Of a private conversation. */
  readonly #setAt: Map<string, number> | undefined

  constructor({ members, settings, pins, setAt }: RosterRows) {
    this.#members = new Map(members.map((row) => [row.user, row]))
    for (const { user } of members) this.#membersBytes += memberBytes(user)
    for (const row of members) this.#threadReadsBytes += threadsBytes(row)
    this.#setAt = setAt && new Map(setAt)
    for (const { key, value } of settings) this.#putSetting(key, value)
    for (const { id, seq } of pins) if (seq !== null) this.#pins.set(id, seq)
  }

  accessOf(user: UserId): Access | undefined {
    return this.#members.get(user)?.access ?? undefined
  }

  users(): Iterable<UserId> {
    return this.#members.keys()
  }

  /** How far a member has come; undefined for others. */
  registerOf(user: UserId): ReadRegister | undefined {
    const row = this.#members.get(user)
    return row === undefined ? undefined : { through: row.readThrough, received: row.received }
  }

  /** What a member has read of threads beyond that. */
  threadReadsOf(user: UserId): ThreadReads {
    return new Map((this.#members.get(user)?.threads ?? []).map(({ root, through }) => [root, through]))
  }

  /** It holds the private state of its only member. */
  get isPrivate(): boolean {
    return this.#setAt !== undefined
  }

  /**
   * Seqs of entries that one of `user` at `seq` may supersede, whatever comes between: registers only grow. None for one
   * that will be void or say nothing new, for each is looked up in the log.
   */
  supersedable(user: UserId, entry: Entry, seq: number): readonly number[] {
    if (entry.kind === 'set') return [this.#setAt?.get(entry.key)].filter((at) => at !== undefined)
    const row = this.#members.get(user)
    const register = this.registerOf(user)
    if (entry.kind !== 'read' || row === undefined || register === undefined) return []
    const { through = -1, received = -1, thread } = entry
    if (Math.max(through, received) >= seq) return []
    const read = (row.threads ?? []).filter((one) => one.through <= through)
    if (thread !== undefined) return read.filter(({ root }) => root === thread).map(({ at }) => at)
    const after = advance(register, entry)
    if (after === register) return []
    const before = saysAll(entry, after) ? row.readAt : undefined
    return [...(before === undefined ? [] : [before]), ...read.map(({ at }) => at)]
  }

  /** Null when there is none. */
  setting(key: string): unknown {
    return this.#settings.get(key)?.value ?? null
  }

  /** Those whose keys begin with it. */
  *settingsUnder(prefix: string): Generator<SettingRow> {
    for (const [key, { value }] of this.#settings) if (key.startsWith(prefix)) yield { key, value }
  }

  isPinned(id: MessageId): boolean {
    return this.#pins.has(id)
  }

  /** What the rules ask of all this. */
  policyView(): Omit<PolicyView, 'claimOf' | 'nextSeq'> {
    return {
      isPrivate: () => this.isPrivate,
      accessOf: (user) => this.accessOf(user),
      ownerCount: () => [...this.#members.values()].filter(({ access }) => access === 'owner').length,
      memberCount: () => this.#members.size,
      membersBytes: () => this.#membersBytes,
      pinCount: () => this.#pins.size,
      isPinned: (id) => this.isPinned(id),
      settingsBytesWithout: (key) => this.#settingsBytes - (this.#settings.get(key)?.bytes ?? 0),
      threadReadsOf: (user) => this.threadReadsOf(user),
      threadReadsBytes: () => this.#threadReadsBytes,
    }
  }

  /** Seq of the first entry that a member is shown (SPEC HISTORY1). */
  historyFrom(user: UserId): number {
    return this.#members.get(user)?.from ?? 0
  }

  /**
   * Gives, changes or, with null, takes away access, and with it the registers; the row to write. `seq` is that of the entry;
   * there is none of who began it.
   */
  setAccess(user: UserId, access: Access | null, seq?: number): MemberRow {
    const before = this.#members.get(user)
    const isLate = seq !== undefined && startsAtJoin(this.setting(historySetting))
    if (access === null) {
      if (this.#members.delete(user)) this.#membersBytes -= memberBytes(user)
      this.#threadReadsBytes -= threadsBytes(before)
      return { user, access, readThrough: -1, received: -1 }
    }
    if (before === undefined) this.#membersBytes += memberBytes(user)
    const fresh = { user, readThrough: -1, received: -1, ...(isLate ? { from: seq } : {}) }
    const row = { ...(before ?? fresh), access }
    this.#members.set(user, row)
    return row
  }

  /** Moves a member's registers forward; `seq` is that of the entry. */
  read(user: UserId, entry: ReadEntry, seq: number): Superseding<MemberRow> {
    const row = this.#members.get(user)
    const register = this.registerOf(user)
    if (row === undefined || register === undefined) return { row: undefined, superseded: [] }
    const threads = this.threadReadsOf(user)
    const after = advanceAll({ register, threads }, entry)
    if (after.register === register && after.threads === threads) return { row: undefined, superseded: [seq] }
    const moved =
      entry.thread === undefined ? readAll(row, after, entry, seq) : readThread(row, after, entry.thread, seq)
    this.#threadReadsBytes += threadsBytes(moved.row) - threadsBytes(row)
    this.#members.set(user, moved.row)
    return moved
  }

  /** `seq` is that of the entry. */
  set({ key, value }: Pick<SetEntry, 'key' | 'value'>, seq: number): Superseding<SettingRow> {
    this.#putSetting(key, value)
    const before = this.#setAt?.get(key)
    this.#setAt?.set(key, seq)
    return { row: { key, value }, superseded: before === undefined ? [] : [before] }
  }

  /** `seq` is that of the entry. The row to write. */
  pin({ of, on }: Pick<PinEntry, 'of' | 'on'>, seq: number): PinRow {
    if (on) this.#pins.set(of, seq)
    else this.#pins.delete(of)
    return { id: of, seq: on ? seq : null }
  }

  /** All of it, as it is now. */
  toRoster(): Roster {
    const title = this.setting('title')
    const rows = [...this.#members.values()]
    const reads = rows.filter(({ received }) => received >= 0)
    const late = rows.flatMap(({ user, from }): [UserId, number][] => (from === undefined ? [] : [[user, from]]))
    const readers = rows.filter(({ threads = [] }) => threads.length > 0)
    return {
      title: typeof title === 'string' ? title : null,
      settings: new Map([...this.#settings].map(([key, { value }]) => [key, value])),
      members: new Map(rows.flatMap(({ user, access }) => (access === null ? [] : [[user, access]]))),
      from: new Map(late),
      reads: new Map(reads.map(({ user, readThrough, received }) => [user, { through: readThrough, received }])),
      threadReads: new Map(readers.map(({ user }) => [user, this.threadReadsOf(user)])),
      pins: new Map([...this.#pins].toSorted(([, a], [, b]) => a - b)),
    }
  }

  #putSetting(key: string, value: unknown): void {
    this.#settingsBytes -= this.#settings.get(key)?.bytes ?? 0
    if (value === null) {
      this.#settings.delete(key)
      return
    }
    const bytes = settingBytes(key, value)
    this.#settings.set(key, { value, bytes })
    this.#settingsBytes += bytes
  }
}

interface Moved extends Superseding<MemberRow> {
  readonly row: MemberRow
}

/** What was read of all was read of each thread. */
function readAll(row: MemberRow, { register, threads }: Registers, entry: ReadEntry, seq: number): Moved {
  const { threads: before = [], readAt, ...rest } = row
  const left = before.filter(({ root }) => threads.has(root))
  const gone = before.filter(({ root }) => !threads.has(root)).map(({ at }) => at)
  return {
    row: {
      ...rest,
      readThrough: register.through,
      received: register.received,
      readAt: seq,
      ...(left.length === 0 ? {} : { threads: left }),
    },
    superseded: [...(saysAll(entry, register) && readAt !== undefined ? [readAt] : []), ...gone],
  }
}

function readThread(row: MemberRow, { threads }: Registers, root: MessageId, seq: number): Moved {
  const others = (row.threads ?? []).filter((thread) => thread.root !== root)
  const before = (row.threads ?? []).filter((thread) => thread.root === root)
  return {
    row: { ...row, threads: [...others, { root, through: threads.get(root) ?? -1, at: seq }] },
    superseded: before.map(({ at }) => at),
  }
}

/** Else what is said before it is still needed: one of the two is not in it. `after`: where it leads to. */
function saysAll(entry: ReadEntry, after: ReadRegister): boolean {
  const said = advance(unread, entry)
  return said.through === after.through && said.received === after.received
}

function threadsBytes(row: MemberRow | undefined): number {
  return row === undefined ? 0 : (row.threads?.length ?? 0) * threadReadBytes(row.user)
}
