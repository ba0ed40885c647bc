// Conversations that are open only until the server has everything.
import { expect, test, vi } from 'vitest'

import type { ConnectionStatus } from '../../client/api.ts'
import { type BackgroundSender, createBackgroundSender } from '../../client/background-sender.ts'
import type { OpenConversation } from '../../client/open-conversation.ts'
import { createStore } from '../../client/store.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import { conversationId } from '../helpers/client-rows.ts'
import { deferred, turn } from '../helpers/when.ts'

const [one, two] = [conversationId(1), conversationId(2)]

/** As much of an open conversation as the sender looks at. */
class FakeConversation {
  readonly id: ConversationId
  unsent = 0
  readonly close = vi.fn<() => Promise<void>>(async () => undefined)
  readonly status = createStore<{ readonly connection: ConnectionStatus }>({ connection: { phase: 'connecting' } })

  constructor(id: ConversationId, unsent: number) {
    this.id = id
    this.unsent = unsent
  }

  become(connection: ConnectionStatus): void {
    this.status.set({ connection })
  }

  get asOpen(): OpenConversation {
    return this as unknown as OpenConversation
  }
}

interface Rig {
  readonly sender: BackgroundSender
  readonly opened: readonly FakeConversation[]
  readonly conversation: (id: ConversationId) => FakeConversation
}

function start(unsent = 1, isOpen: (id: ConversationId) => boolean = () => false): Rig {
  const opened: FakeConversation[] = []
  const open = async (id: ConversationId): Promise<OpenConversation> => {
    const conversation = new FakeConversation(id, unsent)
    opened.push(conversation)
    return conversation.asOpen
  }
  return {
    sender: createBackgroundSender(open, isOpen),
    opened,
    conversation: (id) => {
      const found = opened.find((each) => each.id === id)
      if (found === undefined) throw new Error('it is not open')
      return found
    },
  }
}

test('[OUTBOX2] what is unsent is opened, and closed when the server has everything', async () => {
  const { sender, conversation } = start()
  await sender.send([one, two])
  const first = conversation(one)
  first.become({ phase: 'live' })
  expect(first.close).not.toHaveBeenCalled()
  first.unsent = 0
  sender.check(first.asOpen)
  expect(first.close).toHaveBeenCalledTimes(1)
  sender.check(first.asOpen)
  first.become({ phase: 'closed' })
  expect(first.close).toHaveBeenCalledTimes(1)
  expect(conversation(two).close).not.toHaveBeenCalled()
})

test.each<ConnectionStatus>([
  { phase: 'offline', reason: 'no network' },
  { phase: 'connecting' },
  { phase: 'syncing' },
])('[OUTBOX2] it stays open while nothing is settled: %o', async (status) => {
  const { sender, conversation } = start(0)
  await sender.send([one])
  conversation(one).become(status)
  expect(conversation(one).close).not.toHaveBeenCalled()
})

test('[CLIENT3] with nothing to send it is closed as soon as it is live: it was only to be registered', async () => {
  const { sender, conversation } = start(0)
  await sender.send([one])
  conversation(one).become({ phase: 'live' })
  expect(conversation(one).close).toHaveBeenCalledTimes(1)
})

test('[OUTBOX2] a refusal ends it: trying on would bring the same', async () => {
  const { sender, conversation } = start()
  await sender.send([one])
  conversation(one).become({ phase: 'refused', code: 'no-access', reason: 'Not a member.' })
  expect(conversation(one).close).toHaveBeenCalledTimes(1)
})

test('what the application has open is left alone', async () => {
  const { sender, opened } = start(1, (id) => id === one)
  await sender.send([one, two])
  expect(opened.map(({ id }) => id)).toEqual([two])
})

test('what the application opens meanwhile stays open', async () => {
  const { sender, conversation } = start(0)
  await sender.send([one])
  sender.hold(one)
  conversation(one).become({ phase: 'live' })
  expect(conversation(one).close).not.toHaveBeenCalled()
})

test('what the application opens while it is being opened stays open', async () => {
  const conversation = new FakeConversation(one, 0)
  conversation.become({ phase: 'live' })
  const opening = deferred<OpenConversation>()
  const sender = createBackgroundSender(
    () => opening.promise,
    () => false,
  )
  const sent = sender.send([one])
  sender.hold(one)
  opening.resolve(conversation.asOpen)
  await sent
  expect(conversation.close).not.toHaveBeenCalled()
})

test('it opens one after another', async () => {
  const openings = [deferred<OpenConversation>(), deferred<OpenConversation>()]
  const asked: ConversationId[] = []
  const sender = createBackgroundSender(
    (id) => {
      const opening = openings[asked.push(id) - 1]
      return opening === undefined ? Promise.reject(new Error('one too many')) : opening.promise
    },
    () => false,
  )
  const sent = sender.send([one, two])
  await turn()
  expect(asked).toEqual([one])
  openings[0]?.resolve(new FakeConversation(one, 1).asOpen)
  await turn()
  expect(asked).toEqual([one, two])
  openings[1]?.resolve(new FakeConversation(two, 1).asOpen)
  await sent
})

test('conversations that it did not open are none of its business', () => {
  const { sender } = start()
  const conversation = new FakeConversation(one, 0)
  conversation.become({ phase: 'live' })
  sender.check(conversation.asOpen)
  expect(conversation.close).not.toHaveBeenCalled()
})
