// Nothing leaves before it is kept, and everything leaves in order.
import { expect, test } from 'vitest'

import { createSendGate, gatedWebSocket } from '../../../client/sync/send-gate.ts'
import { createFakeNet } from '../../helpers/fake-net.ts'
import { deferred, turn } from '../../helpers/when.ts'

test('[OUTBOX1] what is sent while an entry is on its way to the outbox waits for it, in order', async () => {
  const gate = createSendGate()
  const sent: string[] = []
  const send = (text: string): void => gate.pass(() => sent.push(text))
  const first = deferred()
  const second = deferred()
  send('a')
  gate.hold(first.promise)
  send('b')
  gate.hold(second.promise)
  send('c')
  expect(sent).toEqual(['a'])
  second.resolve()
  await turn()
  send('d')
  expect(sent).toEqual(['a'])
  first.resolve()
  await turn()
  send('e')
  expect(sent).toEqual(['a', 'b', 'c', 'd', 'e'])
})

test('[OUTBOX1][OUTBOX3] a gate opens when keeping failed, for there is no better copy', async () => {
  const gate = createSendGate()
  const sent: string[] = []
  const kept = deferred()
  gate.hold(kept.promise)
  gate.pass(() => sent.push('a'))
  kept.reject(new Error('the disk is full'))
  await turn()
  expect(sent).toEqual(['a'])
})

test('[OUTBOX1] what is sent from within a released send does not overtake', async () => {
  const gate = createSendGate()
  const sent: string[] = []
  const kept = deferred()
  gate.hold(kept.promise)
  gate.pass(() => sent.push('a'))
  gate.pass(() => {
    sent.push('b')
    gate.hold(Promise.resolve())
    gate.pass(() => sent.push('d'))
  })
  gate.pass(() => sent.push('c'))
  kept.resolve()
  await turn()
  expect(sent).toEqual(['a', 'b', 'c', 'd'])
})

test('[OUTBOX1] a gated socket holds its frames back until the outbox has the entry', async () => {
  const net = createFakeNet()
  const gate = createSendGate()
  const kept = deferred()
  const Gated = gatedWebSocket(net.WebSocket, gate)
  const socket = new Gated('ws://a.example', ['yjs'])
  net.last().accept()
  socket.send(Uint8Array.of(1))
  gate.hold(kept.promise)
  socket.send(Uint8Array.of(2))
  socket.send(Uint8Array.of(3))
  expect(net.last().sent).toEqual([Uint8Array.of(1)])
  kept.resolve()
  await turn()
  expect(net.last().sent).toEqual([Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)])
})

test('frames that waited for longer than their socket lived are dropped', async () => {
  const net = createFakeNet()
  const gate = createSendGate()
  const kept = deferred()
  const Gated = gatedWebSocket(net.WebSocket, gate)
  const socket = new Gated('ws://a.example')
  net.last().accept()
  gate.hold(kept.promise)
  socket.send(Uint8Array.of(1))
  socket.close()
  kept.resolve()
  await turn()
  expect(net.last().sent).toEqual([])
})
