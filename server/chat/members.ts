/** Who belongs to a live conversation, with what access, and how far they have read. */

import type { Access } from '../../shared/chat/access.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { MemberRow } from '../storage/conversation-store.ts'

export class Members {
  readonly #rows: Map<UserId, MemberRow>

  constructor(rows: readonly MemberRow[]) {
    this.#rows = new Map(rows.map((row) => [row.user, row]))
  }

  accessOf(user: UserId): Access | undefined {
    return this.#rows.get(user)?.access ?? undefined
  }

  users(): Iterable<UserId> {
    return this.#rows.keys()
  }

  ownerCount(): number {
    let count = 0
    for (const { access } of this.#rows.values()) if (access === 'owner') count++
    return count
  }

  /** Gives, changes or, with null, takes away access; the row to write. */
  set(user: UserId, access: Access | null): MemberRow {
    const row = { user, access, readThrough: this.#rows.get(user)?.readThrough ?? -1 }
    if (access === null) this.#rows.delete(user)
    else this.#rows.set(user, row)
    return row
  }

  /** Moves a read register forward; the row to write, undefined when it is there already. */
  read(user: UserId, through: number): MemberRow | undefined {
    const row = this.#rows.get(user)
    if (row === undefined || row.readThrough >= through) return undefined
    const moved = { ...row, readThrough: through }
    this.#rows.set(user, moved)
    return moved
  }
}
