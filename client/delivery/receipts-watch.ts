/** Who has received a message and who has read it, as a value that changes: looked up only while somebody asks. */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { Folded } from '../../shared/chat/fold.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import type { MessageReceipts, ReadableStore } from '../api.ts'
import { receiptsOf } from './receipt-marks.ts'

export interface ReceiptsWatchDeps {
  readonly folded: () => Folded
  /** A sent message that is here. */
  readonly find: (id: MessageId) => StampedMessage | undefined
}

const nobody: MessageReceipts = { received: [], read: [] }

export class ReceiptsWatch {
  readonly #deps: ReceiptsWatchDeps
  /** Of those that are listened to. */
  readonly #looks = new Set<() => void>()

  constructor(deps: ReceiptsWatchDeps) {
    this.#deps = deps
  }

  of(id: MessageId): ReadableStore<MessageReceipts> {
    let value = nobody
    const getSnapshot = (): MessageReceipts => {
      const message = this.#deps.find(id)
      const now = message === undefined ? nobody : receiptsOf(this.#deps.folded(), message)
      if (!isSame(value, now)) value = now
      return value
    }
    return {
      getSnapshot,
      subscribe: (listener) => {
        let told = getSnapshot()
        const look = (): void => {
          const now = getSnapshot()
          if (now === told) return
          told = now
          listener()
        }
        this.#looks.add(look)
        return () => void this.#looks.delete(look)
      },
    }
  }

  /** Something has changed. */
  look(): void {
    for (const look of [...this.#looks]) look()
  }
}

function isSame(a: MessageReceipts, b: MessageReceipts): boolean {
  return sameList(a.received, b.received) && sameList(a.read, b.read)
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((user, at) => user === b[at])
}
