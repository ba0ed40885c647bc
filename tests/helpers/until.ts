// Waits for what no event tells of: another process, a browser. Knows no test runner.

const pollMs = 10

/** Asks until the answer is neither undefined nor false, and returns it; throws when that takes longer than `deadlineMs`. */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  deadlineMs = 30_000,
): Promise<Exclude<T, undefined | false>> {
  const end = Date.now() + deadlineMs
  for (;;) {
    const answer = await ask()
    if (isThere(answer)) return answer
    if (Date.now() > end) throw new Error(`still not after ${deadlineMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
}

function isThere<T>(answer: T): answer is Exclude<T, undefined | false> {
  return answer !== undefined && answer !== false
}
