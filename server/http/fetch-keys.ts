/**
 * Fetches a JWKS for `auth.ts`: over the network, so bounded in size, and given a rest after a failure. Knows what a set
 * looks like and nothing of keys.
 */

import { z } from 'zod'
import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'

export interface FetchKeysRules {
  readonly now: () => number
  /** How long the next attempt waits after one that failed. */
  readonly pauseMs: number
  /** Told why, once for each attempt. */
  readonly onFailure: (error: unknown) => void
}

/** Resolves with a JWKS; rejects with Fault `unavailable` when there is none to be had just now. */
export type FetchKeys = (url: string, options: RequestInit) => Promise<Response>

const keySet = z.object({ keys: z.array(z.record(z.string(), z.unknown())) })

export function createFetchKeys({ now, pauseMs, onFailure }: FetchKeysRules): FetchKeys {
  let failedMs: number | undefined
  return async (url, options) => {
    const agoMs = failedMs === undefined ? pauseMs : now() - failedMs
    // Less than nothing: the clock was set back.
    if (agoMs >= 0 && agoMs < pauseMs) throw keysUnavailable()
    try {
      const json = await readText(await fetch(url, options))
      failedMs = undefined
      return Response.json(keySet.parse(JSON.parse(json)))
    } catch (error) {
      failedMs = now()
      onFailure(error)
      throw keysUnavailable(error)
    }
  }
}

export function keysUnavailable(cause?: unknown): Fault {
  return new Fault('unavailable', 'The keys that tokens are checked with cannot be fetched just now.', { cause })
}

async function readText({ status, body }: Response): Promise<string> {
  if (status !== 200) {
    await body?.cancel()
    throw new Error(`the JWKS was answered with status ${status}`)
  }
  const stream: AsyncIterable<Uint8Array> | null = body
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of stream ?? []) {
    bytes += chunk.length
    if (bytes > limits.jwksBytes) throw new Error(`the JWKS has more than ${limits.jwksBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
