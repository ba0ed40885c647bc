/** What every store asks of a call of `commit`, and when it answers `moved`. Knows nothing of rows. */

import type { Commit, StoredHead } from './conversation-store.ts'

/** Throws when the call itself is a bug: two commits of one conversation, or a revision that does not count. */
export function assertCommits(commits: readonly Commit[]): void {
  const conversations = new Set<string>()
  for (const commit of commits) {
    const { conversation, expectedRevision } = commit
    if (conversations.has(conversation)) throw new Error(`two commits of conversation ${conversation} in one call`)
    conversations.add(conversation)
    if (commit.kind === 'write' && commit.head.revision !== expectedRevision + 1) {
      throw new Error(
        `revision ${commit.head.revision} of conversation ${conversation} does not follow ${expectedRevision}`,
      )
    }
  }
}

/** Whether a commit made for `expectedRevision` meets another head. What was deleted cannot come back. */
export function isMoved(stored: StoredHead | undefined, expectedRevision: number): boolean {
  if (stored === undefined) return expectedRevision !== 0
  return stored.kind === 'deleted' || stored.head.revision !== expectedRevision
}
