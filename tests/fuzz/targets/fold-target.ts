// Entries against the naive reading of the table in SPEC.md, and the fold of documents with whatever payloads and records:
// never throws, and is the same whether the parts arrive one by one or all at once.
import * as Y from 'yjs'

import { encodeEntry, parseEntry } from '../../../shared/chat/entry.ts'
import { crc32 } from '../../../shared/sync/crc32.ts'
import { encodeRecord, parseRecord } from '../../../shared/sync/record.ts'
import { jsonPayload, messagePayload } from '../../helpers/adversarial-cast.ts'
import { clientId, userId } from '../../helpers/chain-doc.ts'
import { createFoldedDoc, type FoldedDoc } from '../../helpers/folded-doc.ts'
import { readPayload } from '../../helpers/model-rules.ts'
import { createRandom, type Random } from '../../helpers/seeded-random.ts'
import { demand, type FuzzTarget, orderOf } from '../fuzz-target.ts'
import { mutateScript, readScript, type ScriptStep, writeScript } from '../script.ts'

const users = ['ann', 'bob', 'cleo'] as const
const server = 9
/** Tags of steps: an entry of one of three users, a record as it is, a stamp of all that is new with a void record or without. */
const [recordTag, voidTag, tags] = [3, 4, 6]
const id = '01890a5d-ac96-774b-bcce-b302099a8057'

const texts: readonly string[] = [
  `{"kind":"message","id":"${id}","role":"user","content":"Tea?","at":5,"replyTo":"${id}","mentions":["bob"]}`,
  `{"kind":"message","id":"${id}","role":"assistant","content":"","at":5,"parts":[{"a":1}],"status":"interrupted"}`,
  `{"kind":"edit","of":"${id}","content":"Coffee?","at":1}`,
  `{"kind":"redact","of":"${id}"}`,
  `{"kind":"react","of":"${id}","emoji":"👍🏽","on":true}`,
  '{"kind":"read","through":41,"received":42}',
  '{"kind":"set","key":"title","value":"Tea"}',
  '{"kind":"member","user":"bob","access":"writer"}',
  '{"kind":"member","user":"bob","access":null}',
  `{"kind":"pin","of":"${id}","on":false}`,
  `{"kind":"delta","of":"${id}","text":"Te"}`,
  `{"kind":"stop","of":"${id}"}`,
  '{"kind":"x","at":9}',
]

export const foldTarget: FuzzTarget = {
  name: 'fold',
  *seeds(random) {
    const steps = (all: readonly number[]): ScriptStep[] => all.map((tag) => stepOf(tag, random))
    for (const [index, text] of texts.entries()) yield writeScript([{ tag: index % 3, bytes: jsonPayload(text) }])
    for (let left = 60; left > 0; left--) {
      const drawn = Array.from({ length: random.between(1, 12) }, () => random.pick([0, 1, 2, 3, 4, 5, 5]))
      yield writeScript(steps(drawn))
    }
  },
  mutate: mutateScript,
  run: (input) => {
    const steps = readScript(input)
    const kinds = steps.filter(({ tag }) => tag % tags < recordTag).map(({ bytes }) => entryKind(bytes))
    return `${[...new Set(kinds)].toSorted().slice(0, 2).join()} ${foldKind(steps)}`
  },
  parse: (input) => void parseEntry(input),
}

function stepOf(tag: number, random: Random): ScriptStep {
  if (tag < recordTag) {
    return { tag, bytes: random.chance(0.6) ? messagePayload(random) : jsonPayload(random.pick(texts)) }
  }
  return {
    tag,
    bytes: tag === recordTag ? encodeRecord({ kind: 'stamp', seq: 0, timeMs: 1, runs: [] }) : Uint8Array.of(0),
  }
}

function entryKind(payload: Uint8Array): string {
  const [parsed, naive] = [parseEntry(payload), readPayload(payload)]
  if (parsed.kind === 'unreadable') {
    const reason = naive.kind === 'bad' ? naive.reason : 'none'
    demand(reason === parsed.reason, 'the two readers agree on what is wrong with an entry', parsed, naive)
    return parsed.reason
  }
  const { entry } = parsed
  demand(naive.kind === 'entry', 'the two readers agree on what an entry is', parsed, naive)
  const at = 'at' in entry ? entry.at : undefined
  demand(naive.kind === 'entry' && naive.at === at, 'the two readers agree on its time', parsed, naive)
  if (entry.kind === 'unknown') return 'unknown'
  const again = parseEntry(encodeEntry(entry))
  demand(JSON.stringify(again) === JSON.stringify(parsed), 'an entry comes back as it was written', parsed, again)
  return entry.kind
}

/** What is shown of a document that grew by these steps. */
function foldKind(steps: readonly ScriptStep[]): string {
  const updates: Uint8Array[] = []
  const source = new Y.Doc()
  source.on('update', (update: Uint8Array) => updates.push(update))
  const stage = new Stage(source)
  for (const { tag, bytes } of steps) stage.take(tag % tags, bytes)

  const slowly = new Y.Doc()
  const slowFold = createFoldedDoc(slowly)
  for (const update of updates) {
    Y.applyUpdate(slowly, update)
    slowFold.view()
  }
  const shown = shownOf(slowFold)
  demand(shown === shownOf(slowFold), 'a view does not change by being looked at')
  const backwards = new Y.Doc()
  const fold = createFoldedDoc(backwards)
  const random = createRandom(updates.length)
  for (const update of random.shuffled(updates)) {
    Y.applyUpdate(backwards, update)
    if (random.chance(0.3)) fold.view()
  }
  const isSame = shownOf(fold) === shown
  demand(
    isSame || stage.contradictsItself,
    'the view is the same in whatever order the parts arrive',
    shownOf(fold),
    shown,
  )
  const { sent, pending, members } = slowFold.view()
  const fork = slowFold.fold().fork === undefined ? '' : 'fork'
  return [orderOf(sent.length), orderOf(pending.length), Math.min(2, members.size), fork].join(' ')
}

function shownOf(folded: FoldedDoc): string {
  const all = { ...folded.view(), fork: folded.fold().fork, next: folded.fold().nextRecord }
  const inOrder = (map: ReadonlyMap<unknown, unknown>): unknown[] =>
    [...map].toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1))
  return JSON.stringify(all, (_key, value: unknown) => (value instanceof Map ? inOrder(value) : value))
}

/** A document with chains of three users and a server that stamps what it is told to. */
class Stage {
  readonly #doc: Y.Doc
  readonly #stamped = [0, 0, 0]
  readonly #payloads: Uint8Array[][] = [[], [], []]
  #seq = 0
  #hasLied = false
  #hasDeleted = false

  constructor(doc: Y.Doc) {
    this.#doc = doc
    this.#record(encodeRecord({ kind: 'genesis', epoch: 0, owner: userId('ann'), createdAt: 1 }))
  }

  take(tag: number, bytes: Uint8Array): void {
    if (tag < recordTag) this.#write(tag, bytes)
    else if (tag === recordTag) {
      this.#record(bytes)
      this.#hasLied ||= parseRecord(bytes)?.kind === 'stamp'
    } else this.#stamp(tag === voidTag)
  }

  /** Bytes that a false stamp is held against are gone for some and not for others: only a lying server does that. */
  get contradictsItself(): boolean {
    return this.#hasLied && this.#hasDeleted
  }

  #write(user: number, payload: Uint8Array): void {
    this.#doc.clientID = user + 1
    this.#doc.getArray(`chain/${user + 1}/${users[user]}`).push([payload])
    this.#payloads[user]?.push(payload)
  }

  #record(payload: Uint8Array): void {
    this.#doc.clientID = server
    this.#doc.getArray(`server/${server}`).push([payload])
  }

  /** As a server does it: void records, the deletions and the stamp in one update. */
  #stamp(voidsFirst: boolean): void {
    const runs = users.flatMap((_user, user) => {
      const from = this.#stamped[user] ?? 0
      const crcs = (this.#payloads[user] ?? []).slice(from).map(crc32)
      return crcs.length === 0 ? [] : [{ user, client: clientId(user + 1), clock: from, crcs }]
    })
    const [first] = runs
    this.#doc.transact(() => {
      if (voidsFirst && first !== undefined) {
        const { client, clock, user } = first
        this.#record(encodeRecord({ kind: 'void', client, clock, reason: 'access' }))
        this.#doc.getArray(`chain/${client}/${users[user]}`).delete(this.#firstOf(user), 1)
        this.#hasDeleted = true
      }
      this.#record(encodeRecord({ kind: 'stamp', seq: this.#seq, timeMs: this.#seq + 1, runs }))
    })
    for (const { user, crcs } of runs) {
      this.#stamped[user] = (this.#stamped[user] ?? 0) + crcs.length
      this.#seq += crcs.length
    }
  }

  /** Where in its array the first entry without a stamp stands: what is deleted takes no place there. */
  #firstOf(user: number): number {
    const unstamped = (this.#payloads[user]?.length ?? 0) - (this.#stamped[user] ?? 0)
    return this.#doc.getArray(`chain/${user + 1}/${users[user]}`).length - unstamped
  }
}
