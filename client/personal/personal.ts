/** What a user keeps for nobody else, as their client offers it: composes values, what they come to, drafts and private reads. */

import type { MessageId } from '../../shared/chat/entry.ts'
import { privateConversationOf } from '../../shared/chat/private-conversation.ts'
import type { ReadSoFar } from '../../shared/chat/private-reads.ts'
import { limits } from '../../shared/limits.ts'
import { type ConversationId, parseConversationId, type UserId } from '../../shared/sync/ids.ts'
import type { Draft } from '../api.ts'
import type { BackgroundSync } from '../background-sync.ts'
import type { ConversationList } from '../conversation-list.ts'
import type { OpenConversation } from '../open-conversation.ts'
import type { OpenConversations } from '../open-conversations.ts'
import type { ClientStorage } from '../storage/client-storage.ts'
import { GatheredWrites } from './gathered-writes.ts'
import type { Personal } from './personal-api.ts'
import { appPrefix, isEmptyDraft, mergedValue, personalKey } from './personal-keys.ts'
import { PersonalStates } from './personal-states.ts'
import { PersonalValues } from './personal-values.ts'
import { PrivateReads } from './private-reads.ts'

export interface PersonalDeps {
  readonly user: UserId
  readonly opening: Promise<Pick<ClientStorage, 'pool'>>
  readonly list: ConversationList
  readonly open: OpenConversations
  readonly background: () => BackgroundSync
  /** Others are not told how far the user has read. */
  readonly readsInPrivate: boolean
}

export interface PersonalPart {
  /** The first time it is asked for, it is opened. */
  readonly api: () => Personal
  /** Something of the private conversation has changed. */
  readonly look: (conversation: OpenConversation) => void
  /** There is some on the server: it is opened, whether or not the application ever asks for it. */
  readonly start: () => void
  /** Resolves when what this device keeps of it is known, if it keeps any. Rejects nothing. */
  readonly ready: () => Promise<void>
  /** How far the user has read in private, as far as known here. */
  readonly readSoFar: (id: ConversationId) => ReadSoFar
  readonly noteRead: (id: ConversationId, through: number, thread?: MessageId) => void
  /** A message was written there, in a thread or in none. */
  readonly noteSent: (id: ConversationId, thread: MessageId | undefined) => void
  /** The user has looked at what is there. */
  readonly noteLooked: (id: ConversationId) => void
  /** Drafts that are gathered still, by key; null where one was cleared. */
  readonly waiting: () => ReadonlyMap<string, unknown>
  /** Writes down what is gathered: nobody may be there to do it later. */
  readonly flush: () => void
  /** Resolves when what was set is in the document, which has still to be closed. */
  readonly close: () => Promise<void>
}

export function createPersonal(deps: PersonalDeps): PersonalPart {
  const { user, opening, list, open, background, readsInPrivate } = deps
  const values: PersonalValues = new PersonalValues({
    open: () => {
      const id = privateConversationOf(user)
      // What is open in the background for what is unsent there stays open.
      background().hold(id)
      return open.open(id)
    },
    merge: (key, value, there) => mergedValue(key, value, there, (id) => reads.passed(id)),
    onChange: (keys) => {
      const changed = [...keys]
      states.note(changed)
      reads.note(changed)
    },
  })
  // What was kept of it by an earlier client of this device is known before anything is shown that it changes.
  const begun = list.loaded.then(async () => {
    if (readsInPrivate || (await isKept())) values.start()
  })
  begun.catch(() => undefined)

  async function isKept(): Promise<boolean> {
    return (await (await opening).pool(privateConversationOf(user))).length > 0
  }

  const states = new PersonalStates({
    get: (key) => values.get(key),
    lastMessageSeq: (id) => list.row(id)?.lastMessageSeq ?? -1,
  })
  const drafts = new GatheredWrites({
    pauseMs: limits.draftPauseMs,
    untakenPauseMs: limits.unsentDraftPauseMs,
    isUntaken: (key) => values.isUntaken(key),
    write: (key, value) => values.write(key, value),
  })
  const reads = new PrivateReads({ values, list, opened: (id) => open.get(id), background, writes: readsInPrivate })
  list.store.subscribe(() => {
    states.noteMessages()
    reads.noteList()
  })

  function set(key: string, value: unknown): void {
    values.assertSettable(key, value)
    // Where it cannot be kept, the status says so.
    void values.write(key, value)
  }

  function setDraft(key: string, draft: Draft | null): Promise<void> {
    const value = draft === null || isEmptyDraft(draft) ? null : withoutUndefined(draft)
    values.assertSettable(key, value)
    values.show(key, value)
    return drafts.put(key, value)
  }

  /** The line of one that is open is a moment behind it. */
  function lastMessageSeq(id: ConversationId): number {
    const listed = list.row(id)?.lastMessageSeq ?? -1
    return Math.max(listed, open.get(id)?.document.replica.folded.sent.at(-1)?.seq ?? -1)
  }

  const flag =
    (kind: 'mute' | 'favourite' | 'unread') =>
    (conversation: string, on = true): void =>
      set(personalKey(kind, parsedId(conversation)), on || null)

  const api: Personal = {
    status: values.status,
    all: states.all,
    of: (conversation) => states.of(parsedId(conversation)),
    mute: flag('mute'),
    favourite: flag('favourite'),
    markUnread: flag('unread'),
    hide: (conversation, on = true) => {
      const id = parsedId(conversation)
      set(personalKey('hide', id), on ? lastMessageSeq(id) : null)
    },
    setDraft: (conversation, draft, { thread } = {}) =>
      setDraft(personalKey('draft', parsedId(conversation), thread), draft),
    draft: (conversation, { thread } = {}) => states.draft(personalKey('draft', parsedId(conversation), thread)),
    get: (key) => states.value(appKey(key)),
    set: (key, value) => set(appKey(key), value),
    flush: () => {
      flush()
      return values.flushed()
    },
  }

  function flush(): void {
    drafts.flush()
    reads.flush()
  }

  return {
    api: () => {
      values.start()
      return api
    },
    look: (conversation) => values.look(conversation),
    start: () => values.start(),
    ready: () => begun.then(() => values.opened()).catch(() => undefined),
    readSoFar: (id) => reads.of(id),
    noteRead: (id, through, thread) => reads.read(id, through, thread),
    noteSent: (id, thread) => {
      if (!values.isStarted) return
      const key = personalKey('draft', id, thread)
      if (values.get(key) !== undefined) {
        values.show(key, null)
        // Or a device that ends now would offer to send it once more.
        void drafts.putNow(key, null)
      }
      // It is waited for to be stamped; who writes wants to see it.
      if (states.of(id).getSnapshot().hidden) api.hide(id, false)
    },
    noteLooked: (id) => {
      if (values.isStarted && values.get(personalKey('unread', id)) !== undefined) api.markUnread(id, false)
    },
    waiting: () => drafts.waiting(),
    flush,
    close: async () => {
      drafts.close()
      reads.close()
      await values.close()
    },
  }
}

function parsedId(text: string): ConversationId {
  const id = parseConversationId(text)
  if (id === undefined) throw new TypeError('not a conversation id')
  return id
}

function appKey(key: string): string {
  if (!key.startsWith(appPrefix)) throw new TypeError(`The keys of applications begin with ${appPrefix}.`)
  return key
}

/** As JSON has it. */
function withoutUndefined(draft: Draft): Draft {
  const { content } = draft
  return { ...Object.fromEntries(Object.entries(draft).filter(([, value]) => value !== undefined)), content }
}
