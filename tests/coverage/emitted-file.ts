// A built script and its source map: where in the emitted text does a place of a source lie?
import { readFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { eachMapping, TraceMap } from '@jridgewell/trace-mapping'

/** Mapped places of one source line: by source column, the offsets in the emitted text. */
type Columns = Map<number, number[]>

/** Emitted offsets by source path (absolute), then source line (from 1). */
export type EmittedFile = ReadonlyMap<string, ReadonlyMap<number, Columns>>

/** Reads a script and the `.map` beside it; undefined when the file or its map is not there. */
export function readEmittedFile(path: string): EmittedFile | undefined {
  let code: string, map: TraceMap
  try {
    code = readFileSync(path, 'utf8')
    map = new TraceMap(readFileSync(`${path}.map`, 'utf8'), pathToFileURL(`${path}.map`).href)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw new Error(`unreadable source map of ${path}`, { cause })
  }
  const lineStarts = [0]
  for (let at = code.indexOf('\n'); at >= 0; at = code.indexOf('\n', at + 1)) lineStarts.push(at + 1)

  const files = new Map<string, Map<number, Columns>>()
  eachMapping(map, ({ source, originalLine, originalColumn, generatedLine, generatedColumn }) => {
    if (source === null || !source.startsWith('file:')) return
    const lines = getOrMake(files, fileURLToPath(source), () => new Map<number, Columns>())
    const columns = getOrMake(lines, originalLine, () => new Map<number, number[]>())
    const offset = (lineStarts[generatedLine - 1] ?? 0) + generatedColumn
    getOrMake(columns, originalColumn, () => []).push(offset)
  })
  return files
}

/**
 * Emitted offsets of the statement that starts at a place of a source. A minifier may drop the keyword a statement
 * starts with, so the first mapped column at or after it on the same line stands for it.
 */
export function offsetsOf(file: EmittedFile, source: string, line: number, column: number): readonly number[] {
  const columns = file.get(source)?.get(line)
  if (columns === undefined) return []
  const exact = columns.get(column)
  if (exact !== undefined) return exact
  const later = [...columns.keys()].filter((one) => one > column)
  return later.length === 0 ? [] : (columns.get(Math.min(...later)) ?? [])
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const present = map.get(key)
  if (present !== undefined) return present
  const made = make()
  map.set(key, made)
  return made
}
