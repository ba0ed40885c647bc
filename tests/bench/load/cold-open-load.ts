// New devices that open a room, one after another: time and bytes until the document has everything. An opening counts only
// when what came is what was written.
import * as Y from 'yjs'

import type { Seat } from '../seat.ts'
import { Device } from './device.ts'
import { eachMessage } from './messages.ts'
import { checkNewest } from './newest.ts'

export interface ColdOpenOptions {
  readonly seat: Seat
  /** The room holds the messages `0` to `messages - 1`, in this order. */
  readonly messages: number
  /** Whether the server gives messages their order; else there is nothing to fold. */
  readonly isOrdered: boolean
}

export interface ColdOpenResult {
  /** Of each opening, from the first byte sent until the document has what came. */
  readonly ms: readonly number[]
  /** Bytes of frames, of one opening. */
  readonly receivedBytes: number
  /** Messages in the document; 0 when nothing is folded. */
  readonly live: number
}

export async function startColdOpen(options: ColdOpenOptions): Promise<ColdOpenLoad> {
  return new ColdOpenLoad(options)
}

class ColdOpenLoad {
  readonly #options: ColdOpenOptions

  constructor(options: ColdOpenOptions) {
    this.#options = options
  }

  /** So many openings. */
  async run(openings: number): Promise<ColdOpenResult> {
    const ms: number[] = []
    let receivedBytes = 0
    let live = 0
    for (let opening = 0; opening < openings; opening++) {
      const start = performance.now()
      const opened = await this.#open()
      ms.push(performance.now() - start)
      receivedBytes = opened.device.socket.receivedBytes
      await opened.device.socket.close()
      if (this.#options.isOrdered) live = checkNewest(opened.doc, this.#options.messages)
    }
    return { ms, receivedBytes, live }
  }

  async close(): Promise<void> {
    // Nothing stays open between two runs.
  }

  /** A server that gives no order may answer before it has loaded the room: the messages are counted then. */
  async #open(): Promise<{ readonly device: Device; readonly doc: Y.Doc }> {
    const { seat, messages, isOrdered } = this.#options
    const doc = new Y.Doc()
    const found = new Set<number>()
    let onComplete: () => void = () => undefined
    const complete = new Promise<void>((resolve) => {
      onComplete = resolve
    })
    const device = new Device({
      seat,
      onUpdate: (update) => {
        Y.applyUpdate(doc, update)
        if (isOrdered) return
        eachMessage(Buffer.from(update.buffer, update.byteOffset, update.length), (number) => found.add(number))
        if (found.size === messages) onComplete()
      },
    })
    await device.joined()
    if (!isOrdered) await complete
    return { device, doc }
  }
}
