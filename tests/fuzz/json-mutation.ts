// Injures JSON where it stands among bytes: a value gives way to another that parsers are tempted to read wrongly. Knows
// no test runner.
import { mutate } from '../helpers/mutations.ts'
import type { Random } from '../helpers/seeded-random.ts'

const tempting = [
  'null',
  'true',
  '[]',
  '{}',
  '""',
  '0',
  '-0',
  '-1',
  '1.5',
  '1e999',
  '-1e999',
  '4294967295',
  '4294967296',
  '9007199254740991',
  '9007199254740993',
  '"\\ud800"',
  '"\\u0000"',
  '" "',
  '"__proto__"',
  '"constructor"',
  '{"__proto__":{"kind":"message"}}',
  '["a",1,null]',
  '[[[[[[[[]]]]]]]]',
] as const

/** A number, a word or a string, as it stands in the text. */
const value = /-?\d+|true|false|null|"[^"]*"/g

export function mutateJson(input: Uint8Array, random: Random, donor: Uint8Array): Uint8Array {
  if (random.chance(0.5)) return mutate(input, random, donor)
  // Latin 1: every byte is a character, and comes back as it was.
  const text = Buffer.from(input).toString('latin1')
  const values = [...text.matchAll(value)]
  if (values.length === 0) return mutate(input, random, donor)
  const { index, 0: old } = random.pick(values)
  const changed = text.slice(0, index) + random.pick(tempting) + text.slice(index + old.length)
  return Uint8Array.from(Buffer.from(changed, 'latin1'))
}
