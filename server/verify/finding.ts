/** What a verification tells: damage, and what a crash may leave that nobody was told to be durable. */

import type { ConversationId } from '../../shared/sync/ids.ts'

export interface Finding {
  readonly kind: 'problem' | 'note'
  /** Undefined when it is of the store, or of nobody knows whom. */
  readonly conversation: ConversationId | undefined
  /** For people; names no content. */
  readonly text: string
}

/** How the checks of one conversation tell what they find; so many of one sort are enough. */
export interface Findings {
  /** `sort` is the text without its numbers: it is told a few times, then no more. */
  readonly add: (sort: string, where?: string) => void
  readonly texts: () => readonly string[]
}

/** One wrong row often makes many: whoever reads this wants to see each sort, not each row. */
const toldOfEachSort = 3

export function createFindings(): Findings {
  const counts = new Map<string, number>()
  const texts: string[] = []
  return {
    add: (sort, where) => {
      const count = (counts.get(sort) ?? 0) + 1
      counts.set(sort, count)
      if (count <= toldOfEachSort) texts.push(where === undefined ? sort : `${where}: ${sort}`)
    },
    texts: () => {
      const more = [...counts].filter(([, count]) => count > toldOfEachSort)
      return [...texts, ...more.map(([sort, count]) => `${sort}: ${count - toldOfEachSort} times more`)]
    },
  }
}
