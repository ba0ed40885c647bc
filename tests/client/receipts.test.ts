// How far a message has come, and what a device tells of its user: by hand, and between whole clients on a whole server.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { WebSocket as NodeWebSocket } from 'ws'

import type { ChatClient, Conversation } from '../../client/api.ts'
import { createClient } from '../../client/chat-client.ts'
import { receiptsOf } from '../../client/delivery/receipt-marks.ts'
import type { ClientStorage } from '../../client/storage/client-storage.ts'
import { encodeEntry, type Entry, type KnownEntry, parseEntry } from '../../shared/chat/entry.ts'
import { limits } from '../../shared/limits.ts'
import { chainRoot } from '../../shared/sync/roots.ts'
import { signByHand } from '../contract/rest/rest-client.ts'
import { append, createDoc } from '../helpers/chain-doc.ts'
import { ann, bob, clientId, conversationId, message, messageId, userId } from '../helpers/client-rows.ts'
import { keepingMemory, openRig, type OpenRig, type OpenRigOptions, stampAll } from '../helpers/open-rig.ts'
import { startTestServer, type TestServer } from '../helpers/running-server.ts'
import { when } from '../helpers/when.ts'

const docs = new WeakMap<OpenRig, Map<string, ReturnType<typeof createDoc>>>()

/** What somebody else writes, stamped and brought to the device. */
function from(rig: OpenRig, user: string, ...entries: readonly KnownEntry[]): void {
  const own = docs.get(rig) ?? new Map<string, ReturnType<typeof createDoc>>()
  docs.set(rig, own)
  const doc = own.get(user) ?? createDoc(7 + own.size)
  own.set(user, doc)
  append(doc, user, entries.map(encodeEntry))
  rig.server.receive(doc)
  stampAll(rig.server)
  rig.download()
}

/** The device is ann's; the others may write. */
async function talk(others: readonly string[], options: OpenRigOptions = {}): Promise<OpenRig> {
  const rig = await openRig(options)
  from(rig, 'ann', ...others.map((user): KnownEntry => ({ kind: 'member', user: userId(user), access: 'writer' })))
  return rig
}

const live = (rig: OpenRig): void => rig.connections.at(-1)?.status({ phase: 'live' })

/** Registers that the device has written, in their order. */
function written(rig: OpenRig): readonly object[] {
  const chain = rig
    .doc()
    .getArray<Uint8Array>(chainRoot(clientId(100), ann))
    .toArray()
  return chain.flatMap((payload) => {
    const parsed = parseEntry(payload)
    const entry: Entry | undefined = parsed.kind === 'entry' ? parsed.entry : undefined
    if (entry?.kind !== 'read') return []
    const { kind: _kind, ...register } = entry
    return [register]
  })
}

describe('what a device tells', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('[RECEIPT1][UNREAD1] the first at once, later ones gathered, one entry in 3 s; here it counts at once and never goes back', async () => {
    const rig = await talk(['bob'])
    live(rig)
    from(rig, 'bob', message(1), message(2), message(3), message(4), message(5))
    rig.conversation.markRead(2)
    expect(written(rig)).toEqual([{ through: 2, received: 5 }])
    expect(rig.conversation.unread.unread).toBe(3)
    rig.sync()
    const changes = rig.told.changes
    rig.conversation.markRead(4)
    rig.conversation.markRead(3)
    expect([written(rig).length, rig.conversation.unread.unread, rig.conversation.readThrough]).toEqual([1, 1, 4])
    expect(rig.told.changes).toBe(changes + 1)
    vi.advanceTimersByTime(limits.receiptPauseMs - 1)
    rig.conversation.markRead(5)
    expect([written(rig).length, rig.conversation.unread.unread]).toEqual([1, 0])
    vi.advanceTimersByTime(1)
    expect(written(rig).slice(1)).toEqual([{ through: 5 }])
    rig.sync()
    vi.advanceTimersByTime(10 * limits.receiptPauseMs)
    rig.conversation.markRead(1)
    rig.conversation.markRead()
    expect(written(rig)).toHaveLength(2)
    expect(rig.conversation.readThrough).toBe(5)
  })

  test('[RECEIPT1] what arrives is told a moment later, once, and not at all when it is read by then', async () => {
    const rig = await talk(['bob'])
    from(rig, 'bob', message(1))
    vi.advanceTimersByTime(limits.receivedPauseMs)
    expect(written(rig)).toEqual([])
    live(rig)
    from(rig, 'bob', message(2))
    rig.conversation.send('Mine is nothing to tell of')
    rig.sync()
    vi.advanceTimersByTime(limits.receivedPauseMs - 1)
    expect(written(rig)).toEqual([])
    vi.advanceTimersByTime(1)
    expect(written(rig)).toEqual([{ received: 2 }])
    rig.sync()
    vi.advanceTimersByTime(limits.receiptPauseMs)
    from(rig, 'bob', message(4))
    rig.conversation.markRead()
    expect(written(rig).slice(1)).toEqual([{ through: 5 }])
    rig.sync()
    vi.advanceTimersByTime(10 * limits.receiptPauseMs)
    expect(written(rig)).toHaveLength(2)
  })

  test('[RECEIPT1] offline one entry waits, and is followed by one more when nobody may be there to do it later', async () => {
    const rig = await talk(['bob'])
    from(rig, 'bob', message(1), message(2), message(3), message(4))
    for (let through = 1; through <= 3; through++) {
      rig.conversation.markRead(through)
      vi.advanceTimersByTime(2 * limits.receiptPauseMs)
    }
    expect(written(rig)).toEqual([{ through: 1 }])
    rig.conversation.tellReceipts()
    rig.conversation.tellReceipts()
    expect(written(rig)).toEqual([{ through: 1 }, { through: 3 }])
    rig.conversation.markRead(4)
    vi.advanceTimersByTime(2 * limits.receiptPauseMs)
    expect(written(rig)).toHaveLength(2)
    await rig.conversation.close()
    const rows = await rig.storage.outbox(conversationId(1))
    expect(rows).toHaveLength(3)
  })

  test('[RECEIPT1] offline, with the connection and the stamp the rest follows by itself', async () => {
    const rig = await talk(['bob'])
    from(rig, 'bob', message(1), message(2))
    rig.conversation.markRead(1)
    rig.conversation.markRead(2)
    vi.advanceTimersByTime(limits.receiptPauseMs)
    expect(written(rig)).toEqual([{ through: 1 }])
    live(rig)
    rig.sync()
    expect(written(rig).slice(1)).toEqual([{ through: 2 }])
  })

  test('[RECEIPT1] nobody is told by who is alone, or private, or one of very many', async () => {
    const alone = await talk([])
    live(alone)
    alone.conversation.send('Only me')
    alone.sync()
    alone.conversation.markRead(1)
    const many = await talk(Array.from({ length: limits.receiptMembers }, (_, index) => `user-${index}`))
    live(many)
    from(many, 'user-7', message(1))
    const heard: number[] = []
    const onPrivateRead = (through: number): void => void heard.push(through)
    const setting = { mode: 'private', through: 1, onPrivateRead } as const
    const secret = await talk(['bob'], { receipts: setting })
    live(secret)
    from(secret, 'bob', message(1), message(2))
    expect(secret.conversation.unread.unread).toBe(1)
    secret.conversation.markRead()
    expect([secret.conversation.unread.unread, heard]).toEqual([0, [2]])
    vi.advanceTimersByTime(10 * limits.receiptPauseMs)
    for (const rig of [alone, many, secret]) {
      rig.conversation.tellReceipts()
      expect(written(rig)).toEqual([])
    }
    // What was read is told by one of very many, and by who is alone but was not.
    many.conversation.markRead()
    expect(written(many)).toEqual([{ through: limits.receiptMembers }])
    from(alone, 'ann', { kind: 'member', user: bob, access: 'writer' })
    from(alone, 'bob', message(9))
    from(alone, 'ann', { kind: 'member', user: bob, access: null })
    alone.conversation.markRead()
    expect(written(alone)).toEqual([{ through: 2 }])
  })
})

describe('what an own message is shown as', () => {
  const states = (rig: OpenRig): string =>
    rig.conversation.messages
      .getSnapshot()
      .map(({ delivery }) => delivery.state)
      .join(' ')

  test('[STATUS1][CLIENT5] received and read when all others have; only what changes becomes a new object', async () => {
    const rig = await talk(['bob', 'cleo'])
    const ids = Array.from({ length: 300 }, (_, index) => rig.conversation.send(`message ${index}`))
    rig.sync()
    const seqOf = (index: number): number => index + 2
    const shown = () => rig.conversation.messages.getSnapshot()
    const moved = (user: string, register: { through?: number; received?: number }): readonly string[] => {
      const before = shown()
      from(rig, user, { kind: 'read', ...register })
      return shown().flatMap(({ delivery }, index) =>
        shown()[index] === before[index] ? [] : [`${index} ${delivery.state}`],
      )
    }
    let told = 0
    const receipts = rig.conversation.receipts(ids[4] ?? messageId(1))
    receipts.subscribe(() => told++)
    expect(receipts.getSnapshot()).toEqual({ received: [], read: [] })
    expect(moved('bob', { through: seqOf(9) })).toEqual([])
    expect(receipts.getSnapshot()).toEqual({ received: ['bob'], read: ['bob'] })
    const [list, views] = [receipts.getSnapshot(), shown()]
    expect(moved('cleo', { received: seqOf(2) })).toEqual(['0 received', '1 received', '2 received'])
    expect([receipts.getSnapshot() === list, shown()[3] === views[3], told]).toEqual([true, true, 1])
    expect(moved('cleo', { through: seqOf(1), received: seqOf(5) })).toEqual([
      '0 read',
      '1 read',
      '3 received',
      '4 received',
      '5 received',
    ])
    expect(receipts.getSnapshot()).toEqual({ received: ['bob', 'cleo'], read: ['bob'] })
    expect(receiptsOf(rig.conversation.document.replica.folded, { user: ann, seq: seqOf(9) })).toEqual({
      received: ['bob'],
      read: ['bob'],
    })
    // Others' registers move beyond what the slowest has; somebody who leaves holds nothing back.
    expect(moved('bob', { through: seqOf(250) })).toEqual([])
    const before = shown()
    from(rig, 'ann', { kind: 'member', user: userId('cleo'), access: null })
    const changed = shown().flatMap((view, index) => (view === before[index] ? [] : [index]))
    expect(changed).toEqual(Array.from({ length: 249 }, (_, index) => index + 2))
    expect(shown()[250]?.delivery).toMatchObject({ state: 'read', seq: seqOf(250) })
    expect(shown()[251]?.delivery).toMatchObject({ state: 'sent' })
  })

  test('[STATUS1][THREAD3][CLIENT5] who reads a thread has read the answers in it; nothing else becomes a new object', async () => {
    const rig = await talk(['bob', 'cleo'])
    const root = rig.conversation.send('root')
    const ids = ['one', 'two', 'three'].map((content) => rig.conversation.send({ content, thread: root }))
    rig.conversation.send('aside')
    rig.sync()
    const shown = () => rig.conversation.messages.getSnapshot()
    const seqOf = (index: number): number => {
      const delivery = shown()[index]?.delivery
      return delivery !== undefined && 'seq' in delivery ? delivery.seq : -1
    }
    const last = rig.conversation.receipts(ids[1] ?? root)
    let told = 0
    last.subscribe(() => told++)
    const read = (user: string, register: { through: number; thread?: typeof root }): readonly string[] => {
      const before = shown()
      from(rig, user, { kind: 'read', ...register })
      return shown().flatMap(({ delivery }, index) =>
        shown()[index] === before[index] ? [] : [`${index} ${delivery.state}`],
      )
    }
    expect(read('bob', { through: seqOf(2), thread: root })).toEqual([])
    expect(last.getSnapshot()).toEqual({ received: ['bob'], read: ['bob'] })
    expect(read('cleo', { through: seqOf(1), thread: root })).toEqual(['1 read'])
    expect(read('cleo', { through: seqOf(3), thread: root })).toEqual(['2 read'])
    expect([last.getSnapshot().read, told]).toEqual([['bob', 'cleo'], 2])
    expect(read('bob', { through: seqOf(0) })).toEqual([])
    expect(read('cleo', { through: seqOf(4) })).toEqual(['0 read'])
    expect(states(rig)).toBe('read read read sent sent')
  })

  test('[STATUS1][OUTBOX2] a failed message blocks nothing behind it, survives with the others, and can be copied and sent again', async () => {
    const rig = await talk(['bob'])
    rig.conversation.send('one')
    const draft = { content: 'two', replyTo: messageId(1), mentions: [bob] }
    const failed = rig.conversation.send(draft)
    const third = rig.conversation.send('three')
    rig.sync({ 1: 'access' })
    from(rig, 'bob', { kind: 'read', through: 1, received: 3 })
    rig.conversation.send('four')
    expect(states(rig)).toBe('read received pending failed')
    expect(rig.conversation.copy(failed)).toEqual({ role: 'user', ...draft })
    expect(rig.conversation.copy(third)).toEqual({ content: 'three', role: 'user' })
    expect(() => rig.conversation.copy(messageId(99))).toThrow(TypeError)
    await rig.conversation.close()

    const again = await openRig({ storage: rig.storage, server: rig.server, firstClient: 200 })
    expect(states(again)).toBe('read received pending failed')
    expect(again.conversation.copy(failed)).toEqual({ role: 'user', ...draft })
    again.conversation.retry(failed)
    again.sync()
    expect(states(again)).toBe('read received sent sent')
    expect(again.conversation.messages.getSnapshot().at(-1)).toMatchObject(draft)
  })
})

describe.each(['multiplexed', 'stock'] as const)('between clients, over %s', (transport) => {
  let server: TestServer
  const clients: ChatClient[] = []

  beforeAll(async () => {
    server = await startTestServer()
  })
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()))
  })
  afterAll(() => server.close())

  function start(user: string, storage: ClientStorage = keepingMemory()): ChatClient {
    const exp = Math.floor(Date.now() / 1000) + 3600
    const token = signByHand({ claims: { sub: user, exp }, secret: server.secret })
    const client = createClient(
      { url: server.url, user, token, transport },
      {
        openStorage: async () => storage,
        WebSocket: NodeWebSocket as unknown as typeof WebSocket,
        broadcast: false,
        fetch: globalThis.fetch,
        now: Date.now,
        dropExitListener: (listener) => process.off('exit', listener),
      },
    )
    clients.push(client)
    return client
  }

  const becomes = ({ messages }: Conversation, wanted: string): Promise<unknown> =>
    when(messages, (list) => list.map(({ content, delivery }) => `${content} ${delivery.state}`).join() === wanted)

  test('[STATUS1][RECEIPT1] from pending to read, also where nobody looks at the conversation, and after a reload', async () => {
    const kept = keepingMemory()
    const first = start('ann', kept)
    const anns = await first.create({ members: [{ user: 'bob', access: 'writer' }] })
    anns.send('Ahoy')
    await becomes(anns, 'Ahoy sent')
    const bobs = start('bob')
    if (transport === 'stock') await bobs.refresh()
    const opened = transport === 'stock' ? await bobs.open(anns.id) : undefined
    // Over one socket the background brings it, and tells so.
    await becomes(anns, 'Ahoy received')
    const reading = opened ?? (await bobs.open(anns.id))
    await when(reading.messages, (list) => list.length === 1)
    reading.markRead()
    // Whoever closes it at once has read it all the same.
    await reading.close()
    await becomes(anns, 'Ahoy read')
    expect(anns.receipts(anns.messages.getSnapshot()[0]?.id ?? messageId(1)).getSnapshot()).toEqual({
      received: ['bob'],
      read: ['bob'],
    })
    await first.close()
    const offline = await start('ann', kept).open(anns.id)
    expect(offline.messages.getSnapshot()[0]?.delivery.state).toBe('read')
  })
})
