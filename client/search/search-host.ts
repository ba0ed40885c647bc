/**
 * Whoever holds the index: a worker where there can be one, else this thread, in slices. A worker that dies is replaced by
 * another, and that by this thread; its index is lost then, and built anew by whoever feeds it.
 */

import { limits } from '../../shared/limits.ts'
import type { SearchHit } from './search-api.ts'
import type { IndexChange, IndexQuery } from './search-index.ts'
import { perform, type SearchAnswer, type SearchOutcome, type SearchRequest, type SearchWork } from './search-work.ts'

/** What is needed of a Worker. */
export type SearchWorker = Pick<Worker, 'postMessage' | 'terminate' | 'addEventListener'>

export interface SearchHostDeps {
  /** Undefined where there are no workers. May throw. */
  readonly startWorker: (() => SearchWorker) | undefined
  /** The index is empty again. */
  readonly onLost: () => void
}

interface Port {
  /** Rejects when the other side died. */
  readonly ask: (work: SearchWork) => Promise<SearchOutcome>
  readonly close: () => void
}

/** Workers that are tried. */
const mostWorkers = 2

export class SearchHost {
  readonly #deps: SearchHostDeps
  #port: Port
  #workers = 0
  #isClosed = false

  constructor(deps: SearchHostDeps) {
    this.#deps = deps
    this.#port = this.#openPort()
  }

  /** Resolves with how many messages can be found; undefined when the index was lost meanwhile, or is closed. */
  async apply(change: IndexChange): Promise<number | undefined> {
    const port = this.#port
    let size: number | undefined
    try {
      for (const part of slicesOf(change)) {
        let outcome = await port.ask({ kind: 'apply', change: part })
        while (outcome.kind === 'applied') {
          ;({ size } = outcome)
          if (!outcome.isUntidy) break
          outcome = await port.ask({ kind: 'tidy' })
        }
      }
    } catch (error) {
      if (!(error instanceof WorkerLost)) throw error
      return undefined
    }
    return this.#port === port ? size : undefined
  }

  /** Of what can be found: by another one when whoever was asked first died. Undefined when it is closed. */
  async query(query: IndexQuery): Promise<readonly SearchHit[] | undefined> {
    while (!this.#isClosed) {
      const port = this.#port
      try {
        const outcome = await port.ask({ kind: 'query', query })
        return outcome.kind === 'found' ? outcome.hits : []
      } catch (error) {
        // Another has taken its place.
        if (!(error instanceof WorkerLost)) throw error
      }
    }
    return undefined
  }

  close(): void {
    this.#isClosed = true
    this.#port.close()
  }

  #replace(): void {
    if (this.#isClosed) return
    this.#port = this.#openPort()
    this.#deps.onLost()
  }

  #openPort(): Port {
    const { startWorker } = this.#deps
    while (startWorker !== undefined && this.#workers++ < mostWorkers) {
      try {
        return workerPort(startWorker(), () => this.#replace())
      } catch {
        // Where pages may start none, this thread does it.
      }
    }
    return localPort()
  }
}

class WorkerLost extends Error {}

interface Asked {
  readonly resolve: (outcome: SearchOutcome) => void
  readonly reject: (error: Error) => void
  readonly timer: ReturnType<typeof setTimeout>
}

/** `onLost` is called once, before whatever was asked is rejected. */
function workerPort(worker: SearchWorker, onLost: () => void): Port {
  const asked = new Map<number, Asked>()
  let next = 0
  let isOver = false

  function end(why: string): void {
    if (isOver) return
    isOver = true
    worker.terminate()
    onLost()
    for (const { reject, timer } of asked.values()) {
      clearTimeout(timer)
      reject(new WorkerLost(why))
    }
    asked.clear()
  }

  worker.addEventListener('message', (event) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of our own worker
    const { number, outcome } = (event as MessageEvent<SearchAnswer>).data
    const one = asked.get(number)
    asked.delete(number)
    clearTimeout(one?.timer)
    one?.resolve(outcome)
  })
  worker.addEventListener('error', () => end('the worker failed'))
  worker.addEventListener('messageerror', () => end('the worker answered what cannot be read'))
  return {
    ask: (work) =>
      new Promise((resolve, reject) => {
        if (isOver) return reject(new WorkerLost('the worker is over'))
        const request: SearchRequest = { number: next++, work }
        const timer = setTimeout(() => end('the worker does not answer'), limits.searchWorkerMs)
        asked.set(request.number, { resolve, reject, timer })
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has none
        worker.postMessage(request)
      }),
    close: () => end('closed'),
  }
}

/** Each piece of work in a turn of its own: whatever else waits gets its turn in between. */
function localPort(): Port {
  // Whoever has a worker need not load it here too.
  const loading = import('./search-index.ts').then(({ SearchIndex }) => new SearchIndex())
  let isOver = false
  return {
    ask: async (work) => {
      const index = await loading
      if (work.kind !== 'query') await new Promise((resolve) => setTimeout(resolve))
      if (isOver) throw new WorkerLost('closed')
      return perform(index, work)
    },
    close: () => {
      isOver = true
    },
  }
}

function* slicesOf(change: IndexChange): Generator<IndexChange, void> {
  if (change.kind !== 'put') {
    yield change
    return
  }
  for (let at = 0; at < change.documents.length; at += limits.searchSliceMessages)
    yield { kind: 'put', documents: change.documents.slice(at, at + limits.searchSliceMessages) }
}
