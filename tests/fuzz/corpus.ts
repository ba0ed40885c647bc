// The inputs that are kept between runs: one small file for each, in hexadecimal, `<target>-<name>.hex`. Bounded, because
// every test run replays them all. Knows no test runner.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

import { root } from '../helpers/root.ts'

/** Also of dist/tests: there is one corpus, beside the sources. */
const corpusFolder = join(root, 'tests/fuzz/corpus')

/** Files of one target; there are five. */
export const filesPerTarget = 40
/** In hexadecimal twice as much. */
export const bytesPerFile = 500

export interface CorpusFile {
  readonly target: string
  readonly name: string
  readonly input: Uint8Array
}

export function readCorpus(folder: string = corpusFolder): CorpusFile[] {
  mkdirSync(folder, { recursive: true })
  const names = readdirSync(folder).filter((name) => name.endsWith('.hex'))
  return names.toSorted().map((name) => {
    const input = Uint8Array.from(Buffer.from(readFileSync(join(folder, name), 'utf8').trim(), 'hex'))
    return { target: name.split('-')[0] ?? '', name, input }
  })
}

/** Whether there is room for another input of a target. */
export function hasRoom(target: string, folder: string = corpusFolder): boolean {
  return readCorpus(folder).filter((file) => file.target === target).length < filesPerTarget
}

/** Keeps an input that showed something new, unless it is too long; its name when it was kept. */
export function keep(target: string, input: Uint8Array, folder: string = corpusFolder): string | undefined {
  if (input.length > bytesPerFile) return undefined
  return write(`${target}-${checksum(input)}.hex`, input, folder)
}

/** Keeps an input at which a promise is broken, whatever its size; its name. */
export function keepFailing(target: string, seed: number, input: Uint8Array, folder: string = corpusFolder): string {
  return write(`${target}-failed-${seed}-${checksum(input)}.hex`, input, folder)
}

function write(name: string, input: Uint8Array, folder: string): string {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, name), `${Buffer.from(input).toString('hex')}\n`)
  return name
}

function checksum(input: Uint8Array): string {
  return crc32(input).toString(16).padStart(8, '0')
}
