// What of a thread is on its way while the window moves on.
import { expect, test } from 'vitest'

import { ann, message, messageId } from '../helpers/client-rows.ts'
import { openRig, startTalk, goLive } from '../helpers/open-rig.ts'
import { deferred } from '../helpers/when.ts'

/** An answer to the first message. */
const reply = (number: number) => ({ ...message(number), thread: messageId(1) })

test('[THREAD1][UNREAD1] answers that are on their way while the window moves on are asked for once more', async () => {
  const { server, archive, write } = startTalk('bob')
  write({ kind: 'member', user: ann, access: 'writer' }, message(1), reply(2), reply(3), reply(4), message(5))
  server.archive(3)
  const [asked, arrived] = [deferred(), deferred()]
  const messages: typeof archive.messages = async (where) => {
    const answer = await archive.messages(where)
    asked.resolve()
    await arrived.promise
    return answer
  }
  const rig = await openRig({ server, archive: { ...archive, messages } })
  goLive(rig)
  const thread = rig.conversation.thread(messageId(1))
  const loading = thread.loadOlder()
  await asked.promise
  // More than the server knew when it answered.
  write(message(6), message(7))
  server.archive(6)
  rig.download()
  arrived.resolve()
  expect(await loading).toBe(3)
  expect(thread.messages.getSnapshot().map(({ id }) => id)).toEqual([2, 3, 4].map(messageId))
  expect(thread.info.getSnapshot()).toMatchObject({ phase: 'idle', unread: 3 })
  await rig.conversation.close()
})

test('[THREAD1] a root that is on its way while answers to it leave the window is not one without them', async () => {
  const { server, archive, write } = startTalk('bob')
  write({ kind: 'member', user: ann, access: 'writer' }, message(1), reply(2), message(3))
  server.archive(2)
  const [asked, arrived] = [deferred(), deferred()]
  const rig = await openRig({
    server,
    archive,
    fetchMessage: async (id) => {
      const answer = archive.all().find((one) => one.id === id)
      asked.resolve()
      await arrived.promise
      return answer
    },
  })
  goLive(rig)
  const thread = rig.conversation.thread(messageId(1))
  const loading = thread.loadOlder()
  await asked.promise
  write(reply(4), message(5))
  rig.download()
  server.archive(5)
  rig.download()
  arrived.resolve()
  await loading
  expect(thread.messages.getSnapshot().map(({ id }) => id)).toEqual([2, 4].map(messageId))
  expect(thread.info.getSnapshot()).toMatchObject({ count: 2, unread: 2 })
  await rig.conversation.close()
})
