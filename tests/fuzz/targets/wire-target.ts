// Frames of both protocols and control messages: every parser of them is total, and what it read is written back the same.
import { encodeAwareness, parseAwareness } from '../../../shared/sync/awareness.ts'
import {
  encodeClientControl,
  encodeServerControl,
  parseClientControl,
  parseServerControl,
} from '../../../shared/sync/control.ts'
import { encodeFrame, parseFrame } from '../../../shared/sync/frame.ts'
import { parseConversationId } from '../../../shared/sync/ids.ts'
import { parseStateVector } from '../../../shared/sync/state-vector.ts'
import {
  encodeAwarenessMessage,
  encodeStep1,
  encodeStep2,
  encodeUpdateMessage,
  parseWireMessage,
} from '../../../shared/sync/wire.ts'
import { adversarialCorpus, frameOf } from '../../helpers/adversarial-corpus.ts'
import { concat } from '../../helpers/update-forge.ts'
import { demand, type FuzzTarget, orderOf } from '../fuzz-target.ts'
import { mutateJson } from '../json-mutation.ts'

const conversation = parseConversationId('01890a5d-ac96-774b-bcce-b302099a8057')
const parsers = [parseWireMessage, parseFrame, parseClientControl, parseServerControl, parseAwareness]
const longestSeedBytes = 1024

export const wireTarget: FuzzTarget = {
  name: 'wire',
  *seeds(random) {
    for (const one of adversarialCorpus(random.below(1000))) {
      const frame = frameOf(one)
      if (one.channel === 'update' || frame.length > longestSeedBytes) continue
      yield frame
      yield concat([1], frame)
    }
    yield* controlSeeds()
    const states = [
      { client: 7, clock: 3, json: '{"user":"ann"}' },
      { client: 8, clock: 0, json: 'null' },
    ]
    yield encodeAwarenessMessage(encodeAwareness(states))
  },
  mutate: mutateJson,
  run: (input) => [stockKind(input), frameKind(input)].join(' / '),
  parse: (input) => {
    for (const parse of parsers) parse(input)
  },
}

function* controlSeeds(): Iterable<Uint8Array> {
  if (conversation === undefined) throw new Error('a constant is wrong')
  const version = { server: 9, records: 4 }
  yield encodeClientControl({ type: 'hello', token: 't', device: 'd', versions: new Map([[conversation, version]]) })
  yield encodeClientControl({ type: 'open', channel: 1, conversation, version })
  yield encodeClientControl({ type: 'close', channel: 1 })
  yield encodeClientControl({ type: 'token', token: 't' })
  yield encodeServerControl({ type: 'hello', user: 'ann', expiresMs: 5 })
  yield encodeServerControl({ type: 'opened', channel: 1, current: true })
  yield encodeServerControl({ type: 'refused', channel: 1, code: 'no-access', reason: 'r' })
  const gone = [{ conversation, code: 'deleted' }] as const
  yield encodeServerControl({ type: 'activity', moved: [{ conversation, seq: -1, version }], gone })
  yield encodeServerControl({ type: 'token', expiresMs: 5 })
}

function stockKind(input: Uint8Array): string {
  const message = parseWireMessage(input)
  switch (message.kind) {
    case 'malformed':
      return message.why
    case 'step1':
      comesBack(message, encodeStep1(message.stateVector))
      return `step1 ${parseStateVector(message.stateVector).kind}`
    case 'step2':
      comesBack(message, encodeStep2(message.update))
      return message.kind
    case 'update':
      comesBack(message, encodeUpdateMessage(message.update))
      return message.kind
    case 'awareness':
      comesBack(message, encodeAwarenessMessage(message.update))
      return `awareness ${awarenessKind(message.update)}`
    case 'query-awareness':
    case 'aside':
      return message.kind
  }
}

function comesBack(message: object, bytes: Uint8Array): void {
  const again = parseWireMessage(bytes)
  demand(JSON.stringify(again) === JSON.stringify(message), 'a message comes back as it was written', message, again)
}

function awarenessKind(update: Uint8Array): string {
  const states = parseAwareness(update)
  if (states === undefined) return 'none'
  const again = parseAwareness(encodeAwareness(states))
  demand(JSON.stringify(again) === JSON.stringify(states), 'awareness comes back as it was written', states, again)
  return `${orderOf(states.length)}`
}

function frameKind(input: Uint8Array): string {
  const frame = parseFrame(input)
  if (frame.kind === 'malformed') return frame.why
  const again = parseFrame(encodeFrame(frame.channel, frame.content))
  demand(JSON.stringify(again) === JSON.stringify(frame), 'a frame comes back as it was written', frame, again)
  if (frame.channel > 0) return `channel ${stockKind(frame.content)}`
  return controlKind(frame.content)
}

function controlKind(content: Uint8Array): string {
  const fromClient = parseClientControl(content)
  const fromServer = parseServerControl(content)
  if (fromClient.type !== 'malformed') {
    const again = parseClientControl(encodeClientControl(fromClient).subarray(1))
    demand(said(again) === said(fromClient), "a client's control message comes back", fromClient, again)
  }
  if (fromServer.type !== 'malformed') {
    const again = parseServerControl(encodeServerControl(fromServer).subarray(1))
    demand(said(again) === said(fromServer), "a server's control message comes back", fromServer, again)
  }
  const kinds = [fromClient, fromServer].map((one) => (one.type === 'malformed' ? one.why : one.type))
  return kinds.join(' | ')
}

/** JSON has no Map. */
function said(message: object): string {
  return JSON.stringify(message, (_key, value: unknown) => (value instanceof Map ? [...value] : value))
}
