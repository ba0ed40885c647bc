// A stamp that contradicts the bytes here: it is told, and nothing of it is applied.
import { expect, test } from 'vitest'
import type * as Y from 'yjs'

import { encodeEntry, type KnownEntry } from '../../../shared/chat/entry.ts'
import { ConversationFold } from '../../../shared/chat/fold.ts'
import { append, chainSource, clientId, createDoc, userId } from '../../helpers/chain-doc.ts'
import { message } from '../../helpers/client-rows.ts'
import { bring } from '../../helpers/open-rig.ts'
import { createStampingServer } from '../../helpers/stamping-server.ts'

const [one, two] = [clientId(1), clientId(2)]

function write(client: number, user: string, ...entries: readonly KnownEntry[]): Y.Doc {
  const doc = createDoc(client)
  append(doc, user, entries.map(encodeEntry))
  return doc
}

test('[FOLD4][FOLD3] nothing of it is applied: neither other chains, nor members, nor the place of the next record', () => {
  const ann = write(1, 'ann', message(1), message(2, 'mine'))
  const twin = write(1, 'ann', message(1), message(3, 'of the twin'))
  const bob = write(2, 'bob', message(4), { kind: 'member', user: userId('eve'), access: 'writer' }, message(5))
  const server = createStampingServer()
  for (const doc of [twin, bob]) server.receive(doc)
  server.commit([{ client: one, clock: 0 }], 1)
  server.commit(
    [
      { client: two, clock: 0 },
      { client: two, clock: 1 },
      { client: one, clock: 1 },
    ],
    2,
  )
  server.commit([{ client: two, clock: 2 }], 3)
  bring(server.doc, ann)

  const source = chainSource(ann)
  const fold = new ConversationFold()
  for (let time = 0; time < 2; time++) fold.advance(source, clientId(900))
  // Genesis and the first stamp; not the one with the fork, although it was offered twice.
  expect(fold.nextRecord).toBe(2)
  expect(fold.fork).toEqual({ client: 1, clock: 1 })
  expect([one, two].map((client) => fold.stampedThrough(client))).toEqual([1, 0])
  const { sent, pending, lastSeq } = fold.view(source)
  expect(sent.map(({ content }) => content)).toEqual(['message 1'])
  expect(pending.map(({ content }) => content).toSorted()).toEqual(['message 4', 'message 5', 'mine'])
  expect(lastSeq).toBe(0)
  expect(fold.message(message(4).id)).toBeUndefined()
})
