/**
 * Deletes from this device what is left of a conversation that the user was removed from, or that was deleted, where its
 * setting says so (SPEC WIPE2): as the server tells, or else as this device knew it last. One that the server has merely lost
 * is none of these. What was never sent is offered once, from memory.
 */

import { type Folded } from '../../shared/chat/fold.ts'
import { parseEntry } from '../../shared/chat/entry.ts'
import { wipes, wipeSetting } from '../../shared/chat/known-settings.ts'
import type { Gone } from '../../shared/sync/control.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import type { Draft, ReadableStore } from '../api.ts'
import { draftOf } from '../author.ts'
import type { ConversationList } from '../conversation-list.ts'
import { goneReason, parseLostCode } from '../lost-code.ts'
import type { OpenConversation } from '../open-conversation.ts'
import { readView } from '../search/read-view.ts'
import type { ClientStorage, OutboxRow } from '../storage/client-storage.ts'
import { createStore } from '../store.ts'
import type { RemovedConversation } from './removal-api.ts'
import { wipeConversation } from './wipe-conversation.ts'

export interface RemovalsDeps {
  readonly opening: Promise<ClientStorage>
  readonly list: Pick<ConversationList, 'row' | 'loaded' | 'lose' | 'remove'>
  readonly open: () => Iterable<OpenConversation>
}

export interface Removals {
  readonly store: ReadableStore<readonly RemovedConversation[]>
  readonly dismiss: (id: ConversationId) => void
  /**
   * What is to become of those that the server does not let the user open any more, or has lost: what is to be deleted is,
   * with its line, and the others are listed as such. Rejects when the device does not delete.
   */
  readonly take: (gone: readonly Gone[]) => Promise<void>
  readonly forget: (id: ConversationId) => Promise<void>
}

export function createRemovals({ opening, list, open }: RemovalsDeps): Removals {
  const store = createStore<readonly RemovedConversation[]>([])
  /** What each of them is told at the same time is one. */
  const underWay = new Map<ConversationId, Promise<boolean>>()

  function openOf(id: ConversationId): OpenConversation | undefined {
    for (const conversation of open()) if (conversation.id === id) return conversation
    return undefined
  }

  async function foldedOf(storage: ClientStorage, id: ConversationId): Promise<Folded | undefined> {
    const conversation = openOf(id)
    if (conversation !== undefined) return conversation.document.replica.folded
    await list.loaded
    // Nothing is known of what was never listed here.
    return list.row(id) === undefined ? undefined : (await readView(storage, id)).folded
  }

  /** Whether nothing is left of it. */
  async function takeOne({ conversation: id, wipe }: Gone): Promise<boolean> {
    const storage = await opening
    const folded = await foldedOf(storage, id)
    if (wipe !== true && !wipes(folded?.settings.get(wipeSetting))) return false
    const conversation = openOf(id)
    const rows = [...(await storage.outbox(id)), ...(conversation?.document.outbox.open() ?? [])]
    const title = folded?.title ?? list.row(id)?.title ?? null
    const known = new Set(store.getSnapshot().map((removed) => removed.id))
    // Closed first: nothing is written behind what is deleted.
    await conversation?.forget()
    await wipeConversation(storage, id)
    if (!known.has(id)) store.set([...store.getSnapshot(), { id, title, unsent: unsentIn(rows) }])
    return true
  }

  function isWiped(gone: Gone): Promise<boolean> {
    const { conversation: id, code } = gone
    if (goneReason(parseLostCode(code)) === undefined) return Promise.resolve(false)
    const taking = underWay.get(id) ?? takeOne(gone).finally(() => underWay.delete(id))
    underWay.set(id, taking)
    return taking
  }

  async function take(gone: Gone): Promise<void> {
    if (await isWiped(gone)) await list.remove([gone.conversation])
    else await list.lose([gone])
  }

  return {
    store,
    dismiss: (id) => store.set(store.getSnapshot().filter((removed) => removed.id !== id)),
    take: async (gone) => void (await Promise.all(gone.map(take))),
    forget: async (id) => {
      await list.loaded
      if ((list.row(id)?.gone ?? openOf(id)?.gone) === undefined) throw new TypeError('The conversation is not gone.')
      await openOf(id)?.forget()
      await wipeConversation(await opening, id)
      await list.remove([id])
    },
  }
}

/** Messages, by when they were written. */
function unsentIn(rows: readonly OutboxRow[]): readonly Draft[] {
  const entries = rows.flatMap(({ payload }) => {
    const parsed = parseEntry(payload)
    return parsed.kind === 'entry' && parsed.entry.kind === 'message' ? [parsed.entry] : []
  })
  const once = new Map(entries.map((entry) => [entry.id, entry]))
  return [...once.values()].toSorted((a, b) => a.at - b.at).map(draftOf)
}
