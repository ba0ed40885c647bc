// The fold over real Y.Docs. The model beside it is a list of what was written and in which order it was stamped.
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import { encodeEntry, type KnownEntry, type MessageId, parseMessageId } from '../../../shared/chat/entry.ts'
import { ConversationFold, type Folded } from '../../../shared/chat/fold.ts'
import { judge } from '../../../shared/chat/policy.ts'
import { append, chainSource, clientId, createDoc, docOf, isSettled, userId } from '../../helpers/chain-doc.ts'
import { jsonPayload } from '../../helpers/adversarial-cast.ts'
import { forSeeds, type Random } from '../../helpers/seeded-random.ts'
import { createStampingServer, type Stamped, type StampingServer } from '../../helpers/stamping-server.ts'

function messageId(number: number): MessageId {
  const id = parseMessageId(`01890a5d-ac96-774b-bcce-${String(number).padStart(12, '0')}`)
  if (id === undefined) throw new Error('not a message id')
  return id
}

const message = (number: number, at: number, content = `message ${number}`): KnownEntry => {
  return { kind: 'message', id: messageId(number), role: 'user', content, at }
}

/** Lets a fold take what a document has. */
function advance(fold: ConversationFold, doc: Y.Doc): Folded {
  const source = chainSource(doc)
  const server = source.serverClient()
  if (server !== undefined) fold.advance(source, server)
  return fold.view(source)
}

function folded(doc: Y.Doc): Folded {
  return advance(new ConversationFold(), doc)
}

function device(client: number): Y.Doc {
  return createDoc(client)
}

function write(doc: Y.Doc, user: string, ...entries: readonly (KnownEntry | Uint8Array)[]): void {
  append(
    doc,
    user,
    entries.map((entry) => (entry instanceof Uint8Array ? entry : encodeEntry(entry))),
  )
}

function deliver(to: Y.Doc, ...updates: readonly Uint8Array[]): void {
  for (const update of updates) Y.applyUpdate(to, update)
}

/** Contents of all messages, those that are pending in brackets. */
function texts({ sent, pending }: Folded): string[] {
  return [...sent.map(({ content }) => content), ...pending.map(({ content }) => `(${content})`)]
}

function places(client: number, ...clocks: readonly number[]): Stamped[] {
  return clocks.map((clock) => ({ client: clientId(client), clock }))
}

describe('what is stamped and what is pending', () => {
  test('[FOLD2] messages stand in the order of their seqs, with the time of their stamp', () => {
    const server = createStampingServer()
    const ann = device(1)
    const bob = device(2)
    write(ann, 'ann', message(1, 500), message(2, 400))
    write(bob, 'bob', message(3, 100))
    server.receive(ann)
    server.receive(bob)
    server.commit([...places(1, 0), ...places(2, 0), ...places(1, 1)], 7_000)
    const view = folded(server.doc)
    expect(view.sent).toEqual([
      {
        id: messageId(1),
        user: 'ann',
        role: 'user',
        content: 'message 1',
        writtenAt: 500,
        seq: 0,
        createdAt: 7_000,
        revision: 0,
      },
      {
        id: messageId(3),
        user: 'bob',
        role: 'user',
        content: 'message 3',
        writtenAt: 100,
        seq: 1,
        createdAt: 7_000,
        revision: 1,
      },
      {
        id: messageId(2),
        user: 'ann',
        role: 'user',
        content: 'message 2',
        writtenAt: 400,
        seq: 2,
        createdAt: 7_000,
        revision: 2,
      },
    ])
    expect(view).toMatchObject({
      pending: [],
      lastSeq: 2,
      genesis: { kind: 'genesis', epoch: 0, owner: 'ann', createdAt: 1 },
    })
  })

  test('[FOLD2] pending messages follow in fold order, whatever their clocks say', () => {
    const server = createStampingServer()
    const ann = device(1)
    const bob = device(2)
    write(ann, 'ann', message(1, 900))
    server.receive(ann)
    server.commit(places(1, 0), 1)
    // Ann's clock was set back; Bob's second entry tells no time; a tie goes to the lower clientID.
    write(ann, 'ann', message(2, 300), message(3, 100), message(4, 302))
    write(
      bob,
      'bob',
      message(5, 200),
      { kind: 'react', of: messageId(1), emoji: 'x', on: true },
      message(6, 301),
      message(7, 302),
    )
    const reader = docOf(Y.encodeStateAsUpdate(server.doc), Y.encodeStateAsUpdate(ann), Y.encodeStateAsUpdate(bob))
    const view = folded(reader)
    expect(texts(view)).toEqual([
      'message 1',
      '(message 5)',
      '(message 2)',
      '(message 3)',
      '(message 6)',
      '(message 4)',
      '(message 7)',
    ])
    expect(view.pending[1]).toEqual({
      id: messageId(2),
      user: 'ann',
      role: 'user',
      content: 'message 2',
      writtenAt: 300,
      client: 1,
      clock: 1,
    })
  })

  test('[FOLD2] a document without a server chain shows what is pending', () => {
    const ann = device(1)
    write(ann, 'ann', message(1, 5), { kind: 'set', key: 'title', value: 'Tea' })
    expect(folded(ann)).toMatchObject({
      genesis: undefined,
      title: 'Tea',
      lastSeq: -1,
      sent: [],
      pending: [{ content: 'message 1' }],
    })
    expect(folded(new Y.Doc())).toMatchObject({ genesis: undefined, title: null, lastSeq: -1, sent: [], pending: [] })
  })

  test('[FOLD2] optional fields of a message arrive', () => {
    const more = {
      replyTo: messageId(8),
      thread: messageId(9),
      parent: messageId(7),
      mentions: [userId('bob')],
      parts: [{ a: 1 }],
      status: 'x',
    }
    const ann = device(1)
    write(ann, 'ann', { kind: 'message', id: messageId(1), role: 'assistant', content: '', at: 5, ...more })
    expect(folded(ann).pending).toEqual([
      { id: messageId(1), user: 'ann', role: 'assistant', content: '', writtenAt: 5, client: 1, clock: 0, ...more },
    ])
  })

  test('[FOLD2] void entries keep their seqs and are not shown, with a reason to ask for', () => {
    const server = createStampingServer()
    const ann = device(1)
    const bob = device(2)
    write(ann, 'ann', message(1, 1), message(2, 2))
    write(bob, 'bob', message(1, 3, 'a copy'), message(3, 4))
    server.receive(ann)
    server.receive(bob)
    const [stolen, ...rest] = places(2, 0, 1)
    server.commit(
      [
        ...places(1, 0),
        { ...(stolen ?? { client: clientId(2), clock: 0 }), voidReason: 'id-taken' },
        ...rest,
        ...places(1, 1),
      ],
      1,
    )
    const fold = new ConversationFold()
    const view = advance(fold, server.doc)
    expect(view.sent.map(({ content, seq }) => [content, seq])).toEqual([
      ['message 1', 0],
      ['message 3', 2],
      ['message 2', 3],
    ])
    expect(fold.voidReason(clientId(2), 0)).toBe('id-taken')
    expect(fold.voidReason(clientId(2), 1)).toBeUndefined()
    expect(fold.stampedThrough(clientId(2))).toBe(2)
    expect(fold.stampedThrough(clientId(3))).toBe(0)
    // Bob's own device still has the bytes of what is void.
    const late = docOf(Y.encodeStateAsUpdate(bob))
    deliver(late, Y.encodeStateAsUpdate(ann), ...server.updates)
    expect(folded(late).sent).toEqual(view.sent)
  })

  test('[FOLD2] a message that is in two chains is shown once', () => {
    const server = createStampingServer()
    const old = device(1)
    const fresh = device(2)
    write(old, 'ann', message(1, 1), message(2, 2))
    write(fresh, 'ann', message(2, 2), message(1, 3))
    const both = docOf(Y.encodeStateAsUpdate(old), Y.encodeStateAsUpdate(fresh))
    expect(texts(folded(both))).toEqual(['(message 1)', '(message 2)'])
    server.receive(old)
    server.commit(places(1, 0), 1)
    deliver(both, ...server.updates)
    expect(texts(folded(both))).toEqual(['message 1', '(message 2)'])
    server.receive(fresh)
    server.commit([...places(2, 0), { client: clientId(2), clock: 1, voidReason: 'duplicate' }], 2)
    deliver(both, ...server.updates)
    expect(texts(folded(both))).toEqual(['message 1', 'message 2'])
  })

  test('[FOLD2] unreadable, unknown and other entries take their places and show nothing', () => {
    const server = createStampingServer()
    const ann = device(1)
    write(ann, 'ann', Uint8Array.of(2, 1), jsonPayload('{"kind":"poll"}'), jsonPayload('{'), message(1, 1), {
      kind: 'stop',
      of: messageId(9),
    })
    expect(texts(folded(ann))).toEqual(['(message 1)'])
    server.receive(ann)
    server.commit(places(1, 0, 1, 2, 3, 4), 1)
    expect(folded(server.doc)).toMatchObject({ sent: [{ content: 'message 1', seq: 3 }], pending: [], lastSeq: 4 })
  })

  test('[FOLD2] records of a later version, and those without effect yet, are stepped over', () => {
    const server = createStampingServer()
    const ann = device(1)
    write(ann, 'ann', message(1, 1))
    server.receive(ann)
    server.append(
      jsonPayload('{"kind":"later"}'),
      { kind: 'erased', client: clientId(1), clock: 0, of: messageId(1), by: userId('ann') },
      Uint8Array.of(9),
    )
    server.commit(places(1, 0), 1)
    expect(texts(folded(server.doc))).toEqual(['message 1'])
  })
})

describe('title, settings and members', () => {
  test('[FOLD2] the last stamped wins, and pending ones lie on top', () => {
    const server = createStampingServer()
    const ann = device(1)
    const bob = device(2)
    write(ann, 'ann', { kind: 'set', key: 'title', value: 'Tea' }, { kind: 'set', key: 'metadata', value: { a: 1 } })
    write(
      ann,
      'ann',
      { kind: 'member', user: userId('bob'), access: 'writer' },
      { kind: 'member', user: userId('cid'), access: 'reader' },
    )
    write(bob, 'bob', { kind: 'set', key: 'title', value: 'Coffee' })
    server.receive(ann)
    server.receive(bob)
    server.commit([...places(2, 0), ...places(1, 0, 1, 2, 3)], 1)
    write(ann, 'ann', { kind: 'member', user: userId('cid'), access: null }, { kind: 'set', key: 'title', value: null })
    const before = folded(server.doc)
    expect([before.title, before.settings.get('metadata')]).toEqual(['Tea', { a: 1 }])
    expect([...before.members]).toEqual([
      ['ann', 'owner'],
      ['bob', 'writer'],
      ['cid', 'reader'],
    ])
    server.receive(ann)
    const after = folded(server.doc)
    expect(after.title).toBeNull()
    expect([...after.members]).toEqual([
      ['ann', 'owner'],
      ['bob', 'writer'],
    ])
    expect([...before.members]).toHaveLength(3)
    server.commit([{ client: clientId(1), clock: 4, voidReason: 'access' }, ...places(1, 5)], 2)
    expect([...folded(server.doc).members]).toHaveLength(3)
    expect(folded(server.doc).title).toBeNull()
  })

  test('[FOLD2] read registers only grow, each for its user, and not by reading a thread', () => {
    const server = createStampingServer()
    const ann = device(1)
    const bob = device(2)
    write(
      ann,
      'ann',
      { kind: 'member', user: userId('bob'), access: 'reader' },
      message(1, 1),
      message(2, 2),
      { kind: 'read', through: 1 },
      { kind: 'read', through: 0 },
    )
    write(
      bob,
      'bob',
      { kind: 'read', through: 0 },
      { kind: 'read', through: 9, thread: messageId(1) },
      { kind: 'read', received: 9 },
    )
    server.receive(ann)
    server.receive(bob)
    server.commit([...places(1, 0, 1, 2, 3), ...places(2, 0), ...places(1, 4), ...places(2, 1, 2)], 1)
    expect([...folded(server.doc).reads]).toEqual([
      ['ann', { through: 1, received: 1 }],
      ['bob', { through: 0, received: 9 }],
    ])
    write(bob, 'bob', { kind: 'read', through: 3 })
    server.receive(bob)
    expect([...folded(server.doc).reads]).toEqual([
      ['ann', { through: 1, received: 1 }],
      ['bob', { through: 3, received: 9 }],
    ])
  })

  test('[FOLD2] the rules see members, claims and the end of the order, pending ones included', () => {
    const server = createStampingServer()
    const ann = device(1)
    write(ann, 'ann', message(1, 1), { kind: 'delta', of: messageId(2), text: 'x' })
    server.receive(ann)
    server.commit(places(1, 0, 1), 1)
    write(ann, 'ann', message(3, 2), { kind: 'member', user: userId('bob'), access: 'writer' })
    server.receive(ann)
    const fold = new ConversationFold()
    const rules = fold.policyView(advance(fold, server.doc), () => undefined, false)
    expect([rules.accessOf(userId('ann')), rules.accessOf(userId('bob')), rules.accessOf(userId('cid'))]).toEqual([
      'owner',
      'writer',
      undefined,
    ])
    expect([rules.ownerCount(), rules.nextSeq()]).toEqual([1, 2])
    expect([1, 2, 3, 4].map((number) => rules.claimOf(messageId(number)))).toEqual([
      { user: 'ann', complete: true, message: expect.objectContaining({ content: 'message 1' }) },
      { user: 'ann', complete: false },
      { user: 'ann', complete: true, message: expect.objectContaining({ content: 'message 3' }) },
      undefined,
    ])
    expect(judge(rules, userId('bob'), { kind: 'edit', of: messageId(3), content: 'x', at: 1 })).toBe('not-author')
    expect([1, 2, 3].map((number) => fold.message(messageId(number)) !== undefined)).toEqual([true, false, false])
  })
})

describe('stamps and their entries', () => {
  test('[FOLD3] a stamp waits until all its entries have arrived, and so does what stands behind it', () => {
    const server = createStampingServer()
    const [ann, bob, cid] = [device(1), device(2), device(3)]
    write(ann, 'ann', message(1, 1))
    write(bob, 'bob', message(2, 2), message(3, 3))
    write(cid, 'cid', message(4, 4))
    for (const doc of [ann, bob, cid]) server.receive(doc)
    server.commit([...places(1, 0), ...places(2, 0, 1)], 1)
    server.commit(places(3, 0), 2)
    const reader = new Y.Doc()
    const fold = new ConversationFold()
    deliver(reader, ...server.updates)
    expect(texts(advance(fold, reader))).toEqual([])
    expect(fold.nextRecord).toBe(1)
    deliver(reader, Y.encodeStateAsUpdate(cid))
    expect(texts(advance(fold, reader))).toEqual(['(message 4)'])
    deliver(reader, Y.encodeStateAsUpdate(ann))
    expect(texts(advance(fold, reader))).toEqual(['(message 1)', '(message 4)'])
    deliver(reader, Y.encodeStateAsUpdate(bob))
    expect(texts(advance(fold, reader))).toEqual(['message 1', 'message 2', 'message 3', 'message 4'])
    expect(fold.nextRecord).toBe(3)
    expect(isSettled(reader)).toBe(true)
  })

  test('[FOLD3][EPOCH2] it does not wait for what is void: a new epoch does without chains that are void from end to end', () => {
    const server = createStampingServer()
    const [ann, bob] = [device(1), device(2)]
    write(ann, 'ann', message(1, 1), message(2, 2), message(3, 3))
    write(bob, 'bob', message(4, 4), message(5, 5))
    for (const doc of [ann, bob]) server.receive(doc)
    const isVoid = (stamped: Stamped): Stamped => ({ ...stamped, voidReason: 'access' })
    server.commit([...places(1, 0, 1), ...places(1, 2).map(isVoid), ...places(2, 0, 1).map(isVoid)], 1)
    const reader = new Y.Doc()
    const fold = new ConversationFold()
    const [serverChain, annChain] = [server.doc.clientID, 1].map((client) => {
      const others = [...Y.decodeStateVector(Y.encodeStateVector(server.doc))].filter(([other]) => other !== client)
      return Y.encodeStateAsUpdate(server.doc, Y.encodeStateVector(new Map(others)))
    })
    if (serverChain === undefined || annChain === undefined) throw new Error('no chains')
    deliver(reader, serverChain)
    // Of ann's it waits for the last that is not void.
    expect(texts(advance(fold, reader))).toEqual([])
    expect(fold.nextRecord).toBe(4)
    deliver(reader, annChain)
    expect(texts(advance(fold, reader))).toEqual(['message 1', 'message 2'])
    expect([...reader.share.keys()]).not.toContain('chain/2/bob')
    expect(fold.stampedThrough(clientId(2))).toBe(2)
  })

  test('[FOLD4] a stamp whose checksum is not that of the bytes here means that this device has forked', () => {
    const server = createStampingServer()
    const ann = device(1)
    write(ann, 'ann', message(1, 1), message(2, 2), message(3, 3))
    server.receive(ann)
    // Another device with the same clientID wrote something else at clocks 1 and 2.
    const twin = device(1)
    write(twin, 'ann', message(1, 1), message(4, 2), message(5, 3))
    server.commit(places(1, 0), 1)
    const fold = new ConversationFold()
    advance(fold, server.doc)
    expect(fold.fork).toBeUndefined()
    server.commit(places(1, 1, 2), 2)
    deliver(twin, ...server.updates)
    const forked = new ConversationFold()
    advance(forked, twin)
    expect(forked.fork).toEqual({ client: 1, clock: 1 })
    advance(fold, server.doc)
    expect(fold.fork).toBeUndefined()
  })

  test('[FOLD4] a wrong checksum is found wherever it stands, and the first is told', () => {
    const server = createStampingServer()
    const ann = device(1)
    write(ann, 'ann', message(1, 1), { kind: 'set', key: 'title', value: 'x' }, message(2, 2))
    server.receive(ann)
    server.commit(places(1, 0), 1)
    server.commit(places(1, 1, 2), 2, () => 5)
    const fold = new ConversationFold()
    advance(fold, server.doc)
    expect(fold.fork).toEqual({ client: 1, clock: 1 })
  })

  test('[FOLD4] what is void or was deleted forks nobody', () => {
    const server = createStampingServer()
    const ann = device(1)
    write(ann, 'ann', message(1, 1), message(2, 2))
    const chain = ann.getArray('chain/1/ann')
    const bytes = Y.encodeStateAsUpdate(ann)
    chain.delete(1, 1)
    server.receive(ann)
    server.commit(
      [
        { client: clientId(1), clock: 0, voidReason: 'bad-schema' },
        { client: clientId(1), clock: 1, voidReason: 'no-bytes' },
      ],
      1,
    )
    const reader = docOf(bytes)
    deliver(reader, ...server.updates)
    const fold = new ConversationFold()
    expect(advance(fold, reader)).toMatchObject({ sent: [], pending: [], lastSeq: 1 })
    expect(fold.fork).toBeUndefined()
    expect([0, 1].map((clock) => fold.voidReason(clientId(1), clock))).toEqual(['bad-schema', 'no-bytes'])
  })
})

describe('convergence', () => {
  interface Written {
    readonly doc: Y.Doc
    readonly user: string
  }

  function someEntry(random: Random): KnownEntry | Uint8Array {
    const at = random.below(30)
    switch (random.below(8)) {
      case 0:
        return { kind: 'set', key: random.pick(['title', 'topic']), value: random.pick(['x', 'y', null]) }
      case 1:
        return {
          kind: 'member',
          user: userId(random.pick(['bob', 'cid'])),
          access: random.pick(['writer', 'reader', null]),
        }
      case 2:
        return { kind: 'delta', of: messageId(random.below(30)), text: 'x' }
      case 3:
        return random.pick([
          Uint8Array.of(2),
          jsonPayload('{"kind":"poll"}'),
          jsonPayload(`{"kind":"poll","at":${at}}`),
        ])
      default:
        return message(random.below(30), at, `text ${random.below(1e6)}`)
    }
  }

  /** Stamps some of what has arrived, each chain in its order; ids that are taken become void, and some others. */
  function stampSome(server: StampingServer, random: Random, claims: Map<string, string>, timeMs: number): void {
    const source = chainSource(server.doc)
    const fold = new ConversationFold()
    advance(fold, server.doc)
    const next = new Map(
      [...source.chains()].map(({ client, next: end }) => [client, { clock: fold.stampedThrough(client), end }]),
    )
    const batch: Stamped[] = []
    for (let left = random.below(8); left > 0; left--) {
      const open = [...next].filter(([, { clock, end }]) => clock < end)
      const [client, place] = open[random.below(Math.max(1, open.length))] ?? []
      if (client === undefined || place === undefined) break
      const payload = source.payloadAt(client, place.clock)
      const id =
        payload instanceof Uint8Array
          ? /"kind":"message","id":"([^"]+)"/.exec(new TextDecoder().decode(payload))?.[1]
          : undefined
      const user = source.userOf(client) ?? ''
      const holder = id === undefined ? undefined : claims.get(id)
      const reason =
        holder !== undefined ? (holder === user ? 'duplicate' : 'id-taken') : random.chance(0.1) ? 'access' : undefined
      if (id !== undefined && reason === undefined) claims.set(id, user)
      batch.push({ client, clock: place.clock, ...(reason === undefined ? {} : { voidReason: reason }) })
      next.set(client, { ...place, clock: place.clock + 1 })
    }
    if (batch.length > 0) server.commit(batch, timeMs)
  }

  /** Random devices, a server that stamps now and then, and every update that was emitted. */
  function history(random: Random): {
    server: StampingServer
    devices: readonly Written[]
    updates: readonly Uint8Array[]
  } {
    const server = createStampingServer()
    const emitted: Uint8Array[] = []
    const devices = ['ann', 'ann', 'bob', 'cid'].map((user, index): Written => {
      const doc = device(index + 1)
      doc.on('update', (update: Uint8Array, origin: unknown) => {
        if (origin !== 'remote') emitted.push(update)
      })
      return { doc, user }
    })
    const claims = new Map<string, string>()
    for (let step = 0; step < 14; step++) {
      const { doc, user } = random.pick(devices)
      write(doc, user, ...Array.from({ length: random.between(1, 3) }, () => someEntry(random)))
      if (random.chance(0.5)) server.receive(doc)
      if (random.chance(0.4)) stampSome(server, random, claims, 1_000 + step)
      if (random.chance(0.3)) Y.applyUpdate(doc, Y.encodeStateAsUpdate(server.doc), 'remote')
    }
    return { server, devices, updates: [...emitted, ...server.updates] }
  }

  test('[FOLD1] whatever order updates arrive in, the view is the same, and at every step that of the document alone', () => {
    let stamped = 0
    forSeeds('FOLD1 any order', 40, (random) => {
      const { server, devices, updates } = history(random)
      const whole = docOf(Y.encodeStateAsUpdate(server.doc), ...devices.map(({ doc }) => Y.encodeStateAsUpdate(doc)))
      const expected = folded(whole)
      stamped += expected.sent.length
      for (let reader = 0; reader < 2; reader++) {
        const doc = new Y.Doc()
        const fold = new ConversationFold()
        for (const update of random.shuffled([...updates, ...updates.filter(() => random.chance(0.2))])) {
          Y.applyUpdate(doc, update)
          expect(advance(fold, doc)).toEqual(folded(doc))
        }
        expect(isSettled(doc)).toBe(true)
        expect(advance(fold, doc)).toEqual(expected)
        expect(folded(docOf(Y.encodeStateAsUpdate(doc)))).toEqual(expected)
        expect(fold.fork).toBeUndefined()
      }
    })
    expect(stamped).toBeGreaterThan(40)
  })

  test('[FOLD1] every device that has caught up shows the same', () => {
    forSeeds('FOLD1 devices', 60, (random) => {
      const { server, devices } = history(random)
      for (const { doc } of devices) server.receive(doc)
      const expected = folded(server.doc)
      for (const { doc } of devices) {
        Y.applyUpdate(doc, Y.encodeStateAsUpdate(server.doc, Y.encodeStateVector(doc)))
        expect(folded(doc)).toEqual(expected)
      }
    })
  })

  test('[FOLD2] each message once, seqs ascend, and what is pending keeps the order of its chain', () => {
    forSeeds('FOLD2 places', 60, (random) => {
      const { server, devices } = history(random)
      for (const { doc } of devices) server.receive(doc)
      const { sent, pending, lastSeq } = folded(server.doc)
      const ids = [...sent, ...pending].map(({ id }) => id)
      expect(new Set(ids).size).toBe(ids.length)
      for (const [index, { seq }] of sent.entries()) expect(seq).toBeGreaterThan(sent[index - 1]?.seq ?? -1)
      expect(sent.at(-1)?.seq ?? -1).toBeLessThanOrEqual(lastSeq)
      for (const { doc } of devices) {
        const own = pending.filter(({ client }) => client === doc.clientID).map(({ clock }) => clock)
        expect(own).toEqual(own.toSorted((a, b) => a - b))
      }
    })
  })

  test('[FOLD1] what did not change stays the same object', () => {
    const server = createStampingServer()
    const ann = device(1)
    write(ann, 'ann', message(1, 1), message(2, 2))
    server.receive(ann)
    server.commit(places(1, 0), 1)
    const fold = new ConversationFold()
    const first = advance(fold, server.doc)
    const again = advance(fold, server.doc)
    expect(again).toEqual(first)
    expect(again.sent).toBe(first.sent)
    expect(again.members).toBe(first.members)
    server.commit(places(1, 1), 2)
    const later = advance(fold, server.doc)
    expect(later.sent).not.toBe(first.sent)
    expect(later.sent[0]).toBe(first.sent[0])
    expect(first.sent).toHaveLength(1)
    expect(later.settings).toBe(first.settings)
  })
})
