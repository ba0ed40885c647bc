/** The commands of `parley`, and which one is meant. Without a name it serves. */

import { restore } from './restore.ts'
import { serve } from './serve.ts'
import { exitCodes, type Terminal } from './terminal.ts'
import { verify } from './verify.ts'

interface Command {
  readonly summary: string
  /** Resolves to the exit code; undefined: the process goes on and ends itself. */
  readonly run: (argv: readonly string[], terminal: Terminal) => Promise<number | undefined>
}

const commands: Readonly<Record<string, Command>> = {
  serve: { summary: 'start the server; what parley does without a command', run: serve },
  restore: { summary: 'put data back from a backup, or say that it was', run: restore },
  verify: { summary: 'look through the data of a stopped server for damage', run: verify },
}

const width = Math.max(...Object.keys(commands).map((name) => name.length))

const usage = `Usage: parley [command] [options]

${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}\n`)
  .join('')}
Each has a --help of its own: parley help <command>.
`

/** `argv` without node and script. */
export async function runCommand(argv: readonly string[], terminal: Terminal): Promise<number | undefined> {
  const [name, ...rest] = argv
  if (name === undefined || name.startsWith('-')) return await serve(argv, terminal)
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command !== undefined) return await command.run(rest, terminal)
  if (name === 'help') {
    const [about = ''] = rest
    if (Object.hasOwn(commands, about)) return await commands[about]?.run(['--help'], terminal)
    terminal.out(usage)
    return exitCodes.done
  }
  terminal.err(`parley: there is no command "${name}"\n\n${usage}`)
  return exitCodes.misused
}
