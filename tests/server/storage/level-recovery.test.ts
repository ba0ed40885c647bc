// Opening a LevelDB store again after a failed write: what is found has to be whole.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import type { Commit } from '../../../server/storage/conversation-store.ts'
import { encodeKey, type Key } from '../../../server/storage/level/keys.ts'
import { openLevelStore } from '../../../server/storage/level/level-store.ts'
import { writeEntry, writeHead, writeRecord } from '../../../server/storage/level/rows.ts'
import { writeTouched } from '../../../server/storage/level/touch-rows.ts'
import { everyRecord, listOf } from '../../contract/read-back.ts'
import {
  bob,
  clientId,
  conversationId,
  deletion,
  entryAt,
  fullCommit,
  headAt,
  messageId,
  recordAt,
  write,
} from '../../contract/store-rows.ts'
import { createFaultyDisk, type FaultyDisk } from '../../helpers/faulty-level.ts'
import { rounds } from '../../helpers/long-run.ts'
import { announcedRandom } from '../../helpers/seeded-random.ts'
import { filesEnding, flipBit, inFolder } from './store-folder.ts'

const one = conversationId(1)
const crashes = rounds(24, 500)
const failed = { name: 'StoreError', code: 'failed' }
const damaged = { name: 'StoreError', code: 'damaged' }

/** A store with conversation one at revision 1, of which a commit has just failed. */
async function afterFailure(
  fate: 'refused' | 'unanswered' | 'torn',
  commit: Commit,
  run: (stand: {
    disk: FaultyDisk
    store: Awaited<ReturnType<typeof openLevelStore>>
    location: string
  }) => Promise<void>,
): Promise<void> {
  await inFolder(async (location) => {
    const disk = createFaultyDisk()
    const store = await openLevelStore({ location, open: disk.open })
    try {
      await store.commit([fullCommit(one, 3)])
      disk.failWrite(fate)
      await expect(store.commit([commit])).rejects.toMatchObject(failed)
      await run({ disk, store, location })
    } finally {
      await store.close()
    }
  })
}

const grown = { ...fullCommit(one, 4), expectedRevision: 1, head: { ...fullCommit(one, 4).head, revision: 2 } }

describe('what a failed write left', () => {
  test.each([
    ['a write', grown],
    ['a deletion', deletion(one, 1)],
    ['a beginning', fullCommit(conversationId(2), 2)],
    [
      'a removed member',
      write(one, 2, {
        head: { nextSeq: 3, nextRecord: 3 },
        members: [{ user: bob, access: null, readThrough: 0, received: 0 }],
      }),
    ],
  ])('[STORE10] %s of which only a part is there: the store does not go on', async (_what, commit) => {
    await afterFailure('torn', commit, async ({ store }) => {
      await expect(store.recover()).rejects.toMatchObject({ ...damaged, conversation: commit.conversation })
      await expect(store.commit([write(conversationId(9), 1)])).rejects.toMatchObject(failed)
      await expect(store.head(one)).rejects.toMatchObject(failed)
    })
  })

  const numbered = { conversation: one, client: clientId(7), clock: 1003, seq: 3, id: messageId(3) } as const
  const kinds = [
    'head',
    'log',
    'place',
    'message',
    'id',
    'record',
    'chain',
    'deleted',
    'member',
    'inbox',
    'idempotency',
    'touched',
    'piece',
    'setting',
    'pin',
  ] as const

  test.each(kinds)('[STORE10] a written commit without its %s row is not whole', async (kind) => {
    await afterFailure('unanswered', grown, async ({ store, disk }) => {
      const keys: Readonly<Record<(typeof kinds)[number], Key>> = {
        head: { kind: 'head', conversation: one },
        log: { ...numbered, kind: 'log' },
        place: { ...numbered, kind: 'place' },
        message: { ...numbered, kind: 'message' },
        id: { ...numbered, kind: 'id' },
        record: { ...numbered, kind: 'record', clock: 3 },
        chain: { ...numbered, kind: 'chain' },
        deleted: { ...numbered, kind: 'deleted' },
        member: { kind: 'member', conversation: one, user: bob },
        inbox: { kind: 'inbox', conversation: one, user: bob },
        idempotency: { kind: 'idempotency', conversation: one, user: grown.idempotency[0]?.user ?? bob, key: 'a/key' },
        touched: { kind: 'touched', conversation: one, revision: 3 },
        piece: { kind: 'piece', conversation: one, id: messageId(0), seq: 3 },
        setting: { kind: 'setting', conversation: one, key: 'metadata' },
        pin: { kind: 'pin', conversation: one, id: messageId(0) },
      }
      const key = encodeKey(keys[kind])
      expect(await disk.database().get(key)).toBeDefined()
      await disk.database().del(key)
      await expect(store.recover()).rejects.toMatchObject({ ...damaged, conversation: one })
    })
  })

  test.each([
    ['another head', { put: writeHead(one, { kind: 'head', head: headAt(7, { nextSeq: 3, nextRecord: 3 }) }) }],
    ['no head', { del: encodeKey({ kind: 'head', conversation: one }) }],
    ['no last log row', { del: encodeKey({ kind: 'log', conversation: one, seq: 2 }) }],
    ['no last record', { del: encodeKey({ kind: 'record', conversation: one, clock: 2 }) }],
    ['a log row beyond the last', { put: writeEntry(one, entryAt(3)) }],
    ['a touched row beyond the last', { put: writeTouched(one, { revision: 3, seq: 0 }) }],
    ['a damaged last log row', { put: { ...writeEntry(one, entryAt(2)), value: Uint8Array.of(1, 2, 3, 4, 5) } }],
  ])('[STORE10] %s where nothing was written is not whole', async (_what, change) => {
    await afterFailure('refused', grown, async ({ store, disk }) => {
      if ('put' in change) await disk.database().put(change.put.key, change.put.value)
      else await disk.database().del(change.del)
      await expect(store.recover()).rejects.toMatchObject({ ...damaged, conversation: one })
    })
  })

  const archived = write(one, 2, {
    head: { nextSeq: 3, nextRecord: 4, through: 0, firstRecord: 2, checkpoint: 3 },
    entries: [entryAt(1, { payload: undefined })],
    recordsGone: { clock: 1, length: 1 },
    records: [recordAt(3)],
    retouched: [2],
    touched: [{ revision: 3, seq: 1 }],
    settings: [{ key: 'metadata', value: null }],
    pins: [{ id: messageId(0), seq: null }],
    erases: [1],
  })

  test.each([
    ['unanswered', 'after'],
    ['refused', 'before'],
  ] as const)('[STORE10] rewritten and removed rows: a write that was %s is as %s', async (fate, state) => {
    await afterFailure(fate, archived, async ({ store }) => {
      expect([...(await store.recover())]).toEqual([[one, state]])
      expect(await store.pins(one)).toHaveLength(state === 'after' ? 0 : 1)
      await store.erased()
    })
  })

  test.each([
    ['a record that goes', 'unanswered', recordAt(1)],
    ['a touched row that goes', 'unanswered', { revision: 2, seq: 0 }],
  ] as const)('[STORE10] %s and is still there: not whole', async (_what, fate, row) => {
    await afterFailure(fate, archived, async ({ store, disk }) => {
      const { key, value } = 'clock' in row ? writeRecord(one, row) : writeTouched(one, row)
      await disk.database().put(key, value)
      await expect(store.recover()).rejects.toMatchObject({ ...damaged, conversation: one })
    })
  })

  test('[STORE10] a record that was to go, and went with nothing else, is not whole', async () => {
    await afterFailure('refused', archived, async ({ store, disk }) => {
      await disk.database().del(encodeKey({ kind: 'record', conversation: one, clock: 1 }))
      await expect(store.recover()).rejects.toMatchObject({ ...damaged, conversation: one })
    })
  })

  test('[STORE10][STORE4] a log that is damaged meanwhile, and files that are gone, are not taken for a store', async () => {
    await afterFailure('refused', grown, async ({ store, location }) => {
      // More than one record behind the flipped bit.
      const [log = ''] = await filesEnding(location, '.log')
      await flipBit(log, 20)
      await expect(store.recover()).rejects.toMatchObject(damaged)
    })
    await afterFailure('refused', grown, async ({ store, location }) => {
      await rm(location, { recursive: true })
      await expect(store.recover()).rejects.toMatchObject(damaged)
      await expect(filesEnding(location, '')).rejects.toMatchObject({ code: 'ENOENT' })
    })
  })
})

describe('a disk that loses what was not synced', () => {
  test(
    '[STORE1] after a crash, of the write in flight nothing is there or all, and all that was acknowledged is',
    { timeout: crashes * 2000 },
    async () => {
      const random = announcedRandom('crash')
      const outcomes = new Set<number>()
      for (let round = 0; round < crashes; round++) {
        await inFolder(async (location) => {
          const disk = createFaultyDisk()
          const store = await openLevelStore({ location, open: disk.open })
          const acknowledged = random.between(0, 5)
          const entryOf = (seq: number) => entryAt(seq, { payload: random.bytes(random.pick([10, 500, 90_000])) })
          const commitOf = (seq: number): Commit =>
            write(one, seq + 1, {
              head: { nextSeq: seq + 1, nextRecord: seq + 1 },
              entries: [entryOf(seq)],
              records: [recordAt(seq)],
            })
          for (let seq = 0; seq < acknowledged; seq++) await store.commit([commitOf(seq)])
          disk.failWrite('hanging')
          const inFlight = store.commit([commitOf(acknowledged)]).catch(() => undefined)
          await disk.hangs()
          const copy = join(location, '..', 'after-the-crash')
          await disk.crash(copy, random.pick([0, 0.3, 0.9, 1]), random)
          disk.release()
          await inFlight
          await store.close()
          const again = await openLevelStore({ location: copy })
          const entries = await listOf(again.entriesNewestFirst(one))
          expect(await listOf(again.records(one, everyRecord))).toHaveLength(entries.length)
          expect([acknowledged, acknowledged + 1]).toContain(entries.length)
          outcomes.add(entries.length - acknowledged)
          await again.close()
        })
      }
      // Or the crash was none.
      expect([...outcomes].toSorted((a, b) => a - b)).toEqual([0, 1])
    },
  )

  test('[STORE1] a write that is not synced is lost at a crash, and the disk of the tests takes none', async () => {
    await inFolder(async (location) => {
      const disk = createFaultyDisk()
      const store = await openLevelStore({ location, open: disk.open })
      await store.commit([write(one, 1)])
      const batch = disk.database().batch()
      await expect(batch.write()).rejects.toThrow('not synced')
      await disk.database().put(Uint8Array.of(99), Uint8Array.of(1))
      const copy = join(location, '..', 'after-the-crash')
      await disk.crash(copy, 0, announcedRandom('unsynced'))
      await store.close()
      const again = createFaultyDisk()
      const reopened = await openLevelStore({ location: copy, open: again.open })
      expect(await reopened.head(one)).toMatchObject({ kind: 'head' })
      expect(await again.database().get(Uint8Array.of(99))).toBeUndefined()
      await reopened.close()
    })
  })
})
