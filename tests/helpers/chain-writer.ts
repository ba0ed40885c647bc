// Writes the updates of one device's chain without a Y.Doc: for tests that write more than a Y.Doc would like to hold.
// Knows no test runner.
import { randomInt } from 'node:crypto'

import { encodeEntry } from '../../shared/chat/entry.ts'
import { encodeUpdate } from '../../shared/sync/chain-update/encode-update.ts'
import type { ClientId } from '../../shared/sync/ids.ts'
import { chainRoot } from '../../shared/sync/roots.ts'
import { clientId, userId } from './chain-doc.ts'
import { messageEntry } from './stock-client.ts'

export class ChainWriter {
  readonly client: ClientId
  readonly #root: string
  #clock = 0

  constructor(user: string, client = randomInt(1, 2 ** 32)) {
    this.client = clientId(client)
    this.#root = chainRoot(this.client, userId(user))
  }

  /** Clock of the next entry. */
  get clock(): number {
    return this.#clock
  }

  /** The update that appends these payloads. */
  append(...payloads: readonly Uint8Array[]): Uint8Array {
    const structs = payloads.map((bytes) => ({ kind: 'payload' as const, bytes }))
    const update = encodeUpdate([{ client: this.client, root: this.#root, clock: this.#clock, structs }])
    this.#clock += payloads.length
    return update
  }
}

export function messagePayload(content: string): Uint8Array {
  return encodeEntry(messageEntry(content))
}

/** An entry that is void: it says that it is JSON. */
export function voidPayload(): Uint8Array {
  return Uint8Array.of(1, 0x7b)
}
