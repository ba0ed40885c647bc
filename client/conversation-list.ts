/** The list of conversations as this device knows it: kept rows, changed by what happens here and by the server's list. */

import { isPrivateConversation } from '../shared/chat/private-conversation.ts'
import type { RestConversationItem } from '../shared/rest.ts'
import type { Gone } from '../shared/sync/control.ts'
import type { ConversationId } from '../shared/sync/ids.ts'
import type { ConversationSummary, ReadableStore } from './api.ts'
import { goneReason, parseLostCode } from './lost-code.ts'
import type { ClientStorage, ConversationRow } from './storage/client-storage.ts'
import { createStore } from './store.ts'
import { isSameVersion } from './sync/channel-table.ts'

export interface ConversationList {
  readonly store: ReadableStore<readonly ConversationSummary[]>
  /** Resolves when the kept rows can be read. */
  readonly loaded: Promise<void>
  readonly row: (id: ConversationId) => ConversationRow | undefined
  readonly rows: () => Iterable<ConversationRow>
  readonly add: (row: ConversationRow) => Promise<void>
  readonly change: (id: ConversationId, change: (row: ConversationRow) => ConversationRow) => Promise<void>
  /** Takes over, a moment later, what an open conversation shows; many calls in a row cost one. */
  readonly note: (id: ConversationId, summary: () => Partial<ConversationRow>) => void
  /** Those that the server should list: to be asked before its list is. */
  readonly registered: () => readonly ConversationId[]
  /** Those the server has still to be told of. */
  readonly unregistered: () => readonly ConversationId[]
  /** To be taken before the server is asked for what `merge` takes over. */
  readonly moment: () => number
  /** It was told just now that the user can open them no more: what was asked for before does not know. */
  readonly noteGone: (ids: Iterable<ConversationId>) => void
  /** Takes over the server's list, or a part of it, as it was `asked` for. */
  readonly merge: (items: readonly RestConversationItem[], asked: number) => Promise<void>
  /**
   * The server does not let the user open them any more, or has lost them: their lines stay, without an access, for what this
   * device has of them stays too.
   */
  readonly lose: (gone: readonly Gone[]) => Promise<void>
  /** They are not listed any more: nothing is left of them. */
  readonly remove: (ids: readonly ConversationId[]) => Promise<void>
  readonly flushed: () => Promise<void>
}

const noteDelayMs = 200

export function createConversationList(opening: Promise<ClientStorage>, now: () => number): ConversationList {
  const rows = new Map<ConversationId, ConversationRow>()
  const store = createStore<readonly ConversationSummary[]>([])
  const noted = new Map<ConversationId, () => Partial<ConversationRow>>()
  /** When they were last told to be gone. */
  const goneAt = new Map<ConversationId, number>()
  let moment = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let written: Promise<unknown> = Promise.resolve()

  const loaded = opening.then(async (storage) => {
    for (const row of await storage.conversations()) rows.set(row.id, row)
    show()
  })
  // Whoever opens a conversation hears of it there.
  loaded.catch(() => undefined)

  function show(): void {
    store.set([...rows.values()].map(toSummary).toSorted((a, b) => b.updatedAt - a.updatedAt))
  }

  /** A summary that cannot be kept costs nothing but a stale line after the next start. */
  function write(job: (storage: ClientStorage) => Promise<void>): Promise<void> {
    const done = opening.then(job)
    written = Promise.allSettled([written, done])
    return done
  }

  function keep(row: ConversationRow): Promise<void> {
    rows.set(row.id, row)
    return write((storage) => storage.putConversation(row))
  }

  function put(row: ConversationRow): Promise<void> {
    const kept = keep(row)
    show()
    return kept
  }

  function takeNotes(): void {
    timer = undefined
    for (const [id, summary] of noted) {
      const known = rows.get(id)
      const fresh = summary()
      // Whoever was removed, and has forgotten it, has no line of it.
      if (known === undefined && fresh.access === undefined) continue
      const changed = { ...(known ?? blankRow(id, now())), ...fresh }
      // Of what is archived nothing is shown, but it is waited for: there is something to fetch.
      const isArchived = known?.archivedThrough !== changed.archivedThrough
      if (known === undefined || isArchived || !sameRow(known, changed)) put(changed).catch(() => undefined)
      // Nobody sees it: nothing is drawn anew.
      else if (!isSameVersion(known.version, changed.version) || !sameSeqs(known, changed))
        keep(changed).catch(() => undefined)
    }
    noted.clear()
  }

  return {
    store,
    loaded,
    row: (id) => rows.get(id),
    rows: () => rows.values(),
    add: (row) => put(row),
    change: async (id, change) => {
      const row = rows.get(id)
      if (row !== undefined) await put(change(row))
    },
    note: (id, summary) => {
      // Private state is open like any other, and in no list.
      if (isPrivateConversation(id)) return
      noted.set(id, summary)
      timer ??= setTimeout(takeNotes, noteDelayMs)
    },
    unregistered: () => [...rows.values()].filter((row) => row.unregistered !== undefined).map(({ id }) => id),
    registered: () =>
      [...rows.values()]
        .filter(({ unregistered, access }) => unregistered === undefined && access !== undefined)
        .map(({ id }) => id),
    moment: () => moment,
    noteGone: (ids) => {
      moment++
      for (const id of ids) goneAt.set(id, moment)
    },
    merge: async (items, asked) => {
      await loaded
      // It is asked for again and again, and most lines are as they were: neither written nor drawn anew.
      const changed = items
        .filter(({ id }) => (goneAt.get(id) ?? 0) <= asked)
        .map((item) => merged(rows.get(item.id), item))
        .filter((row) => !isKnown(rows.get(row.id), row))
      const puts = changed.map(keep)
      if (changed.length > 0) show()
      await Promise.all(puts)
    },
    lose: async (lost) => {
      await loaded
      const writes: Promise<void>[] = []
      for (const { conversation: id, code } of lost) {
        const row = rows.get(id)
        // It is about to be registered: that the server lacks it is no news.
        if (row === undefined || row.unregistered !== undefined) continue
        const gone = goneReason(parseLostCode(code))
        // It was noted before that was known.
        if (gone !== undefined) noted.delete(id)
        const changed = { ...row, access: undefined, ...(gone && { gone }) }
        if (!sameRow(row, changed)) writes.push(keep(changed))
      }
      if (writes.length > 0) show()
      await Promise.all(writes)
    },
    remove: async (ids) => {
      await loaded
      for (const id of ids) noted.delete(id)
      const writes = ids.filter((id) => rows.delete(id)).map((id) => write((storage) => storage.removeConversation(id)))
      if (writes.length > 0) show()
      await Promise.all(writes)
    },
    flushed: async () => {
      clearTimeout(timer)
      takeNotes()
      await written
    },
  }
}

/** What is newer here is pending still. */
function merged(row: ConversationRow | undefined, item: RestConversationItem): ConversationRow {
  const { id, title, access } = item
  const { members, version, archivedThrough, events, keep } = row ?? {}
  const lastMessageSeq = Math.max(item.last_message?.seq ?? -1, row?.lastMessageSeq ?? -1)
  const updatedAt = Date.parse(item.updated_at)
  const isNewer = row !== undefined && row.updatedAt > updatedAt
  const activity = isNewer
    ? { updatedAt: row.updatedAt, lastMessage: row.lastMessage }
    : { updatedAt, lastMessage: item.last_message?.content ?? null }
  return {
    id,
    title,
    access,
    members,
    version,
    ...activity,
    ...mergedCounts(row, item),
    ...((item.history_from ?? 0) > 0 ? { historyFrom: item.history_from ?? 0 } : {}),
    ...(archivedThrough === undefined ? {} : { archivedThrough }),
    ...(lastMessageSeq < 0 ? {} : { lastMessageSeq }),
    ...(events === undefined ? {} : { events }),
    ...(keep === undefined ? {} : { keep }),
    unregistered: undefined,
  }
}

type MergedCounts = Pick<ConversationRow, 'unread' | 'mentions' | 'readThrough' | 'lastSeq'>

/** What was read here, or has come here since, and the server does not know of yet, is not undone. */
function mergedCounts(row: ConversationRow | undefined, item: RestConversationItem): MergedCounts {
  const hasReadMore = row?.readThrough !== undefined && row.readThrough > (item.read_through ?? -1)
  const hasMore = row?.lastSeq !== undefined && row.lastSeq > (item.last_seq ?? -1)
  const { unread, mentions } = hasReadMore || hasMore ? row : item
  const readThrough = hasReadMore || hasMore ? row.readThrough : (item.read_through ?? undefined)
  const lastSeq = hasMore ? row.lastSeq : (item.last_seq ?? row?.lastSeq)
  return {
    unread,
    ...(mentions === undefined ? {} : { mentions }),
    ...(readThrough === undefined ? {} : { readThrough }),
    ...(lastSeq === undefined ? {} : { lastSeq }),
  }
}

function blankRow(id: ConversationId, updatedAt: number): ConversationRow {
  return {
    id,
    title: null,
    access: undefined,
    updatedAt,
    lastMessage: null,
    unread: 0,
    members: undefined,
    unregistered: undefined,
  }
}

function toSummary(row: ConversationRow): ConversationSummary {
  const { id, title, access, gone, updatedAt, lastMessage, members, unregistered } = row
  const registered = unregistered === undefined
  // Nobody can be told that it was read: it would count for ever.
  if (gone !== undefined) return { id, title, access, gone, updatedAt, lastMessage, unread: 0, members, registered }
  const { unread, mentions } = row
  const told = mentions === undefined ? {} : { mentions }
  return { id, title, access, updatedAt, lastMessage, unread, ...told, members, registered }
}

function isKnown(known: ConversationRow | undefined, row: ConversationRow): boolean {
  if (known === undefined || known.unregistered !== row.unregistered) return false
  return sameRow(known, row) && sameSeqs(known, row)
}

function sameSeqs(a: ConversationRow, b: ConversationRow): boolean {
  const names = ['archivedThrough', 'historyFrom', 'readThrough', 'lastSeq', 'lastMessageSeq'] as const
  return names.every((name) => a[name] === b[name]) && sameRun(a.events, b.events)
}

/** Of one epoch and span there is one list of them. */
function sameRun(a: ConversationRow['events'], b: ConversationRow['events']): boolean {
  return a?.from === b?.from && a?.to === b?.to && a?.epoch === b?.epoch
}

function sameRow(a: ConversationRow, b: ConversationRow): boolean {
  const before = shown(a)
  return shown(b).every((value, index) => value === before[index])
}

/** What a summary can change. */
function shown(row: ConversationRow): readonly unknown[] {
  const { title, access, gone, lastMessage, updatedAt, unread, mentions, members } = row
  return [title, access, gone, lastMessage, updatedAt, unread, mentions, JSON.stringify(members)]
}
