// Looking through a store for damage: nothing is found in a whole one, and something wherever what is read has changed.
import { readMember, writeMember } from '../../../server/storage/level/member-rows.ts'
import { cp, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { decodeKey, encodeKey, type Key } from '../../../server/storage/level/keys.ts'
import { openLevelStore } from '../../../server/storage/level/level-store.ts'
import {
  readChain,
  readClaim,
  readDeleted,
  readEntry,
  readHead,
  readIdempotency,
  readMessage,
  readPlace,
  readRecord,
  writeChain,
  writeClaim,
  writeDeleted,
  writeEntry,
  writeHead,
  writeIdempotency,
  writeMessage,
  writePlace,
  writeRecord,
} from '../../../server/storage/level/rows.ts'
import type { Row } from '../../../server/storage/level/seal.ts'
import {
  readEvent,
  readPin,
  readSetting,
  readTouched,
  writeEvent,
  writePin,
  writeSetting,
  writeTouched,
} from '../../../server/storage/level/touch-rows.ts'
import type { Finding } from '../../../server/verify/finding.ts'
import { verifyStore } from '../../../server/verify/verify-store.ts'
import { encodeEntry } from '../../../shared/chat/entry.ts'
import type { StampedMessage } from '../../../shared/chat/message.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { userId } from '../../helpers/chain-doc.ts'
import { rounds } from '../../helpers/long-run.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { messageId } from '../../contract/store-rows.ts'
import { createSyncNode } from '../../helpers/sync-node.ts'
import { announcedRandom } from '../../helpers/seeded-random.ts'
import { commitAndClose, filesEnding, inFolder, putRow, rowsIn, withDatabase } from '../storage/store-folder.ts'
import { makeRealStore, type RealStore } from './real-store.ts'

/** Bytes turned in each file. */
const turns = rounds(12, 1000)
/** Rows of each kind that are changed. */
const rowsOfKind = rounds(5, 1000)

interface Look {
  readonly findings: readonly Finding[]
  readonly texts: readonly string[]
  readonly conversations: number
  readonly messages: number
  readonly problems: number
}

async function look(location: string): Promise<Look> {
  const findings: Finding[] = []
  const verified = await verifyStore(location, (finding) => findings.push(finding))
  return { ...verified, findings, texts: findings.map(({ text }) => text) }
}

async function withRealStore(run: (location: string, made: RealStore) => Promise<void>): Promise<void> {
  await inFolder(async (location) => await run(location, await makeRealStore(location)))
}

describe('a whole store', () => {
  test('[STORE8] has no damage, whether its rows lie in the log or in tables, and is left as it is', async () => {
    await withRealStore(async (location) => {
      for (let time = 0; time < 2; time++) {
        const before = await contentsOf(location)
        expect(await look(location)).toEqual({ findings: [], texts: [], conversations: 2, messages: 8, problems: 0 })
        expect(await contentsOf(location)).toEqual(before)
        // Opening moves the log into a table.
        await commitAndClose(location)
      }
      expect(await readdir(join(location, '..'))).toEqual(['store'])
    })
  })

  test('[STORE8] of a conversation from before there was an archive has no damage either', async () => {
    await inFolder(async (location) => {
      const store = await openLevelStore({ location })
      const node = createSyncNode({ store })
      const ann = userId('ann')
      const { state } = await node.conversations.create(ann, { title: 'Tea' })
      await node.conversations.post(ann, state.id, messageEntry('one'), undefined)
      await store.close()
      for (const row of await rowsIn(location)) {
        const kind = kindOf(row)
        if (kind === 'setting') await withDatabase(location, (database) => database.del(row.key))
        const stored = kind === 'head' ? readHead(row) : undefined
        if (stored?.kind !== 'head') continue
        const head = { ...stored.head, liveEntries: 0, liveBytes: 0 }
        await putRow(location, writeHead(state.id, { kind: 'head', head }))
      }
      expect(await look(location)).toMatchObject({ texts: [], messages: 1 })
    })
  })
})

/** Every file with its bytes. */
async function contentsOf(location: string): Promise<Record<string, string>> {
  const names = (await readdir(location)).toSorted()
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, (await readFile(join(location, name))).toString('base64')])),
  )
}

const allKinds = [
  'format',
  'head',
  'log',
  'record',
  'message',
  'id',
  'chain',
  'deleted',
  'place',
  'member',
  'idempotency',
  'inbox',
  'generation',
  'dropped',
  'touched',
  'piece',
  'setting',
  'pin',
  'invitation',
  'profile',
] as const

describe('rows', () => {
  test.each(allKinds)(
    '[STORE8] of kind %s: one that is damaged, moved or gone is found, whichever it is',
    async (kind) => {
      await withRealStore(async (location) => {
        const rows = await rowsIn(location)
        const ofKind = rows.filter((row) => kindOf(row) === kind)
        expect(ofKind.length).toBeGreaterThan(0)
        const random = announcedRandom(`rows of kind ${kind}`)
        const silent: string[] = []
        const expectProblem = async (what: string, row: Row): Promise<void> => {
          const { problems, texts } = await look(location)
          if (problems === 0) silent.push(`${what} ${Buffer.from(row.key).toString('hex')}`)
          expect(texts.join()).not.toMatch(/three|over REST|A title|blue|colour|a key$/)
        }
        for (const row of random.shuffled(ofKind).slice(0, rowsOfKind)) {
          await putRow(location, { key: row.key, value: flipped(row.value) })
          await expectProblem('flipped', row)
          // Nothing else tells of them: what was deleted has no other row, and keys that were used, and server chains of
          // earlier epochs, are no part of the log; no more are invitations, and what people are called.
          const isAlone =
            ['idempotency', 'dropped', 'invitation', 'profile'].includes(kind) ||
            (kind === 'head' && row.value[0] === 1)
          await withDatabase(location, async (database) => await database.del(row.key))
          if (!isAlone) await expectProblem('gone', row)
          const elsewhere = freeKeyBeside(row.key, rows)
          await putRow(location, { key: elsewhere, value: row.value })
          await expectProblem('moved', row)
          await withDatabase(location, async (database) => await database.del(elsewhere))
          await putRow(location, row)
        }
        expect(silent).toEqual([])
        expect(await look(location)).toMatchObject({ problems: 0 })
      })
    },
  )

  test('[STORE8] an earlier version of a row is found, although its seal is whole', async () => {
    await inFolder(async (location) => {
      const early = join(location, '..', 'early')
      await makeRealStore(location, async () => await cp(location, early, { recursive: true }))
      const now = new Map((await rowsIn(location)).map((row) => [hex(row.key), row]))
      const stale = (await rowsIn(early)).filter(({ key, value }) => {
        const row = now.get(hex(key))
        return row !== undefined && hex(row.value) !== hex(value)
      })
      expect(new Set(stale.map(kindOf))).toEqual(
        new Set(['head', 'chain', 'member', 'deleted', 'record', 'log', 'message']),
      )
      for (const row of stale) {
        await putRow(location, row)
        expect([kindOf(row), (await look(location)).problems > 0]).toEqual([kindOf(row), true])
        const back = now.get(hex(row.key))
        if (back !== undefined) await putRow(location, back)
      }
      expect(await look(location)).toMatchObject({ problems: 0 })
    })
  })

  const claimed = { seq: 99, digest: 1 }
  /** Whole rows that say something else; undefined for rows of other kinds. */
  const lies: Readonly<Record<string, (row: Row, id: ConversationId) => Row | undefined>> = {
    head: (row, id) => {
      const stored = readHead(row)
      return stored.kind === 'head'
        ? writeHead(id, { kind: 'head', head: { ...stored.head, title: 'else' } })
        : undefined
    },
    log: (row, id) => writeEntry(id, { ...readEntry(row), timeMs: 1 }),
    record: (row, id) => writeRecord(id, { ...readRecord(row), payload: Uint8Array.of(1) }),
    message: (row, id) => writeMessage(id, { ...readMessage(row), content: 'else' }),
    id: (row, id) => writeClaim(id, { ...readClaim(row), ...claimed }),
    chain: (row, id) => writeChain(id, { ...readChain(row), next: 99 }),
    deleted: (row, id) => writeDeleted(id, { ...readDeleted(row), ranges: [{ clock: 0, length: 1 }] }),
    place: (row, id) => writePlace(id, { ...readPlace(row), crc: 7 }),
    member: (row, id) => writeMember(id, { ...readMember(row), received: 99 }),
    touched: (row, id) => writeTouched(id, { ...readTouched(row), seq: 0 }),
    setting: (row, id) => writeSetting(id, { ...readSetting(row), value: 'else' }),
    pin: (row, id) => writePin(id, { ...readPin(row), seq: 0 }),
    event: (row, id) => writeEvent(id, { ...readEvent(row), timeMs: 1 }),
    idempotency: (row, id) => writeIdempotency(id, { ...readIdempotency(row), id: messageId(1) }),
  }

  test.each(Object.keys(lies))('[STORE8] of kind %s: a whole one that says something else is found', async (kind) => {
    await withRealStore(async (location, { rich }) => {
      const ofKind = (await rowsIn(location)).filter((row) => {
        const key = decodeKey(row.key)
        return key?.kind === kind && 'conversation' in key && key.conversation === rich
      })
      expect(ofKind.length).toBeGreaterThan(0)
      for (const row of ofKind.slice(0, rowsOfKind)) {
        const lie = lies[kind]?.(row, rich)
        expect(lie).toBeDefined()
        if (lie === undefined) continue
        await putRow(location, lie)
        expect([kind, (await look(location)).problems > 0]).toEqual([kind, true])
        await putRow(location, row)
      }
      expect(await look(location)).toMatchObject({ problems: 0 })
    })
  })

  test('[STORE8][ERASE1] bytes that are gone without a redaction, and words that one should have taken, are found', async () => {
    await withRealStore(async (location, { rich }) => {
      const rows = await rowsIn(location)
      const ofKind = (kind: Key['kind']): Row[] =>
        rows.filter(({ key }) => {
          const found = decodeKey(key)
          return found?.kind === kind && 'conversation' in found && found.conversation === rich
        })
      const logged = ofKind('log').map((row) => ({ row, entry: readEntry(row) }))
      for (const { row, entry } of logged) {
        if (entry.voidReason !== undefined) continue
        const payload = entry.payload === undefined ? encodeEntry(messageEntry('back')) : undefined
        await putRow(location, writeEntry(rich, { ...entry, payload }))
        expect([entry.seq, (await look(location)).problems > 0]).toEqual([entry.seq, true])
        await putRow(location, row)
      }
      const messages = ofKind('message').map((row) => ({ row, message: readMessage(row) }))
      const changed = messages.filter(({ message: { seq, revision } }) => revision > seq)
      expect(changed.length).toBeGreaterThanOrEqual(3)
      const others: readonly Partial<StampedMessage>[] = [
        { content: 'else' },
        { reactions: [] },
        { revision: 1 },
        { redactedBy: userId('eve') },
      ]
      for (const { row, message } of changed) {
        for (const lie of others) {
          await putRow(location, writeMessage(rich, { ...message, ...lie }))
          expect([message.seq, lie, (await look(location)).problems > 0]).toEqual([message.seq, lie, true])
        }
        await putRow(location, row)
      }
      const [head] = ofKind('head')
      const stored = head && readHead(head)
      if (head === undefined || stored?.kind !== 'head') throw new Error('no head')
      for (const name of ['liveEntries', 'liveBytes', 'redactions'] as const) {
        await putRow(location, writeHead(rich, { kind: 'head', head: { ...stored.head, [name]: 99 } }))
        expect([name, (await look(location)).problems]).toEqual([name, 1])
      }
      const other = { ...stored.head, soleAuthor: userId('zoe') }
      await putRow(location, writeHead(rich, { kind: 'head', head: other }))
      expect(await look(location)).toMatchObject({ problems: 1 })
      await putRow(location, head)
      expect(await look(location)).toMatchObject({ problems: 0 })
    })
  })

  test('[STORE8][DOC1] rows that fit each other, but make no document that Yjs takes whole, are found', async () => {
    await withRealStore(async (location, { rich }) => {
      const rows = await rowsIn(location)
      const ofRich = (kind: Key['kind']): Row[] =>
        rows.filter(({ key }) => {
          const found = decodeKey(key)
          return found?.kind === kind && 'conversation' in found && found.conversation === rich
        })
      const [row] = ofRich('head')
      const [chain] = ofRich('chain')
      const stored = row && readHead(row)
      if (chain === undefined || stored?.kind !== 'head') throw new Error('no head')
      // The server's records and a device's entries, under one clientID.
      await putRow(
        location,
        writeHead(rich, { kind: 'head', head: { ...stored.head, serverClient: readChain(chain).client } }),
      )
      const { client } = readChain(chain)
      expect((await look(location)).texts).toContain(`chain ${client}: the document has other entries than the log`)
    })
  })

  test('[STORE8] rows that nobody owns, and keys that are none, are found', async () => {
    await withRealStore(async (location, { rich, deleted }) => {
      const rows = await rowsIn(location)
      for (const row of rows.filter(({ key }) => kindOf({ key, value: key }) === 'log')) {
        const key = decodeKey(row.key)
        if (key?.kind !== 'log' || key.conversation !== rich) continue
        const stray = encodeKey({ ...key, conversation: deleted })
        await putRow(location, { key: stray, value: row.value })
        expect((await look(location)).texts).toContain('log rows, but it was deleted')
        await withDatabase(location, async (database) => await database.del(stray))
      }
      for (const key of ['', '63', '02', '0300']) {
        const bytes = Buffer.from(`${key}ff`, 'hex')
        await putRow(location, { key: bytes, value: Buffer.from('x') })
        expect((await look(location)).texts.join()).toContain('a key is none')
        await withDatabase(location, async (database) => await database.del(bytes))
      }
      expect(await look(location)).toMatchObject({ problems: 0 })
    })
  })

  test('[STORE8][STORE9] damage is told with the id of its conversation, and the others are looked through', async () => {
    await withRealStore(async (location, { plain }) => {
      const rows = await rowsIn(location)
      const head = rows.find(({ key }) => hex(key) === hex(encodeKey({ kind: 'head', conversation: plain })))
      if (head === undefined) throw new Error('no head')
      await putRow(location, { key: head.key, value: flipped(head.value) })
      const { findings, conversations, messages } = await look(location)
      const text = `a head row of conversation ${plain} is damaged`
      expect(findings).toEqual([{ kind: 'problem', conversation: plain, text }])
      expect([conversations, messages]).toEqual([2, 7])
    })
  })
})

describe('files', () => {
  test(
    '[STORE8] whatever byte is turned, it is found, or nothing that is read has changed',
    { timeout: turns * 3000 },
    async () => {
      const random = announcedRandom('turned bytes')
      await withRealStore(async (location) => {
        const copy = join(location, '..', 'copy')
        let found = 0
        const silent: string[] = []
        for (const place of ['log', 'tables']) {
          if (place === 'tables') await commitAndClose(location)
          const whole = await served(location)
          const names = (await readdir(location)).filter((name) => !['LOG', 'LOG.old', 'LOCK'].includes(name))
          for (const name of names) {
            const bytes = await readFile(join(location, name))
            for (let round = 0; round < turns && bytes.length > 0; round++) {
              const at = random.below(bytes.length)
              const turned = Buffer.from(bytes)
              turned[at] = (turned[at] ?? 0) ^ (1 << random.below(8))
              await cp(location, copy, { recursive: true, force: true })
              await writeFile(join(copy, name), turned)
              const { problems } = await look(copy)
              if (problems > 0) found++
              else if ((await served(copy)) !== whole) silent.push(`${name}, byte ${at}`)
              await rm(copy, { recursive: true })
            }
          }
        }
        expect(silent).toEqual([])
        expect(found).toBeGreaterThan(4 * turns)
      })
    },
  )

  test('[STORE8] a write that a crash cut short is told as what it is, and is no damage', async () => {
    await withRealStore(async (location) => {
      const [log = ''] = await filesEnding(location, '.log')
      const { length } = await readFile(log)
      await truncate(log, length - 3)
      const { findings, problems } = await look(location)
      expect(problems).toBe(0)
      expect(findings).toMatchObject([{ kind: 'note', text: expect.stringContaining('was cut short') as string }])
    })
  })

  test('[STORE8] a store whose list of files is gone or damaged is told, and cannot be looked through', async () => {
    await withRealStore(async (location) => {
      await writeFile(join(location, 'CURRENT'), 'MANIFEST-999999\n')
      const { texts } = await look(location)
      expect(texts).toEqual(['MANIFEST-999999 is missing', 'the rows in these files were not looked through'])
      expect(await readdir(join(location, '..'))).toEqual(['store'])
    })
  })
})

describe('what cannot be looked at', () => {
  test('[STORE8][STORE4] no folder, an empty one, one with something else, and a store that was never finished', async () => {
    await inFolder(async (location) => {
      const refusal = { name: 'StoreError', code: 'failed' }
      await expect(look(location)).rejects.toMatchObject(refusal)
      await mkdir(location)
      await expect(look(location)).rejects.toMatchObject(refusal)
      await writeFile(join(location, 'photo.jpg'), '')
      expect((await look(location)).problems).toBeGreaterThan(0)
      await rm(join(location, 'photo.jpg'))
      await writeFile(join(location, 'creating'), '')
      await expect(look(location)).rejects.toMatchObject(refusal)
      expect(await readdir(location)).toEqual(['creating'])
    })
  })
})

/** Everything that comes out of the store when it is opened as the server does. */
async function served(location: string): Promise<string> {
  const copy = `${location}-served`
  await cp(location, copy, { recursive: true })
  try {
    await (await openLevelStore({ location: copy })).close()
    return (await rowsIn(copy)).map(({ key, value }) => `${hex(key)} ${hex(value)}`).join()
  } catch (error) {
    return String(error)
  } finally {
    await rm(copy, { recursive: true })
  }
}

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes)
  const last = copy.length - 1
  copy[last] = (copy[last] ?? 0) ^ 1
  return copy
}

/** A key that differs in one bit, and that no row has. */
function freeKeyBeside(key: Uint8Array, rows: readonly Row[]): Uint8Array {
  const taken = new Set(rows.map((row) => hex(row.key)))
  for (let bit = key.length * 8 - 1; bit >= 0; bit--) {
    const copy = Uint8Array.from(key)
    copy[bit >>> 3] = (copy[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
    if (!taken.has(hex(copy))) return copy
  }
  throw new Error('every key beside it is taken')
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function kindOf({ key }: Row): Key['kind'] | undefined {
  return decodeKey(key)?.kind
}
