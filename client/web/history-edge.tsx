/** What stands at the two ends of the messages that are shown: more of them, why there are none, or that there are no more. */

import type { HistoryStatus } from '../api.ts'
import { OfflineIcon } from './icons.tsx'

interface Props {
  readonly history: HistoryStatus
  /** There is more to show at this end, loaded already or not. */
  readonly hasMore: boolean
  /** What was asked for last belongs to this end. */
  readonly isAsked: boolean
  readonly onMore: () => void
}

export function OlderEdge({ history, hasMore, isAsked, onMore }: Props) {
  if (isAsked && history.phase === 'unavailable')
    return <Unavailable what="Older" reason={history.reason} onRetry={onMore} />
  if (!hasMore)
    return (
      <p className="edge" data-testid="history-begin">
        The conversation begins here.
      </p>
    )
  const isLoading = isAsked && history.phase === 'loading'
  return (
    <button type="button" className="older" onClick={onMore} aria-disabled={isLoading} data-testid="show-older">
      {isLoading ? 'Fetching older messages…' : 'Show older messages'}
    </button>
  )
}

export function NewerEdge({ history, hasMore, isAsked, onMore }: Props) {
  // What goes away here moves what stands above it: it says no more than it must.
  if (!hasMore || !isAsked || history.phase !== 'unavailable') return null
  return <Unavailable what="Newer" reason={history.reason} onRetry={onMore} />
}

interface UnavailableProps {
  readonly what: 'Older' | 'Newer'
  readonly reason: string | undefined
  readonly onRetry: () => void
}

function Unavailable({ what, reason = '', onRetry }: UnavailableProps) {
  return (
    <div className="edge" role="status" data-testid="history-unavailable">
      <OfflineIcon />
      <div>
        <p>
          <strong>{what} messages cannot be shown.</strong>
        </p>
        <p>{reason}</p>
      </div>
      <button type="button" onClick={onRetry} data-testid="history-retry">
        Try again
      </button>
    </div>
  )
}
