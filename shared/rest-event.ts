/** Events of the timeline in the REST API. */

import type { Access } from './chat/access.ts'
import type { MessageId } from './chat/entry.ts'
import type { InvitationId } from './chat/invitation.ts'
import { type EventEntry, parseEventEntry, type TimelineEvent } from './chat/timeline-event.ts'
import { restTime } from './rest.ts'
import { parseUserId, type UserId } from './sync/ids.ts'

export type RestEvent = {
  readonly seq: number
  readonly user_id: UserId
  /** The server's time. */
  readonly created_at: string
} & (
  | {
      readonly kind: 'member'
      readonly member: UserId
      readonly access: Access | null
      /** They joined with this one, which the user had made. */
      readonly invitation_id?: InvitationId
    }
  | { readonly kind: 'pin'; readonly message_id: MessageId; readonly on: boolean }
  /** Without a value that is longer than an event may be. */
  | { readonly kind: 'set'; readonly key: string; readonly value?: unknown }
)

export function restEvent({ seq, user, timeMs, entry }: TimelineEvent): RestEvent {
  const place = { seq, user_id: user, created_at: restTime(timeMs) }
  switch (entry.kind) {
    case 'member': {
      const { kind, user: member, access, invitation } = entry
      return { ...place, kind, member, access, ...(invitation === undefined ? {} : { invitation_id: invitation }) }
    }
    case 'pin':
      return { ...place, kind: 'pin', message_id: entry.of, on: entry.on }
    case 'set':
      return { ...place, ...entry }
  }
}

/** Reads it back; undefined for what is none. */
export function parseRestEvent(value: unknown): TimelineEvent | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const fields: Readonly<Record<string, unknown>> = { ...value }
  const { seq, kind, member, message_id: of, invitation_id: invitation } = fields
  const user = parseUserId(fields['user_id'])
  const timeMs = Date.parse(String(fields['created_at']))
  const named: Readonly<Record<string, unknown>> =
    kind === 'member' ? { ...fields, user: member, invitation } : kind === 'pin' ? { ...fields, of } : fields
  const entry: EventEntry | undefined = parseEventEntry(named)
  if (user === undefined || entry === undefined || Number.isNaN(timeMs)) return undefined
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 0) return undefined
  return { seq, user, timeMs, entry }
}
