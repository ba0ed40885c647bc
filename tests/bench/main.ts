// `npm run bench`: what one entry and one opening cost, each as a ratio against something in the same run. Prints a table,
// or JSON with `--json`.

import { benchAccept } from './accept.ts'
import { benchColdOpen } from './cold-open.ts'
import type { Figure } from './figure.ts'

const figures: Figure[] = [...benchAccept(), ...(await benchColdOpen())]

if (process.argv.includes('--json')) {
  console.log(JSON.stringify({ date: new Date().toISOString(), node: process.version, figures }, undefined, 2))
} else {
  for (const { name, value, unit, note } of figures)
    console.log(`${name.padEnd(58)} ${value.toFixed(2).padStart(10)} ${unit}  ${note}`)
}
