// Which source lines ran: in Vitest, in a child process, or in Chromium. Vitest's report says which lines there are to
// run (every source file is in it, loaded or not); raw V8 coverage of built files can only add hits to them.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { offsetsOf, readEmittedFile, type EmittedFile } from './emitted-file.ts'
import { ranAt, type V8Script } from './v8.ts'

/** The part of Istanbul's `coverage-final.json` that is read here; lines from 1, columns from 0. */
export type VitestCoverage = Readonly<
  Record<
    string,
    {
      readonly statementMap: Readonly<
        Record<string, { readonly start: { readonly line: number; readonly column: number } }>
      >
      readonly s: Readonly<Record<string, number>>
    }
  >
>

/** Lines of one source file that hold the start of a statement, and whether any of these ran. */
export interface FileLines {
  /** Absolute path. */
  readonly path: string
  readonly lines: Map<number, boolean>
}

interface Statement {
  readonly path: string
  readonly line: number
  readonly column: number
}

/** Starts from Vitest's own result. */
export function linesOfVitest(coverage: VitestCoverage): FileLines[] {
  return Object.entries(coverage).map(([path, { statementMap, s }]) => {
    const lines = new Map<number, boolean>()
    for (const [id, { start }] of Object.entries(statementMap)) {
      lines.set(start.line, (lines.get(start.line) ?? false) || (s[id] ?? 0) > 0)
    }
    return { path, lines }
  })
}

/** Marks the lines that ran in scripts of built files. `builtPath` says which built file a script's URL means, if any. */
export function addScripts(
  files: readonly FileLines[],
  coverage: VitestCoverage,
  scripts: Iterable<V8Script>,
  builtPath: (url: string) => string | undefined,
): void {
  const lines = new Map(files.map((file) => [file.path, file.lines]))
  const places = new Map<string, readonly { offset: number; statement: Statement }[]>()
  for (const script of scripts) {
    const path = builtPath(script.url)
    if (path === undefined) continue
    const known = places.get(path) ?? placesIn(readEmittedFile(path), coverage)
    places.set(path, known)
    const ran = ranAt(
      script,
      known.map((place) => place.offset),
    )
    known.forEach(({ statement }, index) => {
      if (ran[index] === true) lines.get(statement.path)?.set(statement.line, true)
    })
  }
}

/** Every statement of the sources of a built file, with its places in the emitted text, by ascending offset. */
function placesIn(
  emitted: EmittedFile | undefined,
  coverage: VitestCoverage,
): readonly { offset: number; statement: Statement }[] {
  if (emitted === undefined) return []
  const places = [...emitted.keys()].flatMap((path) =>
    Object.values(coverage[path]?.statementMap ?? {}).flatMap(({ start: { line, column } }) =>
      offsetsOf(emitted, path, line, column).map((offset) => ({ offset, statement: { path, line, column } })),
    ),
  )
  return places.toSorted((a, b) => a.offset - b.offset)
}

/** Scripts of every raw coverage file in a folder, one file after the other; none when there is no such folder. */
export function* readRawScripts(folder: string): Generator<V8Script> {
  for (const name of rawFiles(folder)) {
    const { result } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { result: readonly V8Script[] }
    yield* result
  }
}

/** Names of the raw coverage files in a folder. */
export function rawFiles(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.json'))
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return []
    throw new Error(`unreadable folder ${folder}`, { cause })
  }
}

/** The built file below `dist` that a Node process loaded. */
export function nodeScriptPath(dist: string): (url: string) => string | undefined {
  return (url) => {
    if (!url.startsWith('file:')) return undefined
    const path = fileURLToPath(url)
    return path.startsWith(join(dist, '/')) ? path : undefined
  }
}

/** The built script below `dist/web` that a page loaded from a server of ours. */
export function pageScriptPath(dist: string): (url: string) => string | undefined {
  return (url) => {
    const { protocol, pathname } = new URL(url, 'about:blank')
    return protocol.startsWith('http') && pathname.endsWith('.js') ? join(dist, 'web', decodeURI(pathname)) : undefined
  }
}
