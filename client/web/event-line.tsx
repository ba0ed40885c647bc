/** What happened between two messages: a quiet line. */

import { memo } from 'react'

import type { UserId } from '../../shared/sync/ids.ts'
import { machineTime, wholeTime } from './time.ts'
import { type EventLine as Line, eventWords } from './timeline-events.ts'

interface Props {
  readonly line: Line
  readonly nameOf: (user: UserId) => string
}

export const EventLine = memo(function EventLine({ line, nameOf }: Props) {
  const { timeMs } = 'timeMs' in line.event ? line.event : { timeMs: undefined }
  const words = eventWords(line, nameOf)
  return (
    <li className="event" data-testid="event" data-pending={line.event.pending === true} dir="auto">
      {timeMs === undefined ? (
        <span>{words}</span>
      ) : (
        <time dateTime={machineTime(timeMs)} title={wholeTime(timeMs)}>
          {words}
        </time>
      )}
    </li>
  )
})
