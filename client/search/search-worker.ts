/** The worker of a browser: holds an index, and does what the page asks of it, one after the other. */

import { SearchIndex } from './search-index.ts'
import { perform, type SearchAnswer, type SearchRequest } from './search-work.ts'

const index = new SearchIndex()

globalThis.addEventListener('message', ({ data }: MessageEvent<SearchRequest>) => {
  const answer: SearchAnswer = { number: data.number, outcome: perform(index, data.work) }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has none
  globalThis.postMessage(answer)
})
