/**
 * Private state as this device knows it: what is in the private conversation, and on top what is not written there yet or was
 * refused. Opens that conversation when it is first needed, and keeps it open. Knows no meaning of keys.
 */

import { isSameJson } from '../../shared/chat/json-object.ts'
import { Refusal } from '../api.ts'
import type { OpenConversation } from '../open-conversation.ts'
import type { KeptSetting } from '../outbox.ts'
import { assertSetting, encodeOwn } from '../own-entry.ts'
import { createStore } from '../store.ts'
import type { PersonalStatus, RefusedSetting } from './personal-api.ts'

export interface PersonalValuesDeps {
  readonly open: () => Promise<OpenConversation>
  /** What is written where `there` stands, when `value` is to be. */
  readonly merge: (key: string, value: unknown, there: unknown) => unknown
  /** What stands under these keys is perhaps another value than before. */
  readonly onChange: (keys: Iterable<string>) => void
}

export class PersonalValues {
  readonly status = createStore<PersonalStatus>({ phase: 'opening' })
  readonly #deps: PersonalValuesDeps
  #opening: Promise<void> | undefined
  #conversation: OpenConversation | undefined
  #settings: ReadonlyMap<string, unknown> = new Map()
  /** Shown instead of what the document has. */
  readonly #shown = new Map<string, unknown>()
  /** Of these: to be written as soon as there is a document. */
  readonly #unwritten = new Set<string>()
  /** Of these: the server has said why not. */
  readonly #refused = new Map<string, RefusedSetting>()
  /** What was written last, here. */
  readonly #written = new Map<string, unknown>()
  /** Of keys that are to be cleared later: what stood there when that was said. */
  readonly #clearing = new Map<string, unknown>()
  #isClosed = false

  constructor(deps: PersonalValuesDeps) {
    this.#deps = deps
  }

  /** It is open, or being opened. */
  get isStarted(): boolean {
    return this.#opening !== undefined && !this.#isClosed
  }

  /** Opens it, unless that is done. */
  start(): void {
    if (this.#isClosed || this.#opening !== undefined) return
    this.status.set({ phase: 'opening' })
    this.#opening = this.#open().catch((error: unknown) => {
      this.#opening = undefined
      this.status.set({ phase: 'failed', reason: error instanceof Error ? error.message : String(error) })
    })
  }

  /** Resolves when it is open or could not be, if it is to be. */
  async opened(): Promise<void> {
    await this.#opening
  }

  /** Undefined when nothing is set. */
  get(key: string): unknown {
    const value = this.#shown.has(key) ? this.#shown.get(key) : this.#settings.get(key)
    return value === null ? undefined : value
  }

  /** Throws TypeError for what no server would take, Refusal for what the rules do not allow as far as known here. */
  assertSettable(key: string, value: unknown): void {
    if (this.#isClosed) throw new Error('the client is closed')
    if (this.#conversation !== undefined) return this.#conversation.assertSettable(key, value)
    assertSetting(key, value)
    encodeOwn({ kind: 'set', key, value })
  }

  /**
   * Shows it from now on; it is to be written later. What is cleared is what stands there now: what another device has said by
   * the time it is written stays.
   */
  show(key: string, value: unknown): void {
    if (value !== null || this.#conversation === undefined) this.#clearing.delete(key)
    else if (!this.#clearing.has(key)) this.#clearing.set(key, this.#settings.get(key))
    this.#shown.set(key, value)
    this.#deps.onChange([key])
  }

  /** Shows and writes it; resolves when it is kept on this device. What is so already is not written again. */
  write(key: string, value: unknown): Promise<void> {
    if (this.#isClosed) throw new Error('the client is closed')
    this.#shown.set(key, value)
    if (this.#conversation === undefined) {
      this.#unwritten.add(key)
      // What could not be opened before perhaps can be now.
      this.start()
      this.#deps.onChange([key])
    } else {
      this.#append(this.#conversation, key, value)
    }
    return this.flushed()
  }

  /** The server has not taken the last entry of this key. */
  isUntaken(key: string): boolean {
    return this.#conversation?.document.outbox.hasOpenSetting(key) ?? this.#unwritten.has(key)
  }

  /** Something of a private conversation has changed. */
  look(conversation: OpenConversation): void {
    if (conversation !== this.#conversation) return
    const changed = new Set<string>()
    this.#takeRefused(conversation, changed)
    const [before, now] = [this.#settings, conversation.settings]
    this.#settings = now
    if (before !== now) {
      for (const key of before.keys()) if (!now.has(key)) changed.add(key)
      for (const [key, value] of now) if (!isSameJson(before.get(key), value)) changed.add(key)
    }
    this.#showStatus(conversation)
    if (changed.size > 0) this.#deps.onChange(changed)
  }

  async flushed(): Promise<void> {
    await this.#opening
    // Where it cannot be kept, the status says so.
    await this.#conversation?.flush().catch(() => undefined)
  }

  /** Takes nothing more; resolves when what was taken is in the document. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#opening
  }

  async #open(): Promise<void> {
    const conversation = await this.#deps.open()
    this.#conversation = conversation
    for (const key of this.#unwritten) this.#append(conversation, key, this.#shown.get(key))
    this.#unwritten.clear()
    this.look(conversation)
  }

  #append(conversation: OpenConversation, key: string, wanted: unknown): void {
    const { outbox } = conversation.document
    const there = conversation.settings.get(key)
    const value = this.#deps.merge(key, wanted, there)
    try {
      const isOthers = this.#clearing.has(key) && !isSameJson(this.#clearing.get(key), there)
      this.#clearing.delete(key)
      const isToWrite = !isOthers && !isSameJson(there ?? null, value)
      // Deleted for good: it could go nowhere, and would be kept for ever.
      if (isToWrite && conversation.isBarred) throw new Refusal('access')
      if (isToWrite) conversation.set(key, value)
      this.#written.set(key, isOthers ? there : value)
      this.#shown.delete(key)
      this.#refused.delete(key)
      for (const failed of outbox.failedSettings()) if (failed.entry.key === key) outbox.dropSetting(failed)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      // Others of the user's devices have filled it meanwhile, or deleted it. It shows as long as the client lives.
      this.#refused.set(key, { key, reason: error.reason })
    }
    this.#showStatus(conversation)
    this.#deps.onChange([key])
  }

  /** What the server has not taken stays shown, unless something else was said since. */
  #takeRefused(conversation: OpenConversation, changed: Set<string>): void {
    const { outbox } = conversation.document
    const failed = outbox.failedSettings()
    for (const [index, setting] of failed.entries()) {
      const { key, value } = setting.entry
      const isLast = !failed.slice(index + 1).some((later) => later.entry.key === key)
      if (!isLast || this.#isReplaced(conversation, setting)) {
        outbox.dropSetting(setting)
        continue
      }
      if (this.#refused.has(key)) continue
      this.#refused.set(key, { key, reason: setting.reason })
      this.#shown.set(key, value)
      changed.add(key)
    }
  }

  #isReplaced({ document }: OpenConversation, { entry: { key, value } }: KeptSetting): boolean {
    if (this.#shown.has(key) && !this.#refused.has(key)) return true
    const isOther = this.#written.has(key) && !isSameJson(this.#written.get(key), value)
    return isOther || document.outbox.hasOpenSetting(key)
  }

  #showStatus({ status }: OpenConversation): void {
    const { connection, storage } = status.getSnapshot()
    const now: PersonalStatus = { phase: 'open', connection, storage, refused: [...this.#refused.values()] }
    if (!isSameJson(this.status.getSnapshot(), now)) this.status.set(now)
  }
}
