/**
 * What people must know to trust the page: that it is offline, refused, or keeps nothing on this device,
 * or that a change was not taken.
 */

import { useState } from 'react'

import type { UserId } from '../../shared/sync/ids.ts'
import type { ConnectionStatus, Conversation, ConversationStatus, GoneReason } from '../api.ts'
import { FailedChanges } from './failed-changes.tsx'
import { OfflineIcon, WarningIcon } from './icons.tsx'
import { count } from './names.ts'
import { explainRefusal, goneWords } from './wording.ts'

interface Props {
  readonly conversation: Conversation
  readonly user: UserId
  readonly status: ConversationStatus
  readonly gone: GoneReason | undefined
}

export function Notices({ conversation, user, status: { connection, storage, pending }, gone }: Props) {
  const lost = useLostConnection(connection)
  const refusal = connection.phase === 'refused' ? explainRefusal(connection) : gone && goneWords[gone]
  const waiting = pending === 0 ? '' : ` ${count(pending, 'message')} waiting.`
  return (
    <div className="notices">
      {lost !== undefined && gone === undefined && (
        <div className="notice" data-kind="offline" role="status">
          <OfflineIcon />
          <div>
            <p>
              <strong>You are offline.</strong> What you write is sent when the connection is back.{waiting}
            </p>
            <p className="notice-reason">{lost}</p>
          </div>
        </div>
      )}
      {refusal !== undefined && (
        <div className="notice" data-kind="refused" role="alert" data-testid="refused">
          <WarningIcon />
          <p>
            <strong>{refusal}</strong> You still see what this device has of it.
          </p>
        </div>
      )}
      {storage.phase === 'memory' ? (
        <div className="notice" data-kind="memory" role="alert" data-testid="storage" data-phase="memory">
          <WarningIcon />
          <div>
            <p>
              <strong>Not saved on this device.</strong> Keep this page open until everything is sent.
            </p>
            <p className="notice-reason">{storage.reason}</p>
          </div>
        </div>
      ) : (
        <p className="hidden" data-testid="storage" data-phase="persistent">
          Saved on this device.
        </p>
      )}
      <FailedChanges conversation={conversation} user={user} />
    </div>
  )
}

/** Why the connection was lost, until there is one again: attempts in between change nothing for those who read it. */
function useLostConnection(connection: ConnectionStatus): string | undefined {
  const [lost, setLost] = useState<string>()
  const next = connection.phase === 'offline' ? connection.reason : connection.phase === 'connecting' ? lost : undefined
  if (next !== lost) setLost(next)
  return next
}
