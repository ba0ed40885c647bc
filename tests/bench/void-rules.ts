// When a run says nothing of the server, because the generator or the machine was the bottleneck.
import { type Latencies, percent } from './figure.ts'
import type { Spent } from './usage.ts'

/** A generator as busy as this could not have put on more load. */
const busyLoad = 0.95
/** Below this the server had time to spare. */
const saturatedLoad = 0.8
/** Of the time it ran: one generator and one server on two cores stay far below. */
const mostWaited = 1
/** Of an open loop: beyond this, what comes waits in the generator before it is seen. */
const mostOpenLoad = 0.8
/** What leaves later than this after its time is the generator's latency; timers alone are 1 ms late. */
const mostSlipMs = 5

export interface Driven {
  /** CPU of the generator, 1 being one core. */
  readonly generatorLoad: number
  readonly seconds: number
}

/** A closed loop measures the generator when that had no time left although the server had. */
export function closedVoids(what: string, { ms, waitedMs, result }: Spent<Driven>): readonly string[] {
  const { generatorLoad, seconds } = result
  const serverLoad = ms / 1000 / seconds
  const isGenerator = generatorLoad >= busyLoad && serverLoad < saturatedLoad
  return [
    ...(isGenerator
      ? [`${what}: the generator was at ${percent(generatorLoad)} of a core, the server at ${percent(serverLoad)}`]
      : []),
    ...crowdVoids(what, { ms, waitedMs }),
  ]
}

/** Who waits for a core finds more to do in one go than it would have: the machine is measured, not the server. */
export function crowdVoids(what: string, { ms, waitedMs }: Pick<Spent<unknown>, 'ms' | 'waitedMs'>): readonly string[] {
  if (!(waitedMs > ms * mostWaited)) return []
  return [`${what}: the server ran for ${Math.round(ms)} ms and waited ${Math.round(waitedMs)} ms for a core`]
}

/** An open loop measures the generator when that was late or too busy. */
export function openVoids(
  what: string,
  { generatorLoad, slip }: Driven & { readonly slip: Latencies },
): readonly string[] {
  const late = slip.p99 > mostSlipMs ? [`${what}: the generator was ${slip.p99.toFixed(1)} ms late (p99)`] : []
  return generatorLoad > mostOpenLoad
    ? [...late, `${what}: the generator was at ${percent(generatorLoad)} of a core`]
    : late
}

/** Measures again, at most twice, what another process of the machine may have disturbed; keeps the last. */
export async function untilValid<T>(
  measure: () => Promise<T>,
  voidsOf: (measured: T) => readonly string[],
): Promise<{ readonly measured: T; readonly voids: readonly string[] }> {
  for (let again = 2; ; again--) {
    const measured = await measure()
    const voids = voidsOf(measured)
    if (voids.length === 0 || again === 0) return { measured, voids }
  }
}
