/** Asks the server what happened in a conversation. */

import { parseRestEvent } from '../../shared/rest-event.ts'
import type { TimelineEvent } from '../../shared/chat/timeline-event.ts'
import { limits } from '../../shared/limits.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import type { RestClient } from '../rest-client.ts'

/** The newest right before a seq, at most `limits.pageEvents`, ascending; rejects when they cannot be had or read. */
export async function fetchEvents(
  rest: Pick<RestClient, 'request'>,
  id: ConversationId,
  before: number,
): Promise<readonly TimelineEvent[]> {
  const path = `/api/conversations/${id}/events?before=${before}&limit=${limits.pageEvents}`
  const answer: unknown = await (await rest.request('GET', path)).json()
  const items: unknown = typeof answer === 'object' && answer !== null && 'items' in answer ? answer.items : undefined
  const events = Array.isArray(items) ? items.map(parseRestEvent).filter((event) => event !== undefined) : []
  const isOrdered = events.every(({ seq }, at) => seq > (events[at - 1]?.seq ?? -1) && seq < before)
  if (!Array.isArray(items) || events.length < items.length || !isOrdered)
    throw new Error('the server answers in another language')
  return events
}
