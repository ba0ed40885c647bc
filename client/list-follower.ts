/**
 * Keeps the list of conversations as the server has it: by what it tells of conversations that moved or are gone, and by
 * what it is asked.
 */

import { isPrivateConversation } from '../shared/chat/private-conversation.ts'
import { limits } from '../shared/limits.ts'
import type { Gone } from '../shared/sync/control.ts'
import type { ConversationId } from '../shared/sync/ids.ts'
import type { BackgroundSync } from './background-sync.ts'
import type { ConversationList } from './conversation-list.ts'
import type { HeldVersions } from './held-versions.ts'
import { createListRefresh, type ListRefresh } from './list-refresh.ts'
import type { OpenConversation } from './open-conversation.ts'
import type { Removals } from './removal/removals.ts'
import type { RestClient } from './rest-client.ts'
import type { Moved } from './sync/socket.ts'

export interface ListFollowerDeps {
  readonly list: ConversationList
  readonly rest: RestClient
  readonly held: HeldVersions
  readonly background: () => BackgroundSync
  readonly open: () => Iterable<OpenConversation>
  readonly removals: Pick<Removals, 'take'>
  /** What is open here may be ahead of the server. */
  readonly note: (conversation: OpenConversation) => void
  /** The user is a member again of one that was listed as gone. */
  readonly onBack: (id: ConversationId) => void
  /** The user has private state, and it has moved. */
  readonly onPrivateNews: () => void
}

export interface ListFollower {
  readonly onNews: (moved: readonly Moved[], gone: readonly Gone[]) => void
  /** Asks for all of it; rejects with the reason when that fails. */
  readonly refreshAll: () => Promise<void>
  readonly refresh: ListRefresh
}

export function createListFollower({
  list,
  rest,
  held,
  background,
  open,
  note,
  removals,
  onBack,
  onPrivateNews,
}: ListFollowerDeps): ListFollower {
  const refresh = createListRefresh(loadNewest, () => background().proceed())

  function onNews(moved: readonly Moved[], gone: readonly Gone[]): void {
    if (gone.length > 0) lose(gone, true)
    const ids = new Set(moved.map(({ conversation }) => conversation))
    // The user was added again, or somebody has brought it back.
    for (const conversation of open())
      if (ids.has(conversation.id) && conversation.lost !== undefined) conversation.reconnect()
    for (const id of ids) if (list.row(id)?.gone !== undefined) onBack(id)
    // What came here before it was closed is told once more.
    const behind = moved.filter(
      ({ conversation, version }) => version === undefined || !held.has(conversation, version),
    )
    // Private state is in no list. What of it concerns conversations counts there, whoever else has asked for it.
    const listed = behind.filter(({ conversation }) => !isPrivateConversation(conversation))
    if (listed.length < behind.length) onPrivateNews()
    if (listed.length === 0) return
    refresh.need(listed.length)
    const told = new Map(listed.map(({ conversation, version }) => [conversation, version]))
    background().add(told.keys(), false, (id) => {
      const version = told.get(id)
      return version === undefined || !held.has(id, version)
    })
  }

  function lose(gone: readonly Gone[], isTold = false): void {
    // What is not deleted now is tried again when the server tells of it once more.
    removals.take(gone, isTold).catch(() => undefined)
    background().drop(gone.filter((one) => !isUnknown(one)).map(({ conversation }) => conversation))
    // Whoever made it registers it again, once it is open.
    background().add(gone.filter(isUnknown).map(({ conversation }) => conversation))
  }

  /** What is open has moved too, and is not counted. */
  async function loadNewest(moved: number): Promise<void> {
    const count = moved + [...open()].length
    if (count > limits.pageConversations) return refreshAll()
    const moment = list.moment()
    await take(await rest.newest(count), moment)
  }

  async function refreshAll(): Promise<void> {
    await list.loaded
    const [asked, moment] = [list.registered(), list.moment()]
    const items = await rest.conversations()
    await take(items, moment)
    const listed = new Set(items.map(({ id }) => id))
    const gone: Gone[] = []
    // One that moves between two pages is in neither: the server says of each that is missing what became of it.
    for (const conversation of asked) {
      const code = listed.has(conversation) ? undefined : await rest.lost(conversation)
      if (code !== undefined) gone.push({ conversation, code })
    }
    if (gone.length > 0) lose(gone)
  }

  async function take(items: Awaited<ReturnType<RestClient['newest']>>, asked: number): Promise<void> {
    await list.merge(items, asked)
    for (const conversation of open()) note(conversation)
  }

  return { onNews, refreshAll, refresh }
}

function isUnknown({ code }: Gone): boolean {
  return code === 'not-found'
}
