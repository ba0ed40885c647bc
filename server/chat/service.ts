/** The door to conversations (`Conversations`): reads come from the store, writes go through the live conversation. */

import type { Access } from '../../shared/chat/access.ts'
import type { KnownEntry, MessageId, SetEntry } from '../../shared/chat/entry.ts'
import { besideTitle } from '../../shared/chat/known-settings.ts'
import { settingBytes } from '../../shared/chat/policy.ts'
import { isPrivateConversation, privateConversationOf } from '../../shared/chat/private-conversation.ts'
import type { ReadSoFar } from '../../shared/chat/private-reads.ts'
import { type ReadRegister, unread as nothingRead } from '../../shared/chat/roster.ts'
import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import {
  type Conversations,
  type ConversationState,
  type ConversationSummary,
  type ListCursor,
  type NewConversation,
  type OwnConversation,
  Refused,
  type WithSettings,
} from '../conversations.ts'
import { type ConversationStore, type Head, isDamage, type MemberRow } from '../storage/conversation-store.ts'
import { requireAccess } from './authority.ts'
import type { LiveConversation } from './live-conversation.ts'
import { heldChain } from './client-ids.ts'
import { readPeopleAt } from './people-at.ts'
import { applyEntry, applySettings, postMessage, stageOwn } from './posting.ts'
import { asReader, clearUnreadMark, readInPrivate, readPrivateReads } from './private-reads.ts'
import { enterPrivate } from './private-state.ts'
import { asSent, findMessage, readChain, readChanges, readEvents, readMessages, readPins } from './reading.ts'
import type { Registry } from './registry.ts'
import { isRoot, readThread, threadThrough } from './threads.ts'
import { UnreadCounts } from './unread.ts'
import { readVersions } from './versions.ts'

export interface ServiceDeps {
  readonly store: ConversationStore
  readonly registry: Registry
  /** Draws the id of a new conversation, a UUIDv7. */
  readonly drawConversationId: () => ConversationId
}

/** Who asks what is unread while message after message is redacted is told it nearly right, and not never. */
const triesToCount = 5

export function createConversations({ store, registry, drawConversationId }: ServiceDeps): Conversations {
  const counts = new UnreadCounts(store)

  /** The durable head, and the user as a member; the fault that keeps them out otherwise. */
  async function enter(user: UserId, id: ConversationId): Promise<Entered> {
    // The head first: what is read after it takes account of it.
    const head = await headOf(id)
    const member = await store.member(id, user)
    if (member === undefined) throw new Fault('no-access')
    return { head, access: requireAccess(member.access), member, from: member.from ?? 0 }
  }

  async function headOf(id: ConversationId): Promise<Head> {
    const stored = await store.head(id)
    if (stored === undefined) throw new Fault('not-found')
    if (stored.kind === 'deleted') throw new Fault('deleted')
    return stored.head
  }

  /**
   * What `read` finds, of somebody who is a member still when it has been read: what comes behind a removal, in the same
   * commit or while the next row is read, is not for whoever was removed, and of what is deleted meanwhile rows are missing.
   */
  async function inside<T>(user: UserId, id: ConversationId, read: (entered: Entered) => Promise<T>): Promise<T> {
    for (;;) {
      const entered = await enter(user, id)
      const [found] = await Promise.allSettled([read(entered)])
      const { from } = await enter(user, id)
      // Removed and added once more, and now they begin later.
      if (from !== entered.from) continue
      if (found.status === 'rejected') throw found.reason
      return found.value
    }
  }

  async function state(user: UserId, id: ConversationId): Promise<ConversationState> {
    const { head, access } = await enter(user, id)
    return stateOf(id, head, access)
  }

  /** With the head that all of it is of: a device adds to what is unread what comes behind it. */
  async function ownAt(
    id: ConversationId,
    { head: first, access, member }: Omit<Entered, 'from'>,
    inPrivate: ReadSoFar | undefined,
  ): Promise<{ readonly own: OwnConversation; readonly head: Head }> {
    for (let [head, tries] = [first, 1]; ; [head, tries] = [await headOf(id), tries + 1]) {
      const reader = asReader(member, head, inPrivate)
      const { unread, mentions, isOfHead } = await counts.count(id, head, reader)
      if (!isOfHead && tries < triesToCount) continue
      const { threads, from } = reader
      const own = { ...stateOf(id, head, access), unread, mentions, register: registerOf(reader), threads, from }
      return { own, head }
    }
  }

  async function inPrivateOf(user: UserId, id: ConversationId): Promise<ReadSoFar | undefined> {
    return (await readPrivateReads(store, user, id)).get(id)
  }

  async function summary(
    user: UserId,
    { id, head: listed }: { readonly id: ConversationId; readonly head: Head },
    inPrivate: ReadSoFar | undefined,
  ): Promise<ConversationSummary | undefined> {
    const member = await store.member(id, user)
    if (member === undefined || member.access === null) return undefined
    const { own, head } = await ownAt(id, { head: listed, access: member.access, member }, inPrivate)
    const { lastMessageSeq } = head
    const isShown = lastMessageSeq !== null && lastMessageSeq >= (member.from ?? 0)
    const lastMessage = isShown ? await store.message(id, lastMessageSeq) : undefined
    return { ...own, lastMessage: lastMessage ?? null }
  }

  /** By the rules for what is told. */
  async function readUntold(
    user: UserId,
    id: ConversationId,
    read: { readonly through: number; readonly thread?: MessageId },
  ): Promise<void> {
    const { head, from } = await enter(user, id)
    if (read.through >= head.nextSeq) throw new Refused('beyond-end')
    if (read.thread !== undefined && !(await isRoot(store, id, read.thread, from))) throw new Refused('no-target')
    await readInPrivate(registry, user, id, read)
  }

  async function settingsOf(id: ConversationId): Promise<WithSettings> {
    const rows = await store.settings(id)
    return { settings: besideTitle(rows.map(({ key, value }) => [key, value])) }
  }

  return {
    create: async (user, fresh) => {
      // Before it begins: what has begun stays.
      if (settingsBytesOf(fresh) > limits.settingsBytes) throw new Refused('too-large')
      const id = fresh.id ?? drawConversationId()
      await enterPrivate(registry, user, id)
      const created = await registry.useOrBegin(id, (live) => beginOrEnter(live, user, fresh))
      return { state: { ...(await state(user, id)), ...(await settingsOf(id)) }, created }
    },

    list: async (user, { limit, cursor }) => {
      const ids = (await store.conversationsOf(user)).filter((id) => !isPrivateConversation(id))
      const heads = await store.heads(ids)
      const behind = ids
        .flatMap((id, index) => {
          const stored = heads[index]
          return stored?.kind === 'head' ? [{ id, head: stored.head }] : []
        })
        .filter((line) => cursor === undefined || isBehind(line, cursor))
        .toSorted((a, b) => b.head.updatedMs - a.head.updatedMs || (a.id < b.id ? 1 : -1))
      const page = behind.slice(0, limit)
      // One after another: what is unread of a conversation that was not asked for lately can be a thousand rows.
      const items: ConversationSummary[] = []
      const inPrivate = page.length === 0 ? undefined : await readPrivateReads(store, user)
      for (const one of page) {
        const line = await summary(user, one, inPrivate?.get(one.id)).catch(leaveOutLost)
        if (line !== undefined) items.push(line)
      }
      const last = page.at(-1)
      return {
        items,
        next: behind.length > limit && last ? { updatedMs: last.head.updatedMs, id: last.id } : undefined,
      }
    },

    get: state,

    own: (user, id) =>
      inside(user, id, async (entered) => ({
        ...(await ownAt(id, entered, await inPrivateOf(user, id))).own,
        ...(await settingsOf(id)),
      })),

    change: async (user, id, settings) => {
      const entries = [...settings].map(([key, value]): SetEntry => ({ kind: 'set', key, value }))
      await registry.use(id, (live) => applySettings(live, user, entries))
      return { ...(await state(user, id)), ...(await settingsOf(id)) }
    },

    delete: async (user, id) => {
      // Its id cannot come back, and belongs to the user for ever.
      if (isPrivateConversation(id)) throw new Fault('no-access')
      await registry.use(id, async (live) => {
        const deleted = await live.serially(async () => {
          live.assertMember(user, 'owner')
          return { durable: live.delete() }
        })
        await deleted.durable
      })
    },

    members: (user, id) =>
      inside(user, id, async ({ from }) => {
        const rows = await store.members(id)
        return rows.flatMap((row) =>
          row.access === null ? [] : [{ user: row.user, access: row.access, register: registerSince(from, row) }],
        )
      }),

    peopleAt: (user, id, seqs) => inside(user, id, ({ from }) => readPeopleAt(store, id, seqs, from)),

    apply: async (user, id, entry) => {
      await enterPrivate(registry, user, id)
      await registry.use(id, (live) => applyEntry(live, user, entry))
      // Whoever has just left has no state to see any more; the answer is what they left.
      const stored = await store.head(id)
      if (stored?.kind !== 'head') throw new Fault('deleted')
      const member = await store.member(id, user)
      return stateOf(id, stored.head, member?.access ?? 'reader')
    },

    read: async (user, id, { private: isPrivate = false, ...seen }) => {
      if (isPrivate && seen.through !== undefined) await readUntold(user, id, { ...seen, through: seen.through })
      else await registry.use(id, (live) => applyEntry(live, user, { kind: 'read', ...seen }))
      if (seen.through !== undefined) await clearUnreadMark(registry, store, user, id)
      const [stored, member] = [await store.head(id), await store.member(id, user)]
      if (stored?.kind !== 'head' || member === undefined) return nothingRead
      const reader = asReader(member, stored.head, await inPrivateOf(user, id))
      const { through, received } = registerOf(reader)
      return { through: seen.thread === undefined ? through : threadThrough(reader, seen.thread), received }
    },

    thread: (user, id, root) =>
      inside(user, id, async ({ head, member, from }) => {
        const reader = asReader(member, head, await inPrivateOf(user, id))
        return readThread(store, id, reader, await findMessage(store, id, root, from))
      }),

    privateState: async (user) => store.settings(privateConversationOf(user)),

    post: async (user, id, message, key) => {
      const posted = await registry.use(id, (live) => postMessage(live, user, message, key))
      const member = await store.member(id, user)
      // Removed by now: told what they sent, and nothing that others did to it.
      const from = member === undefined ? Infinity : (member.from ?? 0)
      return { ...posted, message: asSent(posted.message, from) }
    },

    messages: (user, id, query) =>
      inside(user, id, async ({ head, from }) => ({
        messages: await readMessages(store, id, query, from),
        asOf: head.nextSeq - 1,
      })),

    message: (user, id, messageId) => inside(user, id, ({ from }) => findMessage(store, id, messageId, from)),

    events: (user, id, query) => inside(user, id, ({ from }) => readEvents(store, id, query, from)),

    versions: (user, id, messageId) => inside(user, id, ({ from }) => readVersions(store, user, id, messageId, from)),

    pins: (user, id) => inside(user, id, ({ from }) => readPins(store, id, from)),

    changes: (user, id, query) => inside(user, id, ({ head, from }) => readChanges(store, id, head, query, from)),

    chain: (user, id, client, from) => inside(user, id, () => readChain(store, user, id, client, from)),
  }
}

interface Entered {
  readonly head: Head
  readonly access: Access
  readonly member: MemberRow
  /** Seq of the first entry that they are told of: every read is held to it (SPEC HISTORY1). */
  readonly from: number
}

/** As a member is told of it who gets nothing from before `from`. */
function registerSince(from: number, row: MemberRow): ReadRegister {
  const { through, received } = registerOf(row)
  return { through: through < from ? -1 : through, received: received < from ? -1 : received }
}

function registerOf({ readThrough, received }: Pick<MemberRow, 'readThrough' | 'received'>): ReadRegister {
  return { through: readThrough, received }
}

/** True when it was begun now; Fault `no-access` when it exists and the user is not a member. */
async function beginOrEnter(live: LiveConversation, user: UserId, fresh: NewConversation): Promise<boolean> {
  const outcome = await live.serially(async () => {
    if (!live.isUnborn) {
      live.assertMember(user)
      return { begun: false, durable: live.commit() }
    }
    // Read now: from here on no commit may come in between, or a crash would leave half of it.
    await heldChain(live, user)
    live.begin(user)
    for (const entry of firstEntries(user, fresh)) await stageOwn(live, user, entry)
    return { begun: true, durable: live.commit() }
  })
  await outcome.durable
  return outcome.begun
}

function firstEntries(owner: UserId, { title, members = [], settings = noSettings }: NewConversation): KnownEntry[] {
  const titleEntry: KnownEntry[] = title === undefined ? [] : [{ kind: 'set', key: 'title', value: title }]
  const others = members.filter(({ user }) => user !== owner)
  return [
    ...titleEntry,
    ...others.map(({ user, access }): KnownEntry => ({ kind: 'member', user, access })),
    // Behind the members: whoever is there from the beginning is told all of it (SPEC HISTORY1).
    ...[...settings].flatMap(([key, value]): KnownEntry[] => (value === null ? [] : [{ kind: 'set', key, value }])),
  ]
}

const noSettings: ReadonlyMap<string, unknown> = new Map()

function settingsBytesOf({ title, settings = noSettings }: NewConversation): number {
  const all: [string, unknown][] = [...settings]
  if (title !== undefined) all.push(['title', title])
  return all.reduce((sum, [key, value]) => sum + (value === null ? 0 : settingBytes(key, value)), 0)
}

/** One damaged conversation does not take the list along (SPEC STORE9), and none that is deleted meanwhile. */
function leaveOutLost(error: unknown): undefined {
  if (!isDamage(error) && !(error instanceof Fault && error.code === 'deleted')) throw error
}

function stateOf(id: ConversationId, head: Head, access: Access): ConversationState {
  return {
    id,
    title: head.title,
    access,
    createdMs: head.createdMs,
    updatedMs: head.updatedMs,
    lastSeq: head.nextSeq === 0 ? null : head.nextSeq - 1,
  }
}

function isBehind(line: { readonly id: ConversationId; readonly head: Head }, cursor: ListCursor): boolean {
  const { updatedMs } = line.head
  return updatedMs < cursor.updatedMs || (updatedMs === cursor.updatedMs && line.id < cursor.id)
}
