// The messages of the bench: entries of 60 characters that tell their number, as updates on their author's chain. A
// receiver finds the numbers by looking for their mark, whatever else a server has put around them.
import { randomInt } from 'node:crypto'
import { v7 as uuidV7 } from 'uuid'

import { encodeEntry, parseMessageId } from '../../../shared/chat/entry.ts'
import { encodeUpdate } from '../../../shared/sync/chain-update/encode-update.ts'
import { type ClientId, parseClientId, parseUserId, type UserId } from '../../../shared/sync/ids.ts'
import { chainRoot } from '../../../shared/sync/roots.ts'

/** Not what JSON, an id or a number on the wire looks like; by chance once in 2^32 bytes of something else. */
const mark = Buffer.from('~msg')
const digits = 8
const contentLength = 60

export function textOf(number: number): string {
  return `~msg${String(number).padStart(digits, '0')} `.padEnd(contentLength, 'x')
}

/** Calls `found` with the number of every message in these bytes. */
export function eachMessage(bytes: Buffer, found: (number: number) => void): void {
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + mark.length)) {
    let number = 0
    for (let index = 0; index < digits; index++) number = number * 10 + (bytes[at + mark.length + index] ?? 0) - 0x30
    found(number)
  }
}

/** One device's chain, written from its beginning. */
export class ChainWriter {
  readonly #client: ClientId
  readonly #user: UserId
  #clock = 0

  constructor(user: string) {
    const client = parseClientId(randomInt(2 ** 32))
    const parsed = parseUserId(user)
    if (client === undefined || parsed === undefined) throw new Error(`no user: ${user}`)
    this.#client = client
    this.#user = parsed
  }

  /** The update that appends these messages. */
  append(numbers: readonly number[]): Uint8Array {
    const structs = numbers.map((number) => ({ kind: 'payload' as const, bytes: payloadOf(number) }))
    const root = chainRoot(this.#client, this.#user)
    const update = encodeUpdate([{ client: this.#client, root, clock: this.#clock, structs }])
    this.#clock += numbers.length
    return update
  }
}

function payloadOf(number: number): Uint8Array {
  const id = parseMessageId(uuidV7())
  if (id === undefined) throw new Error('not a UUIDv7')
  return encodeEntry({ kind: 'message', id, role: 'user', content: textOf(number), at: Date.now() })
}
