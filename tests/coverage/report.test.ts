// The coverage report, tried on a tiny package that is built, run in a child process and measured for real.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { build as buildPage } from 'vite'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { root } from '../helpers/root.ts'
import type { VitestCoverage } from './merge.ts'
import { failuresOf, reportCoverage } from './report.ts'
import { ranAt } from './v8.ts'

const source = `export function greet(name: string): string {
  if (name === 'nobody') {
    return 'silence'
  }
  const greeting = ['hello', name].map((word) =>
    word.toUpperCase(),
  )
  return greeting.join(' ')
}
export function never(): number {
  return 1
}
console.log(greet('ann'))
`
/** Line and column of each statement above, as Vitest lists them. */
const statements = [
  [2, 2],
  [3, 4],
  [5, 2],
  [6, 4],
  [8, 2],
  [11, 2],
  [13, 0],
] as const

let folder: string

function write(name: string, text: string): string {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return path
}

function vitestCoverage(path: string, hits: number): VitestCoverage {
  const entries = statements.map(([line, column], id) => [id, { start: { line, column } }] as const)
  return {
    [path]: { statementMap: Object.fromEntries(entries), s: Object.fromEntries(entries.map(([id]) => [id, hits])) },
  }
}

/** Builds shared/greet.ts as this repository is built, with a report of Vitest that knows it but never ran it. */
function build(): void {
  const path = write('shared/greet.ts', source)
  const compilerOptions = {
    target: 'es2023',
    module: 'nodenext',
    lib: ['es2023', 'dom'],
    types: [],
    rootDir: '.',
    outDir: 'dist',
    sourceMap: true,
  }
  write('package.json', '{ "type": "module" }')
  write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['shared'] }))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  expect(spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' })).toMatchObject({
    stdout: '',
    status: 0,
  })
  write('coverage/vitest/coverage-final.json', JSON.stringify(vitestCoverage(path, 0)))
}

function runInChild(): void {
  const env = { ...process.env, NODE_V8_COVERAGE: join(folder, 'coverage/raw/node') }
  const script = join(folder, 'dist/shared/greet.js')
  expect(spawnSync(process.execPath, [script], { env, encoding: 'utf8' }).stdout).toBe('HELLO ANN\n')
}

function report(): { failures: string[]; table: string; uncovered: string } {
  const printed: string[] = []
  const failures = reportCoverage(folder, join(folder, 'coverage'), (line) => printed.push(line))
  return {
    failures,
    table: printed.join('\n'),
    uncovered: readFileSync(join(folder, 'coverage/uncovered.txt'), 'utf8'),
  }
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-coverage-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

test('nothing ran: every line is uncovered and the thresholds are missed', () => {
  build()
  const { failures, uncovered } = report()
  expect(uncovered).toBe('shared/greet.ts: 2, 3, 5, 6, 8, 11, 13\n')
  expect(failures).toEqual([
    'coverage overall: 0.0 % of lines is under the required 85 %',
    'coverage shared/: 0.0 % of lines is under the required 95 %',
  ])
})

test('lines that ran in a child process count, lines that did not run there do not', () => {
  build()
  runInChild()
  const { failures, table, uncovered } = report()
  expect(uncovered).toBe('shared/greet.ts: 3, 11\n')
  expect(table).toContain('1 child processes')
  expect(table).toMatch(/shared +71\.4 % +5\/7/)
  expect(failures).toHaveLength(2)
})

test('lines that ran in a minified page count, lines that did not run there do not', async () => {
  build()
  write('index.html', '<script type="module" src="/shared/greet.ts"></script>')
  await buildPage({
    root: folder,
    logLevel: 'silent',
    build: { outDir: 'dist/web', sourcemap: true, modulePreload: { polyfill: false } },
  })
  const name = readdirSync(join(folder, 'dist/web/assets')).find((one) => one.endsWith('.js')) ?? ''
  // The page's script runs in Node here: V8 and the source map are the same, only the URL differs.
  const script = join(folder, 'dist/web/assets', name)
  const raw = join(folder, 'raw')
  spawnSync(process.execPath, [script], { env: { ...process.env, NODE_V8_COVERAGE: raw } })
  const [file = ''] = readdirSync(raw)
  const text = readFileSync(join(raw, file), 'utf8').replaceAll(
    pathToFileURL(join(folder, 'dist/web')).href,
    'http://127.0.0.1:1',
  )
  write('coverage/raw/chromium/page.json', text)
  const { uncovered } = report()
  // `never` is dropped from the bundle; its line stays to be covered.
  expect(uncovered).toBe('shared/greet.ts: 3, 11\n')
})

test('what Vitest ran stays covered without any raw coverage', () => {
  write('coverage/vitest/coverage-final.json', JSON.stringify(vitestCoverage(join(folder, 'shared/greet.ts'), 1)))
  expect(report()).toMatchObject({ failures: [], uncovered: '\n' })
})

test('nothing measured is a failure, not a pass', () => {
  expect(failuresOf([])).toEqual([
    'coverage overall: no lines were measured',
    'coverage shared/: no lines were measured',
  ])
})

test('a threshold is met exactly, and missed by one line', () => {
  const file = (covered: number) => ({
    path: 'shared/a.ts',
    lines: new Map(Array.from({ length: 1000 }, (_, line) => [line, line < covered] as const)),
  })
  expect(failuresOf([file(950)])).toEqual([])
  expect(failuresOf([file(949)])).toEqual(['coverage shared/: 94.9 % of lines is under the required 95 %'])
})

test('the innermost range around a place tells whether it ran', () => {
  const range = (startOffset: number, endOffset: number, count: number) => ({ startOffset, endOffset, count })
  const script = {
    url: '',
    functions: [{ ranges: [range(0, 100, 1), range(10, 20, 0)] }, { ranges: [range(12, 14, 3)] }],
  }
  expect(ranAt(script, [0, 9, 10, 12, 13, 14, 19, 20, 99, 100])).toEqual([
    true,
    true,
    false,
    true,
    true,
    false,
    false,
    true,
    true,
    false,
  ])
})
