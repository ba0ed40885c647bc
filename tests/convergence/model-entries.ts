// What people write in the model-based test, drawn from small numbers so that a failure shrinks well. Knows no test runner.
import { jsonPayload } from '../helpers/adversarial-cast.ts'
import type { Fields } from '../helpers/model-rules.ts'
import type { ModelRoom } from './model-room.ts'

/** Which entry: a kind, what it points at, and which of its forms. */
export interface EntryPick {
  readonly kind: number
  readonly target: number
  readonly form: number
}

export const names = ['ann', 'bob', 'cleo', 'rob', 'dan', 'anna', 'eve'] as const

/** What all that is drawn has in common: its time and its ids are its own. */
export class Draw {
  #count = 0

  next(): number {
    return this.#count++
  }

  messageId(): string {
    return `01890a5d-ac96-774b-8000-${this.next().toString(16).padStart(12, '0')}`
  }

  /** Clocks of devices differ. */
  atMs(form: number): number {
    const skew = [0, 0, -3_600_000, 90_000][form % 4] ?? 0
    return 1_700_000_000_000 + skew + this.next()
  }
}

type Make = (pick: EntryPick, room: ModelRoom, draw: Draw) => Fields

function messageOf(id: string, { form }: EntryPick, draw: Draw): Fields {
  const content = form % 5 === 0 ? 'the same words' : `words ${draw.next()}`
  return { kind: 'message', id, role: form % 2 === 0 ? 'user' : 'assistant', content, at: draw.atMs(form) }
}

/** An id that was used before, or a new one when there is none. */
function someId({ target }: EntryPick, { messageIds }: ModelRoom, draw: Draw): string {
  return messageIds.length === 0 ? draw.messageId() : (messageIds[target % messageIds.length] ?? '')
}

const freshMessage: Make = (pick, room, draw) => {
  const id = draw.messageId()
  room.messageIds.push(id)
  return messageOf(id, pick, draw)
}

/** A reply in a thread, of a message that may be none, or a reply itself. */
const inThread: Make = (pick, room, draw) => {
  const thread = someId(pick, room, draw)
  return { ...freshMessage(pick, room, draw), replyTo: thread, thread }
}

/** Members, and who is none (any more). */
const withMentions: Make = (pick, room, draw) => ({
  ...freshMessage(pick, room, draw),
  mentions: [names[pick.target % names.length], names[pick.form % names.length]],
})

const makers: readonly Make[] = [
  freshMessage,
  freshMessage,
  freshMessage,
  inThread,
  inThread,
  withMentions,
  (pick, room, draw) => messageOf(someId(pick, room, draw), pick, draw),
  (pick, room, draw) => ({ kind: 'edit', of: someId(pick, room, draw), content: 'edited', at: draw.atMs(pick.form) }),
  (pick, room, draw) => ({ kind: 'redact', of: someId(pick, room, draw) }),
  (pick, room, draw) => ({ kind: 'react', of: someId(pick, room, draw), emoji: '👍', on: pick.form % 2 === 0 }),
  (pick, room, draw) => ({ kind: 'pin', of: someId(pick, room, draw), on: true }),
  (pick, room, draw) => {
    const isNew = pick.form % 2 === 0
    const of = isNew ? draw.messageId() : someId(pick, room, draw)
    if (isNew) room.messageIds.push(of)
    return { kind: 'delta', of, text: 'a piece' }
  },
  (pick, room, draw) => ({ kind: 'stop', of: someId(pick, room, draw) }),
  ({ target, form }, { model }) => {
    const seq = form % 4 === 0 ? model.log.length : Math.max(0, model.log.length - 1 - target)
    return form % 2 === 0 ? { kind: 'read', through: seq } : { kind: 'read', through: 0, received: seq }
  },
  (pick, room, draw) => ({
    kind: 'read',
    through: Math.max(0, room.model.log.length - 1 - (pick.form % 3)),
    thread: someId(pick, room, draw),
  }),
  ({ form }) => ({ kind: 'set', key: 'title', value: form % 4 === 0 ? null : `title ${form % 3}` }),
  ({ form }) => ({ kind: 'set', key: 'colour', value: { form } }),
  ({ target, form }) => ({
    kind: 'member',
    user: names[target % names.length],
    access: [null, 'reader', 'writer', 'admin', 'owner', 'writer'][form % 6],
  }),
  ({ target, form }) => ({
    kind: 'member',
    user: names[target % names.length],
    access: [null, 'reader', 'writer', 'admin', 'owner', null][form % 6],
  }),
]

const later: Fields = { kind: 'of a later version', at: 1, more: [1, { deep: true }] }

const wrong: readonly (() => Uint8Array)[] = [
  () => new Uint8Array(),
  () => Uint8Array.of(9, 1, 2),
  () => Uint8Array.of(2, 1, 2),
  () => Uint8Array.of(3, 0, 1),
  () => jsonPayload('{"kind":"message"'),
  () => jsonPayload('[]'),
  () => jsonPayload('{"kind":"message","id":"no id","role":"user","content":"x","at":1}'),
  () => jsonPayload('{"kind":"read"}'),
  () => jsonPayload(`{"kind":"x","v":${'['.repeat(70)}${']'.repeat(70)}}`),
  () => Uint8Array.of(1, 0x22, 0xff, 0x22),
  () => jsonPayload(JSON.stringify(later)),
  () =>
    jsonPayload('{"kind":"member","user":"eve","access":"writer","invitation":"01890a5d-ac96-774b-8000-0000000000ff"}'),
]

/** How many kinds there are to pick from. */
export const entryKinds = makers.length + wrong.length

/** The fields of an entry that can also be asked for over REST. */
export function drawFields(pick: EntryPick, room: ModelRoom, draw: Draw): Fields {
  return (makers[pick.kind % makers.length] ?? freshMessage)(pick, room, draw)
}

/** The payload of an entry, right or wrong. */
export function drawPayload(pick: EntryPick, room: ModelRoom, draw: Draw): Uint8Array {
  const odd = wrong[(pick.kind % entryKinds) - makers.length]
  return odd === undefined ? jsonPayload(JSON.stringify(drawFields(pick, room, draw))) : odd()
}
