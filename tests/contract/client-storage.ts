// What every store of a client must do, whatever it is made of. Each implementation's test file calls this with its own
// `open`; those that survive the end of their program pass the second suite too.
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import type { ClientStorage, PoolRow } from '../../client/storage/client-storage.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import { append, isSettled } from '../helpers/chain-doc.ts'
import { ann, bob, clientId, conversationId, conversationRow, message, row, userId } from '../helpers/client-rows.ts'

export interface OpenedClientStorage {
  readonly storage: ClientStorage
  readonly dispose: () => Promise<void>
}

export interface OpenedKeepingStorage extends OpenedClientStorage {
  /** Closes the store and opens what it left. */
  readonly reopen: () => Promise<ClientStorage>
  /** Opens the store of another server or user on the same device; closed with the others. */
  readonly openFor: (server: string, user: UserId) => Promise<ClientStorage>
  /** Rows that the closed store has of a document. */
  readonly documentRows: (id: ConversationId) => Promise<number>
}

const one = conversationId(1)
const two = conversationId(2)
const server = 'http://a.example'

/** What the store has of a document, while it is open or not. */
async function kept(storage: ClientStorage, id: ConversationId, generation?: number): Promise<Y.Doc> {
  const doc = new Y.Doc()
  const cache = await storage.openDocument(id, doc, generation)
  await cache.close()
  return doc
}

/** A pool comes in any order. */
function byClient(pool: readonly PoolRow[]): readonly PoolRow[] {
  return pool.toSorted((a, b) => a.client - b.client)
}

function texts(doc: Y.Doc): readonly string[] {
  return doc.getArray<string>('texts').toArray()
}

export function clientStorageContract(name: string, open: () => Promise<OpenedClientStorage>): void {
  /** A test with a store of its own. */
  const withStorage = (run: (storage: ClientStorage) => Promise<void>) => async (): Promise<void> => {
    const { storage, dispose } = await open()
    try {
      await run(storage)
    } finally {
      await dispose()
    }
  }

  describe(`${name}: rows`, () => {
    test(
      'conversations are put, replaced and removed',
      withStorage(async (storage) => {
        expect(await storage.conversations()).toEqual([])
        const first = conversationRow(one, { title: 'Harbour', members: [{ user: ann, access: 'owner' }] })
        const second = conversationRow(two, { access: undefined, unregistered: { members: [] } })
        await storage.putConversation(first)
        await storage.putConversation(second)
        expect(await storage.conversations()).toEqual([first, second])
        await storage.putConversation({ ...first, unread: 3 })
        await storage.removeConversation(two)
        expect(await storage.conversations()).toEqual([{ ...first, unread: 3 }])
        await storage.removeConversation(two)
      }),
    )

    test(
      '[PAGE3] what the list tells of unread, of the archive and of the wish to keep it comes back as it was put',
      withStorage(async (storage) => {
        const whole = conversationRow(one, {
          mentions: 2,
          archivedThrough: 0,
          readThrough: 7,
          lastSeq: 900,
          keep: 'all',
        })
        const little = conversationRow(two, { keep: 'window' })
        await storage.putConversation(whole)
        await storage.putConversation(little)
        expect(await storage.conversations()).toEqual([whole, little])
        expect(Object.keys((await storage.conversations())[1] ?? {})).not.toContain('lastSeq')
      }),
    )

    test(
      '[PAGE4] pages are apart from the rows of a conversation',
      withStorage(async (storage) => {
        expect([storage.isNew, storage.wasLost]).toEqual([true, false])
        await storage.putConversation(conversationRow(one))
        await storage.putOutbox(one, row(5, 0))
        await storage.pages.put(one, { from: 0, to: 300, messages: [] }, { asOf: 300, mayEvict: false })
        expect(await storage.conversations()).toEqual([conversationRow(one)])
        expect(await storage.outbox(one)).toEqual([row(5, 0)])
        await storage.pages.drop(one)
        expect(await storage.conversations()).toEqual([conversationRow(one)])
        expect(await storage.unsent()).toEqual([one])
      }),
    )

    test(
      '[PROFILE1] profiles are put and replaced, some at once, whatever the users are called',
      withStorage(async (storage) => {
        expect(await storage.profiles()).toEqual([])
        const own = { user: ann, name: 'before', color: null }
        const others = ['~', '~a', '!', 'a%2F', 'b'.repeat(128)].map((text) => ({
          user: userId(text),
          name: null,
          color: null,
        }))
        await storage.putProfiles([own, ...others])
        await storage.putProfiles([])
        await storage.putConversation(conversationRow(one))
        const sent = { user: ann, name: 'Ann 🎈', color: '#00ff00' }
        await storage.putProfiles([sent])
        expect(await storage.ownChoice()).toBeUndefined()
        await storage.putOwnChoice({ name: null })
        await storage.putOwnChoice({ name: null, color: '#000001' })
        expect(await storage.ownChoice()).toStrictEqual({ name: null, color: '#000001' })
        await storage.putProfiles([sent])
        expect(await storage.ownChoice()).toStrictEqual({ name: null, color: '#000001' })
        await storage.putOwnChoice(undefined)
        await storage.putOwnChoice(undefined)
        expect(await storage.ownChoice()).toBeUndefined()
        const rows = await storage.profiles()
        expect(rows).toHaveLength(6)
        expect(rows).toEqual(expect.arrayContaining([sent, ...others]))
        expect(rows.find(({ user }) => user === ann)).toStrictEqual(sent)
        expect(await storage.conversations()).toEqual([conversationRow(one)])
      }),
    )

    test(
      '[CHAIN1] the pool of each conversation is its own',
      withStorage(async (storage) => {
        await storage.putPool(one, { client: clientId(7), next: 0 })
        await storage.putPool(one, { client: clientId(0xffff_ffff), next: 3 })
        await storage.putPool(two, { client: clientId(7), next: 9 })
        expect(byClient(await storage.pool(one))).toEqual([
          { client: 7, next: 0 },
          { client: 0xffff_ffff, next: 3 },
        ])
        await storage.removePool(one, clientId(7))
        expect(await storage.pool(one)).toEqual([{ client: 0xffff_ffff, next: 3 }])
        expect(await storage.pool(two)).toEqual([{ client: 7, next: 9 }])
      }),
    )

    test(
      '[OUTBOX2] the outbox comes by client and clock, byte for byte, whatever the order it was written in',
      withStorage(async (storage) => {
        const rows = [row(2, 1), row(2, 9), row(2, 10), row(2, 2 ** 33), row(10, 0), row(0xffff_ffff, 4)]
        for (const each of rows.toReversed()) await storage.putOutbox(one, each)
        await storage.putOutbox(two, row(1, 0, message(99)))
        expect(await storage.outbox(one)).toEqual(rows)
        for (const { payload } of await storage.outbox(one)) expect(payload.constructor).toBe(Uint8Array)
        expect(await storage.outbox(conversationId(3))).toEqual([])
      }),
    )

    test(
      '[OUTBOX2][CHAIN2] an entry and the length of its chain are kept together, and the length outlives the entry',
      withStorage(async (storage) => {
        await storage.putPool(one, { client: clientId(5), next: 0 })
        await storage.putOutbox(one, row(5, 0))
        expect(await storage.pool(one)).toEqual([{ client: 5, next: 1 }])
        await storage.putOutbox(one, row(5, 1))
        await storage.putOutbox(one, row(6, 7))
        expect(byClient(await storage.pool(one))).toEqual([
          { client: 5, next: 2 },
          { client: 6, next: 8 },
        ])
        await storage.removeOutbox(one, row(5, 1))
        expect(await storage.pool(one)).toContainEqual({ client: 5, next: 2 })
      }),
    )

    test(
      '[OUTBOX2] unsent tells each conversation that has rows, once',
      withStorage(async (storage) => {
        expect(await storage.unsent()).toEqual([])
        await storage.putOutbox(two, row(1, 0))
        await storage.putOutbox(one, row(1, 0))
        await storage.putOutbox(one, row(1, 1))
        expect((await storage.unsent()).toSorted()).toEqual([one, two])
        await storage.removeOutbox(one, row(1, 0))
        await storage.removeOutbox(one, row(1, 0))
        expect((await storage.unsent()).toSorted()).toEqual([one, two])
        await storage.removeOutbox(one, row(1, 1))
        expect(await storage.unsent()).toEqual([two])
        expect(await storage.outbox(one)).toEqual([])
      }),
    )
  })

  describe(`${name}: documents that are replaced`, () => {
    /** Keeps a text as the whole of a generation. */
    async function write(storage: ClientStorage, generation: number, text: string): Promise<void> {
      const doc = new Y.Doc()
      const cache = await storage.openDocument(one, doc, generation)
      doc.getArray('texts').push([text])
      await cache.close()
    }

    test(
      '[FORK1] generations are kept apart, the first is the one without a number, and each can be dropped',
      withStorage(async (storage) => {
        expect(await storage.generation(one)).toBe(0)
        for (const generation of [0, 1, 2, 12]) await write(storage, generation, `of ${generation}`)
        expect(texts(await kept(storage, one))).toEqual(['of 0'])
        await storage.dropDocument(one, 0)
        await storage.dropDocument(one, 1)
        await storage.dropDocument(two, 2)
        for (const [generation, expected] of [
          [0, []],
          [1, []],
          [2, ['of 2']],
          [12, ['of 12']],
        ] as const) {
          expect(texts(await kept(storage, one, generation))).toEqual(expected)
        }
      }),
    )

    test(
      '[FORK1] a replacement moves rows, chains and the generation together, and touches nothing else',
      withStorage(async (storage) => {
        for (const each of [row(5, 0), row(5, 1), row(5, 2), row(6, 0)]) await storage.putOutbox(one, each)
        await storage.putOutbox(two, row(5, 0))
        await storage.replaceDocument(one, {
          generation: 1,
          put: [row(9, 0, message(50)), { ...row(5, 2), failed: 'too-large' }],
          remove: [row(5, 0), row(5, 1)],
          chain: { client: clientId(9), next: 1 },
          retired: [clientId(5)],
        })
        expect(await storage.generation(one)).toBe(1)
        expect(await storage.outbox(one)).toEqual([
          { ...row(5, 2), failed: 'too-large' },
          row(6, 0),
          row(9, 0, message(50)),
        ])
        expect(byClient(await storage.pool(one))).toEqual([
          { client: 6, next: 1 },
          { client: 9, next: 1 },
        ])
        expect(await storage.generation(two)).toBe(0)
        expect(await storage.outbox(two)).toEqual([row(5, 0)])
        await storage.removeOutbox(one, row(5, 2))
        await storage.putOutbox(one, row(5, 2))
        expect(await storage.outbox(one)).toContainEqual(row(5, 2))
      }),
    )

    test(
      '[FORK1][CHAIN2] an entry that is put right behind a replacement lengthens the new chain',
      withStorage(async (storage) => {
        const replaced = storage.replaceDocument(one, {
          generation: 1,
          put: [row(9, 0)],
          remove: [],
          chain: { client: clientId(9), next: 1 },
          retired: [],
        })
        await Promise.all([replaced, storage.putOutbox(one, row(9, 1))])
        expect(await storage.pool(one)).toEqual([{ client: 9, next: 2 }])
      }),
    )

    test(
      '[FORK1][OUTBOX2] an entry that is dropped right behind a replacement is not put back by it',
      withStorage(async (storage) => {
        const replaced = storage.replaceDocument(one, {
          generation: 1,
          put: [row(9, 0), row(9, 1)],
          remove: [],
          chain: { client: clientId(9), next: 2 },
          retired: [],
        })
        await Promise.all([replaced, storage.removeOutbox(one, row(9, 0))])
        expect(await storage.outbox(one)).toEqual([row(9, 1)])
      }),
    )

    test(
      '[FORK1] a tab that comes later with the same or an earlier generation adds what it has, and takes nothing back',
      withStorage(async (storage) => {
        const join = (generation: number, client: number): Promise<void> =>
          storage.replaceDocument(one, {
            generation,
            put: [row(client, 0)],
            remove: [],
            chain: { client: clientId(client), next: 1 },
            retired: [],
          })
        await join(2, 7)
        await join(2, 8)
        await join(1, 9)
        expect(await storage.generation(one)).toBe(2)
        expect((await storage.outbox(one)).map(({ client }) => client)).toEqual([7, 8, 9])
        expect((await storage.pool(one)).length).toBe(3)
      }),
    )

    test(
      '[FORK1] who wants to replace the document waits for its turn, in each conversation for itself',
      withStorage(async (storage) => {
        const order: string[] = []
        const first = await storage.lockRebuild(one)
        const others = ['second', 'third'].map(async (who) => {
          const release = await storage.lockRebuild(one)
          order.push(who)
          release()
          release()
        })
        const elsewhere = await storage.lockRebuild(two)
        expect(order).toEqual([])
        elsewhere()
        first()
        await Promise.all(others)
        expect(order).toEqual(['second', 'third'])
        ;(await storage.lockRebuild(one))()
      }),
    )
  })

  describe(`${name}: documents and locks`, () => {
    test(
      'a document that nobody has kept is empty',
      withStorage(async (storage) => {
        const doc = await kept(storage, one)
        expect([...Y.decodeStateVector(Y.encodeStateVector(doc))]).toEqual([])
      }),
    )

    test(
      'what a document has when it is closed is there when it is opened, and in no other',
      withStorage(async (storage) => {
        const doc = new Y.Doc()
        const cache = await storage.openDocument(one, doc)
        append(doc, 'ann', [Uint8Array.of(1, 2), Uint8Array.of(3)])
        const remote = new Y.Doc()
        remote.getArray('texts').push(['from elsewhere'])
        Y.applyUpdate(doc, Y.encodeStateAsUpdate(remote), 'provider')
        await cache.close()
        doc.getArray('texts').push(['after the close'])
        const again = await kept(storage, one)
        expect(texts(again)).toEqual(['from elsewhere'])
        expect(Y.getState(again.store, doc.clientID)).toBe(2)
        expect(isSettled(again)).toBe(true)
        expect(texts(await kept(storage, two))).toEqual([])
      }),
    )

    test(
      '[SEARCH1] a document is read without being opened: by generation, as it was kept, and nothing is made of one that is none',
      withStorage(async (storage) => {
        const read = async (id: ConversationId, generation?: number): Promise<readonly string[]> => {
          const doc = new Y.Doc()
          await storage.readDocument(id, doc, generation)
          doc.getArray('texts').push(['not kept'])
          return texts(doc)
        }
        expect(await read(one)).toEqual(['not kept'])
        for (const generation of [0, 1]) {
          const doc = new Y.Doc()
          const cache = await storage.openDocument(one, doc, generation)
          doc.getArray('texts').push([`of ${generation}`])
          await cache.close()
        }
        expect(await read(one)).toContain('of 0')
        expect(await read(one, 1)).toContain('of 1')
        expect(await read(one, 2)).toEqual(['not kept'])
        expect(texts(await kept(storage, one))).toEqual(['of 0'])
        // It holds nobody up who drops it.
        await storage.dropDocument(one, 0)
        expect(await read(one)).toEqual(['not kept'])
      }),
    )

    test(
      '[FORK1] what a document had before it was opened is kept with the rest',
      withStorage(async (storage) => {
        const first = new Y.Doc()
        const cache = await storage.openDocument(one, first)
        first.getArray('texts').push(['kept'])
        await cache.close()
        const doc = new Y.Doc()
        doc.getArray('texts').push(['brought'])
        const opened = await storage.openDocument(one, doc)
        expect(texts(doc).toSorted()).toEqual(['brought', 'kept'])
        doc.getArray('texts').push(['since'])
        await opened.close()
        expect(texts(await kept(storage, one)).toSorted()).toEqual(['brought', 'kept', 'since'])
      }),
    )

    test(
      '[CHAIN1] loading does not rename a document, nor count as its own writing',
      withStorage(async (storage) => {
        const before = new Y.Doc()
        const cache = await storage.openDocument(one, before)
        before.getArray('texts').push(['a'])
        await cache.close()
        const doc = new Y.Doc()
        const { clientID } = doc
        const opened = await storage.openDocument(one, doc)
        expect(doc.clientID).toBe(clientID)
        expect(Y.getState(doc.store, clientID)).toBe(0)
        await opened.close()
      }),
    )

    test(
      '[CHAIN3] a lock has one holder at a time, for each conversation and chain',
      withStorage(async (storage) => {
        expect(storage.canLock).toBe(true)
        const release = await storage.lockChain(one, clientId(7))
        expect(release).toBeTypeOf('function')
        expect(await storage.lockChain(one, clientId(7))).toBeUndefined()
        const others = [await storage.lockChain(one, clientId(8)), await storage.lockChain(two, clientId(7))]
        expect(others.map((other) => typeof other)).toEqual(['function', 'function'])
        release?.()
        // A browser hears of the release before it hears of the next wish.
        await Promise.resolve()
        const [first, second] = await Promise.all([
          storage.lockChain(one, clientId(7)),
          storage.lockChain(one, clientId(7)),
        ])
        expect([typeof first, typeof second]).toEqual(['function', 'undefined'])
      }),
    )
  })
}

export function keepingStorageContract(name: string, open: () => Promise<OpenedKeepingStorage>): void {
  /** A test with a store of its own. */
  const withStorage = (run: (opened: OpenedKeepingStorage) => Promise<void>) => async (): Promise<void> => {
    const opened = await open()
    try {
      await run(opened)
    } finally {
      await opened.dispose()
    }
  }

  describe(`${name}: what it keeps`, () => {
    test(
      '[OUTBOX2] every row is there after a reopening',
      withStorage(async ({ storage, reopen }) => {
        expect(storage.status).toEqual({ phase: 'persistent' })
        const listed = conversationRow(one, { title: 'Harbour', unregistered: { members: [] } })
        await storage.putConversation(listed)
        await storage.putOutbox(one, row(5, 0))
        await storage.putOutbox(one, row(5, 1))
        const again = await reopen()
        expect(await again.conversations()).toEqual([listed])
        expect(await again.outbox(one)).toEqual([row(5, 0), row(5, 1)])
        expect(await again.pool(one)).toEqual([{ client: 5, next: 2 }])
        expect(await again.unsent()).toEqual([one])
      }),
    )

    test(
      '[WIPE1] what is destroyed is not there any more, closed before or not, and what others keep is',
      withStorage(async ({ storage, reopen, openFor }) => {
        const other = await openFor(server, bob)
        for (const each of [storage, other]) {
          await each.putConversation(conversationRow(one))
          await each.putOutbox(one, row(5, 0))
          await each.pages.put(one, { from: 0, to: 300, messages: [] }, { asOf: 300, mayEvict: false })
          const doc = new Y.Doc()
          const cache = await each.openDocument(one, doc)
          doc.getArray('texts').push(['kept'])
          await cache.close()
        }
        await storage.destroy()
        const again = await reopen()
        expect([again.isNew, again.wasLost]).toEqual([true, false])
        expect([await again.conversations(), await again.outbox(one), await again.pool(one)]).toEqual([[], [], []])
        expect((await again.pages.facts(one)).spans).toEqual([])
        expect(texts(await kept(again, one))).toEqual([])
        expect(await other.outbox(one)).toEqual([row(5, 0)])
        expect(texts(await kept(other, one))).toEqual(['kept'])
        await again.close()
        await again.destroy()
        expect((await reopen()).isNew).toBe(true)
      }),
    )

    test(
      '[MUX2] the version of a copy is told as long as there is one',
      withStorage(async ({ storage, reopen }) => {
        const version = { server: clientId(900), records: 3 }
        for (const id of [one, two]) await storage.putConversation(conversationRow(id, { version }))
        const doc = new Y.Doc()
        const cache = await storage.openDocument(one, doc)
        doc.getArray('texts').push(['a'])
        await cache.close()
        const versions = async (from: ClientStorage): Promise<readonly unknown[]> =>
          (await from.conversations()).map((each) => each.version)
        expect(await versions(await reopen())).toEqual([version, undefined])
        const again = await reopen()
        await again.replaceDocument(one, {
          generation: 1,
          put: [],
          remove: [],
          chain: { client: clientId(6), next: 0 },
          retired: [],
        })
        expect(await versions(again)).toEqual([undefined, undefined])
      }),
    )

    test(
      '[FORK1] a replaced document is replaced after a reopening too',
      withStorage(async ({ storage, reopen }) => {
        await storage.putOutbox(one, row(5, 0))
        await storage.replaceDocument(one, {
          generation: 3,
          put: [{ ...row(6, 0), failed: 'access' }],
          remove: [row(5, 0)],
          chain: { client: clientId(6), next: 1 },
          retired: [clientId(5)],
        })
        const again = await reopen()
        expect(await again.generation(one)).toBe(3)
        expect(await again.outbox(one)).toEqual([{ ...row(6, 0), failed: 'access' }])
        expect(await again.pool(one)).toEqual([{ client: 6, next: 1 }])
      }),
    )

    test(
      '[OUTBOX2] flushed is a barrier: what was written before it is kept, close or no close',
      withStorage(async ({ storage }) => {
        const doc = new Y.Doc()
        const cache = await storage.openDocument(one, doc)
        for (let index = 0; index < 50; index++) doc.getArray('texts').push([String(index)])
        await cache.flushed()
        expect(texts(await kept(storage, one))).toHaveLength(50)
        await cache.close()
      }),
    )

    test(
      '[OUTBOX2] close waits for what was written last',
      withStorage(async ({ storage, reopen }) => {
        const doc = new Y.Doc()
        const cache = await storage.openDocument(one, doc)
        for (let index = 0; index < 50; index++) doc.getArray('texts').push([String(index)])
        await cache.close()
        expect(texts(await kept(await reopen(), one))).toHaveLength(50)
      }),
    )

    test(
      'a document grows over many openings, in order, and nothing is lost to merging',
      { timeout: 20_000 },
      withStorage(async ({ storage, reopen, documentRows }) => {
        let current = storage
        for (let opening = 0; opening < 3; opening++) {
          const doc = new Y.Doc()
          const cache = await current.openDocument(one, doc)
          for (let index = 0; index < 250; index++) doc.getArray('texts').push([`${opening}/${index}`])
          await cache.close()
          current = await reopen()
        }
        const expected = [0, 1, 2].flatMap((opening) =>
          Array.from({ length: 250 }, (_, index) => `${opening}/${index}`),
        )
        expect(texts(await kept(current, one))).toEqual(expected)
        await reopen()
        expect(await documentRows(one)).toBeGreaterThan(0)
        expect(await documentRows(one)).toBeLessThanOrEqual(10)
      }),
    )

    test(
      'opening and closing again and again adds no rows',
      withStorage(async ({ storage, reopen, documentRows }) => {
        const doc = new Y.Doc()
        const cache = await storage.openDocument(one, doc)
        doc.getArray('texts').push(['a'])
        await cache.close()
        for (let opening = 0; opening < 20; opening++) expect(texts(await kept(storage, one))).toEqual(['a'])
        await reopen()
        expect(await documentRows(one)).toBeLessThanOrEqual(2)
      }),
    )
  })

  describe(`${name}: whose it is`, () => {
    const ids = [
      [server, ann],
      [server, bob],
      [server, userId('Ann')],
      [`${server}:8080`, ann],
      [server, userId('8080:ann')],
      [`${server}/sub`, ann],
      [server, userId('.')],
      [server, userId('..')],
      ['http://b.example', userId('..')],
      ['http://b.example', userId('.')],
      [server, userId('~'.repeat(128))],
      [server, userId('%'.repeat(128))],
      [server, userId(`${'%'.repeat(127)}!`)],
    ] as const

    test(
      '[LOCAL1] no two users, and no two servers, share anything',
      withStorage(async ({ openFor }) => {
        const stores = []
        for (const [at, user] of ids) stores.push(await openFor(at, user))
        for (const [index, store] of stores.entries()) {
          expect(store.status).toEqual({ phase: 'persistent' })
          expect(await store.conversations()).toEqual([])
          expect(await store.outbox(one)).toEqual([])
          expect((await store.pages.facts(one)).spans).toEqual([])
          expect(texts(await kept(store, one))).toEqual([])
          await store.pages.put(one, { from: index, to: index + 1, messages: [] }, { asOf: index, mayEvict: false })
          await store.putConversation(conversationRow(one, { unread: index }))
          await store.putOutbox(one, row(1, index))
          await store.putProfiles([{ user: ann, name: String(index), color: null }])
          const doc = new Y.Doc()
          const cache = await store.openDocument(one, doc)
          doc.getArray('texts').push([String(index)])
          await cache.close()
        }
        for (const [index, store] of stores.entries()) {
          expect(await store.conversations()).toEqual([conversationRow(one, { unread: index })])
          expect(await store.outbox(one)).toEqual([row(1, index)])
          expect(await store.profiles()).toMatchObject([{ name: String(index) }])
          expect((await store.pages.facts(one)).spans).toEqual([{ from: index, to: index + 1 }])
          expect(texts(await kept(store, one))).toEqual([String(index)])
        }
      }),
    )

    test(
      '[LOCAL1][CHAIN3] a lock of one user is none of another',
      withStorage(async ({ openFor }) => {
        const stores = [await openFor(server, ann), await openFor(server, bob), await openFor(`${server}:8080`, ann)]
        const locks = await Promise.all(stores.map((store) => store.lockChain(one, clientId(7))))
        expect(locks.map((lock) => typeof lock)).toEqual(['function', 'function', 'function'])
      }),
    )
  })
}
