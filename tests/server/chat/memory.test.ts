// What conversations cost in memory while they are open, and that nothing of it stays a minute after.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { expect, test } from 'vitest'

import { acquireTarget } from '../../../server/chat/conversation-target.ts'
import type { Subscriber } from '../../../server/sync/broadcast.ts'
import type { SyncTarget } from '../../../server/sync/sync-target.ts'
import { limits } from '../../../shared/limits.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { userId } from '../../helpers/chain-doc.ts'
import { createSyncNode, type SyncNode } from '../../helpers/sync-node.ts'

const ann = userId('ann')
const count = 10_000
const atOnce = 500

setFlagsFromString('--expose-gc')
const collect: unknown = runInNewContext('gc')

/** Bytes of the heap that are in use, once nothing more can be collected. */
async function heapBytes(): Promise<number> {
  if (typeof collect !== 'function') throw new Error('no garbage collector to call')
  for (let round = 0; round < 3; round++) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
  }
  return process.memoryUsage().heapUsed
}

interface Opened {
  readonly target: SyncTarget
  readonly subscriber: Subscriber
}

/** As a channel does: follows, says who is there, and looks at what there is. */
async function open(node: SyncNode, id: ConversationId): Promise<Opened> {
  const target = await acquireTarget(node.registry, ann, id)
  const ignore = (): void => undefined
  const subscriber: Subscriber = { user: ann, relay: ignore, show: ignore, close: ignore }
  target.follow(subscriber)
  target.announce(subscriber, { typing: true })
  expect(target.durable().nextRecord).toBe(1)
  return { target, subscriber }
}

/** In a call of its own, so that no variable of the test keeps one. */
function closeAll(opened: Opened[]): void {
  for (const { target, subscriber } of opened.splice(0)) {
    target.announce(subscriber, undefined)
    target.unfollow(subscriber)
    target.release()
  }
}

/** Runs `job` for all, some at a time. */
async function forAll<T, R>(items: readonly T[], job: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let from = 0; from < items.length; from += atOnce) {
    results.push(...(await Promise.all(items.slice(from, from + atOnce).map(job))))
  }
  return results
}

test('[SYNC11] 10,000 conversations opened and closed leave the heap where it was, and nothing of them after a minute', async () => {
  let nowMs = 1_700_000_000_000
  const node = createSyncNode({ now: () => nowMs })
  const numbers = Array.from({ length: count }, (_, number) => number)
  const ids = await forAll(numbers, async () => await node.create('ann'))
  nowMs += limits.idleConversationMs
  node.registry.sweep(nowMs)
  expect(node.registry.size()).toBe(0)

  const kibibytes: number[] = []
  const closed: number[] = []
  for (let round = 0; round < 3; round++) {
    const opened = await forAll(ids, async (id) => await open(node, id))
    const traces = opened.map(({ target }) => new WeakRef(target))
    await node.settled()
    const openBytes = await heapBytes()
    expect(node.registry.size()).toBe(count)
    closeAll(opened)
    await node.settled()
    nowMs += limits.idleConversationMs - 1
    node.registry.sweep(nowMs)
    expect(node.registry.size()).toBe(count)
    nowMs++
    node.registry.sweep(nowMs)
    expect(node.registry.size()).toBe(0)
    const closedBytes = await heapBytes()
    expect(traces.filter((trace) => trace.deref() !== undefined)).toEqual([])
    const perOpen = (openBytes - closedBytes) / count
    kibibytes.push(perOpen / 1024)
    // It has to be seen while they are open, or its absence afterwards shows nothing.
    expect(perOpen).toBeGreaterThan(1024)
    closed.push(closedBytes)
  }
  // The first round compiles, and fills what is filled once.
  const [, second = 0, third = 0] = closed
  expect((third - second) / 1024 / count).toBeLessThan(Math.min(...kibibytes) / 100)
  console.log(`KiB of heap for each open conversation: ${kibibytes.map((size) => size.toFixed(1)).join(', ')}`)
  expect(node.errors).toEqual([])
})
