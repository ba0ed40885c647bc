/** The options of a command for the data of a server that is not running: its folder, what is the command's own, and help. */

import { resolve } from 'node:path'
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { exitCodes, type Terminal } from './terminal.ts'

type Values = Readonly<Record<string, unknown>>
type Options = NonNullable<ParseArgsConfig['options']>

export type DataFlags =
  | { readonly kind: 'flags'; readonly dataDir: string; readonly values: Values }
  /** Help was asked for, or something was wrong; the terminal has been told. */
  | { readonly kind: 'over'; readonly exitCode: number }

/** `own` are the options beside `--data` and `--help`; none of them may be empty. */
export function readDataFlags(
  argv: readonly string[],
  { env, out, err }: Terminal,
  usage: string,
  own: Options,
): DataFlags {
  const misused = (why: string): DataFlags => {
    err(`${why}\n\n${usage}`)
    return { kind: 'over', exitCode: exitCodes.misused }
  }
  let values: Values
  try {
    const options: Options = { data: { type: 'string' }, help: { type: 'boolean' }, ...own }
    values = parseArgs({ args: [...argv], options }).values
  } catch (error) {
    return misused(error instanceof Error ? error.message : String(error))
  }
  if (values['help'] === true) {
    out(usage)
    return { kind: 'over', exitCode: exitCodes.done }
  }
  const empty = Object.keys(values).find((name) => values[name] === '')
  if (empty !== undefined) return misused(`--${empty}: its value is missing.`)
  const data = values['data']
  return {
    kind: 'flags',
    dataDir: resolve(typeof data === 'string' ? data : env['PARLEY_DATA'] || './data'),
    values,
  }
}
