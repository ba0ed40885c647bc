// What waits on a socket that is a few numbers.
import { expect, test } from 'vitest'

import { Flow } from '../../../server/sync/flow.ts'
import { limits } from '../../../shared/limits.ts'
import { deferred, turn } from '../../helpers/when.ts'

interface FakeSocket {
  bufferedBytes: number
  /** What was asked of it, in order. */
  readonly asked: string[]
  readonly drained: (() => void)[]
}

function createFlow(): { readonly flow: Flow; readonly socket: FakeSocket } {
  const socket: FakeSocket = { bufferedBytes: 0, asked: [], drained: [] }
  const flow = new Flow({
    pause: () => socket.asked.push('pause'),
    resume: () => socket.asked.push('resume'),
    bufferedBytes: () => socket.bufferedBytes,
    onDrained: (job) => socket.drained.push(job),
  })
  return { flow, socket }
}

test('[SYNC9] what waits of all channels counts together, and the socket is paused and resumed once', () => {
  const { flow, socket } = createFlow()
  for (let channel = 0; channel < 1024; channel++) flow.waiting(limits.unhandledBytes / 1024)
  expect([socket.asked, flow.isBusy]).toEqual([[], true])
  flow.waiting(1)
  flow.waiting(1000)
  expect(socket.asked).toEqual(['pause'])
  flow.waiting(-1000)
  flow.waiting(-1)
  for (let channel = 0; channel < 1024; channel++) flow.waiting(-limits.unhandledBytes / 1024)
  expect([socket.asked, flow.isBusy]).toEqual([['pause', 'resume'], false])
})

test('[SYNC9] it stays paused while anything holds it, whatever becomes of that', async () => {
  const { flow, socket } = createFlow()
  const [first, second] = [deferred(), deferred()]
  const held = flow.hold(() => first.promise)
  const failed = flow.hold(() => second.promise)
  flow.waiting(limits.unhandledBytes + 1)
  first.resolve()
  await held
  flow.waiting(-limits.unhandledBytes - 1)
  expect([socket.asked, flow.isBusy]).toEqual([['pause'], true])
  second.reject(new Error('no'))
  await expect(failed).rejects.toThrow('no')
  expect([socket.asked, flow.isBusy]).toEqual([['pause', 'resume'], false])
})

test('[SLOW1] a thousand that have much to send wait with one ear, and one goes each time the network has taken it', async () => {
  const { flow, socket } = createFlow()
  socket.bufferedBytes = limits.socketBufferSoftBytes + 1
  let sent = 0
  const done = Array.from({ length: 1000 }, async () =>
    flow.inTurn(async () => {
      await turn()
      sent++
      socket.bufferedBytes = limits.socketBufferSoftBytes + 1
    }),
  )
  for (let each = 0; each < 1000; each++) {
    await turn()
    expect([sent, socket.drained.length]).toEqual([each, 1])
    socket.bufferedBytes = 0
    socket.drained.shift()?.()
    await turn()
  }
  await Promise.all(done)
  expect(sent).toBe(1000)
})

test('[SLOW1] at the end those who wait are let go without their turn, a paused socket is resumed once, and paused no more', async () => {
  const { flow, socket } = createFlow()
  socket.bufferedBytes = limits.socketBufferSoftBytes + 1
  const turns: number[] = []
  const waiting = [1, 2].map(async (each) => flow.inTurn(async () => void turns.push(each)))
  await turn()
  flow.waiting(limits.unhandledBytes + 1)
  flow.end()
  flow.end()
  flow.waiting(-limits.unhandledBytes - 1)
  flow.waiting(limits.unhandledBytes + 1)
  await Promise.all(waiting)
  expect([turns, socket.asked]).toEqual([[], ['pause', 'resume']])
})
