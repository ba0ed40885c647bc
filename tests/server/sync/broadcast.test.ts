import { expect, test } from 'vitest'

import { Broadcast, type Subscriber } from '../../../server/sync/broadcast.ts'
import type { StateVector } from '../../../shared/sync/state-vector.ts'
import { encodeUpdateMessage } from '../../../shared/sync/wire.ts'
import { userId } from '../../helpers/chain-doc.ts'

const update = Uint8Array.of(0, 0)
const before = (): StateVector => new Map()

/** Asks for the update are counted. */
function createChange() {
  const change = {
    asked: 0,
    before,
    update: () => {
      change.asked++
      return update
    },
  }
  return change
}

function createSubscriber(): Subscriber & { readonly heard: Uint8Array[] } {
  const heard: Uint8Array[] = []
  return {
    user: userId('ann'),
    heard,
    relay: (message) => heard.push(message),
    show: () => undefined,
    close: () => undefined,
  }
}

test('[SYNC1] what a commit brought is encoded once: everybody is handed the very same message', () => {
  const broadcast = new Broadcast()
  const subscribers = [createSubscriber(), createSubscriber(), createSubscriber()]
  for (const subscriber of subscribers) broadcast.add(subscriber)
  const change = createChange()
  broadcast.relay(change)
  const heard = subscribers.flatMap((subscriber) => subscriber.heard)
  expect(heard).toEqual(subscribers.map(() => encodeUpdateMessage(update)))
  expect(new Set(heard).size).toBe(1)
  expect(change.asked).toBe(1)
})

test('[SYNC1] and not at all when nobody follows', () => {
  const change = createChange()
  new Broadcast().relay(change)
  expect(change.asked).toBe(0)
})
