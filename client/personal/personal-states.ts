/** What private state comes to for each conversation, as stores: a change of one tells nobody else. */

import type { ConversationId } from '../../shared/sync/ids.ts'
import { isSameJson } from '../../shared/chat/json-object.ts'
import { parseSeqValue } from '../../shared/chat/private-reads.ts'
import type { Draft, ReadableStore } from '../api.ts'
import { createStore, type Store } from '../store.ts'
import type { PersonalState } from './personal-api.ts'
import { parseDraft, parsePersonalKey, personalKey } from './personal-keys.ts'

export interface PersonalStatesDeps {
  /** Undefined when nothing is set. */
  readonly get: (key: string) => unknown
  /** Seq of the last message known here; -1 before the first. */
  readonly lastMessageSeq: (id: ConversationId) => number
}

const nothing: PersonalState = { muted: false, hidden: false, favourite: false, markedUnread: false, draft: null }

export class PersonalStates {
  readonly all = createStore<ReadonlyMap<ConversationId, PersonalState>>(new Map())
  readonly #deps: PersonalStatesDeps
  readonly #states = new Map<ConversationId, Store<PersonalState>>()
  readonly #drafts = new Map<string, Store<Draft | null>>()
  readonly #values = new Map<string, Store<unknown>>()

  constructor(deps: PersonalStatesDeps) {
    this.#deps = deps
  }

  of(id: ConversationId): Store<PersonalState> {
    const store = this.#states.get(id) ?? createStore(this.#read(id))
    this.#states.set(id, store)
    return store
  }

  draft(key: string): ReadableStore<Draft | null> {
    const store = this.#drafts.get(key) ?? createStore(this.#readDraft(key))
    this.#drafts.set(key, store)
    return store
  }

  value(key: string): ReadableStore<unknown> {
    const store = this.#values.get(key) ?? createStore(this.#deps.get(key))
    this.#values.set(key, store)
    return store
  }

  /** What stands under these keys is perhaps another value. */
  note(keys: Iterable<string>): void {
    const ids = new Set<ConversationId>()
    for (const key of keys) {
      replace(this.#drafts.get(key), () => this.#readDraft(key))
      replace(this.#values.get(key), () => this.#deps.get(key))
      const parsed = parsePersonalKey(key)
      if (parsed !== undefined && parsed.thread === undefined) ids.add(parsed.conversation)
    }
    this.#refresh(ids)
  }

  /** Messages have come, somewhere. */
  noteMessages(): void {
    this.#refresh([...this.all.getSnapshot()].flatMap(([id, { hidden }]) => (hidden ? [id] : [])))
  }

  #refresh(ids: Iterable<ConversationId>): void {
    const all = new Map(this.all.getSnapshot())
    let isChanged = false
    for (const id of ids) {
      const before = all.get(id) ?? nothing
      const now = this.#read(id)
      replace(this.#states.get(id), () => now)
      if (isSameJson(before, now)) continue
      isChanged = true
      if (isSameJson(now, nothing)) all.delete(id)
      else all.set(id, now)
    }
    if (isChanged) this.all.set(all)
  }

  #read(id: ConversationId): PersonalState {
    const { get, lastMessageSeq } = this.#deps
    const isOn = (kind: 'mute' | 'favourite' | 'unread'): boolean => get(personalKey(kind, id)) === true
    const hiddenThrough = parseSeqValue(get(personalKey('hide', id)))
    return {
      muted: isOn('mute'),
      hidden: hiddenThrough !== undefined && lastMessageSeq(id) <= hiddenThrough,
      favourite: isOn('favourite'),
      markedUnread: isOn('unread'),
      draft: this.#readDraft(personalKey('draft', id)),
    }
  }

  #readDraft(key: string): Draft | null {
    return parseDraft(this.#deps.get(key)) ?? null
  }
}

/** The same object as long as it says the same. */
function replace<T>(store: Store<T> | undefined, read: () => T): void {
  if (store === undefined) return
  const now = read()
  if (!isSameJson(store.getSnapshot(), now)) store.set(now)
}
