/** The small print of a message: when it was written, what was made of it, and how far it has come. */

import type { ChatMessage } from '../api.ts'
import { ClockIcon, PinIcon, TickIcon, TwoTicksIcon } from './icons.tsx'
import { clockTime, dayOf, machineTime, shortTime, wholeTime } from './time.ts'
import { timeOf } from './timeline-rows.ts'
import { deliveryWords } from './wording.ts'

/** Written this much before the server took it, a message says so: it waited for a connection. */
const lateMs = 5 * 60_000

export function MessageMeta({ message }: { readonly message: ChatMessage }) {
  const { own, delivery, writtenAt, editedAt, redactedAt, pinned, changes } = message
  const time = timeOf(message)
  const isLate = 'createdAt' in delivery && delivery.createdAt - writtenAt > lateMs
  const isWaiting = changes === 'pending' || (own && delivery.state === 'pending')
  return (
    <p className="meta">
      {pinned === true && redactedAt === undefined && (
        <span className="delivery" title="Pinned" data-testid="message-pinned">
          <PinIcon />
          <span className="hidden">Pinned</span>
        </span>
      )}
      {editedAt !== undefined && (
        <span title={`Edited ${wholeTime(editedAt)}`} data-testid="message-edited">
          edited
        </span>
      )}
      <time dir="ltr" dateTime={machineTime(time)} title={describeTimes(message, isLate)}>
        {isLate && `written ${shortTime(writtenAt, dayOf(time))} · `}
        {clockTime(time)}
      </time>
      {isWaiting && (
        <span className="delivery">
          <ClockIcon />
          <span className="hidden">
            {delivery.state === 'pending' ? deliveryWords(delivery) : 'A change is waiting to be sent'}
          </span>
        </span>
      )}
      {own && !isWaiting && delivery.state !== 'failed' && (
        <span className="delivery" data-state={delivery.state} title={deliveryWords(delivery)}>
          {delivery.state === 'sent' ? <TickIcon /> : <TwoTicksIcon />}
          <span className="hidden">{deliveryWords(delivery)}</span>
        </span>
      )}
    </p>
  )
}

function describeTimes(message: ChatMessage, isLate: boolean): string {
  const time = wholeTime(timeOf(message))
  return isLate ? `Written ${wholeTime(message.writtenAt)}, sent ${time}` : time
}
