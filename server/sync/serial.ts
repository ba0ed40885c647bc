/** Runs jobs one after another, in the order in which they were handed in; a failed job does not stop the next. */
export type Serial = <T>(job: () => Promise<T>) => Promise<T>

export function createSerial(): Serial {
  let last: Promise<unknown> = Promise.resolve()
  return (job) => {
    const done = last.then(job, job)
    last = done
    return done
  }
}
