// What devices are told of conversations that moved, with a pause that ends when the test says so.
import { expect, test } from 'vitest'

import { ActivityFeed } from '../../../server/sync/activity.ts'
import type { Activity, Gone } from '../../../shared/sync/control.ts'
import type { ConversationId, UserId } from '../../../shared/sync/ids.ts'
import { userId } from '../../helpers/chain-doc.ts'
import { conversationId } from '../../helpers/mux-socket.ts'

const tea = conversationId('01890a5d-ac96-774b-bcce-b302099a8057')
const cake = conversationId('01890a5d-ac96-774b-bcce-b302099a8058')

function createFeed(): { feed: ActivityFeed; endPause: () => void; pauses: () => number } {
  let pauses = 0
  let job: (() => void) | undefined
  const feed = new ActivityFeed((later) => {
    pauses++
    job = later
  })
  return {
    feed,
    pauses: () => pauses,
    endPause: () => {
      const due = job
      job = undefined
      due?.()
    },
  }
}

function listen(
  feed: ActivityFeed,
  user: string,
): { heard: (readonly [readonly Activity[], readonly Gone[]])[]; end: () => void } {
  const heard: (readonly [readonly Activity[], readonly Gone[]])[] = []
  return { heard, end: feed.listen({ user: userId(user), hear: (moved, gone) => heard.push([moved, gone]) }) }
}

function activity(conversation: ConversationId, seq: number): Activity {
  return { conversation, seq, version: { server: 9, records: seq + 1 } }
}

test('[MUX5] however much happens in a pause, who is connected is told once, as it is in the end; members are asked once', () => {
  const { feed, endPause, pauses } = createFeed()
  const [ann, bob] = [listen(feed, 'ann'), listen(feed, 'bob')]
  const second = listen(feed, 'ann')
  let asked = 0
  let seq = 0
  for (seq = 0; seq < 1000; seq++) {
    feed.moved(tea, () => {
      asked++
      return { activity: activity(tea, seq), users: [userId('ann'), userId('cleo')] }
    })
  }
  feed.moved(cake, () => ({ activity: activity(cake, 1), users: [userId('bob')] }))
  expect([pauses(), asked, ann.heard]).toEqual([1, 0, []])
  endPause()
  expect(asked).toBe(1)
  expect(ann.heard).toEqual([[[activity(tea, 1000)], []]])
  expect(second.heard).toEqual(ann.heard)
  expect(bob.heard).toEqual([[[activity(cake, 1)], []]])
  endPause()
  feed.moved(cake, () => ({ activity: activity(cake, 2), users: [userId('bob')] }))
  endPause()
  expect([ann.heard.length, bob.heard.length, pauses()]).toEqual([1, 2, 2])
})

test('[MUX5] nobody is asked for while nobody is connected, and who has ended is told nothing', () => {
  const { feed, endPause, pauses } = createFeed()
  const users: UserId[] = [userId('ann')]
  feed.moved(tea, () => ({ activity: activity(tea, 1), users }))
  feed.gone({ conversation: tea, code: 'deleted' }, users)
  expect(pauses()).toBe(0)
  const ann = listen(feed, 'ann')
  const other = listen(feed, 'ann')
  feed.moved(tea, () => ({ activity: activity(tea, 2), users }))
  ann.end()
  ann.end()
  endPause()
  expect([ann.heard, other.heard.length]).toEqual([[], 1])
  other.end()
  feed.moved(tea, () => ({ activity: activity(tea, 3), users }))
  expect(pauses()).toBe(1)
})

test.each<readonly [string, Gone['code'], readonly string[], readonly string[]]>([
  ['a member who was removed is told that, the others that it moved', 'no-access', ['bob'], ['gone no-access']],
  ['one who was removed and is back within the pause has not gone', 'no-access', ['ann', 'bob'], ['moved']],
  ['what was deleted is gone, whatever happened in it before', 'deleted', ['ann', 'bob'], ['gone deleted']],
])('[MUX5] %s', (_what, code, members, toldToAnn) => {
  const { feed, endPause } = createFeed()
  const ann = listen(feed, 'ann')
  feed.moved(tea, () => ({ activity: activity(tea, 1), users: members.map(userId) }))
  feed.gone({ conversation: tea, code }, [userId('ann')])
  endPause()
  const told = ann.heard.flatMap(([moved, gone]) => [
    ...moved.map(() => 'moved'),
    ...gone.map((one) => `gone ${one.code}`),
  ])
  expect(told).toEqual(toldToAnn)
})
