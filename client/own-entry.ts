/** What is written here, before it is shown as on its way: what nobody would take is an error of whoever calls. */

import { v7 as uuidV7 } from 'uuid'
import {
  encodeEntry,
  type Entry,
  isTitle,
  type KnownEntry,
  type MessageEntry,
  type MessageId,
  parseEntry,
  parseMessageId,
  saysSomething,
  type Unreadable,
} from '../shared/chat/entry.ts'
import { isDeeperThan } from '../shared/chat/json-object.ts'
import { settingFlaw } from '../shared/chat/known-settings.ts'
import { limits } from '../shared/limits.ts'
import type { Draft } from './api.ts'
import type { OutboxRow } from './storage/client-storage.ts'

/** Throws TypeError for a message that cannot even be encoded, or says nothing. */
export function assertDraft({ content, parts }: Draft): void {
  if (!saysSomething(content, parts)) throw new TypeError('The message is empty.')
  // Before encoding, which recurses.
  if (isDeeperThan(parts, limits.jsonDepth)) throw new TypeError('The parts are nested too deeply.')
}

/** Throws TypeError for a setting that cannot even be encoded. */
export function assertSetting(key: string, value: unknown): void {
  const flaw = settingFlaw(key, value)
  if (flaw !== undefined) throw new TypeError(flaw)
}

/** Throws TypeError for an entry that no server would take: types do not tell lengths and depths. */
export function encodeOwn(entry: KnownEntry): Uint8Array {
  const payload = encodeEntry(entry)
  const parsed = parseEntry(payload)
  if (parsed.kind === 'unreadable') throw new TypeError(unreadableText(parsed.reason))
  return payload
}

export function drawMessageId(nowMs: number): MessageId {
  const id = parseMessageId(uuidV7({ msecs: nowMs }))
  if (id === undefined) throw new Error('not a UUIDv7')
  return id
}

/** Throws TypeError for a title that no server would take. */
export function assertTitle(title: string | null): void {
  if (!isTitle(title)) throw new TypeError(`A title has at most ${limits.titleLength} characters.`)
}

function unreadableText(reason: Unreadable): string {
  if (reason !== 'too-large') return `Nobody would take this: ${reason}.`
  return `The message is too long: it may have ${limits.entryBytes / 1024} KiB.`
}

/** What was written to become this message. */
export function draftOf({ kind: _kind, id: _id, at: _at, status: _status, ...draft }: MessageEntry): Draft {
  return draft
}

/** The same, outside a thread that it cannot stand in. */
export function besideThread<T extends Pick<Draft, 'thread' | 'replyTo'>>({ thread, ...rest }: T): Omit<T, 'thread'> {
  return { ...rest, replyTo: rest.replyTo ?? thread }
}

/** What rows say, as far as it is an entry. */
export function entriesIn(rows: Iterable<Pick<OutboxRow, 'payload'>>): readonly Entry[] {
  return Array.from(rows).flatMap(({ payload }) => {
    const parsed = parseEntry(payload)
    return parsed.kind === 'entry' ? [parsed.entry] : []
  })
}
