/**
 * Starts the worker in a browser. Apart from the rest, for bundlers look for exactly this expression; it names the emitted
 * file, which is there in the published package, and which Vite takes for its source where that is what there is.
 */

export function startSearchWorker(): Worker {
  return new Worker(new URL('./search-worker.js', import.meta.url), { type: 'module' })
}
