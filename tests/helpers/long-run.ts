// How much a test does: a little in `npm test`, much in `npm run test:long`. The only reader of PARLEY_LONG and PARLEY_ROUNDS.

/** Rounds of a test that may go on for as long as there is time; PARLEY_ROUNDS asks for another number. */
export function rounds(short: number, long: number): number {
  const wanted = process.env['PARLEY_ROUNDS']
  if (wanted === undefined) return process.env['PARLEY_LONG'] === undefined ? short : long
  const count = Number(wanted)
  if (!Number.isInteger(count) || count < 1) throw new Error(`PARLEY_ROUNDS is no number of rounds: ${wanted}`)
  return count
}
