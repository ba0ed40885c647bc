// The files of a LevelDB database, read past LevelDB: whole ones are whole, and no byte can be turned unnoticed.
import { readFile, truncate, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'

import { Level } from 'level'
import { describe, expect, test } from 'vitest'

import { findDamage, readLog } from '../../../server/storage/level/files/log-file.ts'
import { readManifest } from '../../../server/storage/level/files/manifest.ts'
import { decompressSnappy } from '../../../server/storage/level/files/snappy.ts'
import { checkStoreFiles, type FileFinding, listStoreFiles } from '../../../server/storage/level/files/store-files.ts'
import { findTableDamage } from '../../../server/storage/level/files/table-file.ts'
import { listOf } from '../../contract/read-back.ts'
import { announcedRandom } from '../../helpers/seeded-random.ts'
import { filesEnding, inFolder } from './store-folder.ts'

/** A database with many rows, all in tables; its values compress badly or well. */
async function makeDatabase(location: string, { rows, compression = true }: { rows: number; compression?: boolean }) {
  const random = announcedRandom('database')
  const database = new Level(location, { compression })
  await database.open()
  for (let from = 0; from < rows; from += 1000) {
    const count = Math.min(1000, rows - from)
    await database.batch(
      Array.from({ length: count }, (_, index) => ({
        type: 'put' as const,
        // Keys of the length of ours and with nothing in common make long index blocks.
        key: Buffer.from(random.bytes(20)).toString('hex'),
        value: `${from + index} ${random.chance(0.5) ? 'x'.repeat(200) : Buffer.from(random.bytes(100)).toString('hex')}`,
      })),
      { sync: true },
    )
  }
  await database.close()
  // Opening moves the log into a table.
  await database.open()
  await database.close()
}

async function findings(location: string): Promise<FileFinding[]> {
  return await listOf(checkStoreFiles(location, await listStoreFiles(location)))
}

describe('whole files', () => {
  test.each([{ rows: 0 }, { rows: 1 }, { rows: 30_000 }, { rows: 30_000, compression: false }])(
    '[STORE8] nothing is wrong with them: $rows rows',
    async (options) => {
      await inFolder(async (location) => {
        await makeDatabase(location, options)
        const files = await listStoreFiles(location)
        expect(await findings(location)).toEqual([])
        expect(files.tables.length > 0).toBe(options.rows > 0)
        expect(files.names).toContain('CURRENT')
      })
    },
  )

  test('[STORE8] an index that LevelDB compressed is read', async () => {
    await inFolder(async (location) => {
      const database = new Level(location)
      await database.open()
      // Long keys of which an index repeats the beginning, and tables with many blocks.
      const beginning = 'the beginning of a key '.repeat(200)
      await database.batch(
        Array.from({ length: 500 }, (_, index) => ({
          type: 'put' as const,
          key: `${beginning}${String(index).padStart(6, '0')}`,
          value: Buffer.from(announced.bytes(3000)).toString('hex'),
        })),
      )
      await database.close()
      await database.open()
      await database.close()
      const [path = ''] = await filesEnding(location, '.ldb')
      const table = await readFile(path)
      const index = indexOf(table)
      expect(table[index.offset + index.size]).toBe(1)
      const plain = decompressSnappy(table.subarray(index.offset, index.offset + index.size))
      expect(plain?.includes(beginning.slice(0, 1000))).toBe(true)
      expect(await findings(location)).toEqual([])
    })
  })
})

const announced = announcedRandom('values')

/** Where the index block lies, by the footer. */
function indexOf(table: Buffer): { readonly offset: number; readonly size: number } {
  let at = table.length - 48
  const numbers = Array.from({ length: 4 }, () => {
    let value = 0
    for (let shift = 1; ; shift *= 128) {
      const byte = table[at++] ?? 0
      value += (byte & 127) * shift
      if (byte < 128) return value
    }
  })
  return { offset: numbers[2] ?? 0, size: numbers[3] ?? 0 }
}

describe('changed files', () => {
  test('[STORE8] a flipped bit anywhere in a table is found', async () => {
    await inFolder(async (location) => {
      await makeDatabase(location, { rows: 40 })
      const [path = ''] = await filesEnding(location, '.ldb')
      const table = await readFile(path)
      expect(findTableDamage(table)).toBeUndefined()
      const missed: number[] = []
      for (let bit = 0; bit < table.length * 8; bit++) {
        const copy = Buffer.from(table)
        copy[bit >>> 3] = (copy[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
        if (findTableDamage(copy) === undefined) missed.push(bit)
      }
      expect(missed).toEqual([])
      for (let length = 0; length < table.length; length++) {
        if (findTableDamage(table.subarray(0, length)) === undefined) missed.push(length)
      }
      expect(missed).toEqual([])
    })
  })

  test('[STORE8] a flipped bit anywhere in a manifest, a log or CURRENT is found', async () => {
    await inFolder(async (location) => {
      await makeDatabase(location, { rows: 40 })
      const database = new Level(location)
      await database.put('one', 'more', { sync: true })
      await database.put('and', 'another', { sync: true })
      await database.close()
      const files = await listStoreFiles(location)
      const missed: string[] = []
      for (const name of ['CURRENT', ...files.names.filter((one) => one.startsWith('MANIFEST')), ...files.logs]) {
        const path = join(location, name)
        const whole = await readFile(path)
        expect(whole.length).toBeGreaterThan(10)
        for (let bit = 0; bit < whole.length * 8; bit++) {
          const copy = Buffer.from(whole)
          copy[bit >>> 3] = (copy[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
          await writeFile(path, copy)
          if (!(await findings(location)).some(({ kind }) => kind === 'problem')) missed.push(`${name} ${bit}`)
        }
        await writeFile(path, whole)
      }
      expect(missed).toEqual([])
      expect(await findings(location)).toEqual([])
    })
  })

  test('[STORE8] a table or a log that is missing, or too short, is found; what LevelDB left over does not count', async () => {
    await inFolder(async (location) => {
      await makeDatabase(location, { rows: 40 })
      const { logs } = await listStoreFiles(location)
      await writeFile(join(location, '000001.ldb'), 'left over')
      await writeFile(join(location, '000001.log'), 'left over')
      expect(await findings(location)).toEqual([])
      const [table = ''] = (await filesEnding(location, '.ldb')).filter((path) => !path.endsWith('000001.ldb'))
      const bytes = await readFile(table)
      await truncate(table, bytes.length - 1)
      expect(await findings(location)).toEqual([
        {
          kind: 'problem',
          endsReading: true,
          text: `table ${basename(table)}: it has ${bytes.length - 1} bytes, not ${bytes.length}`,
        },
      ])
      await writeFile(table, bytes)
      for (const name of logs) await writeFile(join(location, `${name}.gone`), '')
      expect(logs).toHaveLength(1)
    })
  })
})

describe('the end of a log', () => {
  /** Two records, the second one long. */
  async function makeLog(location: string): Promise<Buffer> {
    const database = new Level(location)
    await database.put('a', 'b', { sync: true })
    await database.put('c', Buffer.from(announced.bytes(40_000)).toString('hex'), { sync: true })
    await database.close()
    const [path = ''] = await filesEnding(location, '.log')
    return await readFile(path)
  }

  test('[STORE8] cut off anywhere it is a write that a crash cut short, not damage', async () => {
    await inFolder(async (location) => {
      const log = await makeLog(location)
      expect(readLog(log)).toMatchObject({ kind: 'whole', records: [{}, {}] })
      const first = readLog(log).records[0]?.length ?? 0
      for (let length = first + 8; length < log.length; length += 97) {
        const end = readLog(log.subarray(0, length))
        expect([length, end.kind, end.records.length]).toEqual([length, 'torn', 1])
      }
      expect(readLog(log.subarray(0, first + 7)).kind).toBe('whole')
    })
  })

  test('[STORE8] a page of zeros in the last write, and zeros behind it, are what a power failure leaves', async () => {
    await inFolder(async (location) => {
      const log = await makeLog(location)
      const torn = Buffer.from(log).fill(0, 8192, 12_288)
      expect([readLog(torn).kind, findDamage(torn)]).toEqual(['torn', undefined])
      expect(readLog(Buffer.concat([log, Buffer.alloc(5000)])).kind).toBe('torn')
    })
  })
})

describe('bytes that are none', () => {
  test('[STORE8] whatever they are, no reader throws', () => {
    const random = announcedRandom('bytes')
    for (let round = 0; round < 3000; round++) {
      const bytes = Buffer.from(random.bytes(random.below(200)))
      decompressSnappy(bytes)
      readManifest([bytes])
      readLog(bytes)
      expect(findTableDamage(Buffer.concat([bytes, Buffer.from('57fb808b247547db', 'hex')]))).toBeDefined()
    }
  })

  test('[STORE8] Snappy as its description tells it: literals, copies of all kinds, copies into themselves', () => {
    const text = (hex: string): string | undefined => decompressSnappy(Buffer.from(hex, 'hex'))?.toString('latin1')
    expect(text('00')).toBe('')
    expect(text('0308616263')).toBe('abc')
    // "ab", then 10 bytes from 2 back: a copy with a two-byte offset; one byte; four bytes.
    expect(text('0c0461622602 00'.replaceAll(' ', ''))).toBe('abababababab')
    expect(text('0704616205 02'.replaceAll(' ', ''))).toBe('abababa')
    expect(text('0604616 20f02000000'.replaceAll(' ', ''))).toBe('ababab')
    expect(text(`3df03c${'61'.repeat(61)}`)).toBe('a'.repeat(61))
    for (const bad of [
      '',
      '03',
      '030861',
      '0304616 2'.replaceAll(' ', ''),
      '0404616205 00'.replaceAll(' ', ''),
      '04046162 0503'.replaceAll(' ', ''),
      'ffffffffff7f',
    ]) {
      expect([bad, text(bad)]).toEqual([bad, undefined])
    }
  })
})
