// What tabs tell each other directly: nothing before the outbox has it, and nothing of a document that was replaced.
import { afterEach, expect, test } from 'vitest'
import * as Y from 'yjs'

import { connect, type Connection } from '../../../client/sync/connection.ts'
import { createSendGate, type SendGate } from '../../../client/sync/send-gate.ts'
import type { TokenSource } from '../../../client/sync/token-source.ts'
import { append, createDoc } from '../../helpers/chain-doc.ts'
import { ann, conversationId, row } from '../../helpers/client-rows.ts'
import { createFakeNet } from '../../helpers/fake-net.ts'
import { deferred, turn } from '../../helpers/when.ts'

const connections: Connection[] = []
afterEach(() => {
  for (const connection of connections.splice(0)) connection.close()
})

interface Tab {
  readonly doc: Y.Doc
  readonly gate: SendGate
  readonly connection: Connection
}

const offline: TokenSource = { get: () => Promise.reject(new Error('no network')), renew: () => true }

/** A tab without a network, unless it is given tokens. */
function tab(client: number, generation = 0, gate = createSendGate(), tokens = offline): Tab {
  const doc = createDoc(client)
  const connection = connect({
    url: 'https://chat.example',
    user: ann,
    id: conversationId(1),
    doc,
    generation,
    gate,
    carrier: {
      kind: 'socket',
      WebSocket: createFakeNet().WebSocket,
      tokens,
    },
    broadcast: true,
    connectPresence: () => ({ hear: () => undefined, end: () => undefined }),
    register: async () => undefined,
    onStatus: () => undefined,
  })
  connections.push(connection)
  return { doc, gate, connection }
}

test('[OUTBOX1] other tabs hear of an own entry when the outbox has it, not before, and in order', async () => {
  const [first, second] = [tab(7), tab(8)]
  const kept = deferred()
  first.gate.hold(kept.promise)
  append(first.doc, 'ann', [row(7, 0).payload])
  append(first.doc, 'ann', [row(7, 1).payload])
  expect(Y.getState(second.doc.store, 7)).toBe(0)
  kept.resolve()
  await turn()
  expect(Y.getState(second.doc.store, 7)).toBe(2)
})

test('[OUTBOX1] a tab that opens meanwhile is not told earlier', async () => {
  const first = tab(7)
  const kept = deferred()
  first.gate.hold(kept.promise)
  append(first.doc, 'ann', [row(7, 0).payload])
  const second = tab(8)
  expect(Y.getState(second.doc.store, 7)).toBe(0)
  kept.resolve()
  await turn()
  expect(Y.getState(second.doc.store, 7)).toBe(1)
})

test('[OUTBOX1] a tab whose provider connects says nothing of what is not kept', async () => {
  const token = deferred<string>()
  const second = tab(8)
  const first = tab(7, 0, createSendGate(), { get: () => token.promise, renew: () => true })
  const kept = deferred()
  first.gate.hold(kept.promise)
  append(first.doc, 'ann', [row(7, 0).payload])
  token.resolve('a.b.c')
  await turn()
  expect(Y.getState(second.doc.store, 7)).toBe(0)
  kept.resolve()
  await turn()
  expect(Y.getState(second.doc.store, 7)).toBe(1)
})

test('[OUTBOX1] a tab that is closed before its entry is kept joins nobody', async () => {
  const gate = createSendGate()
  const kept = deferred()
  gate.hold(kept.promise)
  const first = tab(7, 0, gate)
  append(first.doc, 'ann', [row(7, 0).payload])
  first.connection.close()
  kept.resolve()
  await turn()
  const second = tab(8)
  append(second.doc, 'ann', [row(8, 0).payload])
  await turn()
  expect([Y.getState(second.doc.store, 7), Y.getState(first.doc.store, 8)]).toEqual([0, 0])
})

test('[OUTBOX1] a tab that comes with something unkept says nothing of it', async () => {
  const second = tab(8)
  const gate = createSendGate()
  const kept = deferred()
  gate.hold(kept.promise)
  const { doc } = tab(7, 0, gate)
  append(doc, 'ann', [row(7, 0).payload])
  append(second.doc, 'ann', [row(8, 0).payload])
  expect(Y.getState(second.doc.store, 7)).toBe(0)
  kept.resolve()
  await turn()
  expect([Y.getState(second.doc.store, 7), Y.getState(doc.store, 8)]).toEqual([1, 1])
})

test('[FORK1][TAB1] a document never hears of the one that it replaced', () => {
  const [old, fresh, other] = [tab(7, 0), tab(8, 1), tab(9, 1)]
  append(old.doc, 'ann', [row(7, 0).payload])
  append(fresh.doc, 'ann', [row(8, 0).payload])
  expect([Y.getState(fresh.doc.store, 7), Y.getState(old.doc.store, 8)]).toEqual([0, 0])
  expect(Y.getState(other.doc.store, 8)).toBe(1)
})
