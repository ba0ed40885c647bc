/** Keeps the list of conversations fresh while the page is looked at, and tells whether the server answers. */

import { type FaultCode, faults, isPermanent } from '../../shared/fault.ts'
import type { ChatClient, ReadableStore } from '../api.ts'
import { createStore } from '../store.ts'

export type Reach =
  /** Nothing has been answered yet. */
  | { readonly phase: 'checking' }
  | { readonly phase: 'online' }
  | { readonly phase: 'offline'; readonly reason: string }
  | { readonly phase: 'refused'; readonly reason: string }

export interface Refresher {
  readonly reach: ReadableStore<Reach>
  /** Looks now: something has told that the answer may be another. */
  readonly look: () => void
  readonly stop: () => void
}

/** The socket tells of what is new; whether the server answers at all is shown this late, for one request. */
const refreshMs = 10_000

const checking: Reach = { phase: 'checking' }
const online: Reach = { phase: 'online' }

export function startRefreshing(client: ChatClient, page: Window): Refresher {
  const reach = createStore<Reach>(checking)
  const stopping = new AbortController()
  const { signal } = stopping
  let running = false

  async function refresh(): Promise<void> {
    if (running || signal.aborted || page.document.visibilityState === 'hidden') return
    running = true
    const next = await client.refresh().then(() => online, explain)
    running = false
    if (!signal.aborted && !isSame(next, reach.getSnapshot())) reach.set(next)
  }

  const soon = (): void => void refresh()
  page.addEventListener('focus', soon, { signal })
  page.addEventListener('online', soon, { signal })
  page.addEventListener('offline', soon, { signal })
  page.document.addEventListener('visibilitychange', soon, { signal })
  const timer = page.setInterval(soon, refreshMs)
  signal.addEventListener('abort', () => page.clearInterval(timer))
  soon()

  return { reach, look: soon, stop: () => stopping.abort() }
}

function explain(error: unknown): Reach {
  // What fetch throws when there is no answer says less than this, and in the words of the browser.
  if (error instanceof TypeError) return { phase: 'offline', reason: 'The server cannot be reached.' }
  if (!(error instanceof Error)) return { phase: 'offline', reason: String(error) }
  if (error.name === 'TimeoutError') return { phase: 'offline', reason: 'The server does not answer.' }
  const refused = 'code' in error && isFaultCode(error.code) && isPermanent(faults[error.code].closeCode)
  return { phase: refused ? 'refused' : 'offline', reason: error.message }
}

function isFaultCode(code: unknown): code is FaultCode {
  return typeof code === 'string' && Object.hasOwn(faults, code)
}

function isSame(a: Reach, b: Reach): boolean {
  return a.phase === b.phase && reasonOf(a) === reasonOf(b)
}

function reasonOf(reach: Reach): string | undefined {
  return 'reason' in reach ? reach.reason : undefined
}
