// Records of the server chain and state vectors: total parsers, and what they read is written back the same.
import { encodeRecord, parseRecord, type ServerRecord } from '../../../shared/sync/record.ts'
import { encodeStateVector, parseStateVector } from '../../../shared/sync/state-vector.ts'
import { clientId, userId } from '../../helpers/chain-doc.ts'
import { demand, type FuzzTarget, orderOf } from '../fuzz-target.ts'
import { mutateJson } from '../json-mutation.ts'

const [client, by] = [clientId(7), userId('ann')]

const records: readonly ServerRecord[] = [
  { kind: 'genesis', epoch: 0, owner: by, createdAt: 1_700_000_000_000 },
  { kind: 'void', client, clock: 3, reason: 'no-target' },
  { kind: 'erased', client, clock: 3, of: '01890a5d-ac96-774b-bcce-b302099a8057', by, left: { role: 'user', at: 1 } },
  { kind: 'checkpoint', through: 1023, state: { settings: [['title', 'Tea']], members: [['ann', 'owner']], pins: [] } },
  { kind: 'stamp', seq: 0, timeMs: 1, runs: [] },
  { kind: 'stamp', seq: 300, timeMs: 2 ** 41, runs: [{ client, clock: 3, crcs: [0xcbf4_3926, 0] }] },
  {
    kind: 'stamp',
    seq: 2 ** 40,
    timeMs: 2 ** 41,
    runs: [
      { client: clientId(2 ** 32 - 1), clock: 0, crcs: [1] },
      { client, clock: 9, crcs: [2, 3, 4] },
    ],
  },
]

export const recordsTarget: FuzzTarget = {
  name: 'records',
  *seeds() {
    yield* records.map(encodeRecord)
    yield encodeStateVector(new Map())
    yield encodeStateVector(
      new Map([
        [5, 1],
        [2 ** 32 - 1, 2 ** 50],
      ]),
    )
  },
  mutate: mutateJson,
  run: (input) => `${recordKind(input)} / ${vectorKind(input)}`,
  parse: (input) => void [parseRecord(input), parseStateVector(input)],
}

function recordKind(input: Uint8Array): string {
  const record = parseRecord(input)
  if (record === undefined) return `none ${input[0] === 1 || input[0] === 3 ? input[0] : ''}`
  const again = parseRecord(encodeRecord(record))
  demand(JSON.stringify(again) === JSON.stringify(record), 'a record comes back as it was written', record, again)
  if (record.kind !== 'stamp') return record.kind
  const crcs = record.runs.reduce((count, run) => count + run.crcs.length, 0)
  demand(4 * crcs < input.length, 'a stamp has no more checksums than bytes', crcs, input.length)
  return `stamp ${orderOf(record.runs.length)} ${orderOf(crcs)}`
}

function vectorKind(input: Uint8Array): string {
  const parsed = parseStateVector(input)
  if (parsed.kind === 'malformed') return parsed.why
  const again = parseStateVector(encodeStateVector(parsed.clocks))
  const isSame =
    again.kind === 'state-vector' && [...again.clocks].every(([id, clock]) => parsed.clocks.get(id) === clock)
  demand(isSame && again.clocks.size === parsed.clocks.size, 'a state vector comes back as it was written', again)
  return `vector ${orderOf(parsed.clocks.size)}`
}
