/**
 * Conversations from before there was an archive: nothing was counted then, and settings, pins and pieces had no rows. Found
 * out from the log once, when such a conversation is first used, and written with its next commit.
 */

import { type MessageId, parseEntry } from '../../shared/chat/entry.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import type { ConversationStore, Head, PieceRow, PinRow, SettingRow } from '../storage/conversation-store.ts'
import { liveCost } from './live-cost.ts'

/** What such a conversation lacks. */
export interface Upgrade extends Pick<Head, 'liveEntries' | 'liveBytes'> {
  readonly settings: readonly SettingRow[]
  readonly pins: readonly PinRow[]
  readonly pieces: readonly PieceRow[]
}

/** Undefined when it lacks nothing. A head that counts nothing is from before, or of pieces of streams alone. */
export async function findUpgrade(
  store: ConversationStore,
  id: ConversationId,
  { through, liveEntries, nextSeq }: Head,
): Promise<Upgrade | undefined> {
  if (through >= 0 || liveEntries > 0 || nextSeq === 0) return undefined
  const settings = new Map<string, SettingRow>()
  const pins = new Map<MessageId, PinRow>()
  const pieces: PieceRow[] = []
  const live = { liveEntries: 0, liveBytes: 0 }
  // Newest first: what was set last is met first.
  for await (const row of store.entriesNewestFirst(id, { before: nextSeq })) {
    const { seq, payload } = row
    const { counts, bytes } = liveCost(row)
    if (counts) live.liveEntries++
    live.liveBytes += bytes
    if (payload === undefined) continue
    const parsed = parseEntry(payload)
    if (parsed.kind !== 'entry') continue
    const { entry } = parsed
    if (entry.kind === 'delta' || entry.kind === 'edit') pieces.push({ id: entry.of, seq })
    if (entry.kind === 'pin' && !pins.has(entry.of)) pins.set(entry.of, { id: entry.of, seq: entry.on ? seq : null })
    if (entry.kind === 'set' && !settings.has(entry.key)) {
      settings.set(entry.key, { key: entry.key, value: entry.value })
    }
  }
  if (live.liveEntries === 0) return undefined
  return {
    ...live,
    settings: [...settings.values()].filter(({ value }) => value !== null),
    pins: [...pins.values()].filter(({ seq }) => seq !== null),
    pieces,
  }
}
