// What people write in the simulation, wrong entries among the right ones, each with what must come of it.
import { encodeEntry, type KnownEntry, type MessageEntry, parseMessageId } from '../../shared/chat/entry.ts'
import type { VoidReason } from '../../shared/chat/policy.ts'
import { limits } from '../../shared/limits.ts'
import type { ClientId } from '../../shared/sync/ids.ts'
import { forgedUuidV7, jsonPayload } from '../helpers/adversarial-cast.ts'
import type { FakeDevice } from '../helpers/fake-device.ts'
import type { Random } from '../helpers/seeded-random.ts'

export type Verdict = 'accepted' | VoidReason

export interface Drawn {
  readonly payload: Uint8Array
  /** The message it would make. */
  readonly message: MessageEntry | undefined
  /** Any of these may come of it, nothing else. */
  readonly verdicts: readonly Verdict[]
}

export interface Written extends Drawn {
  readonly user: string
  readonly client: ClientId
  readonly clock: number
}

export interface Writing {
  readonly random: Random
  readonly device: FakeDevice
  /** The device's clock. */
  readonly atMs: number
  readonly written: readonly Written[]
}

/** Mostly messages. */
export function drawEntry(writing: Writing): Drawn {
  const { random, device } = writing
  const drawn = random.chance(0.75) ? freshMessage(writing) : random.pick(oddities)(writing)
  // What it is comes before who wrote it: bad bytes are void for their own reason.
  const isReadable = drawn.verdicts.includes('accepted') || !unreadable.has(drawn.verdicts[0] ?? 'accepted')
  return device.user === 'rob' && isReadable && !drawn.verdicts.includes('beyond-end')
    ? { ...drawn, verdicts: [...drawn.verdicts, 'access'] }
    : drawn
}

const unreadable: ReadonlySet<Verdict> = new Set(['bad-json', 'bad-format', 'bad-schema', 'sealed', 'too-large'])

const oddities: readonly ((writing: Writing) => Drawn)[] = [
  () => wrong(jsonPayload('{"kind":"message"'), 'bad-json'),
  () => wrong(jsonPayload('{"kind":"message"}'), 'bad-schema'),
  () => wrong(Uint8Array.of(9, 1, 2, 3), 'bad-format'),
  () => wrong(new Uint8Array(), 'bad-format'),
  () => wrong(Uint8Array.of(2, 1, 2, 3), 'sealed'),
  ({ random }) =>
    random.chance(0.1)
      ? wrong(new Uint8Array(limits.entryBytes + 1).fill(1), 'too-large')
      : wrong(jsonPayload('[]'), 'bad-json'),
  ownIdAgain,
  foreignId,
  editOfNothing,
  editOfSomething,
  ({ random }) => right({ kind: 'read', through: 2 ** 40 + random.below(9) }, 'beyond-end'),
  ({ device }) => {
    const { lastSeq } = device.folded.view()
    return lastSeq < 0 ? right({ kind: 'read', through: 2 ** 40 }, 'beyond-end') : readThrough(lastSeq)
  },
  () => ({ payload: jsonPayload('{"kind":"of a later version","x":1}'), message: undefined, verdicts: ['accepted'] }),
  ({ device, random }) =>
    right(
      { kind: 'set', key: 'title', value: `title ${random.below(1000)}` },
      device.user === 'ann' ? 'accepted' : 'access',
    ),
]

function freshMessage({ random, atMs }: Writing): Drawn {
  return message(
    {
      kind: 'message',
      id: drawMessageId(random),
      role: 'user',
      content: `${random.below(0x4000_0000)}`.repeat(random.pick([1, 1, 40])),
      at: atMs,
    },
    'accepted',
    // Another device of the same user may have repeated it, and been faster.
    'duplicate',
  )
}

/** The same user's id again, from this device or another, with the same content or another. */
function ownIdAgain(writing: Writing): Drawn {
  const { random, device, written } = writing
  const own = written.filter(({ user, message: made }) => user === device.user && made !== undefined)
  const made = own.length === 0 ? undefined : random.pick(own).message
  if (made === undefined) return freshMessage(writing)
  return message({ ...made, content: random.pick([made.content, 'another']) }, 'accepted', 'duplicate', 'id-taken')
}

/** The id of somebody's message that is stamped already. */
function foreignId(writing: Writing): Drawn {
  const { random, device, atMs } = writing
  const foreign = device.folded.view().sent.filter(({ user }) => user !== device.user)
  if (foreign.length === 0) return freshMessage(writing)
  const { id } = random.pick(foreign)
  return message({ kind: 'message', id, role: 'user', content: 'stolen', at: atMs }, 'id-taken')
}

function editOfNothing({ random, atMs }: Writing): Drawn {
  return right({ kind: 'edit', of: drawMessageId(random), content: 'edited', at: atMs }, 'no-target')
}

function editOfSomething(writing: Writing): Drawn {
  const { random, device, atMs } = writing
  const { sent } = device.folded.view()
  if (sent.length === 0) return freshMessage(writing)
  const { id, user } = random.pick(sent)
  const verdict = user === device.user ? 'accepted' : 'not-author'
  return right({ kind: 'edit', of: id, content: 'edited', at: atMs }, verdict)
}

function readThrough(through: number): Drawn {
  return { payload: encodeEntry({ kind: 'read', through }), message: undefined, verdicts: ['accepted'] }
}

function message(entry: MessageEntry, ...verdicts: readonly Verdict[]): Drawn {
  return { payload: encodeEntry(entry), message: entry, verdicts }
}

function right(entry: Exclude<KnownEntry, MessageEntry>, ...verdicts: readonly Verdict[]): Drawn {
  return { payload: encodeEntry(entry), message: undefined, verdicts }
}

function wrong(payload: Uint8Array, reason: VoidReason): Drawn {
  return { payload, message: undefined, verdicts: [reason] }
}

function drawMessageId(random: Random): MessageEntry['id'] {
  const id = parseMessageId(forgedUuidV7(random))
  if (id === undefined) throw new Error('not a UUIDv7')
  return id
}
