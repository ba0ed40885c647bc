/** The commands of `parley`, and which one is meant. Without a name it serves. */

import { exitCodes, type Terminal } from './terminal.ts'

/** Resolves to the exit code; undefined: the process goes on and ends itself. */
type Run = (argv: readonly string[], terminal: Terminal) => Promise<number | undefined>

interface Command {
  readonly summary: string
  /** Loads it: the server, with all that it is built on, takes most of the time of a command that needs none of it. */
  readonly load: () => Promise<Run>
}

const serve: Command = {
  summary: 'start the server; what parley does without a command',
  load: async () => (await import('./serve.ts')).serve,
}

const commands = new Map<string, Command>([
  ['serve', serve],
  [
    'restore',
    {
      summary: 'put data back from a backup, or say that it was',
      load: async () => (await import('./restore.ts')).restore,
    },
  ],
  [
    'verify',
    {
      summary: 'look through the data of a stopped server for damage',
      load: async () => (await import('./verify.ts')).verify,
    },
  ],
])

const width = Math.max(...[...commands.keys()].map((name) => name.length))

const usage = `Usage: parley [command] [options]

${[...commands].map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}\n`).join('')}
Each has a --help of its own: parley help <command>.
`

/** `argv` without node and script. */
export async function runCommand(argv: readonly string[], terminal: Terminal): Promise<number | undefined> {
  const [name, ...rest] = argv
  if (name === undefined || name.startsWith('-')) return await run(serve, argv, terminal)
  const meant = commands.get(name)
  if (meant !== undefined) return await run(meant, rest, terminal)
  if (name === 'help') {
    const about = commands.get(rest[0] ?? '')
    if (about !== undefined) return await run(about, ['--help'], terminal)
    terminal.out(usage)
    return exitCodes.done
  }
  terminal.err(`parley: there is no command "${name}"\n\n${usage}`)
  return exitCodes.misused
}

async function run(command: Command, argv: readonly string[], terminal: Terminal): Promise<number | undefined> {
  const start = await command.load()
  return await start(argv, terminal)
}
