// What a device has of its own waits until it knows what the server has.
import { expect, test } from 'vitest'

import { isHolding, sendAfterSync } from '../../../client/sync/send-after-sync.ts'
import { emptyUpdate } from '../../../shared/sync/chain-update/encode-update.ts'
import { encodeStep1, encodeStep2, encodeUpdateMessage, heartbeat } from '../../../shared/sync/wire.ts'

function start(): { readonly socket: WebSocket; readonly sent: unknown[] } {
  const sent: unknown[] = []
  class Base {
    send(data: unknown): void {
      sent.push(data)
    }
  }
  const Holding = sendAfterSync(Base as unknown as typeof WebSocket)
  return { socket: new Holding('ws://localhost'), sent }
}

test('[FORK1] questions go out at once, answers and updates when it is in sync, in order', () => {
  const { socket, sent } = start()
  const written = [encodeStep1(Uint8Array.of(0)), encodeStep2(emptyUpdate), encodeUpdateMessage(emptyUpdate), heartbeat]
  const [question, answer, update, beat] = written.map((message) => Uint8Array.from(message))
  if (question === undefined || answer === undefined || update === undefined || beat === undefined) throw new Error()
  socket.send(question)
  socket.send(answer)
  socket.send(update)
  socket.send(beat)
  expect(sent).toEqual([question, beat])
  if (!isHolding(socket)) throw new Error('it does not hold back')
  socket.release()
  expect(sent).toEqual([question, beat, answer, update])
  socket.send(update)
  socket.release()
  expect(sent).toEqual([question, beat, answer, update, update])
})

test('a socket of another kind holds nothing back', () => {
  expect([null, undefined, {}].filter(isHolding)).toEqual([])
})
