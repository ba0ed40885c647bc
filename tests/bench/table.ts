// How the result of a bench is shown: one line for each figure, then what is not as it should be.
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'

import type { Figure, Judged, Outcome } from './figure.ts'
import { isUsageKnown } from './usage.ts'

export interface Result extends Outcome {
  /** When it began, RFC 3339. */
  readonly date: string
  readonly machine: Machine
}

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly system: string
  readonly node: string
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
  }
}

/** Whether a budget is kept; a value that is no number keeps none. */
function isMet({ value, most }: Judged): boolean {
  return value <= most
}

export function table({ date, machine, figures, voids, failures }: Result): string {
  const { cpu, cores, memoryGb, system, node } = machine
  const servers = [...new Set(figures.flatMap(({ values }) => Object.keys(values)))]
  const rows = [
    ['', ...servers, 'measured', 'budget', ''],
    ...figures.map((figure) => [figure.name, ...servers.map((name) => cell(figure, name)), ...verdict(figure)]),
  ]
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  const lines = rows.map((row) =>
    row
      .map((text, column) =>
        column === 0 || column > servers.length + 2
          ? text.padEnd(widths[column] ?? 0)
          : text.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
  const missed = figures.filter(({ judged }) => judged !== undefined && !Number.isNaN(judged.value) && !isMet(judged))
  return [
    `Parley bench, ${date}`,
    `${cpu}, ${cores} cores, ${memoryGb} GB, ${system}, Node ${node}`,
    ...(isUsageKnown ? [] : ['This system does not tell what processes use: no figures of CPU and memory.']),
    '',
    ...lines,
    '',
    ...missed.map(({ name }) => `BUDGET MISSED: ${name.trim()}`),
    ...voids.map((why) => `VOID: ${why}`),
    ...failures.map((what) => `FAILED: ${what}`),
  ].join('\n')
}

function cell({ values, unit }: Figure, server: string): string {
  const value = values[server]
  return value === undefined || Number.isNaN(value) ? '' : withUnit(value, unit)
}

function verdict({ judged, note = '' }: Figure): readonly string[] {
  if (judged === undefined) return ['', '', note]
  const { value, unit, most } = judged
  const text = Number.isNaN(value) ? 'not measured' : isMet(judged) ? 'met' : 'MISSED'
  return [withUnit(value, unit), `≤ ${most} ${unit}`.trim(), note === '' ? text : `${text}; ${note}`]
}

/** As it is shown. */
export function withUnit(value: number, unit: string): string {
  const digits = Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return `${value.toFixed(digits)} ${unit}`.trim()
}
