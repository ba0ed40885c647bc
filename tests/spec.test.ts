// Holds shared/SPEC.md and the tests together: no promise without a running test, no citation without a promise.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

import { describe, expect, test } from 'vitest'

import { root } from './helpers/root.ts'
import { parseSpecIds, scanTests, type TestScan } from './house/test-scan.ts'

/** Scans every test file and what it imports from tests/, so that suites called by test files count and others do not. */
function scanAllTests(): Map<string, TestScan> {
  const scans = new Map<string, TestScan>()
  const folder = join(root, 'tests')
  const queue = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.test\.tsx?$/.test(name))
    .map((name) => join(folder, name))
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (scans.has(path) || !path.startsWith(join(folder, '/')) || !existsSync(path)) continue
    const scan = scanTests(path, readFileSync(path, 'utf8'))
    scans.set(path, scan)
    const from = dirname(path)
    queue.push(...scan.imports.map((specifier) => resolve(from, specifier)))
  }
  return scans
}

const promised = parseSpecIds(readFileSync(join(root, 'shared/SPEC.md'), 'utf8'))
const scans = [...scanAllTests()].map(([path, scan]) => ({ path: relative(root, path), ...scan }))

describe('shared/SPEC.md', () => {
  test('[HOUSE2] every promise has a running test', () => {
    const cited = new Set(scans.flatMap((scan) => scan.tests.flatMap((one) => one.ids)))
    expect(promised.length).toBeGreaterThan(0)
    expect(promised.filter((id) => !cited.has(id))).toEqual([])
  })

  test('[HOUSE2] every citation is of a promise', () => {
    const known = new Set(promised)
    const unknown = scans.flatMap(({ path, tests }) =>
      tests.flatMap(({ line, ids }) => ids.filter((id) => !known.has(id)).map((id) => `${path}:${line} cites ${id}`)),
    )
    expect(unknown).toEqual([])
  })

  test('[HOUSE2] no test is switched off, and every citation is readable', () => {
    expect(scans.flatMap(({ path, faults }) => faults.map(({ line, why }) => `${path}:${line} ${why}`))).toEqual([])
  })

  test('ids are unique', () => {
    expect(promised.filter((id, index) => promised.indexOf(id) !== index)).toEqual([])
  })
})

function idsIn(code: string): string[] {
  return scanTests('a.test.ts', code).tests.flatMap((one) => one.ids)
}

function faultsIn(code: string): string[] {
  return scanTests('a.test.ts', code).faults.map((fault) => fault.why)
}

describe('the scanner', () => {
  test.each([
    ["test('[SYNC4] a', () => {})", ['SYNC4']],
    ["it('[SYNC4][STORE1] a', async () => {})", ['SYNC4', 'STORE1']],
    ['test(`[SYNC4] seed ${1}`, () => {})', ['SYNC4']],
    ["test('[SYNC4] ' + name, () => {})", ['SYNC4']],
    ["test.each([1, 2])('[SYNC4] %s', () => {})", ['SYNC4']],
    ["describe('x', () => { test.concurrent('[SYNC4] a', { timeout: 9 }, () => {}) })", ['SYNC4']],
    ["function suite2(make: () => void) { test('[SYNC4] a', make) }", ['SYNC4']],
  ])('finds the citation in %s', (code, ids) => {
    expect(idsIn(code)).toEqual(ids)
    expect(faultsIn(code)).toEqual([])
  })

  test.each([
    "// test('[SYNC4] a', () => {})",
    'const code = "test(\'[SYNC4] a\', () => {})"',
    "test('a [SYNC4]', () => {})",
    "describe('[SYNC4] a', () => {})",
    "run('[SYNC4] a', () => {})",
  ])('finds no citation in %s', (code) => {
    expect(idsIn(code)).toEqual([])
  })

  test.each([
    "test.skip('[SYNC4] a', () => {})",
    "test.todo('[SYNC4] a')",
    "it.only('[SYNC4] a', () => {})",
    "test.fails('[SYNC4] a', () => {})",
    "describe.skip('x', () => { test('[SYNC4] a', () => {}) })",
    "describe.skipIf(true)('x', () => {})",
    "test.runIf(false)('[SYNC4] a', () => {})",
    "test.each.skip([1])('[SYNC4] a', () => {})",
    "test.skip.each([1])('[SYNC4] a', () => {})",
    "xtest('[SYNC4] a', () => {})",
    'const later = test.skip',
    "test('[SYNC4] a', { skip: true }, () => {})",
    "test('[SYNC4] a', ({ skip }) => { skip() })",
    "test('[SYNC4] a', (context) => { context.skip() })",
    "test('[SYNC4] a')",
    "test('[sync4] a', () => {})",
    "test('[SYNC4]a', () => {})",
  ])('refuses %s', (code) => {
    expect(faultsIn(code)).not.toEqual([])
  })

  test('reads ids from list items only', () => {
    expect(parseSpecIds('- **A1** x\n**A2**\n- **a3** y\n  - **A4**\n- **STORE12** z **A5**\n')).toEqual([
      'A1',
      'STORE12',
    ])
  })
})
