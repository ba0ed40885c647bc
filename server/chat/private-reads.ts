/**
 * What whoever asks has read in private: it counts for them alone, beside the registers that everybody sees (SPEC PRIVATE2).
 * Reading it costs one look at a range of rows and begins nothing; of one conversation, or of all for a list of them.
 */

import { privateConversationOf } from '../../shared/chat/private-conversation.ts'
import {
  furtherRead,
  nothingRead,
  privateReadKey,
  privateReadPrefix,
  privateReadsIn,
  type ReadSoFar,
  unreadMarkKey,
} from '../../shared/chat/private-reads.ts'
import type { KnownEntry, MessageId } from '../../shared/chat/entry.ts'
import { limits } from '../../shared/limits.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import { Refused } from '../conversations.ts'
import { type ConversationStore, type Head, isDamage, type MemberRow } from '../storage/conversation-store.ts'
import type { LiveConversation } from './live-conversation.ts'
import { stageOwn } from './posting.ts'
import { enterPrivate } from './private-state.ts'
import type { Registry } from './registry.ts'
import type { Reader } from './unread.ts'

/** By conversation: of one, or of all of the user's. */
export async function readPrivateReads(
  store: ConversationStore,
  user: UserId,
  id?: ConversationId,
): Promise<ReadonlyMap<ConversationId, ReadSoFar>> {
  const prefix = id === undefined ? privateReadPrefix : privateReadKey(id)
  try {
    return privateReadsIn(await store.settings(privateConversationOf(user), prefix))
  } catch (error) {
    // It does not take the conversations along that it is about (SPEC STORE9): there the registers count alone.
    if (!isDamage(error)) throw error
    return new Map()
  }
}

/** A member, with how far they have come whether or not others were told. */
export function asReader(
  { user, readThrough, received, from, threads = [] }: MemberRow,
  { nextSeq }: Pick<Head, 'nextSeq'>,
  inPrivate: ReadSoFar = nothingRead,
): Reader & Pick<MemberRow, 'received'> {
  const told = { through: readThrough, threads: new Map(threads.map(({ root, through }) => [root, through])) }
  const { through, threads: beyond } = furtherRead(told, inPrivate, nextSeq - 1)
  return { user, readThrough: through, received, from: from ?? 0, threads: beyond }
}

/** Tells the user's devices, and nobody else, how far the user has read. Refused `too-many` threads, `too-large`. */
export async function readInPrivate(
  registry: Registry,
  user: UserId,
  id: ConversationId,
  read: { readonly through: number; readonly thread?: MessageId | undefined },
): Promise<void> {
  await enterPrivate(registry, user, privateConversationOf(user))
  await writePrivate(registry, user, (live) => entriesOf(live, id, read))
}

/** A conversation that was marked unread is not any more. One look, where it was not. */
export async function clearUnreadMark(
  registry: Registry,
  store: ConversationStore,
  user: UserId,
  id: ConversationId,
): Promise<void> {
  const key = unreadMarkKey(id)
  if (!(await isMarked(store, user, key))) return
  await writePrivate(registry, user, () => [{ kind: 'set', key, value: null }])
}

async function isMarked(store: ConversationStore, user: UserId, key: string): Promise<boolean> {
  try {
    return (await store.settings(privateConversationOf(user), key)).some((row) => row.key === key)
  } catch (error) {
    if (!isDamage(error)) throw error
    return false
  }
}

/** All in one commit. */
async function writePrivate(
  registry: Registry,
  user: UserId,
  entries: (live: LiveConversation) => readonly KnownEntry[],
): Promise<void> {
  await registry.use(privateConversationOf(user), async (live) => {
    const written = await live.serially(async () => {
      live.assertMember(user)
      for (const entry of entries(live)) await stageOwn(live, user, entry)
      return { durable: live.commit() }
    })
    await written.durable
  })
}

/** Registers only grow; those of threads that are not beyond what was read of all go. */
function entriesOf(
  { roster }: LiveConversation,
  id: ConversationId,
  { through, thread }: { readonly through: number; readonly thread?: MessageId | undefined },
): readonly KnownEntry[] {
  const known = privateReadsIn(roster.settingsUnder(privateReadKey(id))).get(id) ?? nothingRead
  if (thread === undefined) {
    const read = Math.max(known.through, through)
    const passed = [...known.threads].filter(([, seq]) => seq <= read)
    return [
      ...(read > known.through ? [setting(privateReadKey(id), read)] : []),
      ...passed.map(([root]) => setting(privateReadKey(id, root), null)),
    ]
  }
  const before = known.threads.get(thread)
  if (through <= Math.max(known.through, before ?? -1)) return []
  if (before === undefined && known.threads.size >= limits.privateThreadReads) throw new Refused('too-many')
  return [setting(privateReadKey(id, thread), through)]
}

function setting(key: string, value: number | null): KnownEntry {
  return { kind: 'set', key, value }
}
