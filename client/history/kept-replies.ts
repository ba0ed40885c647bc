/** Messages in a thread, of what a device keeps of an archive: looked for backwards, as far as nothing is missing between. */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import type { ArchiveRun } from './archive-run.ts'
import type { KnownRun } from './page-cache.ts'

export interface KeptReplies {
  /** By ascending seq. */
  readonly messages: readonly StampedMessage[]
  /** Nothing before them is in the thread: its root was met, or the beginning of the archive. */
  readonly isWhole: boolean
}

/** Messages that are read at once. */
const step = 200

/** `keptBefore`: what is kept right before a seq; undefined when nothing is. */
export async function findKeptReplies(
  keptBefore: (to: number, count: number) => Promise<KnownRun | undefined>,
  root: MessageId,
  before: number,
  count: number,
): Promise<KeptReplies> {
  let messages: readonly StampedMessage[] = []
  for (let to = before; to > 0 && messages.length < count;) {
    const run: ArchiveRun | undefined = (await keptBefore(to, step))?.run
    if (run === undefined || run.from >= to) return { messages, isWhole: false }
    messages = [...run.messages.filter(({ thread }) => thread === root), ...messages]
    if (run.from === 0 || run.messages.some(({ id }) => id === root)) return { messages, isWhole: true }
    to = run.from
  }
  return { messages, isWhole: before === 0 }
}
