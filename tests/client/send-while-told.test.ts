// A listener may send: a program that answers what it sees does nothing else.
import { expect, test } from 'vitest'
import * as Y from 'yjs'

import { parseEntry } from '../../shared/chat/entry.ts'
import { openRig, rigId } from '../helpers/open-rig.ts'

test('[OUTBOX2] who sends while being told of a message loses neither that nor the document', async () => {
  const { conversation, storage, local } = await openRig()
  let isTold = false
  conversation.messages.subscribe(() => {
    if (isTold) return
    isTold = true
    conversation.send('second')
  })
  conversation.send('first')
  await conversation.flush()

  expect(conversation.messages.getSnapshot().map(({ content }) => content)).toEqual(['first', 'second'])
  const rows = await storage.outbox(rigId)
  const kept = rows.map(({ clock, payload }) => {
    const parsed = parseEntry(payload)
    return [clock, parsed.kind === 'entry' && parsed.entry.kind === 'message' ? parsed.entry.content : undefined]
  })
  expect(kept).toEqual([
    [0, 'first'],
    [1, 'second'],
  ])
  // Yjs throws when a root was made twice at once.
  expect(Y.encodeStateAsUpdate(local.doc).length).toBeGreaterThan(0)
})
