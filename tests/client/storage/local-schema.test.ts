// What released versions have left on devices: today's code finds all of it, and leaves alone what only later code knows.
import 'fake-indexeddb/auto'

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { IDBFactory } from 'fake-indexeddb'
import { openDB } from 'idb'
import { Level } from 'level'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'

import * as Y from 'yjs'

import { NewerSchema, StillOpen } from '../../../client/api.ts'
import { openBrowserStorage } from '../../../client/storage/browser/browser-storage.ts'
import { openDatabase } from '../../../client/storage/browser/database.ts'
import { type ClientStorage, storeName } from '../../../client/storage/client-storage.ts'
import { openNodeStorage } from '../../../client/storage/node/node-storage.ts'
import {
  archivedMessage,
  doWork,
  goneId,
  profile,
  refusedSetting,
  server,
  unsentState,
  work,
} from '../../fixtures/local-schema/work.ts'
import { privateConversationOf } from '../../../shared/chat/private-conversation.ts'
import { startClientRig } from '../../helpers/client-rig.ts'
import { ann, clientId, row } from '../../helpers/client-rows.ts'
import { createFakeLocks } from '../../helpers/fake-locks.ts'
import {
  type DatabaseDump,
  dumpDatabases,
  dumpLevel,
  type LevelDump,
  loadDatabases,
  loadLevel,
} from '../../helpers/local-dump.ts'
import { openRig, rigId } from '../../helpers/open-rig.ts'
import { root } from '../../helpers/root.ts'
import { until } from '../../helpers/until.ts'

const folder = join(root, 'tests/fixtures/local-schema')

beforeEach(() => {
  vi.stubGlobal('indexedDB', new IDBFactory())
  vi.stubGlobal('navigator', { locks: createFakeLocks().locks })
})
afterEach(() => {
  vi.unstubAllGlobals()
})

const frozen = await readdir(folder)
const versions = frozen.flatMap((name) => /^(.*)\.indexeddb\.json$/.exec(name)?.[1] ?? [])

async function readFixture(name: string): Promise<unknown> {
  return JSON.parse(await readFile(join(folder, name), 'utf8'))
}

async function temporaryFolder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'parley-schema-'))
  onTestFinished(() => rm(made, { recursive: true, force: true }))
  return made
}

/** What knows nothing of `doLaterWork`. */
const early = ['0.1.0-before-people']
const privateId = privateConversationOf(ann)

/** Finds everything that `doLaterWork` has left. */
async function findLaterWork(storage: ClientStorage): Promise<void> {
  const rows = await storage.conversations()
  expect(rows.find(({ id }) => id === goneId)).toMatchObject({ title: 'Gone', gone: 'no-access', events: { to: 3 } })
  expect(await storage.profiles()).toEqual([profile])
  expect(await storage.ownChoice()).toEqual({ name: 'Ann', color: null })
  expect(await storage.outbox(privateId)).toEqual(unsentState.map((entry, clock) => row(11, clock, entry)))
  const { client } = startClientRig({ isOffline: true, storage: { ...storage, close: async () => undefined } })
  const gone = await client.open(goneId)
  expect(gone.failedChanges.getSnapshot()).toMatchObject([{ entry: refusedSetting, reason: 'access' }])
  expect(client.conversations.getSnapshot()).toContainEqual(expect.objectContaining({ id: goneId, gone: 'no-access' }))
  const { personal } = client
  await until('its state is there', () => personal.of(rigId).getSnapshot().muted)
  expect(personal.draft(rigId).getSnapshot()).toMatchObject({ content: 'half a sentence' })
  await client.close()
}

/** Finds everything that `doWork` has left, and goes on with it. */
async function goOnWith(storage: ClientStorage, version: string): Promise<void> {
  expect(storage.status.phase).toBe('persistent')
  const unsent = new Set(await storage.unsent())
  expect(unsent).toEqual(new Set(early.includes(version) ? [rigId] : [rigId, goneId, privateId]))
  expect((await storage.conversations()).find(({ id }) => id === rigId)).toMatchObject({
    title: 'Harbour',
    archivedThrough: 7,
    unregistered: { members: [] },
  })
  expect(await storage.generation(rigId)).toBe(1)
  const pool = await storage.pool(rigId)
  expect(pool).toMatchObject([{ client: 9, next: 6 }])
  const rows = await storage.outbox(rigId)
  expect(rows.find(({ failed }) => failed !== undefined)).toMatchObject({ client: 7, clock: 0, failed: 'access' })
  expect(rows.filter(({ client }) => client === clientId(9)).length).toBeGreaterThanOrEqual(4)
  expect(await storage.pages.read(rigId, { from: 0, to: 8 })).toMatchObject([{ messages: [archivedMessage] }])
  const rig = await openRig({ storage })
  expect(rig.shown()).toEqual(work)
  const [first] = rig.conversation.messages.getSnapshot()
  expect(first).toMatchObject({ changes: 'pending', reactions: [{ emoji: 'x', users: ['ann'] }] })
  // And all of it is in what the next connection sends.
  const sends = Buffer.from(Y.encodeStateAsUpdate(rig.doc())).toString('latin1')
  for (const text of ['sent, edited', '"emoji":"x"', '"unsent"', '"unsent too"']) expect(sends).toContain(text)
  rig.conversation.send('and one more')
  expect(rig.conversation.unsent).toBe(5)
  await rig.conversation.flush()
  await rig.conversation.close()
  expect(await storage.outbox(rigId)).toHaveLength(rows.length + 1)
  if (!early.includes(version)) await findLaterWork(storage)
}

test('[SCHEMA1] every release has left its fixtures, this one too', async () => {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  expect(versions).toContain(version)
  for (const each of versions) expect(frozen).toContain(`${each}.level.json`)
  // A change of the schema after that leaves one of its own.
  await (await openBrowserStorage(server, ann)).close()
  const [{ version: now } = {}] = await indexedDB.databases()
  const [kept] = (await readFixture(`${version}.indexeddb.json`)) as readonly DatabaseDump[]
  expect(kept?.version).toBe(now)
})

test.each(versions)('[SCHEMA1] what %s has left in a browser is found whole, and would go out', async (version) => {
  await loadDatabases((await readFixture(`${version}.indexeddb.json`)) as readonly DatabaseDump[])
  const storage = await openBrowserStorage(server, ann)
  expect([storage.isNew, storage.wasLost]).toEqual([false, false])
  await goOnWith(storage, version)
  await storage.close()
})

test.each(versions)('[SCHEMA1] what %s has left in a folder is found whole, and would go out', async (version) => {
  const where = await temporaryFolder()
  await (await openNodeStorage(where, server, ann)).close()
  await loadLevel(where, (await readFixture(`${version}.level.json`)) as LevelDump)
  const storage = await openNodeStorage(where, server, ann)
  expect([storage.isNew, storage.wasLost]).toEqual([false, false])
  await goOnWith(storage, version)
  await storage.close()
  // From now on it is written down which one it is.
  expect(await dumpLevel(where)).toHaveProperty('schema')
})

test('[SCHEMA1] a database of a later version is refused with a typed error, and keeps everything', async () => {
  await doWork(await openBrowserStorage(server, ann))
  const name = storeName(server, ann)
  const { version } = (await indexedDB.databases()).find((each) => each.name === name) ?? {}
  const later = await openDB(name, (version ?? 0) + 1, {
    upgrade: (db) => void db.createObjectStore('what nobody knows yet'),
  })
  later.close()
  const before = await dumpDatabases()
  await expect(openBrowserStorage(server, ann)).rejects.toThrow(NewerSchema)
  const { client } = startClientRig({ isOffline: true, openStorage: () => openBrowserStorage(server, ann) })
  await expect(client.open(rigId)).rejects.toThrow(NewerSchema)
  await client.close()
  expect(await dumpDatabases()).toEqual(before)
  expect(JSON.stringify(before)).toContain('what nobody knows yet')
})

test('[SCHEMA1] a folder of a later version is refused with a typed error, and keeps everything', async () => {
  const where = await temporaryFolder()
  const storage = await openNodeStorage(where, server, ann)
  await doWork(storage)
  await storage.close()
  const [name = ''] = await readdir(where)
  const db = new Level(join(where, name))
  await db.put('schema', '99')
  await db.close()
  const before = await dumpLevel(where)
  await expect(openNodeStorage(where, server, ann)).rejects.toThrow(NewerSchema)
  expect(await dumpLevel(where)).toEqual(before)
})

test('[SCHEMA1] an upgrade that another tab holds up is given up and loses nothing; later it is made', async () => {
  const name = storeName(server, ann)
  // As the first version that kept anything left it; this tab does not hear that it should close.
  const old = await openDB(name, 1, {
    upgrade: (db) => {
      db.createObjectStore('conversations', { keyPath: 'id' })
      db.createObjectStore('pool')
      db.createObjectStore('outbox')
    },
  })
  await old.put('outbox', row(5, 0), [rigId, 5, 0])
  await old.put('pool', { client: 5, next: 1 }, [rigId, 5])
  await expect(openDatabase(name, 20)).rejects.toThrow(StillOpen)
  // It goes on writing meanwhile.
  await old.put('outbox', row(5, 1), [rigId, 5, 1])
  expect(await old.count('outbox')).toBe(2)
  old.close()
  const storage = await openBrowserStorage(server, ann)
  expect(storage.status.phase).toBe('persistent')
  expect(await storage.outbox(rigId)).toEqual([row(5, 0), row(5, 1)])
  expect(await storage.generation(rigId)).toBe(0)
  expect(await storage.pages.totals()).toMatchObject({ bytes: 0 })
  await storage.close()
})

test('[SCHEMA1] a tab that hears of an upgrade lets go, and its unsent entries are found by the one that upgrades', async () => {
  const name = storeName(server, ann)
  const storage = await openBrowserStorage(server, ann)
  const { conversation } = await openRig({ storage })
  conversation.send('kept before')
  await conversation.flush()
  const { version = 0 } = (await indexedDB.databases()).find((each) => each.name === name) ?? {}
  const later = await openDB(name, version + 1)
  // What cannot be kept any more is said to be so, and stays on the screen.
  conversation.send('kept nowhere')
  await conversation.flush()
  expect(conversation.status.getSnapshot().storage.phase).toBe('memory')
  expect(conversation.messages.getSnapshot()).toHaveLength(2)
  expect(await later.count('outbox')).toBe(1)
  later.close()
  await conversation.close()
})
