// A batch that fails, and who of it has to suffer: a damaged conversation alone, a misuse nobody else.
import { describe, expect, test } from 'vitest'

import {
  type Commit,
  type CommitOutcome,
  type ConversationStore,
  StoreError,
} from '../../../server/storage/conversation-store.ts'
import { createMemoryStore } from '../../../server/storage/memory/memory-store.ts'
import { createGroupCommit, type GroupCommit, type Writer } from '../../../server/sync/group-commit.ts'
import { conversationId, write } from '../../contract/store-rows.ts'

interface Line extends Writer {
  readonly settled: (CommitOutcome | 'failed')[]
  readonly abandoned: unknown[]
  /** Asks for its next commit. */
  readonly add: () => void
}

interface Stand {
  readonly store: ConversationStore
  readonly commits: GroupCommit
  readonly failures: unknown[]
  /** Errors after which the store was opened again. */
  readonly recovered: unknown[]
  /** Numbers of the conversations of each call of `commit`. */
  readonly calls: (readonly number[])[]
  readonly line: (number: number) => Line
}

/** `judge` throws when the store is to refuse a call, before anything of it is written. */
function createStand(judge: (numbers: readonly number[]) => void): Stand {
  const inner = createMemoryStore()
  const calls: (readonly number[])[] = []
  const store = new Proxy(inner, {
    get: (target, name) => {
      if (name === 'commit') {
        return async (commits: readonly Commit[]) => {
          const numbers = commits.map(({ conversation }) => Number.parseInt(conversation.slice(-12), 16))
          calls.push(numbers)
          judge(numbers)
          return inner.commit(commits)
        }
      }
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const failures: unknown[] = []
  const recovered: unknown[] = []
  const commits = createGroupCommit(store, {
    sleep: async () => undefined,
    now: () => 0,
    onRecovered: (error) => recovered.push(error),
    onFailure: (error) => failures.push(error),
  })
  return { store, commits, failures, recovered, calls, line: (number) => createLine(commits, number) }
}

function createLine(commits: GroupCommit, number: number): Line {
  let revision = 0
  let waits = false
  const line: Line = {
    settled: [],
    abandoned: [],
    add: () => {
      waits = true
      commits.request(line)
    },
    seal: () => {
      if (!waits) return undefined
      waits = false
      return {
        commit: write(conversationId(number), ++revision),
        settle: (outcome) => void line.settled.push(outcome),
      }
    },
    abandon: (error) => void line.abandoned.push(error),
  }
  return line
}

function damage(number: number): (numbers: readonly number[]) => void {
  return (numbers) => {
    if (numbers.includes(number)) throw new StoreError('damaged', `a row of conversation ${number} is damaged`)
  }
}

describe('a damaged conversation', () => {
  test.each([1, 2, 3])(
    '[SYNC10][STORE3] the %s. of a batch of three fails alone; the others are durable',
    async (bad) => {
      const { store, commits, failures, calls, line } = createStand(damage(bad))
      const lines = [1, 2, 3].map(line)
      for (let round = 1; round <= 2; round++) {
        for (const one of lines) one.add()
        await commits.idle()
        for (const [index, { settled, abandoned }] of lines.entries()) {
          expect([settled.at(-1), settled.length]).toEqual([index + 1 === bad ? 'failed' : 'committed', round])
          expect(abandoned).toEqual([])
        }
      }
      expect(failures).toEqual([])
      expect(calls.slice(0, 4)).toEqual([[1, 2, 3], [1], [2], [3]])
      for (const number of [1, 2, 3]) {
        const stored = await store.head(conversationId(number))
        expect(stored?.kind === 'head' ? stored.head.revision : undefined).toBe(number === bad ? undefined : 2)
      }
    },
  )

  test('[SYNC10][STORE10] when the disk fails while the batch is written one by one, the rest of it fails, and others go on', async () => {
    const full = new StoreError('failed', 'the disk is full')
    const { store, commits, failures, recovered, calls, line } = createStand((numbers) => {
      damage(1)(numbers)
      if (numbers.includes(3)) throw full
    })
    const lines = [1, 2, 3, 4].map(line)
    for (const one of lines) one.add()
    await commits.idle()
    expect(lines.map(({ settled }) => settled)).toEqual([['failed'], ['committed'], ['failed'], ['failed']])
    expect(calls).toEqual([[1, 2, 3, 4], [1], [2], [3]])
    expect([recovered, failures]).toEqual([[full], []])
    lines[1]?.add()
    await commits.idle()
    expect(lines[1]?.settled).toEqual(['committed', 'committed'])
    expect(await store.head(conversationId(4))).toBeUndefined()
  })
})

describe('a store that was called wrongly', () => {
  test('[SYNC10] all writers of the batch start again, the store goes on', async () => {
    const misuse = new TypeError('two commits of one conversation')
    let isWrong = true
    const { commits, failures, line } = createStand(() => {
      if (isWrong) throw misuse
    })
    const [one, two, later] = [line(1), line(2), line(3)]
    one.add()
    two.add()
    await commits.idle()
    expect([one, two].map(({ abandoned, settled }) => [abandoned, settled])).toEqual([
      [[misuse], []],
      [[misuse], []],
    ])
    isWrong = false
    later.add()
    await commits.idle()
    expect([later.abandoned, later.settled]).toEqual([[], ['committed']])
    expect(failures).toEqual([])
  })

  test('[SYNC10] two writers of one conversation in a batch, as the real store refuses them', async () => {
    const { commits, failures, line } = createStand(() => undefined)
    const [one, twin, other] = [line(1), line(1), line(2)]
    for (const writer of [one, twin, other]) writer.add()
    await commits.idle()
    expect([one, twin, other].map(({ settled }) => settled)).toEqual([[], [], []])
    expect([one, twin, other].map(({ abandoned }) => abandoned.length)).toEqual([1, 1, 1])
    const later = line(3)
    later.add()
    await commits.idle()
    expect(later.settled).toEqual(['committed'])
    expect(failures).toEqual([])
  })

  test('[SYNC10] in the middle of a batch that is written one by one: nobody is told twice, or waits for ever', async () => {
    const misuse = new TypeError('a commit of nothing')
    const { commits, failures, line } = createStand((numbers) => {
      damage(1)(numbers)
      if (numbers.includes(3)) throw misuse
    })
    const lines = [1, 2, 3].map(line)
    for (const one of lines) one.add()
    await commits.idle()
    expect(lines.map(({ settled, abandoned }) => [settled, abandoned])).toEqual(lines.map(() => [[], [misuse]]))
    expect(failures).toEqual([])
  })
})
