/** Jobs one after the other: transactions where a database has none, for stores that no other process can open. */

import { createHeldLocks } from './held-locks.ts'

/** What it returns runs a job when all that were given before have ended, well or not; it settles as the job does. */
export function createTurns(): <T>(job: () => Promise<T>) => Promise<T> {
  const locks = createHeldLocks()
  return async (job) => {
    const release = await locks.wait('turn')
    try {
      return await job()
    } finally {
      release()
    }
  }
}
