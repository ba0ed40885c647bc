// A device that has a document comes back, again and again from the same state of it: time and bytes until the document has
// everything. An opening counts only when the newest messages are right afterwards.
import * as Y from 'yjs'

import type { Seat } from '../seat.ts'
import { Device } from './device.ts'
import { checkNewest } from './newest.ts'

export interface ReopenOptions {
  readonly seat: Seat
}

export interface ReopenStep {
  readonly openings: number
  /** The room holds the messages `0` to `messages - 1` by now, in this order. */
  readonly messages: number
  /** What the device has, as one update. */
  readonly document: Uint8Array
}

export interface ReopenResult {
  /** Of each opening, from the first byte sent until the document has what came. */
  readonly ms: readonly number[]
  /** Bytes of frames, of one opening. */
  readonly receivedBytes: number
  /** What the device has then, as one update. */
  readonly document: Uint8Array
}

export async function startReopen(options: ReopenOptions): Promise<ReopenLoad> {
  return new ReopenLoad(options)
}

class ReopenLoad {
  readonly #seat: Seat

  constructor({ seat }: ReopenOptions) {
    this.#seat = seat
  }

  async run({ openings, messages, document: before }: ReopenStep): Promise<ReopenResult> {
    const ms: number[] = []
    let receivedBytes = 0
    let document = before
    for (let opening = 0; opening < openings; opening++) {
      // Loading what the device has is its own work.
      const doc = new Y.Doc()
      Y.applyUpdate(doc, before)
      const start = performance.now()
      const device = new Device({
        seat: this.#seat,
        stateVector: Y.encodeStateVector(doc),
        onUpdate: (update) => Y.applyUpdate(doc, update),
      })
      await device.joined()
      ms.push(performance.now() - start)
      receivedBytes = device.socket.receivedBytes
      await device.socket.close()
      checkNewest(doc, messages)
      document = Y.encodeStateAsUpdate(doc)
    }
    return { ms, receivedBytes, document }
  }

  async close(): Promise<void> {
    // Nothing stays open between two runs.
  }
}
