import { expect, test } from 'vitest'

import type { Conversation } from '../../../client/api.ts'
import { Refusal } from '../../../client/api.ts'
import { createStore } from '../../../client/store.ts'
import { createReading } from '../../../client/web/reading.ts'

/** As much of a conversation as reading needs: seqs of messages, the ones of others above 100. */
function start(first: number | undefined, seqs: readonly number[]) {
  const told: number[] = []
  let refuses = false
  const messages = seqs.map((seq) => ({ own: seq < 100, delivery: { state: 'sent', seq } }))
  const conversation = {
    messages: createStore(messages),
    firstUnread: () => first,
    markRead: (through: number) => {
      if (refuses) throw new Refusal('access')
      told.push(through)
    },
  }
  const unread = createStore<number | undefined>(3)
  // Reading touches nothing else of it.
  const reading = createReading(conversation as unknown as Conversation, unread)
  return {
    reading,
    told,
    refuse: () => (refuses = true),
    count: (next: number | undefined) => unread.set(next),
  }
}

test('[UNREAD1] reading goes on behind what was marked here, also when the conversation stayed open meanwhile', () => {
  const { reading, told } = start(101, [101, 102, 5, 103])
  expect(reading.firstUnread()).toBe(101)
  reading.mark(102)
  reading.mark(101)
  expect(told).toEqual([102])
  expect(reading.firstUnread()).toBe(103)
  reading.mark(103)
  expect(reading.firstUnread()).toBeUndefined()
})

test('[UNREAD1] what was read on another device meanwhile is not new; of what was just opened the SDK knows better', () => {
  const { reading, count } = start(101, [101, 102, 103])
  count(0)
  expect(reading.firstUnread()).toBe(101)
  expect(reading.isAllRead()).toBe(true)
  reading.mark(101)
  expect(reading.firstUnread()).toBeUndefined()
  count(undefined)
  expect(reading.firstUnread()).toBe(102)
})

test('[UNREAD1] whoever was just removed reads on, and nothing is told', () => {
  const { reading, told, refuse } = start(101, [101])
  refuse()
  reading.mark(101)
  expect(told).toEqual([])
  expect(reading.firstUnread()).toBe(101)
})
