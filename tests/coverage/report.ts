// The coverage table and its thresholds. Lines, because they are what all three sources of coverage can agree on.
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

import { rawFolders } from '../helpers/coverage-env.ts'
import {
  addScripts,
  linesOfVitest,
  nodeScriptPath,
  pageScriptPath,
  rawFiles,
  readRawScripts,
  type FileLines,
  type VitestCoverage,
} from './merge.ts'

/** Least share of covered lines, in percent, by path prefix; the empty prefix means everything. */
const thresholds = [
  { prefix: '', name: 'overall', percent: 85 },
  { prefix: 'shared/', name: 'shared/', percent: 95 },
] as const

/** Reads what a test run left in `folder`, prints the table, and returns the failures, one line each. */
export function reportCoverage(root: string, folder: string, print: (line: string) => void): string[] {
  const coverage = JSON.parse(readFileSync(join(folder, 'vitest/coverage-final.json'), 'utf8')) as VitestCoverage
  const dist = join(root, 'dist')
  const node = join(folder, rawFolders.node)
  const chromium = join(folder, rawFolders.chromium)

  const files = linesOfVitest(coverage)
  addScripts(files, coverage, readRawScripts(node), nodeScriptPath(dist))
  addScripts(files, coverage, readRawScripts(chromium), pageScriptPath(dist))
  const named = files.map((file) => ({ ...file, path: relative(root, file.path).replaceAll('\\', '/') }))

  print(
    `Coverage of lines: Vitest, ${rawFiles(node).length} child processes, ${rawFiles(chromium).length} browser pages`,
  )
  for (const row of tableOf(named)) print(row)
  writeFileSync(join(folder, 'uncovered.txt'), uncoveredOf(named).join('\n') + '\n')
  print(`Uncovered lines by file: ${relative(root, join(folder, 'uncovered.txt'))}`)
  return failuresOf(named)
}

/** One line for each threshold that is missed. Nothing to measure is a miss too: else a wrong path would pass. */
export function failuresOf(files: readonly FileLines[]): string[] {
  return thresholds.flatMap(({ prefix, name, percent }) => {
    const { covered, total } = sum(files.filter((file) => file.path.startsWith(prefix)))
    if (total === 0) return [`coverage ${name}: no lines were measured`]
    // Compared as whole numbers of lines, so that 94.99 % does not round up to a pass.
    if (covered * 100 >= total * percent) return []
    return [`coverage ${name}: ${show(covered, total)} of lines is under the required ${percent} %`]
  })
}

function tableOf(files: readonly FileLines[]): string[] {
  const folders = [...new Set(files.map((file) => dirname(file.path)))].toSorted()
  const rows = folders.map((name) => ({ name, ...sum(files.filter((file) => dirname(file.path) === name)) }))
  const all = [...rows, { name: 'total', ...sum(files) }]
  const width = Math.max(...all.map((row) => row.name.length))
  return all.map(
    ({ name, covered, total }) => `  ${name.padEnd(width)}  ${show(covered, total).padStart(8)}  ${covered}/${total}`,
  )
}

function uncoveredOf(files: readonly FileLines[]): string[] {
  return files.flatMap(({ path, lines }) => {
    const missed = [...lines].filter(([, ran]) => !ran).map(([line]) => line)
    return missed.length === 0 ? [] : [`${path}: ${missed.toSorted((a, b) => a - b).join(', ')}`]
  })
}

function sum(files: readonly FileLines[]): { covered: number; total: number } {
  const ran = files.flatMap((file) => [...file.lines.values()])
  return { covered: ran.filter(Boolean).length, total: ran.length }
}

function show(covered: number, total: number): string {
  // Cut, not rounded: a table that says 95.0 % must mean that the threshold of 95 % is met.
  return total === 0 ? '–' : `${(Math.floor((covered * 1000) / total) / 10).toFixed(1)} %`
}
