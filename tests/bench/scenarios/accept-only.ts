// Accept-only: what one entry costs without any I/O. Parse the update, bind it to its chain, read and judge the entry,
// encode the relay. Runs in this process.
import * as Y from 'yjs'

import { bindSections } from '../../../server/sync/acceptance.ts'
import { parseEntry } from '../../../shared/chat/entry.ts'
import { judge, type PolicyView } from '../../../shared/chat/policy.ts'
import { encodeUpdate } from '../../../shared/sync/chain-update/encode-update.ts'
import { parseUpdate } from '../../../shared/sync/chain-update/parse-update.ts'
import { parseUserId, type UserId } from '../../../shared/sync/ids.ts'
import { chainRoot } from '../../../shared/sync/roots.ts'
import { atMost, median, type Outcome } from '../figure.ts'
import { ChainWriter } from '../load/messages.ts'

const entries = 2000
const rounds = 15
const mostUs = 25

export async function acceptOnly(): Promise<Outcome> {
  const user = parseUserId('ann')
  if (user === undefined) throw new Error('a constant is wrong')
  const chain = new ChainWriter(user)
  const updates = Array.from({ length: entries }, (_, number) => chain.append([number]))
  const accept = medianUs(() => updates.forEach((update, clock) => acceptOne(update, user, clock)))
  const apply = medianUs(() => {
    const doc = new Y.Doc()
    for (const update of updates) Y.applyUpdate(doc, update)
  })
  const values = { Parley: accept }
  return {
    figures: [
      { name: 'validate and encode one entry, no I/O', unit: 'µs', values, judged: atMost(values, 'µs', mostUs) },
      {
        name: '  Y.applyUpdate of the same updates',
        unit: 'µs',
        values: { Yjs: apply },
        note: 'what a server that keeps documents does at least',
      },
    ],
    voids: [],
    failures: [],
  }
}

const view: PolicyView = {
  accessOf: () => 'writer',
  ownerCount: () => 1,
  claimOf: () => undefined,
  nextSeq: () => 0,
  memberCount: () => 1,
  membersBytes: () => 100,
  pinCount: () => 0,
  isPinned: () => false,
  settingsBytesWithout: () => 0,
  threadReadsOf: () => new Map(),
  threadReadsBytes: () => 0,
  isPrivate: () => false,
}

function acceptOne(update: Uint8Array, user: UserId, next: number): void {
  const parsed = parseUpdate(update)
  if (parsed.kind === 'malformed') throw new Error(parsed.why)
  const table = { chain: () => ({ user, held: false, next }), isServer: () => false }
  const bound = bindSections(parsed.sections, user, table)
  if (bound.kind === 'fault') throw new Error(bound.why)
  for (const { client, fresh } of bound.parts) {
    for (const { clock, payload: bytes } of fresh) {
      if (bytes === undefined) throw new Error('an entry without bytes')
      const entry = parseEntry(bytes)
      if (entry.kind !== 'entry' || judge(view, user, entry.entry) !== undefined) throw new Error('not accepted')
      encodeUpdate([{ client, root: chainRoot(client, user), clock, structs: [{ kind: 'payload', bytes }] }])
    }
  }
}

/** Of one entry, in the median of the rounds. */
function medianUs(work: () => void): number {
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    work()
    times.push(((performance.now() - start) * 1000) / entries)
  }
  return median(times)
}
