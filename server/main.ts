#!/usr/bin/env node
/** The command `parley`: hands arguments and environment to the command that is meant. The only reader of `process.env`. */

import { runCommand } from './cli/commands.ts'

const exitCode = await runCommand(process.argv.slice(2), {
  env: process.env,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
})
if (exitCode !== undefined) process.exitCode = exitCode
