// Histories with archiving against a small model: all messages that ever were, changed one entry after another by the same
// reducer, with nothing of documents, stamps or checkpoints. The server judges by it, so that all that is accepted means
// something. Knows no test runner.
import type * as Y from 'yjs'

import { encodeEntry, type Entry, type KnownEntry, type MessageId, parseEntry } from '../../shared/chat/entry.ts'
import type { Folded } from '../../shared/chat/fold.ts'
import {
  applyTouch,
  isTouch,
  messageOf,
  type StampedMessage,
  stampMessage,
  touchIn,
} from '../../shared/chat/message.ts'
import { applyToRoster, emptyRoster, type Roster } from '../../shared/chat/roster.ts'
import type { ClientId } from '../../shared/sync/ids.ts'
import { append, chainSource, createDoc, userId } from './chain-doc.ts'
import { messageId } from './client-rows.ts'
import { bring } from './open-rig.ts'
import { createStampingServer, type Stamped, type StampingServer } from './stamping-server.ts'

/** What happens next: an action, who does it, and two numbers to choose with. */
export type Step = readonly [action: number, who: number, a: number, b: number]

export const actions = 13

export interface ModelDevice {
  readonly doc: Y.Doc
  readonly user: string
}

export class ArchiveModel {
  readonly server: StampingServer = createStampingServer()
  readonly devices: readonly ModelDevice[] = ['ann', 'ann', 'bob'].map((user, index) => ({
    doc: createDoc(index + 1),
    user,
  }))
  readonly messages = new Map<MessageId, StampedMessage>()
  roster: Roster = { ...emptyRoster, members: new Map([[userId('ann'), 'owner']]) }
  #stamped = new Map<ClientId, number>()
  #seq = 0
  #drawn = 0
  #timeMs = 1000

  take([action, who, a, b]: Step): void {
    const device = this.devices[who % this.devices.length]
    if (device === undefined) return
    switch (action) {
      case 10:
        return bring(this.server.doc, device.doc)
      case 11:
        return this.#archive(a)
      case 12:
      case 9:
        this.server.receive(device.doc)
        return this.stamp()
      default:
        append(device.doc, device.user, [encodeEntry(this.#entry(action, a, b))])
    }
  }

  #entry(action: number, a: number, b: number): KnownEntry {
    const of = messageId(this.#drawn === 0 ? 1 : 1 + (a % this.#drawn))
    const at = this.#timeMs++
    switch (action) {
      case 3:
        return { kind: 'edit', of, content: `edit ${at}`, at }
      case 4:
        return { kind: 'redact', of }
      case 5:
        return { kind: 'react', of, emoji: b % 2 === 0 ? '👍' : '🎉', on: a % 3 > 0 }
      case 6:
        return { kind: 'pin', of, on: b % 3 > 0 }
      case 7:
        return { kind: 'member', user: userId(b % 2 === 0 ? 'bob' : 'cid'), access: a % 3 === 0 ? null : 'writer' }
      case 8:
        return b % 2 === 0
          ? { kind: 'set', key: a % 2 === 0 ? 'title' : 'topic', value: a % 5 === 0 ? null : `${at}` }
          : { kind: 'read', through: Math.max(0, this.#seq - 1 - a), ...(a % 3 === 0 ? { thread: of } : {}) }
      default:
        return {
          kind: 'message',
          id: messageId(++this.#drawn),
          role: 'user',
          content: `text ${at}`,
          at,
          ...(b % 4 === 0 ? { thread: of } : {}),
        }
    }
  }

  /** Stamps all that has no stamp, in one commit; erases what was redacted. */
  stamp(): void {
    const source = chainSource(this.server.doc)
    const batch: Stamped[] = []
    const redacted: { readonly of: MessageId; readonly by: string }[] = []
    const timeMs = this.#timeMs++
    for (const { client, next } of [...source.chains()]) {
      for (let clock = this.#stamped.get(client) ?? 0; clock < next; clock++) {
        const payload = source.payloadAt(client, clock)
        const user = source.userOf(client)
        const parsed = payload instanceof Uint8Array ? parseEntry(payload) : undefined
        const seq = this.#seq++
        if (payload === 'gone') {
          batch.push({ client, clock, voidReason: 'no-bytes' })
          continue
        }
        if (parsed?.kind !== 'entry' || user === undefined) throw new Error('not an entry of this model')
        const { entry } = parsed
        const isWrong = this.#isWrong(user, entry)
        const isTwice = entry.kind === 'message' && this.messages.has(entry.id)
        const isVain = isTouch(entry) && !this.messages.has(entry.of)
        const voidReason = isTwice ? 'duplicate' : isVain ? 'no-target' : 'access'
        batch.push({ client, clock, ...(isWrong || isTwice ? { voidReason } : {}) })
        if (isWrong || isTwice) continue
        this.roster = applyToRoster(this.roster, user, entry, seq)
        if (entry.kind === 'message') this.messages.set(entry.id, stampMessage(messageOf(user, entry), seq, timeMs))
        const touch = touchIn(entry)
        const target = touch && this.messages.get(touch.of)
        if (touch !== undefined && target !== undefined) {
          this.messages.set(target.id, applyTouch(target, { user, timeMs, entry: touch, seq }))
        }
        if (entry.kind === 'redact') redacted.push({ of: entry.of, by: user })
      }
      this.#stamped.set(client, next)
    }
    this.server.atOnce(() => {
      if (batch.length > 0) this.server.commit(batch, timeMs)
      for (const { of, by } of redacted) for (const place of this.#piecesOf(of)) this.server.erase(place, of, by)
    })
  }

  #isWrong(user: string, entry: Entry): boolean {
    if (!this.roster.members.has(userId(user))) return true
    const isRoot = (id: MessageId): boolean => {
      const root = this.messages.get(id)
      return root !== undefined && root.thread === undefined
    }
    if (entry.kind === 'message') return entry.thread !== undefined && !isRoot(entry.thread)
    if (entry.kind === 'read') {
      return (entry.through ?? 0) >= this.#seq || (entry.thread !== undefined && !isRoot(entry.thread))
    }
    if (entry.kind === 'set' || entry.kind === 'member' || entry.kind === 'pin') {
      if (user !== 'ann' || (entry.kind === 'pin' && !this.messages.has(entry.of))) return true
      return entry.kind === 'member' && entry.access === null && !this.roster.members.has(entry.user)
    }
    if (!isTouch(entry)) return false
    const target = this.messages.get(entry.of)
    if (target === undefined) return true
    if (entry.kind === 'edit') return target.user !== user || target.redactedAt !== undefined
    return entry.kind === 'redact' && target.user !== user && user !== 'ann'
  }

  /** Live entries that hold words of a message. */
  #piecesOf(id: MessageId): readonly Stamped[] {
    return this.server.accepted.slice(this.server.through() + 1).filter((place) => {
      const payload = this.server.payloadAt(place)
      const parsed = payload === undefined ? undefined : parseEntry(payload)
      if (parsed?.kind !== 'entry') return false
      const { entry } = parsed
      return (entry.kind === 'message' && entry.id === id) || (entry.kind === 'edit' && entry.of === id)
    })
  }

  #archive(a: number): void {
    const through = this.#seq - 1 - (a % 6)
    if (through > this.server.through()) this.server.archive(through)
  }

  /** All messages by seq, as they stand. */
  all(): readonly StampedMessage[] {
    return [...this.messages.values()].toSorted((one, other) => one.seq - other.seq)
  }

  /** Those of the window. */
  live(): readonly StampedMessage[] {
    return this.all().filter(({ seq }) => seq > this.server.through())
  }
}

/** A view without the order of what has none. */
export function comparable(view: Folded): object {
  const sorted = (map: ReadonlyMap<string, unknown>): unknown =>
    [...map].toSorted(([one], [other]) => (one < other ? -1 : 1))
  return {
    ...view,
    settings: sorted(view.settings),
    members: sorted(view.members),
    reads: sorted(view.reads),
    threadReads: sorted(view.threadReads),
    pins: sorted(view.pins),
    touches: sorted(view.touches),
    pendingTouches: sorted(view.pendingTouches),
  }
}
