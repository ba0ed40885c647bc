// What is still on its way when a conversation is forgotten, and what its handle is asked for afterwards: nothing of it is shown
// again, and nothing is told of it.
import { expect, test } from 'vitest'

import type { TimelineEvent } from '../../shared/chat/timeline-event.ts'
import { ann, message, messageId } from '../helpers/client-rows.ts'
import { openRig, type OpenRig, type OpenRigOptions, startTalk, goLive } from '../helpers/open-rig.ts'
import { deferred, turn } from '../helpers/when.ts'

/** Twenty messages behind the first two entries, of which ten are archived; one is pinned, one has an answer. */
async function openTalk(options: Partial<OpenRigOptions> = {}): Promise<OpenRig> {
  const { server, archive, write } = startTalk('bob')
  write({ kind: 'member', user: ann, access: 'writer' }, { kind: 'set', key: 'title', value: 'Plans' })
  for (let number = 1; number <= 20; number++) write(message(number, `secret ${number}`))
  write({ kind: 'pin', of: messageId(20), on: true }, { ...message(21, 'secret answer'), thread: messageId(20) })
  server.archive(11)
  const rig = await openRig({ server, archive, ...options })
  goLive(rig)
  return rig
}

/** What is left to be seen of it; whoever hears of a change writes its line into the list once more. */
function seen({ conversation, told }: OpenRig) {
  const { messages, events, pins, threads, info } = conversation
  const lists = [messages, events, pins, threads].flatMap((store): readonly unknown[] => store.getSnapshot())
  const { title, members } = info.getSnapshot()
  return { lists, title, members, changes: told.changes }
}

const nothing = { lists: [], title: null, members: [] }

test('[WIPE2][EVENT1] events that are on their way while it is forgotten do not show it again', async () => {
  const events = deferred<readonly TimelineEvent[]>()
  const rig = await openTalk({ fetchEvents: () => events.promise })
  await rig.conversation.loadOlder()
  await rig.conversation.forget()
  const { changes } = rig.told
  events.resolve([])
  await turn()
  expect(seen(rig)).toEqual({ ...nothing, changes })
})

test('[WIPE2][PAGE3] whoever is on the way back to the newest messages while it is forgotten does not show it again', async () => {
  const rig = await openTalk()
  await rig.conversation.loadAround(4, 4)
  const loading = rig.conversation.loadAround(15)
  await rig.conversation.forget()
  const { changes } = rig.told
  await loading
  rig.conversation.showNewest()
  expect(seen(rig)).toEqual({ ...nothing, changes })
})

test('[WIPE2][THREAD1] a thread that is asked for after it was forgotten shows nothing of it', async () => {
  const rig = await openTalk()
  await rig.conversation.forget()
  const thread = rig.conversation.thread(messageId(20))
  await turn()
  expect(thread.messages.getSnapshot()).toEqual([])
  expect(thread.info.getSnapshot()).toMatchObject({ root: undefined, count: 0, users: [] })
})

test('[WIPE2][THREAD1] answers of a thread that are on their way while it is forgotten do not list it again', async () => {
  const [asked, answered] = [deferred(), deferred()]
  const { server, archive, write } = startTalk('bob')
  write({ kind: 'member', user: ann, access: 'writer' }, message(1, 'secret'))
  for (let number = 2; number <= 6; number++) write({ ...message(number, 'secret too'), thread: messageId(1) })
  server.archive(4)
  const messages: typeof archive.messages = async (where) => {
    asked.resolve()
    await answered.promise
    return archive.messages(where)
  }
  const rig = await openRig({ server, archive: { ...archive, messages } })
  goLive(rig)
  const loading = rig.conversation.thread(messageId(1)).loadOlder()
  await asked.promise
  await rig.conversation.forget()
  answered.resolve()
  await loading
  expect(rig.conversation.threads.getSnapshot()).toEqual([])
})
