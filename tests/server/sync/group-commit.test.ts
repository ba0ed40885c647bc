// One batch in flight; everything meanwhile in the next; after a failure nothing before the store was opened again.
import { describe, expect, test } from 'vitest'

import {
  type Commit,
  type CommitOutcome,
  type InDoubt,
  StoreError,
} from '../../../server/storage/conversation-store.ts'
import { createMemoryStore, type MemoryStoreOptions } from '../../../server/storage/memory/memory-store.ts'
import { createGroupCommit, type GroupCommit, type Writer } from '../../../server/sync/group-commit.ts'
import { limits } from '../../../shared/limits.ts'
import { conversationId, write } from '../../contract/store-rows.ts'
import { createGate, type Gate } from '../../helpers/gated-store.ts'

interface Counter extends Writer {
  /** Things that wait to be written. */
  waiting: number
  readonly settled: (CommitOutcome | 'failed')[]
  readonly abandoned: unknown[]
  readonly add: () => void
  /** Begins again with the first revision, as one does that reads its head from the disk. */
  readonly restart: () => void
}

interface Stand {
  readonly gate: Gate
  readonly commits: GroupCommit
  readonly failures: unknown[]
  /** Errors after which the store was opened again, and what was in doubt. */
  readonly recovered: { readonly error: unknown; readonly inDoubt: readonly string[] }[]
  /** Time in ms. */
  readonly clock: { nowMs: number }
  readonly counter: (number: number) => Counter
}

function createStand(options: MemoryStoreOptions = {}, sleep = async (_ms: number) => {}): Stand {
  const gate = createGate(createMemoryStore(options))
  const failures: unknown[] = []
  const recovered: Stand['recovered'] = []
  const clock = { nowMs: 1_700_000_000_000 }
  const commits = createGroupCommit(gate.store, {
    sleep,
    now: () => clock.nowMs,
    onRecovered: (error, inDoubt) => {
      recovered.push({ error, inDoubt: [...inDoubt].map(([id, state]) => `${id.at(-1)}:${state}`) })
    },
    onFailure: (error) => failures.push(error),
  })
  return {
    gate,
    commits,
    failures,
    recovered,
    clock,
    counter: (number) => {
      let revision = 0
      const counter: Counter = {
        restart: () => (revision = 0),
        waiting: 0,
        settled: [],
        abandoned: [],
        add: () => {
          counter.waiting++
          commits.request(counter)
        },
        seal: () => {
          if (counter.waiting === 0) return undefined
          const commit = write(conversationId(number), ++revision, { head: { nextSeq: counter.waiting } })
          counter.waiting = 0
          return { commit, settle: (outcome) => counter.settled.push(outcome) }
        },
        abandon: (error) => counter.abandoned.push(error),
      }
      return counter
    },
  }
}

/** Which conversations a batch is of, and how much each brought. */
function describeBatch(batch: readonly Commit[]): string[] {
  return batch.map((commit) => `${commit.conversation.at(-1)}:${commit.kind === 'write' ? commit.head.nextSeq : ''}`)
}

describe('group commit', () => {
  test('[SYNC10] what arrives in one turn is one batch, what arrives while it is in flight is the next', async () => {
    const { gate, commits, counter } = createStand()
    const [a, b] = [counter(1), counter(2)]
    gate.hold()
    a.add()
    b.add()
    a.add()
    await gate.settled()
    expect(gate.waiting().map(describeBatch)).toEqual([['1:2', '2:1']])
    for (let each = 0; each < 5; each++) {
      a.add()
      await gate.settled()
    }
    b.add()
    await gate.settled()
    expect(gate.waiting()).toHaveLength(1)
    expect([a.settled, b.settled]).toEqual([[], []])
    gate.pass()
    await gate.settled()
    expect([a.settled, b.settled]).toEqual([['committed'], ['committed']])
    expect(gate.waiting().map(describeBatch)).toEqual([['1:5', '2:1']])
    gate.open()
    await commits.idle()
    expect(gate.batches().map(describeBatch)).toEqual([
      ['1:2', '2:1'],
      ['1:5', '2:1'],
    ])
    expect([a.settled, b.settled]).toEqual([
      ['committed', 'committed'],
      ['committed', 'committed'],
    ])
  })

  test('[SYNC10] a writer without anything to write costs no batch, and idle waits for what is in flight', async () => {
    const { gate, commits, counter } = createStand()
    await commits.idle()
    const empty = counter(1)
    commits.request(empty)
    await commits.idle()
    expect(gate.batches()).toEqual([])

    gate.hold()
    const a = counter(2)
    a.add()
    await gate.settled()
    let isIdle = false
    const idle = commits.idle().then(() => (isIdle = true))
    a.add()
    gate.pass()
    await gate.settled()
    expect(isIdle).toBe(false)
    gate.pass()
    await idle
    expect(a.settled).toEqual(['committed', 'committed'])
  })

  test('[SYNC10] after a batch of many the next waits for more, after one of fewer it does not', async () => {
    const naps: { readonly ms: number; readonly end: () => void }[] = []
    const { gate, commits, counter } = createStand({}, (ms) => new Promise((end) => void naps.push({ ms, end })))
    const counters = Array.from({ length: limits.commitSiblings }, (_, index) => counter(index + 1))
    const batchOf = (size: number): void => {
      for (const one of counters.slice(0, size)) one.add()
    }
    gate.hold()
    batchOf(limits.commitSiblings - 1)
    await gate.settled()
    batchOf(limits.commitSiblings)
    gate.pass()
    await gate.settled()
    expect(naps).toEqual([])
    expect(gate.waiting().map(({ length }) => length)).toEqual([limits.commitSiblings])
    batchOf(1)
    gate.pass()
    await gate.settled()
    expect(naps.map(({ ms }) => ms)).toEqual([limits.commitDelayMs])
    expect(gate.waiting()).toEqual([])
    // It comes while the next one waits for more, and is part of it.
    batchOf(2)
    naps[0]?.end()
    await gate.settled()
    expect(gate.waiting().map(describeBatch)).toEqual([['1:2', '2:1']])
    batchOf(1)
    gate.open()
    await commits.idle()
    expect([naps.length, gate.batches().length]).toEqual([1, 4])
  })

  test('[SYNC10][STORE10] a failed write fails all of its batch and all that waits; then the store is opened again', async () => {
    const { gate, commits, counter, failures, recovered } = createStand()
    const [a, b, c] = [counter(1), counter(2), counter(3)]
    const full = new StoreError('failed', 'the disk is full')
    gate.failNext(full)
    gate.hold()
    a.add()
    b.add()
    await gate.settled()
    b.add()
    c.add()
    gate.open()
    await commits.idle()
    expect([a.settled, b.settled, c.settled]).toEqual([['failed'], ['failed', 'failed'], ['failed']])
    expect([gate.batches().length, gate.recoveries()]).toEqual([1, 1])
    expect(recovered.map(({ error }) => error)).toEqual([full])
    c.restart()
    c.add()
    await commits.idle()
    expect(c.settled).toEqual(['failed', 'committed'])
    expect(failures).toEqual([])
  })

  test('[SYNC10][STORE10] what is asked for while the store is opened again waits for that, and is written then', async () => {
    const { gate, commits, counter } = createStand()
    const [a, b] = [counter(1), counter(2)]
    gate.failNext(new StoreError('failed', 'the disk is full'))
    gate.holdRecovery()
    a.add()
    await gate.settled()
    expect([a.settled, gate.recoveries()]).toEqual([['failed'], 1])
    b.add()
    await gate.settled()
    expect([b.settled, gate.batches().length]).toEqual([[], 1])
    gate.open()
    await commits.idle()
    expect(b.settled).toEqual(['committed'])
  })

  test('[STORE10] what was in doubt is told: written after all, or not', async () => {
    let refuses: InDoubt | undefined
    const refuseIf = (state: InDoubt) => async () => {
      if (refuses === state) {
        refuses = undefined
        throw new Error('no answer from the disk')
      }
    }
    const stand = createStand({ beforeCommit: refuseIf('before'), afterCommit: refuseIf('after') })
    for (const [number, state] of [
      [1, 'after'],
      [2, 'before'],
    ] as const) {
      refuses = state
      const one = stand.counter(number)
      one.add()
      await stand.commits.idle()
      expect(one.settled).toEqual(['failed'])
      expect(stand.recovered.at(-1)?.inDoubt).toEqual([`${number}:${state}`])
      expect((await stand.gate.store.head(conversationId(number)))?.kind).toBe(state === 'after' ? 'head' : undefined)
    }
  })

  test('[SYNC10][STORE2][STORE10] a store that cannot be opened again: nothing is acknowledged any more', async () => {
    const { gate, commits, counter, failures, recovered } = createStand()
    const [a, b] = [counter(1), counter(2)]
    const lost = new StoreError('damaged', 'the store is damaged')
    gate.failNext(new StoreError('failed', 'the disk is full'))
    gate.failRecovery(lost)
    a.add()
    await commits.idle()
    b.add()
    await commits.idle()
    b.add()
    await commits.idle()
    expect([a.settled, b.settled]).toEqual([['failed'], ['failed', 'failed']])
    expect([failures, recovered]).toEqual([[lost], []])
    expect([gate.batches().length, gate.recoveries()]).toEqual([1, 1])
    expect(await gate.store.head(conversationId(2))).toBeUndefined()
  })

  test('[STORE10] a store that fails again and again is given up; failures long ago do not count', async () => {
    const { gate, commits, counter, failures, recovered, clock } = createStand()
    const fail = async (): Promise<void> => {
      gate.failNext(new StoreError('failed', 'the disk is full'))
      const one = counter(1)
      one.add()
      await commits.idle()
      expect(one.settled).toEqual(['failed'])
    }
    for (let each = 0; each < 10; each++) {
      await fail()
      clock.nowMs += limits.storeFailureWindowMs / 2
    }
    expect([recovered.length, failures]).toEqual([10, []])
    await fail()
    await fail()
    expect(recovered).toHaveLength(11)
    expect(failures.map(String)).toEqual(['StoreError: writes failed 3 times within a minute'])
    const after = counter(2)
    after.add()
    await commits.idle()
    expect([after.settled, gate.recoveries()]).toEqual([['failed'], 11])
  })

  test('[SYNC10] a writer with a bug is abandoned alone', async () => {
    const { gate, commits, counter, failures } = createStand()
    const [a, b] = [counter(1), counter(2)]
    const bug = new Error('a bug')
    const throws = (): never => {
      throw bug
    }
    const sealing: Writer = { seal: throws, abandon: (error) => a.abandoned.push(error) }
    const settling: Writer = {
      seal: () => ({ commit: write(conversationId(3), 1), settle: throws }),
      abandon: (error) => a.abandoned.push(error),
    }
    commits.request(sealing)
    commits.request(settling)
    b.add()
    await commits.idle()
    b.add()
    await commits.idle()
    expect(a.abandoned).toEqual([bug, bug])
    expect(b.settled).toEqual(['committed', 'committed'])
    expect(failures).toEqual([])
    expect(gate.batches()).toHaveLength(2)
  })

  test('[SYNC10] a batch that the store was wrongly called with is abandoned, and others go on', async () => {
    const { gate, commits, counter, failures } = createStand()
    const [a, b] = [counter(1), counter(2)]
    const bug = new Error('a bug')
    gate.failNext(bug)
    a.add()
    await commits.idle()
    b.add()
    await commits.idle()
    expect([a.abandoned, a.settled]).toEqual([[bug], []])
    expect([b.abandoned, b.settled]).toEqual([[], ['committed']])
    expect(failures).toEqual([])
  })

  test('[SYNC10][STORE3] one damaged conversation fails alone', async () => {
    const { gate, commits, counter, failures } = createStand()
    const [a, b] = [counter(1), counter(2)]
    gate.failNext(new StoreError('damaged', 'a row is damaged'))
    a.add()
    b.add()
    await commits.idle()
    // Written once more one by one; the gate lets them through now.
    expect([a.settled, b.settled]).toEqual([['committed'], ['committed']])
    gate.failNext(new StoreError('damaged', 'a row is damaged'))
    a.add()
    await commits.idle()
    b.add()
    await commits.idle()
    expect([a.settled.at(-1), b.settled.at(-1)]).toEqual(['failed', 'committed'])
    expect(failures).toEqual([])
  })

  test('[SYNC10][STORE5] a commit made for another head is told so, and the others of its batch are not', async () => {
    const { commits, counter, gate } = createStand()
    const [a, b] = [counter(1), counter(2)]
    await gate.store.commit([write(conversationId(1), 1)])
    a.add()
    b.add()
    await commits.idle()
    expect([a.settled, b.settled]).toEqual([['moved'], ['committed']])
  })
})
