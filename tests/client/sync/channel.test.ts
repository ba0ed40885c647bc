// Conversations on channels of one socket: the stock provider on each, and a small server at the other end.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import * as Y from 'yjs'

import type { ConnectionStatus } from '../../../client/api.ts'
import { channelWebSocket } from '../../../client/sync/channel.ts'
import type { Member } from '../../../client/sync/channel-table.ts'
import { connect, type Connection } from '../../../client/sync/connection.ts'
import { createSendGate, type SendGate } from '../../../client/sync/send-gate.ts'
import { SyncSocket } from '../../../client/sync/socket.ts'
import { encodeEntry } from '../../../shared/chat/entry.ts'
import { faults } from '../../../shared/fault.ts'
import { limits } from '../../../shared/limits.ts'
import type { Version } from '../../../shared/sync/control.ts'
import { parseFrame } from '../../../shared/sync/frame.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { heartbeat, parseWireMessage } from '../../../shared/sync/wire.ts'
import { append, createDoc } from '../../helpers/chain-doc.ts'
import { ann, conversationId, message } from '../../helpers/client-rows.ts'
import { createFakeSyncServer, type FakeMuxSocket, type FakeSyncServer } from '../../helpers/fake-sync-server.ts'
import { deferred } from '../../helpers/when.ts'

const [one, two] = [conversationId(1), conversationId(2)]
const closing: { readonly close: () => void }[] = []

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(async () => {
  for (const each of closing.splice(0)) each.close()
  // Providers take a last look.
  await vi.advanceTimersByTimeAsync(5000)
  if (vi.getTimerCount() > 0) throw new Error('a timer is left')
  vi.useRealTimers()
})

interface Rig {
  readonly server: FakeSyncServer
  readonly socket: SyncSocket
  readonly open: (id: ConversationId, more?: More) => Opened
}

interface More {
  readonly doc?: Y.Doc
  readonly version?: () => Version | undefined
  readonly register?: () => Promise<void>
}

interface Opened {
  readonly doc: Y.Doc
  readonly gate: SendGate
  readonly connection: Connection
  readonly statuses: readonly ConnectionStatus[]
  readonly phases: () => readonly string[]
}

let drawn = 100

function start(server: FakeSyncServer = createFakeSyncServer()): Rig {
  const socket = new SyncSocket({
    url: 'http://chat.example',
    user: ann,
    tokens: { get: async () => 'a.token', renew: () => false },
    WebSocket: server.WebSocket,
    device: undefined,
    now: Date.now,
    uptime: () => performance.now(),
    random: () => 1,
    versions: () => new Map(),
    onNews: () => undefined,
  })
  const open = (id: ConversationId, more: More = {}): Opened => {
    const { doc = createDoc(drawn++), version = () => undefined, register = async () => undefined } = more
    const gate = createSendGate()
    const statuses: ConnectionStatus[] = []
    const connection = connect({
      url: 'http://chat.example',
      user: ann,
      id,
      doc,
      generation: 0,
      gate,
      carrier: {
        kind: 'channel',
        WebSocket: channelWebSocket({ socket, conversation: id, gate, version }),
        socket: socket.status,
      },
      broadcast: false,
      dropExitListener: (listener) => process.off('exit', listener),
      register,
      connectPresence: () => ({ hear: () => undefined, end: () => undefined }),
      onStatus: (status) => void statuses.push(status),
    })
    closing.unshift(connection)
    return { doc, gate, connection, statuses, phases: () => statuses.map(({ phase }) => phase) }
  }
  closing.push(socket)
  return { server, socket, open }
}

function settle(): Promise<unknown> {
  return vi.advanceTimersByTimeAsync(0)
}

/** Kinds of the wire messages that the client sent on channels. */
function sentKinds({ sent }: FakeMuxSocket): readonly string[] {
  return sent.flatMap((bytes) => {
    const frame = parseFrame(bytes)
    return frame.kind === 'frame' && frame.channel > 0 ? [parseWireMessage(frame.content).kind] : []
  })
}

function write(doc: Y.Doc, ...contents: readonly string[]): void {
  const from = Y.getState(doc.store, doc.clientID)
  append(
    doc,
    'ann',
    contents.map((content, index) => encodeEntry(message(doc.clientID * 1000 + from + index, content))),
  )
}

describe('the stock provider on a channel', () => {
  test('[MUX1] two conversations sync over one socket, both ways', async () => {
    const { server, open } = start()
    write(server.conversation(two).doc, 'from elsewhere')
    const [first, second] = [open(one), open(two)]
    write(first.doc, 'from here')
    await settle()
    expect(server.sockets).toHaveLength(1)
    expect([first.phases(), second.phases()]).toEqual([
      ['connecting', 'syncing', 'live'],
      ['connecting', 'syncing', 'live'],
    ])
    expect(Y.getState(server.conversation(one).doc.store, first.doc.clientID)).toBe(1)
    expect(Y.encodeStateVector(second.doc)).toEqual(Y.encodeStateVector(server.conversation(two).doc))
    write(second.doc, 'and another')
    await settle()
    expect(Y.getState(server.conversation(two).doc.store, second.doc.clientID)).toBe(1)
    // What the server stamped came back.
    expect(Y.encodeStateVector(second.doc)).toEqual(Y.encodeStateVector(server.conversation(two).doc))
  })

  test('[MUX2] with the same version nothing is exchanged, and it is live', async () => {
    const { server, open } = start()
    const { doc } = server.conversation(one)
    write(server.conversation(one).doc, 'old')
    const copy = createDoc(drawn++)
    Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
    const version = { server: doc.clientID, records: Y.getState(doc.store, doc.clientID) }
    const conversation = open(one, { doc: copy, version: () => version })
    await settle()
    expect(conversation.phases()).toEqual(['connecting', 'syncing', 'live'])
    expect(sentKinds(server.last())).toEqual([])
    // Relays follow in both directions.
    write(conversation.doc, 'new')
    await settle()
    expect(sentKinds(server.last())).toEqual(['update'])
    expect(Y.encodeStateVector(copy)).toEqual(Y.encodeStateVector(doc))
  })

  test('[MUX2][OUTBOX2] what is written before the answer comes goes up all the same', async () => {
    const { server, socket, open } = start()
    const { doc } = server.conversation(one)
    const copy = createDoc(drawn++)
    Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
    const version = { server: doc.clientID, records: Y.getState(doc.store, doc.clientID) }
    let isSettled = true
    const conversation = open(one, { doc: copy, version: () => (isSettled ? version : undefined) })
    socket.status.subscribe(() => {
      // Said hello, not yet opened.
      if (socket.status.getSnapshot().phase !== 'live' || !isSettled) return
      isSettled = false
      write(conversation.doc, 'in between')
    })
    await settle()
    expect(isSettled).toBe(false)
    expect(conversation.phases().at(-1)).toBe('live')
    expect(Y.getState(doc.store, copy.clientID)).toBe(1)
  })

  test('[OUTBOX1] nothing leaves while the gate is held, and then in order', async () => {
    const { server, open } = start()
    const conversation = open(one)
    await settle()
    const kept = deferred()
    conversation.gate.hold(kept.promise)
    const before = server.last().sent.length
    write(conversation.doc, 'a')
    write(conversation.doc, 'b')
    await settle()
    expect(server.last().sent).toHaveLength(before)
    kept.resolve()
    await settle()
    expect(Y.getState(server.conversation(one).doc.store, conversation.doc.clientID)).toBe(2)
  })

  test('[OUTBOX1] a gate that opens when the channel is over sends nothing on another one', async () => {
    const { server, open } = start()
    const conversation = open(one)
    await settle()
    const kept = deferred()
    conversation.gate.hold(kept.promise)
    write(conversation.doc, 'a')
    server.cut()
    kept.resolve()
    await vi.advanceTimersByTimeAsync(5000)
    expect(server.sockets).toHaveLength(2)
    expect(Y.getState(server.conversation(one).doc.store, conversation.doc.clientID)).toBe(1)
  })

  test('[MUX1] no channel costs traffic while nothing happens, and no provider gives up', async () => {
    const { server, open } = start()
    const conversations = Array.from({ length: 30 }, (_, index) => open(conversationId(index)))
    await settle()
    const before = server.last().sent.length
    await vi.advanceTimersByTimeAsync(10 * limits.heartbeatMs)
    expect(server.sockets).toHaveLength(1)
    expect(server.last().sent).toHaveLength(before)
    for (const { phases } of conversations) expect(phases()).toEqual(['connecting', 'syncing', 'live'])
  })

  test('[MUX1] a backlog longer than a frame goes up in frames that are not', async () => {
    const { server, open } = start()
    const doc = createDoc(drawn++)
    for (let count = 0; count < 12; count++) append(doc, 'ann', [new Uint8Array(100_000).fill(count)])
    open(one, { doc })
    await settle()
    const sizes = server.last().sent.map(({ length }) => length)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(limits.frameBytes)
    expect(sentKinds(server.last())).toEqual(['step1', 'update', 'step2'])
    expect(Y.getState(server.conversation(one).doc.store, doc.clientID)).toBe(12)
  })
})

test('[MUX1] as long as the server lives, a channel gives its provider a sign of it', () => {
  const members: Member[] = []
  const socket = {
    join: (member: Member) => {
      members.push(member)
      return { send: () => undefined, leave: () => undefined }
    },
  }
  const Socket = channelWebSocket({ socket, conversation: one, gate: createSendGate(), version: () => undefined })
  const channel = new Socket('ws://chat.example')
  const heard: unknown[] = []
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- as the provider does
  channel.onmessage = ({ data }) => void heard.push(data)
  const [member] = members
  member?.feed()
  expect(heard).toEqual([])
  member?.opened(false)
  member?.feed()
  expect(heard).toEqual([heartbeat])
  channel.close()
  member?.feed()
  expect(heard).toHaveLength(1)
})

describe('when it is lost', () => {
  test('[MUX4] all come back over one socket, and their status says what the socket does', async () => {
    const { server, open } = start()
    const conversations = Array.from({ length: 50 }, (_, index) => open(conversationId(index)))
    await settle()
    server.isOffline = true
    server.cut()
    await vi.advanceTimersByTimeAsync(10_000)
    const attempts = server.sockets.length
    // After 0.5, 1, 2 and 4 s: however many conversations there are.
    expect(attempts).toBe(5)
    for (const { statuses } of conversations) {
      expect(statuses.at(-1)).toEqual({ phase: 'offline', reason: 'The server cannot be reached.' })
    }
    server.isOffline = false
    await vi.advanceTimersByTimeAsync(8000)
    expect(server.sockets).toHaveLength(attempts + 1)
    for (const { phases } of conversations) expect(phases().slice(-3)).toEqual(['connecting', 'syncing', 'live'])
  })

  test.each([
    ['no message', [0, 1]],
    ['no update', [0, 1, 5, 255, 255, 255, 255, 255]],
  ] as const)('[MUX1][MUX4] %s: that channel alone ends, and comes back', async (_what, bytes) => {
    vi.spyOn(console, 'error').mockReturnValue()
    const { server, open } = start()
    const [first, second] = [open(one), open(two)]
    await settle()
    server.last().deliver(1, Uint8Array.from(bytes))
    vi.restoreAllMocks()
    expect(server.last().said.at(-1)).toEqual({ type: 'close', channel: 1 })
    expect(first.statuses.at(-1)).toEqual({ phase: 'offline', reason: 'The connection was lost.' })
    await vi.advanceTimersByTimeAsync(5000)
    expect(server.sockets).toHaveLength(1)
    expect(first.statuses.at(-1)).toEqual({ phase: 'live' })
    expect(second.phases()).toEqual(['connecting', 'syncing', 'live'])
  })

  test('[MUX4] providers add no wait of their own to the socket’s, however often it was lost', async () => {
    const { server, socket, open } = start()
    server.isSilent = true
    open(one)
    for (let count = 0; count < 8; count++) {
      await settle()
      expect(server.last().said.map(({ type }) => type)).toEqual(['hello', 'open'])
      server.cut()
      await vi.advanceTimersByTimeAsync(250)
      socket.wake()
      await settle()
    }
    expect(server.sockets.length).toBeGreaterThan(8)
  })

  test('[MUX4] a socket that is refused takes all with it; when another one is taken they come back', async () => {
    const { server, socket, open } = start()
    const conversation = open(one)
    await settle()
    server.cut(4401, 'expired')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(server.sockets).toHaveLength(1)
    expect(conversation.statuses.at(-1)).toEqual({ phase: 'refused', code: 'expired', reason: faults.expired.text })
    socket.start()
    await settle()
    expect(conversation.statuses.at(-1)).toEqual({ phase: 'live' })
  })

  test.each(['no-access', 'deleted', 'not-found'] as const)(
    '[SYNC3] a channel refused %s is over for good',
    async (code) => {
      const { server, open } = start()
      const [first, second] = [open(one), open(two)]
      await settle()
      server.remove(one, code)
      await vi.advanceTimersByTimeAsync(60_000)
      expect(first.statuses.at(-1)).toEqual({ phase: 'refused', code, reason: faults[code].text })
      expect(second.statuses.at(-1)).toEqual({ phase: 'live' })
      expect(server.last().said.filter(({ type }) => type === 'open')).toHaveLength(2)
    },
  )

  test.each(['unavailable', 'overloaded'] as const)(
    '[SYNC3] one refused %s is asked for again, not in a loop',
    async (code) => {
      const { server, open } = start()
      server.remove(one, code)
      const conversation = open(one)
      await settle()
      await vi.advanceTimersByTimeAsync(60_000)
      const asked = server.last().said.filter(({ type }) => type === 'open').length
      expect(asked).toBeGreaterThan(10)
      expect(asked).toBeLessThan(40)
      expect(conversation.statuses).toContainEqual({ phase: 'offline', reason: faults[code].text })
    },
  )
})

describe('registering', () => {
  test('[CLIENT3] no channel is asked for before the server knows the conversation, and the network is waited for', async () => {
    const server = createFakeSyncServer({ isOffline: true })
    const { socket, open } = start(server)
    let isThere = false
    const register = vi.fn<() => Promise<void>>(async () => {
      if (!isThere) throw new Error('no network')
    })
    const conversation = open(one, { register })
    socket.start()
    await vi.advanceTimersByTimeAsync(120_000)
    expect(conversation.statuses.at(-1)?.phase).toBe('offline')
    isThere = true
    server.isOffline = false
    const asked = register.mock.calls.length
    socket.wake()
    await settle()
    // At once, whatever its own next attempt would have been.
    expect(register).toHaveBeenCalledTimes(asked + 1)
    expect(conversation.statuses.at(-1)).toEqual({ phase: 'live' })
  })
})

describe('closing', () => {
  test('[MUX1] the channel is closed and the socket is not', async () => {
    const { server, open } = start()
    const [first, second] = [open(one), open(two)]
    await settle()
    first.connection.close()
    expect(server.last().said.at(-1)).toEqual({ type: 'close', channel: 1 })
    expect(first.statuses.at(-1)).toEqual({ phase: 'closed' })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(first.statuses.at(-1)).toEqual({ phase: 'closed' })
    expect(second.statuses.at(-1)).toEqual({ phase: 'live' })
    expect(server.last().said.filter(({ type }) => type === 'open')).toHaveLength(2)
  })
})
