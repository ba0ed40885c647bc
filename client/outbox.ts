/**
 * The outbox of one open conversation: own entries that no stamp was seen for, kept on the device before anything is
 * sent (SPEC OUTBOX*). What became void stays here, to be read, copied, sent again or discarded. When the device refuses
 * to keep rows, they live in memory and the status says so.
 */

import type { ConversationFold } from '../shared/chat/fold.ts'
import { type Entry, type MessageEntry, type MessageId, parseEntry, type SetEntry } from '../shared/chat/entry.ts'
import { isTouch } from '../shared/chat/message.ts'
import { isPrivateConversation } from '../shared/chat/private-conversation.ts'
import type { VoidReason } from '../shared/chat/policy.ts'
import { crc32 } from '../shared/sync/crc32.ts'
import type { ConversationId } from '../shared/sync/ids.ts'
import type { FailedChange } from './api.ts'
import { OpenRows } from './open-rows.ts'
import type { ClientStorage, OutboxPlace, OutboxRow } from './storage/client-storage.ts'

export interface FailedMessage {
  readonly entry: MessageEntry
  readonly row: OutboxRow
  readonly reason: VoidReason
}

/** A change that became void. */
export interface KeptChange extends FailedChange {
  readonly row: OutboxRow
}

/** A setting of private state that became void: what is in it is nowhere else. */
export interface KeptSetting {
  readonly entry: SetEntry
  readonly row: OutboxRow
  readonly reason: VoidReason
}

export interface Outbox {
  /** Keeps a row; resolves when it is on the medium or when that failed, in which case `onFailure` was told. */
  readonly put: (row: OutboxRow) => Promise<void>
  /**
   * Drops what is settled by what the fold has seen; what is void stays, as failed. Tells of rows at whose places other
   * bytes were stamped, or none: their entries have still to be brought to the server, from another place.
   */
  readonly settle: (fold: ConversationFold) => readonly OutboxRow[]
  /** What the server says of an open row whose place no longer tells it here: void with a reason, or accepted. */
  readonly resolve: (row: OutboxRow, reason: VoidReason | undefined) => void
  readonly failed: () => readonly FailedMessage[]
  /** The same list until it changes. */
  readonly failedChanges: () => readonly KeptChange[]
  /** Drops a failed message; undefined when there is none with this id. */
  readonly discard: (id: MessageId) => FailedMessage | undefined
  /** Drops a failed change; false when it is none. */
  readonly dismiss: (change: Pick<KeptChange, 'row'>) => boolean
  /** Of the private conversation only; in the order in which they became void. */
  readonly failedSettings: () => readonly KeptSetting[]
  /** Drops one of them. */
  readonly dropSetting: (setting: KeptSetting) => void
  /** Rows whose fate is open. */
  readonly open: () => readonly OutboxRow[]
  readonly size: () => number
  /** Whether an entry of this kind is among those whose fate is open. */
  readonly hasOpen: (kind: Entry['kind']) => boolean
  /** Whether an entry that sets this key is among them. */
  readonly hasOpenSetting: (key: string) => boolean
  /** Drops an open row whose entry stands elsewhere now. */
  readonly forget: (row: OutboxRow) => void
  /** Leaves out an open row that the store has no more. */
  readonly overlook: (row: OutboxPlace) => void
  /** Counts `write` among the writes; resolves as that of `put` does. */
  readonly track: (write: Promise<void>) => Promise<void>
  /** No write is under way. */
  readonly isIdle: () => boolean
  /** Resolves when every write so far has ended. */
  readonly flushed: () => Promise<void>
}

export interface OutboxDeps {
  readonly storage: ClientStorage
  readonly id: ConversationId
  /** What the device kept from before. */
  readonly rows: readonly OutboxRow[]
  /** Resolves when the document's copy has all that the document has: before that a row must not go. */
  readonly documentFlushed: () => Promise<void>
  readonly onFailure: (error: unknown) => void
}

export function createOutbox({ storage, id, rows, documentFlushed, onFailure }: OutboxDeps): Outbox {
  const open = new OpenRows()
  /** Not looked for in the fold yet. */
  let unsettled: OutboxRow[] = []
  let settledRecord = -1
  let settledThrough = -1
  /** Stamped otherwise. */
  let forked: readonly OutboxRow[] = []
  let failed: readonly FailedMessage[] = []
  let failedChanges: readonly KeptChange[] = []
  let failedSettings: readonly KeptSetting[] = []
  const isPrivate = isPrivateConversation(id)
  const writes = new Set<Promise<void>>()

  function track(write: Promise<void>): Promise<void> {
    const done = write.catch(onFailure).finally(() => writes.delete(done))
    writes.add(done)
    return done
  }

  function drop(row: OutboxRow): void {
    void track(documentFlushed().then(() => storage.removeOutbox(id, row)))
  }

  function settleRow(row: OutboxRow, reason: VoidReason | undefined): void {
    const entry = entryIn(row)
    // A duplicate was sent twice by this user: the other one counts. What is not there need not be taken away.
    const isSo = reason === 'duplicate' || (reason === 'no-target' && entry !== undefined && takesAway(entry))
    if (reason === undefined || isSo || entry === undefined || isSaidAgain(row, entry, reason)) drop(row)
    else if (entry.kind === 'message') failed = [...failed, { entry, row, reason }]
    else if (isPrivate && entry.kind === 'set') failedSettings = [...failedSettings, { entry, row, reason }]
    else if (isChange(entry)) failedChanges = [...failedChanges, { entry, row, reason }]
    else drop(row)
  }

  /** What has nowhere to stand goes out once more behind it, elsewhere: it may have been on its way when that was written. */
  function isSaidAgain(row: OutboxRow, entry: Entry, reason: VoidReason): boolean {
    if (reason !== 'no-target') return false
    const crc = crc32(row.payload)
    return open.all().some((other) => {
      if (other.client !== row.client || other.clock <= row.clock) return false
      const later = entryIn(other)
      return entry.kind === 'message'
        ? later?.kind === 'message' && later.id === entry.id
        : crc32(other.payload) === crc && later?.kind === entry.kind
    })
  }

  /** Those whose fate a stamp may have told since it was last asked for. */
  function rowsToSettle(fold: ConversationFold): readonly OutboxRow[] {
    // Only a record changes the fate of a row.
    if (fold.nextRecord === settledRecord) return unsettled
    // Of what is archived it is not known any more how far a chain is stamped.
    const isMoved = fold.through !== settledThrough
    const stamped = isMoved ? open.all() : open.stamped((client) => fold.stampedThrough(client))
    return [...new Set([...forked.filter((row) => open.has(row)), ...stamped])]
  }

  for (const row of rows) {
    if (row.failed === undefined) open.add(row)
    else settleRow(row, row.failed)
  }

  return {
    put: (row) => {
      open.add(row)
      unsettled.push(row)
      return track(storage.putOutbox(id, row))
    },
    settle: (fold) => {
      const due = rowsToSettle(fold)
      forked = fold.nextRecord === settledRecord ? forked.filter((row) => open.has(row)) : []
      settledRecord = fold.nextRecord
      settledThrough = fold.through
      unsettled = []
      for (const row of due) {
        const crc = fold.stampedCrc(row.client, row.clock)
        if (crc === undefined) continue
        // Another copy of this device can have written there (SPEC FORK1).
        if (crc !== crc32(row.payload)) {
          forked = [...forked, row]
          continue
        }
        open.delete(row)
        settleRow(row, fold.voidReason(row.client, row.clock))
      }
      return forked
    },
    resolve: (row, reason) => {
      if (open.delete(row)) settleRow(row, reason)
    },
    failed: () => failed,
    failedChanges: () => failedChanges,
    discard: (message) => {
      const found = failed.find(({ entry }) => entry.id === message)
      if (found === undefined) return undefined
      failed = failed.filter((other) => other !== found)
      drop(found.row)
      return found
    },
    dismiss: ({ row }) => {
      const found = failedChanges.find((other) => other.row === row)
      if (found === undefined) return false
      failedChanges = failedChanges.filter((other) => other !== found)
      drop(found.row)
      return true
    },
    failedSettings: () => failedSettings,
    dropSetting: (setting) => {
      failedSettings = failedSettings.filter((other) => other !== setting)
      drop(setting.row)
    },
    open: () => open.all(),
    size: () => open.size,
    hasOpen: (kind) => open.hasKind(kind),
    hasOpenSetting: (key) => open.all().some((row) => settingIn(row) === key),
    forget: (row) => {
      if (open.delete(row)) drop(row)
    },
    overlook: (row) => void open.delete(row),
    track,
    isIdle: () => writes.size === 0,
    flushed: async () => {
      while (writes.size > 0) await Promise.all(writes)
    },
  }
}

/** Whether one of them has this place. */
export function isAmong(rows: readonly OutboxPlace[], { client, clock }: OutboxPlace): boolean {
  return rows.some((row) => row.client === client && row.clock === clock)
}

/** Whether its author has to hear when it is not taken. How far somebody has read is said again. */
export function isChange(entry: Entry): entry is FailedChange['entry'] {
  return isTouch(entry) || entry.kind === 'set' || entry.kind === 'member'
}

function takesAway(entry: Entry): boolean {
  return entry.kind === 'redact' || (entry.kind === 'member' && entry.access === null)
}

function entryIn({ payload }: OutboxRow): Entry | undefined {
  const parsed = parseEntry(payload)
  return parsed.kind === 'entry' ? parsed.entry : undefined
}

function settingIn(row: OutboxRow): string | undefined {
  const entry = entryIn(row)
  return entry?.kind === 'set' ? entry.key : undefined
}
