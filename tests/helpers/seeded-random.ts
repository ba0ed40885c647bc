// Random choices that a printed seed brings back. Knows no test runner.

/** A source of random choices; the same seed makes the same choices. */
export interface Random {
  readonly seed: number
  /** An integer from 0 up to, not including, `limit`. */
  readonly below: (limit: number) => number
  /** An integer from `least` to `most`, both included. */
  readonly between: (least: number, most: number) => number
  readonly chance: (probability: number) => boolean
  readonly pick: <T>(list: readonly T[]) => T
  readonly shuffled: <T>(list: readonly T[]) => T[]
  readonly bytes: (length: number) => Uint8Array
}

/** Mulberry32: small, fast, and good enough to choose test cases with. */
export function createRandom(seed: number): Random {
  let state = seed | 0

  function below(limit: number): number {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * limit)
  }

  function shuffled<T>(list: readonly T[]): T[] {
    return list
      .map((item) => ({ item, key: below(0x4000_0000) }))
      .toSorted((a, b) => a.key - b.key)
      .map(({ item }) => item)
  }

  return {
    seed,
    below,
    between: (least, most) => least + below(most - least + 1),
    chance: (probability) => below(0x1000_0000) < probability * 0x1000_0000,
    pick: (list) => {
      const index = below(list.length)
      if (index >= list.length) throw new Error('nothing to pick from')
      return list[index] as (typeof list)[number]
    },
    shuffled,
    bytes: (length) => Uint8Array.from({ length }, () => below(256)),
  }
}

/** The seed of one randomised test: PARLEY_SEED, else a new one. Printed, so that a failure can be brought back. */
export function announceSeed(test: string): number {
  const wanted = process.env['PARLEY_SEED']
  const seed = wanted === undefined ? Math.floor(Math.random() * 0x7fff_ffff) : Number(wanted)
  if (!Number.isInteger(seed)) throw new Error(`PARLEY_SEED is not an integer: ${wanted}`)
  console.log(`${test}: PARLEY_SEED=${seed}`)
  return seed
}

/** Runs `body` for many seeds; a failure names its own, which a run with PARLEY_SEED tries first. */
export function forSeeds(test: string, rounds: number, body: (random: Random) => void): void {
  const seed = announceSeed(test)
  for (let round = 0; round < rounds; round++) {
    try {
      body(createRandom(seed + round))
    } catch (error) {
      throw new Error(`${test} failed with PARLEY_SEED=${seed + round}`, { cause: error })
    }
  }
}

export function announcedRandom(test: string): Random {
  return createRandom(announceSeed(test))
}
