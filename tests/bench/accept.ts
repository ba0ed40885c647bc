// Validate and encode one entry, no I/O: parse the update, bind it, read and judge the entry, encode the relay.

import * as Y from 'yjs'
import { encodeEntry, parseEntry, parseMessageId } from '../../shared/chat/entry.ts'
import { judge, type PolicyView } from '../../shared/chat/policy.ts'
import { encodeUpdate } from '../../shared/sync/chain-update/encode-update.ts'
import { parseUpdate } from '../../shared/sync/chain-update/parse-update.ts'
import { parseClientId, parseUserId } from '../../shared/sync/ids.ts'
import { chainRoot } from '../../shared/sync/roots.ts'
import { bindSections } from '../../server/sync/acceptance.ts'
import { type Figure, medianMs } from './figure.ts'

const entries = 2000
const rounds = 15

export function benchAccept(): Figure[] {
  const user = parseUserId('ann')
  const client = parseClientId(17)
  const id = parseMessageId('01890000-0000-7000-8000-000000000000')
  if (user === undefined || client === undefined || id === undefined) throw new Error('a constant is wrong')
  const root = chainRoot(client, user)
  const payload = encodeEntry({ kind: 'message', id, role: 'user', content: 'x'.repeat(60), at: 1 })
  const updates: Uint8Array[] = []
  const doc = new Y.Doc()
  doc.clientID = client
  doc.on('update', (update: Uint8Array) => updates.push(update))
  for (let index = 0; index < entries; index++) doc.getArray<Uint8Array>(root).push([payload])

  const view: PolicyView = {
    accessOf: () => 'writer',
    ownerCount: () => 1,
    claimOf: () => undefined,
    nextSeq: () => 0,
  }
  const accept = (update: Uint8Array, next: number): void => {
    const parsed = parseUpdate(update)
    if (parsed.kind === 'malformed') throw new Error(parsed.why)
    const table = { chain: () => ({ user, held: false, next }), isServer: () => false }
    const bound = bindSections(parsed.sections, user, table)
    if (bound.kind === 'fault') throw new Error(bound.why)
    for (const { clock, payload: bytes } of bound.parts.flatMap(({ fresh }) => [...fresh])) {
      const entry = parseEntry(bytes ?? new Uint8Array())
      if (entry.kind !== 'entry' || judge(view, user, entry.entry) !== undefined || bytes === undefined)
        throw new Error('not accepted')
      encodeUpdate([{ client, root, clock, structs: [{ kind: 'payload', bytes }] }])
    }
  }
  const acceptMs = medianMs(rounds, () => updates.forEach((update, index) => accept(update, index)))
  const applyMs = medianMs(rounds, () => {
    const other = new Y.Doc()
    for (const update of updates) Y.applyUpdate(other, update)
  })
  const microseconds = (acceptMs * 1000) / entries
  return [
    { name: 'validate and encode one entry, no I/O', value: microseconds, unit: 'µs', note: 'budget 25 µs' },
    {
      name: 'the same, against Y.applyUpdate of the same updates',
      value: acceptMs / applyMs,
      unit: '×',
      note: 'a server that keeps documents does that at least',
    },
  ]
}
