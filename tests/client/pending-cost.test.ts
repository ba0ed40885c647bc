// What one more entry costs whoever has written a lot offline: counted, not timed.
import { expect, onTestFinished, test, vi } from 'vitest'

import { createOwnCount } from '../../client/count-own.ts'
import { ChangeLog } from '../../shared/chat/change-log.ts'
import type { KnownEntry } from '../../shared/chat/entry.ts'
import { messageOf } from '../../shared/chat/message.ts'
import type { PendingMessage } from '../../shared/chat/pending.ts'
import { ann, bob, clientId, message, messageId } from '../helpers/client-rows.ts'
import { openRig, bobOn, goLive } from '../helpers/open-rig.ts'
import { createStampingServer } from '../helpers/stamping-server.ts'

/** A conversation with so many own messages that wait; counts what is read of the document and asked of its stamps. */
async function waiting(pending: number) {
  const server = createStampingServer()
  const write = bobOn(server)
  write(message(1))
  const rig = await openRig({ server })
  onTestFinished(() => rig.conversation.close())
  goLive(rig)
  const { conversation } = rig
  for (let index = 0; index < pending; index++) conversation.send(`waits ${index}`)
  const { fold, source } = conversation.document.replica
  const spies = [vi.spyOn(fold, 'stampedCrc'), vi.spyOn(source, 'payloadAt')]
  const count = (change: () => void): number => {
    for (const spy of spies) spy.mockClear()
    change()
    return spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0)
  }
  return {
    conversation,
    count,
    hear: (...entries: readonly KnownEntry[]): number => {
      write(...entries)
      return count(rig.download)
    },
    sync: () => count(() => rig.sync()),
  }
}

test('[VIEW1] with a thousand of one’s own waiting one more entry costs as much as with a hundred', async () => {
  const [few, many] = [await waiting(100), await waiting(1000)]
  for (const step of [
    ({ conversation, count }: typeof few) => count(() => conversation.send('one more')),
    ({ conversation, count }: typeof few) => count(() => conversation.react(messageId(1), 'x')),
    ({ hear }: typeof few) => hear(message(5000)),
    ({ hear }: typeof few) => hear({ kind: 'react', of: messageId(1), emoji: 'y', on: true }),
  ]) {
    const [withFew, withMany] = [step(few), step(many)]
    expect([withMany, withMany < 10]).toEqual([withFew, true])
  }
  expect(many.conversation.status.getSnapshot().pending).toBe(1001)
  expect(many.conversation.unsent).toBe(1002)
  // What is stamped is looked at: counting would show it.
  expect(many.sync()).toBeGreaterThan(1000)
  expect([many.conversation.status.getSnapshot().pending, many.conversation.unsent]).toEqual([0, 0])
})

test('[VIEW1] own messages that wait are counted once each, and anew in another list', () => {
  const count = createOwnCount(ann)
  const log = new ChangeLog<number>()
  let read = 0
  const of = (number: number): PendingMessage => {
    const user = number % 3 === 0 ? bob : ann
    return { ...messageOf(user, message(number)), client: clientId(1), clock: number }
  }
  const all = Array.from({ length: 1000 }, (_, number) => {
    const one = of(number)
    return {
      ...one,
      get user() {
        read++
        return one.user
      },
    }
  })
  const show = (length: number): number => {
    read = 0
    return count(all.slice(0, length), log.mark())
  }
  expect([show(900), read]).toEqual([600, 900])
  log.note(900)
  expect([show(901), read]).toEqual([600, 1])
  log.note(901)
  log.note(902)
  expect([show(903), read]).toEqual([602, 2])
  log.restart()
  expect([show(300), read]).toEqual([200, 300])
})
