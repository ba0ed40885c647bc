/**
 * What this device has of each conversation, as it is stated to the server (SPEC MUX2). A version counts only when it was
 * reached while live, for an exchange that was cut short may lack deletions, and is kept only behind the document's copy.
 */

import type { Doc } from 'yjs'
import { limits } from '../shared/limits.ts'
import type { Version } from '../shared/sync/control.ts'
import type { ConversationId, UserId } from '../shared/sync/ids.ts'
import type { ConversationList } from './conversation-list.ts'
import type { OpenConversation } from './open-conversation.ts'
import type { OpenDocument } from './open-document.ts'
import type { ConversationRow } from './storage/client-storage.ts'
import { isSameVersion } from './sync/channel-table.ts'

export interface HeldVersions {
  /** Those with the newest activity, as many as may be stated. */
  readonly stated: () => ReadonlyMap<ConversationId, Version>
  /** Of a document that is about to be synced; undefined when there is something to exchange, as far as is known here. */
  readonly of: (id: ConversationId, doc: Doc) => Version | undefined
  /** Whether it has that, no less and no more: more than a server has is news for that. */
  readonly has: (id: ConversationId, version: Version) => boolean
  /** What its row may say of it. */
  readonly kept: (id: ConversationId) => Pick<ConversationRow, 'version'>
  readonly track: (conversation: OpenConversation) => void
  /** Something of it has changed. */
  readonly look: (conversation: OpenConversation) => void
  /** It is closed, and so is its copy. */
  readonly forget: (conversation: OpenConversation) => void
}

interface Tracked {
  readonly conversation: OpenConversation
  /** As of the last moment when it was live. */
  complete: Version | undefined
  kept: Version | undefined
  timer: ReturnType<typeof setTimeout> | undefined
}

/** Pause in which changes are gathered before the copy is asked whether it has them. */
const keepDelayMs = 1000

/** `onKept`: the row may say this. */
export function createHeldVersions(
  user: UserId,
  list: Pick<ConversationList, 'store' | 'row'>,
  onKept: (conversation: OpenConversation, version: Version) => void,
): HeldVersions {
  const tracked = new Map<ConversationId, Tracked>()
  /** Of those that were closed: their rows are written a moment later. */
  const left = new Map<ConversationId, Version>()

  function completeOf(id: ConversationId): Version | undefined {
    return tracked.get(id)?.complete ?? left.get(id) ?? list.row(id)?.version
  }

  function take({ conversation }: Tracked): Version | undefined {
    const isLive = conversation.status.getSnapshot().connection.phase === 'live'
    return isLive ? versionOf(conversation.document) : undefined
  }

  async function keep(entry: Tracked): Promise<void> {
    const { conversation, complete } = entry
    entry.timer = undefined
    await conversation.flush()
    if (complete === undefined || !isPersistent(conversation)) return
    entry.kept = complete
    onKept(conversation, complete)
  }

  return {
    stated: () => {
      const stated = new Map<ConversationId, Version>()
      for (const { id } of list.store.getSnapshot()) {
        const version = completeOf(id)
        if (version !== undefined && stated.size < limits.statedVersions) stated.set(id, version)
      }
      return stated
    },
    of: (id, doc) => {
      const document = tracked.get(id)?.conversation.document
      if (document?.local.doc !== doc || hasUnsent(document, user)) return undefined
      const version = versionOf(document)
      return isSameVersion(version, completeOf(id)) ? version : undefined
    },
    has: (id, version) => isSameVersion(version, completeOf(id)),
    kept: (id) => {
      const version = tracked.get(id)?.kept
      return version === undefined ? {} : { version }
    },
    track: (conversation) => {
      tracked.set(conversation.id, { conversation, complete: undefined, kept: undefined, timer: undefined })
    },
    look: (conversation) => {
      const entry = tracked.get(conversation.id)
      const version = entry && take(entry)
      if (entry === undefined || version === undefined || isSameVersion(version, entry.complete)) return
      entry.complete = version
      // What is not kept now is at the end.
      entry.timer ??= setTimeout(() => void keep(entry).catch(() => undefined), keepDelayMs)
    },
    forget: (conversation) => {
      const entry = tracked.get(conversation.id)
      if (entry?.conversation !== conversation) return
      clearTimeout(entry.timer)
      tracked.delete(conversation.id)
      if (entry.complete === undefined || !isPersistent(conversation)) return
      left.set(conversation.id, entry.complete)
      onKept(conversation, entry.complete)
    },
  }
}

/** Undefined while something that has arrived waits for something that has not. */
function versionOf({ replica }: OpenDocument): Version | undefined {
  const { server, fold, isComplete, doc } = replica
  if (server === undefined || !isComplete || doc.store.pendingDs !== null) return undefined
  return { server: server.client, records: fold.nextRecord }
}

function isPersistent(conversation: OpenConversation): boolean {
  return conversation.status.getSnapshot().storage.phase === 'persistent'
}

/** Own entries that the server may not have, of this tab or of one that is gone. */
function hasUnsent({ replica, outbox }: OpenDocument, user: UserId): boolean {
  if (outbox.size() > 0) return true
  for (const chain of replica.source.chains()) {
    const { source, fold } = replica
    // Of archived entries there are neither stamps nor bytes.
    if (chain.user === user && source.nextKept(chain.client, fold.stampedThrough(chain.client)) < chain.next)
      return true
  }
  return false
}
