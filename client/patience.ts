/** How long what nobody looks at waits for the conversations that somebody has open (SPEC BACK1). */

import type { OpenConversation } from './open-conversation.ts'

type Watched = Pick<OpenConversation, 'status'>

export interface Patience {
  /** Something of it may have changed. */
  readonly look: (conversation: Watched) => void
  /** It has what it lacked, or waits for something else than its turn, or for too long. */
  readonly isServed: (conversation: Watched) => boolean
}

/** A server that has not answered by then may never do so, and its beats keep the channel alive. */
const patienceMs = 30_000

/** `onOver`: one more keeps nobody waiting. */
export function createPatience(onOver: () => void): Patience {
  const timers = new Map<Watched, ReturnType<typeof setTimeout>>()
  const overdue = new WeakSet<Watched>()

  function isWaiting({ status }: Watched): boolean {
    const { phase } = status.getSnapshot().connection
    return phase === 'connecting' || phase === 'syncing'
  }

  function watch(conversation: Watched): void {
    if (timers.has(conversation)) return
    const end = (): void => {
      overdue.add(conversation)
      onOver()
    }
    timers.set(conversation, setTimeout(end, patienceMs))
  }

  return {
    look: (conversation) => {
      if (isWaiting(conversation)) return watch(conversation)
      clearTimeout(timers.get(conversation))
      timers.delete(conversation)
      overdue.delete(conversation)
    },
    isServed: (conversation) => !isWaiting(conversation) || overdue.has(conversation),
  }
}
