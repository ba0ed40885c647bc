// One batch in flight; everything meanwhile in the next; after a failure nothing more.
import { describe, expect, test } from 'vitest'

import { type Commit, type CommitOutcome, StoreError } from '../../../server/storage/conversation-store.ts'
import { createMemoryStore } from '../../../server/storage/memory/memory-store.ts'
import { createGroupCommit, type GroupCommit, type Writer } from '../../../server/sync/group-commit.ts'
import { conversationId, write } from '../../contract/store-rows.ts'
import { createGate, type Gate } from '../../helpers/gated-store.ts'

interface Counter extends Writer {
  /** Things that wait to be written. */
  waiting: number
  readonly settled: (CommitOutcome | 'failed')[]
  readonly abandoned: unknown[]
  readonly add: () => void
}

interface Stand {
  readonly gate: Gate
  readonly commits: GroupCommit
  readonly failures: unknown[]
  readonly counter: (number: number) => Counter
}

function createStand(): Stand {
  const gate = createGate(createMemoryStore())
  const failures: unknown[] = []
  const commits = createGroupCommit(gate.store, (error) => failures.push(error))
  return {
    gate,
    commits,
    failures,
    counter: (number) => {
      let revision = 0
      const counter: Counter = {
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

  test('[SYNC10][STORE2] a failed write fails all of its batch, all that waits, and all that comes later', async () => {
    const { gate, commits, counter, failures } = createStand()
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
    c.add()
    a.add()
    await commits.idle()
    expect([a.settled, b.settled, c.settled]).toEqual([
      ['failed', 'failed'],
      ['failed', 'failed'],
      ['failed', 'failed'],
    ])
    expect(failures).toEqual([full])
    expect(gate.batches()).toHaveLength(1)
    expect(await gate.store.head(conversationId(1))).toBeUndefined()
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
