/** What whoever holds the index is asked, and answers: messages between threads, or calls where there is but one. */

import { limits } from '../../shared/limits.ts'
import type { SearchHit } from './search-api.ts'
import type { IndexChange, IndexQuery, SearchIndex } from './search-index.ts'

export type SearchWork =
  | { readonly kind: 'apply'; readonly change: IndexChange }
  | { readonly kind: 'tidy' }
  | { readonly kind: 'query'; readonly query: IndexQuery }

export type SearchOutcome =
  /** `size`: messages that can be found. `isUntidy`: there is something to tidy up. */
  | { readonly kind: 'applied'; readonly size: number; readonly isUntidy: boolean }
  | { readonly kind: 'found'; readonly hits: readonly SearchHit[] }

export interface SearchRequest {
  readonly number: number
  readonly work: SearchWork
}

export interface SearchAnswer {
  readonly number: number
  readonly outcome: SearchOutcome
}

export function perform(index: SearchIndex, work: SearchWork): SearchOutcome {
  switch (work.kind) {
    case 'apply':
      index.apply(work.change)
      return { kind: 'applied', size: index.size, isUntidy: index.tidy(0) }
    case 'tidy':
      return { kind: 'applied', isUntidy: index.tidy(limits.searchSliceMessages), size: index.size }
    case 'query':
      return { kind: 'found', hits: index.query(work.query) }
  }
}
