// Damages bytes at random, the way a fuzzer does. Knows no test runner.
import type { Random } from './seeded-random.ts'
import { concat } from './update-forge.ts'

type Mutation = (bytes: Uint8Array, random: Random, donor: Uint8Array) => Uint8Array

/** Bytes at which parsers of this format are tempted to go wrong. */
const tempting = [0, 1, 3, 10, 31, 32, 64, 127, 128, 129, 131, 138, 192, 224, 255]

function flipBit(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice()
  const index = random.below(copy.length)
  copy[index] = (copy[index] ?? 0) ^ (1 << random.below(8))
  return copy
}

function setByte(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice()
  copy[random.below(copy.length)] = random.chance(0.5) ? random.pick(tempting) : random.below(256)
  return copy
}

function insertBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length + 1)
  return concat(bytes.subarray(0, at), random.bytes(random.between(1, 8)), bytes.subarray(at))
}

/** Start and end of a piece of `bytes`. */
function piece(bytes: Uint8Array, random: Random): readonly [number, number] {
  const start = random.below(bytes.length)
  return [start, Math.min(bytes.length, start + random.between(1, 24))]
}

function deletePiece(bytes: Uint8Array, random: Random): Uint8Array {
  const [start, end] = piece(bytes, random)
  return concat(bytes.subarray(0, start), bytes.subarray(end))
}

function duplicatePiece(bytes: Uint8Array, random: Random): Uint8Array {
  const [start, end] = piece(bytes, random)
  return concat(bytes.subarray(0, end), bytes.subarray(start))
}

function truncate(bytes: Uint8Array, random: Random): Uint8Array {
  return bytes.subarray(0, random.below(bytes.length))
}

/** The beginning of one and the end of the other. */
function splice(bytes: Uint8Array, random: Random, donor: Uint8Array): Uint8Array {
  return concat(bytes.subarray(0, random.below(bytes.length)), donor.subarray(random.below(donor.length)))
}

/** A piece of the other in the middle of the one. */
function graft(bytes: Uint8Array, random: Random, donor: Uint8Array): Uint8Array {
  const [start, end] = piece(donor, random)
  const at = random.below(bytes.length + 1)
  return concat(bytes.subarray(0, at), donor.subarray(start, end), bytes.subarray(at))
}

const mutations: readonly Mutation[] = [
  flipBit,
  flipBit,
  setByte,
  setByte,
  insertBytes,
  deletePiece,
  duplicatePiece,
  truncate,
  splice,
  graft,
]

/** `bytes` with one to three random injuries; `donor` gives the foreign pieces. */
export function mutate(bytes: Uint8Array, random: Random, donor: Uint8Array = bytes): Uint8Array {
  let injured = bytes
  for (let left = random.pick([1, 1, 1, 2, 3]); left > 0; left--) {
    injured = injured.length === 0 ? random.bytes(4) : random.pick(mutations)(injured, random, donor)
  }
  return injured
}
