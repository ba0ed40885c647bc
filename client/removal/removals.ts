/**
 * Deletes from this device what is left of a conversation that the user was removed from, or that was deleted, where its
 * setting says so (SPEC WIPE2): as the server tells, or where nobody does as this device knew it last. One that the server has
 * merely lost is none of these. What was never sent is offered once, from memory.
 */

import { type Folded } from '../../shared/chat/fold.ts'
import type { MessageId } from '../../shared/chat/entry.ts'
import { wipes, wipeSetting } from '../../shared/chat/known-settings.ts'
import type { FaultCode } from '../../shared/fault.ts'
import type { Gone } from '../../shared/sync/control.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import type { Draft, ReadableStore } from '../api.ts'
import { draftOf, entriesIn } from '../own-entry.ts'
import type { ConversationList } from '../conversation-list.ts'
import { goneReason, parseLostCode } from '../lost-code.ts'
import type { OpenConversation } from '../open-conversation.ts'
import type { OpenConversations } from '../open-conversations.ts'
import { readView } from '../search/read-view.ts'
import type { ClientStorage, OutboxRow } from '../storage/client-storage.ts'
import { createStore } from '../store.ts'
import type { RemovedConversation } from './removal-api.ts'
import { wipeConversation } from './wipe-conversation.ts'

export interface RemovalsDeps {
  readonly opening: Promise<ClientStorage>
  readonly list: Pick<ConversationList, 'row' | 'loaded' | 'noteGone' | 'lose' | 'remove'>
  readonly open: Pick<OpenConversations, 'get' | 'has' | 'open'>
  /** Resolves when the server has told what became of what this device has; at once where it tells nothing by itself. */
  readonly greeted: () => Promise<void>
  /** Why the server does not let the user open it; undefined when it does. Rejects when it cannot be asked. */
  readonly ask: (id: ConversationId) => Promise<FaultCode | undefined>
  /** Nothing of it is on this device any more. */
  readonly onWiped: (id: ConversationId) => void
}

export interface Removals {
  readonly store: ReadableStore<readonly RemovedConversation[]>
  readonly dismiss: (id: ConversationId) => void
  /**
   * What is to become of those that the server does not let the user open any more, or has lost: what is to be deleted is,
   * with its line, and the others are listed as such. Rejects when the device does not delete. `isTold`: the server says it by
   * itself, and with it whether to delete; else it was asked, or did not let it be opened.
   */
  readonly take: (gone: readonly Gone[], isTold?: boolean) => Promise<void>
  readonly forget: (id: ConversationId) => Promise<void>
  /** It is being deleted: nothing more of it is to be kept. */
  readonly isDeleting: (id: ConversationId) => boolean
  /** How often it was deleted, or began to be. */
  readonly wipes: (id: ConversationId) => number
  /** Resolves when what is being deleted of it is; undefined when nothing is. Rejects nothing. */
  readonly wiped: (id: ConversationId) => Promise<void> | undefined
}

export function createRemovals({ opening, list, open, greeted, ask, onWiped }: RemovalsDeps): Removals {
  const store = createStore<readonly RemovedConversation[]>([])
  /** What each of them is told at the same time is one. */
  const underWay = new Map<ConversationId, Promise<void>>()
  /** Nothing of them is read until that is done. */
  const wiping = new Map<ConversationId, Promise<void>>()
  const wipeCounts = new Map<ConversationId, number>()
  /** Of these the server has told that what is here stays. */
  const stays = new Set<ConversationId>()
  const toLose: Gone[] = []

  function wipesOf(id: ConversationId): number {
    return wipeCounts.get(id) ?? 0
  }

  async function foldedOf(storage: ClientStorage, id: ConversationId): Promise<Folded | undefined> {
    const conversation = open.get(id)
    if (conversation !== undefined) return conversation.document.replica.folded
    await list.loaded
    // Nothing is known of what was never listed here.
    return list.row(id) === undefined ? undefined : (await readView(storage, id)).folded
  }

  async function mayDelete({ conversation: id, code, wipe }: Gone, isTold: boolean): Promise<boolean> {
    if (isTold && code === 'no-access') {
      if (wipe === true) stays.delete(id)
      else stays.add(id)
      return wipe === true
    }
    if (wipe === true) return true
    const folded = await foldedOf(await opening, id)
    if (!wipes(folded?.settings.get(wipeSetting))) return false
    // It knows better than this device.
    if (!isTold) await greeted()
    // Since then the user may have been added again, and this be another end of it.
    const isKept = stays.has(id) && (!isTold || list.row(id)?.gone !== undefined)
    return !isKept && open.get(id)?.status.getSnapshot().connection.phase !== 'live'
  }

  async function deleteAll(id: ConversationId): Promise<void> {
    const storage = await opening
    // For its title alone: what cannot be read is deleted all the same.
    const folded = await foldedOf(storage, id).catch(() => undefined)
    const kept = await storage.outbox(id)
    const title = folded?.title ?? list.row(id)?.title ?? null
    const known = new Set(store.getSnapshot().map((removed) => removed.id))
    await wipeClosed(id, (conversation) => {
      const rows = [...kept, ...(conversation?.document.outbox.open() ?? [])]
      // Before it is gone from the device: where deleting it fails in the middle, it was offered.
      if (!known.has(id)) store.set([...store.getSnapshot(), { id, title, unsent: unsentIn(rows) }])
    })
  }

  /** Closed first: nothing is written behind what is deleted. Who wants it meanwhile opens it behind that. */
  async function wipeClosed(
    id: ConversationId,
    offer: (conversation: OpenConversation | undefined) => void = () => undefined,
  ): Promise<void> {
    // One that is just being opened would show and keep again what it has read: it is waited for.
    let isThere = true
    while (isThere && open.get(id) === undefined && open.has(id)) isThere = await open.open(id).then(yes, no)
    // Nothing may come in between: from here on whoever opens it waits.
    const done = wipeNow(id, open.get(id), offer).finally(() => wiping.delete(id))
    wiping.set(id, done)
    return done
  }

  async function wipeNow(
    id: ConversationId,
    conversation: OpenConversation | undefined,
    offer: (conversation: OpenConversation | undefined) => void,
  ): Promise<void> {
    wipeCounts.set(id, wipesOf(id) + 1)
    await conversation?.forget()
    offer(conversation)
    await wipeConversation(await opening, id)
    onWiped(id)
    await list.remove([id])
  }

  function once(id: ConversationId, job: () => Promise<void>): Promise<void> {
    const doing = underWay.get(id) ?? job().finally(() => underWay.delete(id))
    underWay.set(id, doing)
    return doing
  }

  async function take(gone: Gone, isTold: boolean): Promise<void> {
    if (isGoneBy(gone.code) && (await mayDelete(gone, isTold))) {
      // While it was waited for, the user may have been added again.
      if (!isTold && !isGoneBy(await ask(gone.conversation))) return
      return once(gone.conversation, () => deleteAll(gone.conversation))
    }
    toLose.push(gone)
    // Those that come to it at the same time cost one walk over the list.
    await Promise.resolve()
    if (toLose.length > 0) await list.lose(toLose.splice(0))
  }

  return {
    store,
    dismiss: (id) => store.set(store.getSnapshot().filter((removed) => removed.id !== id)),
    take: async (gone, isTold = false) => {
      list.noteGone(gone.map(({ conversation }) => conversation))
      await Promise.all(gone.map((one) => take(one, isTold)))
    },
    forget: async (id) => {
      await list.loaded
      if ((list.row(id)?.gone ?? open.get(id)?.gone) === undefined) throw new TypeError('The conversation is not gone.')
      await once(id, () => wipeClosed(id))
    },
    isDeleting: (id) => underWay.has(id),
    wipes: wipesOf,
    wiped: (id) => wiping.get(id)?.catch(() => undefined),
  }
}

const yes = (): boolean => true
const no = (): boolean => false

/** Not merely lost by the server. */
function isGoneBy(code: FaultCode | undefined): boolean {
  return code !== undefined && goneReason(parseLostCode(code)) !== undefined
}

/** Messages, as they were edited since, and what was to be said instead of others; by when they were written. */
function unsentIn(rows: readonly OutboxRow[]): readonly Draft[] {
  const entries = entriesIn(rows)
  const messages = entries.filter((entry) => entry.kind === 'message')
  const edits = entries.filter((entry) => entry.kind === 'edit').toSorted((a, b) => a.at - b.at)
  const drafts = new Map<MessageId, { readonly at: number; readonly draft: Draft }>()
  for (const message of messages) drafts.set(message.id, { at: message.at, draft: draftOf(message) })
  for (const { of, content, at } of edits) {
    const known = drafts.get(of)
    drafts.set(of, { at: known?.at ?? at, draft: { ...known?.draft, content } })
  }
  return [...drafts.values()].toSorted((a, b) => a.at - b.at).map(({ draft }) => draft)
}
