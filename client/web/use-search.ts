/** What a search finds, asked again as the text changes and as more can be found. */

import { useEffect, useState } from 'react'

import type { ChatClient } from '../api.ts'
import { ClientClosed, type SearchHit, type SearchStatus } from '../search/search-api.ts'
import { useStore } from './use-store.ts'
import { explainError } from './wording.ts'

export interface Found {
  /** What was asked for last; of before while the next answer is on its way. */
  readonly hits: readonly SearchHit[]
  readonly status: SearchStatus
  readonly problem: string | undefined
}

export const mostHits = 50
/** While the index is built the same is asked again whenever so many messages more can be found. */
const askAgainAt = 5000

/** Undefined while nothing was answered, or nothing is asked for. */
export function useSearch({ search }: ChatClient, text: string): Found | undefined {
  const status = useStore(search.status)
  const [answer, setAnswer] = useState<Pick<Found, 'hits' | 'problem'>>()
  const asked = text.trim()
  const round = status.phase === 'building' ? Math.floor(status.indexed / askAgainAt) : status.indexed

  useEffect(() => {
    if (asked === '') return
    let isOver = false
    search.query(asked, { limit: mostHits }).then(
      (hits) => {
        if (!isOver) setAnswer({ hits, problem: undefined })
      },
      (error: unknown) => {
        // Signed out: the page is about to go.
        if (!isOver && !(error instanceof ClientClosed)) setAnswer({ hits: [], problem: explainError(error) })
      },
    )
    return () => {
      isOver = true
    }
  }, [search, asked, round])

  return asked === '' || answer === undefined ? undefined : { ...answer, status }
}
