/**
 * What an own message said before (SPEC VERSION1): from the document while that has all of it, which it has as long as the
 * message is live or not sent yet; from the server otherwise, with what is not sent yet behind it.
 */

import { type MessageId, parseEntry } from '../shared/chat/entry.ts'
import type { ClientId, UserId } from '../shared/sync/ids.ts'
import { OutOfReach, Refusal, type Version } from './api.ts'
import type { OpenDocument } from './open-document.ts'
import type { Replica } from './replica.ts'
import { RestFailure } from './rest-client.ts'

/** Rejects with Refusal or OutOfReach. */
export async function findVersions(
  user: UserId,
  { replica, outbox }: OpenDocument,
  id: MessageId,
  fromServer: (id: MessageId) => Promise<readonly Version[]>,
): Promise<readonly Version[]> {
  const { folded, fold } = replica
  const refused = outbox.failed().find(({ entry }) => entry.id === id)?.entry
  if (refused !== undefined) return [{ content: refused.content, writtenAt: refused.at }]
  const pending = fold.pendingMessage(id)
  const here = fold.message(id) ?? pending
  const touches = folded.pendingTouches.get(id) ?? []
  if (here !== undefined && here.user !== user) throw new Refusal('not-author')
  if (here?.redactedAt !== undefined || touches.some(({ entry }) => entry.kind === 'redact')) {
    throw new Refusal('redacted')
  }
  const unsent = touches.flatMap(({ user: author, entry }): Version[] =>
    author === user && entry.kind === 'edit' ? [{ content: entry.content, writtenAt: entry.at }] : [],
  )
  if (fold.message(id) !== undefined) return [...stampedVersions(replica, user, id), ...unsent]
  if (pending !== undefined) return [{ content: pending.content, writtenAt: pending.writtenAt }, ...unsent]
  const told = await fromServer(id).catch(refuse)
  const now = replica.folded
  const since = [...(now.touches.get(id) ?? []), ...(now.pendingTouches.get(id) ?? [])]
  if (since.some(({ entry }) => entry.kind === 'redact')) throw new Refusal('redacted')
  // What was unsent when it was asked may have come there before it answered.
  return [...told, ...unsent.filter((version) => !told.some((other) => isSame(version, other)))]
}

function isSame(a: Version, b: Version): boolean {
  return a.content === b.content && a.writtenAt === b.writtenAt
}

function refuse(error: unknown): never {
  const code = error instanceof RestFailure ? error.code : undefined
  if (code === 'redacted' || code === 'not-author') throw new Refusal(code)
  if (code === 'not-found') throw new Refusal('no-target')
  throw new OutOfReach('What the message said before', error)
}

/** Live entries are all in the document: a message, and whatever edited it since. */
function stampedVersions({ fold, source, server }: Replica, user: UserId, id: MessageId): readonly Version[] {
  const versions: (Version & { readonly sent: { readonly seq: number } })[] = []
  const stamps = server === undefined ? new Map<string, never>() : readStamps(source, server.client)
  for (const { client, user: author } of source.chains()) {
    if (author !== user) continue
    const end = fold.stampedThrough(client)
    for (let clock = source.nextKept(client, 0); clock < end; clock = source.nextKept(client, clock + 1)) {
      const sent = stamps.get(placeOf(client, clock))
      const payload = source.payloadAt(client, clock)
      const parsed = payload instanceof Uint8Array ? parseEntry(payload) : undefined
      if (sent === undefined || parsed?.kind !== 'entry') continue
      const { entry } = parsed
      const isVersion = (entry.kind === 'message' && entry.id === id) || (entry.kind === 'edit' && entry.of === id)
      if (isVersion) versions.push({ content: entry.content, writtenAt: entry.at, sent })
    }
  }
  return versions.toSorted((a, b) => a.sent.seq - b.sent.seq)
}

/** Where and when each live entry was stamped, by its place. */
function readStamps(
  source: Replica['source'],
  server: ClientId,
): ReadonlyMap<string, { readonly seq: number; readonly createdAt: number }> {
  const stamps = new Map<string, { readonly seq: number; readonly createdAt: number }>()
  for (let at = source.nextKept(server, 0); ; at = source.nextKept(server, at + 1)) {
    const record = source.recordAt(server, at)
    if (record === undefined) return stamps
    if (record === 'gone' || record.kind !== 'stamp') continue
    let { seq } = record
    for (const { client, clock, crcs } of record.runs) {
      for (const index of crcs.keys()) {
        stamps.set(placeOf(client, clock + index), { seq: seq++, createdAt: record.timeMs })
      }
    }
  }
}

function placeOf(client: ClientId, clock: number): string {
  return `${client}/${clock}`
}
