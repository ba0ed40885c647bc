// All that can be fuzzed, by name.
import type { FuzzTarget, TargetName } from '../fuzz-target.ts'
import { createAcceptTarget } from './accept-target.ts'
import { foldTarget } from './fold-target.ts'
import { parseTarget } from './parse-target.ts'
import { recordsTarget } from './records-target.ts'
import { wireTarget } from './wire-target.ts'

export async function openTarget(name: TargetName): Promise<FuzzTarget> {
  if (name === 'accept') return createAcceptTarget()
  return { parse: parseTarget, wire: wireTarget, records: recordsTarget, fold: foldTarget }[name]
}
