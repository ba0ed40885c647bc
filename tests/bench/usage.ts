// What a process has used, from the operating system: /proc on Linux. Elsewhere the bench has no figures of CPU and memory,
// and says so.
import { readFile } from 'node:fs/promises'

/** Whether this system tells what processes use. */
export const isUsageKnown = process.platform === 'linux'

/** The kernel counts CPU time for /proc in hundredths of a second (USER_HZ), on every architecture Node runs on. */
const tickMs = 10
const lookMs = 60
const quietWithinMs = 20_000

/** CPU time of a process so far in ms: user and system, all threads. NaN where the system does not tell. */
async function cpuMs(pid: number): Promise<number> {
  if (!isUsageKnown) return Number.NaN
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The second field is the program's name, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * tickMs
}

/** Resident memory of a process in KB. NaN where the system does not tell. */
export async function rssKb(pid: number): Promise<number> {
  if (!isUsageKnown) return Number.NaN
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1])
}

/** A server as far as its use is measured. */
export interface Measured {
  readonly pid: number
  /** Only after so long without work it is known to have done everything: some store what they took a while later. */
  readonly restMs: number
}

/** Waits until a process rests: what was asked of it is done, and so is what it does afterwards. */
export async function quiet({ pid, restMs }: Measured): Promise<void> {
  const start = performance.now()
  let busyAt = start
  let before = await cpuMs(pid)
  while (performance.now() - busyAt < restMs && performance.now() - start < quietWithinMs) {
    await new Promise((resolve) => setTimeout(resolve, lookMs))
    const now = await cpuMs(pid)
    // One tick may be a timer's, or what was left over of the tick before.
    if (now - before > tickMs) busyAt = performance.now()
    before = now
  }
}

/** What a process spent on a piece of work, in ms. */
export interface Spent<T> {
  readonly ms: number
  /** How long its main thread stood in line for a core while others had them. */
  readonly waitedMs: number
  /** What the work said. */
  readonly result: T
}

/** CPU that a process spends on `work`, what it still does afterwards included. */
export async function cpuOf<T>(measured: Measured, work: () => Promise<T>): Promise<Spent<T>> {
  await quiet(measured)
  const { pid } = measured
  const [msBefore, waitedBefore] = [await cpuMs(pid), await waitedMs(pid)]
  const result = await work()
  await quiet(measured)
  return { ms: (await cpuMs(pid)) - msBefore, waitedMs: (await waitedMs(pid)) - waitedBefore, result }
}

/** NaN where the kernel does not count it. */
async function waitedMs(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/schedstat`, 'utf8').catch(() => '')
  const [, waitedNs] = text.split(' ')
  return Number(waitedNs) / 1e6
}
