// What a document does to archived messages, and what is to be read again when that comes to nothing.
import { expect, test } from 'vitest'

import { hasLostTouch, type LiveTouches, touchedTexts } from '../../../client/search/searched-documents.ts'
import type { MessageId } from '../../../shared/chat/entry.ts'
import type { Touch } from '../../../shared/chat/message.ts'
import { ann, clientId, messageId } from '../../helpers/client-rows.ts'

const old = messageId(1)
const live = messageId(2)
const isArchived = (id: MessageId): boolean => id !== live

function touches(stamped: readonly Touch[], pending: readonly Touch[] = []): LiveTouches {
  const byId = <T extends { readonly entry: Touch }>(all: readonly T[]): Map<MessageId, T[]> =>
    new Map(
      [old, live]
        .map((id) => [id, all.filter(({ entry }) => entry.of === id)] as const)
        .filter(([, list]) => list.length > 0),
    )
  return {
    touches: byId(stamped.map((entry, seq) => ({ user: ann, timeMs: 1, entry, seq }))),
    pendingTouches: byId(pending.map((entry, clock) => ({ user: ann, timeMs: 1, entry, client: clientId(1), clock }))),
  }
}

const edit = (of: MessageId): Touch => ({ kind: 'edit', of, content: 'new', at: 1 })
const redact = (of: MessageId): Touch => ({ kind: 'redact', of })
const react = (of: MessageId): Touch => ({ kind: 'react', of, emoji: '👍', on: true })

test('[SEARCH2] edits and redactions of archived messages change what is found, pending ones of whoever wrote it', () => {
  const nothing = touches([])
  expect(touchedTexts(nothing, touches([edit(old), react(old)]), isArchived)).toEqual([
    { id: old, text: 'new', by: undefined },
  ])
  expect(touchedTexts(nothing, touches([], [edit(old), redact(old), edit(live)]), isArchived)).toEqual([
    { id: old, text: 'new', by: ann },
    { id: old, text: '', by: undefined },
  ])
  const before = touches([edit(old)], [redact(old)])
  expect(touchedTexts(before, before, isArchived)).toEqual([])
})

test('[SEARCH2] what was pending and came to nothing is read again: of the archive, and where it had changed the text', () => {
  const nothing = touches([])
  expect(hasLostTouch(touches([], [redact(old)]), nothing, isArchived)).toBe(true)
  expect(hasLostTouch(touches([], [edit(old), edit(old)]), touches([], [edit(old)]), isArchived)).toBe(true)
  // It was accepted; or it is of the window, which is put anew; or it changed no text.
  expect(hasLostTouch(touches([], [redact(old)]), touches([redact(old)]), isArchived)).toBe(false)
  expect(hasLostTouch(touches([], [redact(live)]), nothing, isArchived)).toBe(false)
  expect(hasLostTouch(touches([], [react(old)]), nothing, isArchived)).toBe(false)
  expect(hasLostTouch(nothing, touches([], [redact(old)]), isArchived)).toBe(false)
})
