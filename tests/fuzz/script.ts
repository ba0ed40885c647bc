// Inputs of several steps: `uint8 tag • varUint length • bytes`, again and again. Any bytes are a script, so that a fuzzer
// may do with them what it likes. Knows no test runner.
import type { Random } from '../helpers/seeded-random.ts'
import { mutateJson } from './json-mutation.ts'
import { concat, joined, varBytes } from '../helpers/update-forge.ts'

export interface ScriptStep {
  readonly tag: number
  readonly bytes: Uint8Array
}

/** More would only take longer. */
const mostSteps = 32

export function writeScript(steps: readonly ScriptStep[]): Uint8Array {
  return joined(steps.map(({ tag, bytes }) => concat([tag], varBytes(bytes))))
}

/** A length beyond the end means: the rest. */
export function readScript(script: Uint8Array): ScriptStep[] {
  const steps: ScriptStep[] = []
  for (let at = 0; at < script.length && steps.length < mostSteps;) {
    const tag = script[at++] ?? 0
    let length = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = script[at++] ?? 0
      length |= (byte & 127) << shift
      if (byte < 128) break
    }
    steps.push({ tag, bytes: script.slice(at, at + length) })
    at += length
  }
  return steps
}

/** Injures one step, or the order of them; sometimes the bytes as they are. */
export function mutateScript(script: Uint8Array, random: Random, donor: Uint8Array): Uint8Array {
  if (random.chance(0.1)) return mutateJson(script, random, donor)
  const steps = readScript(script)
  const others = readScript(donor)
  const at = random.below(steps.length + 1)
  const step = steps[at]
  const other = others.length === 0 ? undefined : random.pick(others)
  switch (random.below(step === undefined ? 1 : 8)) {
    case 0:
      steps.splice(at, 0, other ?? { tag: 0, bytes: random.bytes(8) })
      break
    case 1:
      steps.splice(at, 1)
      break
    case 2:
      if (step !== undefined) steps.splice(random.below(steps.length + 1), 0, step)
      break
    case 3:
      if (step !== undefined) steps[at] = { ...step, tag: random.below(256) }
      break
    default:
      if (step !== undefined) steps[at] = { ...step, bytes: mutateJson(step.bytes, random, other?.bytes ?? step.bytes) }
  }
  return writeScript(steps)
}
