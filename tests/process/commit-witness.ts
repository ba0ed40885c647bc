// Loaded into a server process by `--import` (see crash-rounds.ts): notes in a file the process's id, then `(` when a
// commit begins and `)` when it is known to be done, so that a test can tell after a SIGKILL whether one was in flight.
// Changes nothing else.
import { openSync, writeSync } from 'node:fs'

import { Level } from 'level'

const path = process.env['PARLEY_COMMIT_WITNESS']
if (path === undefined) throw new Error('PARLEY_COMMIT_WITNESS names no file')
const file = openSync(path, 'w')
writeSync(file, `${process.pid}\n`)

interface Writes {
  write(options?: object): Promise<void>
}

type MakeBatch = (...operations: unknown[]) => unknown

const prototype = Level.prototype as unknown as { batch: MakeBatch }
const makeBatch = prototype.batch

function isChained(made: unknown): made is Writes {
  return typeof made === 'object' && made !== null && 'write' in made
}

prototype.batch = function (this: unknown, ...operations) {
  const made = makeBatch.apply(this, operations)
  if (!isChained(made)) return made
  const write = made.write.bind(made)
  made.write = async (options) => {
    writeSync(file, '(')
    await write(options)
    writeSync(file, ')')
  }
  return made
}
