// What a stamping server answers over REST: all messages that ever were, as the entries up to now leave them. Knows no
// test runner.
import type { ArchiveSource } from '../../client/history/page-cache.ts'
import type { MessagesAnswer, OwnCounts } from '../../client/rest-answers.ts'
import type { MessagesQuery } from '../../client/rest-client.ts'
import { countUnread, readSoFar } from '../../client/unread.ts'
import type { MessageId } from '../../shared/chat/entry.ts'
import { applyTouch, type StampedMessage } from '../../shared/chat/message.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import { createFoldedDoc } from './folded-doc.ts'
import type { StampingServer } from './stamping-server.ts'

export interface ServerArchive extends ArchiveSource {
  readonly all: () => readonly StampedMessage[]
  readonly counts: (user: UserId) => Promise<OwnCounts>
  /** What was asked for, as text. */
  readonly asked: string[]
  /** With it nothing is answered. */
  isOffline: boolean
}

/** Answers to `changes` have so many messages at most. */
const changesAtOnce = 3

export function createServerArchive(server: StampingServer): ServerArchive {
  const folded = createFoldedDoc(server.doc)
  const archived = new Map<MessageId, StampedMessage>()
  const asked: string[] = []
  follow()
  server.doc.on('afterTransaction', follow)

  function follow(): void {
    folded.view()
    for (const { messages, touches } of folded.fold().takeArchived()) {
      for (const message of messages) archived.set(message.id, message)
      for (const [id, list] of touches) {
        const known = archived.get(id)
        if (known !== undefined) archived.set(id, list.reduce(applyTouch, known))
      }
    }
  }

  function all(): readonly StampedMessage[] {
    const { touches, sent } = folded.view()
    const old = [...archived.values()].map((one) => (touches.get(one.id) ?? []).reduce(applyTouch, one))
    return [...old.toSorted((a, b) => a.seq - b.seq), ...sent]
  }

  function ask(what: string): number {
    if (archive.isOffline) throw new Error('offline')
    asked.push(what)
    return folded.view().lastSeq
  }

  function pick(where: MessagesQuery): readonly StampedMessage[] {
    const { limit, thread } = where
    const wanted = all().filter((message) => thread === undefined || message.thread === thread)
    if ('before' in where) return wanted.filter(({ seq }) => seq < where.before).slice(-limit)
    return wanted.filter(({ seq }) => seq > where.after).slice(0, limit)
  }

  const archive: ServerArchive = {
    asked,
    all,
    isOffline: false,
    messages: async (where): Promise<MessagesAnswer> => {
      const asOf = ask(
        Object.entries(where)
          .map(([name, value]) => `${name} ${value}`)
          .join(', '),
      )
      return { messages: pick(where), asOf }
    },
    changes: async (after) => {
      const lastSeq = ask(`changes after ${after}`)
      const changed = all()
        .filter(({ seq, revision }) => revision > after && revision > seq)
        .toSorted((a, b) => a.revision - b.revision)
      const messages = changed.slice(0, changesAtOnce)
      const hasMore = changed.length > changesAtOnce
      // As the server does: of what it left out it says nothing.
      return { messages, asOf: hasMore ? (messages.at(-1)?.revision ?? after) : lastSeq, hasMore }
    },
    counts: async (user) => {
      const lastSeq = ask('counts')
      const read = readSoFar(folded.view(), user)
      return { ...countUnread(all(), user, read), readThrough: read.through, readThreads: read.threads, lastSeq }
    },
  }
  return archive
}
