/**
 * Who belongs to a live conversation, with what access and how far they have read, its settings and its pins. All of it is
 * bounded, so all of it is in memory: what the rules look at, and what a checkpoint carries.
 */

import type { Access } from '../../shared/chat/access.ts'
import type { MessageId, PinEntry, ReadEntry, SetEntry } from '../../shared/chat/entry.ts'
import type { PolicyView } from '../../shared/chat/policy.ts'
import { memberBytes, settingBytes } from '../../shared/chat/policy.ts'
import { advance, type ReadRegister, type Roster } from '../../shared/chat/roster.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { MemberRow, PinRow, SettingRow } from '../storage/conversation-store.ts'

/** Rows of the store. */
export interface RosterRows {
  readonly members: readonly MemberRow[]
  readonly settings: readonly SettingRow[]
  readonly pins: readonly PinRow[]
}

export class LiveRoster {
  readonly #members: Map<UserId, MemberRow>
  #membersBytes = 0
  readonly #settings = new Map<string, { readonly value: unknown; readonly bytes: number }>()
  #settingsBytes = 0
  readonly #pins = new Map<MessageId, number>()

  constructor({ members, settings, pins }: RosterRows) {
    this.#members = new Map(members.map((row) => [row.user, row]))
    for (const { user } of members) this.#membersBytes += memberBytes(user)
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

  /** Null when there is none. */
  setting(key: string): unknown {
    return this.#settings.get(key)?.value ?? null
  }

  isPinned(id: MessageId): boolean {
    return this.#pins.has(id)
  }

  /** What the rules ask of all this. */
  policyView(): Omit<PolicyView, 'claimOf' | 'nextSeq'> {
    return {
      accessOf: (user) => this.accessOf(user),
      ownerCount: () => [...this.#members.values()].filter(({ access }) => access === 'owner').length,
      memberCount: () => this.#members.size,
      membersBytes: () => this.#membersBytes,
      pinCount: () => this.#pins.size,
      isPinned: (id) => this.isPinned(id),
      settingsBytesWithout: (key) => this.#settingsBytes - (this.#settings.get(key)?.bytes ?? 0),
    }
  }

  /** Gives, changes or, with null, takes away access, and with it the registers; the row to write. */
  setAccess(user: UserId, access: Access | null): MemberRow {
    if (access === null) {
      if (this.#members.delete(user)) this.#membersBytes -= memberBytes(user)
      return { user, access, readThrough: -1, received: -1 }
    }
    const { readThrough, received } = this.#members.get(user) ?? { readThrough: -1, received: -1 }
    if (!this.#members.has(user)) this.#membersBytes += memberBytes(user)
    const row = { user, access, readThrough, received }
    this.#members.set(user, row)
    return row
  }

  /** Moves a member's registers forward; the row to write, undefined when they are there already. */
  read(user: UserId, entry: Pick<ReadEntry, 'through' | 'received' | 'thread'>): MemberRow | undefined {
    const row = this.#members.get(user)
    const before = this.registerOf(user)
    if (row === undefined || before === undefined || entry.thread !== undefined) return undefined
    const after = advance(before, entry)
    if (after === before) return undefined
    const moved = { ...row, readThrough: after.through, received: after.received }
    this.#members.set(user, moved)
    return moved
  }

  /** The row to write. */
  set({ key, value }: Pick<SetEntry, 'key' | 'value'>): SettingRow {
    this.#putSetting(key, value)
    return { key, value }
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
    return {
      title: typeof title === 'string' ? title : null,
      settings: new Map([...this.#settings].map(([key, { value }]) => [key, value])),
      members: new Map(rows.flatMap(({ user, access }) => (access === null ? [] : [[user, access]]))),
      reads: new Map(reads.map(({ user, readThrough, received }) => [user, { through: readThrough, received }])),
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
