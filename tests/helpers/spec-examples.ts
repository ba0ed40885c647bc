// The literal examples of SPEC.md, read out of it: what freezes the format stands there and nowhere else. Knows no test runner.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { root } from './root.ts'

export interface SpecExample {
  readonly kind: string
  /** JSON text behind the format byte. */
  readonly json: string
  /** Of the payload, as SPEC.md counts them. */
  readonly bytes: number
}

export interface SpecExamples {
  /** In the order of the table, each kind once. */
  readonly table: readonly SpecExample[]
  /** The payload of the stamp, in hexadecimal without spaces. */
  readonly stamp: string
}

const heading = '| kind | JSON text | bytes |'
const line = /^\| `([a-z]+)` \| `(\{.*\})` \| (\d+) \|$/
const stampLine = /^And a stamp, in hexadecimal: `([0-9a-f ]+)`/m

/** Throws when SPEC.md has no such table, or a line of it that is no example. */
export function readSpecExamples(): SpecExamples {
  const spec = readFileSync(join(root, 'shared/SPEC.md'), 'utf8')
  const lines = spec.split('\n')
  // The line below the heading is only dashes.
  const first = lines.indexOf(heading) + 2
  const end = lines.indexOf('', first)
  const stamp = stampLine.exec(spec)?.[1]
  if (first < 2 || end <= first || stamp === undefined) throw new Error('SPEC.md has no literal examples')
  return { table: lines.slice(first, end).map(exampleIn), stamp: stamp.replaceAll(' ', '') }
}

/** The JSON text of a kind. */
export function specJson({ table }: SpecExamples, wanted: string): string {
  const [found, ...more] = table.filter(({ kind }) => kind === wanted)
  if (found === undefined || more.length > 0) throw new Error(`SPEC.md has not one example of ${wanted}`)
  return found.json
}

function exampleIn(text: string): SpecExample {
  const [, kind, json, bytes] = line.exec(text) ?? []
  if (kind === undefined || json === undefined) throw new Error(`not an example: ${text}`)
  return { kind, json, bytes: Number(bytes) }
}
