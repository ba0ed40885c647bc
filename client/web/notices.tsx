/** What people must know to trust the page: that it is offline, refused, or keeps nothing on this device. */

import type { ConversationStatus } from '../api.ts'
import { OfflineIcon, WarningIcon } from './icons.tsx'
import { count } from './names.ts'
import { explainRefusal } from './wording.ts'

interface Props {
  readonly status: ConversationStatus
}

export function Notices({ status: { connection, storage, pending } }: Props) {
  const waiting = pending === 0 ? '' : ` ${count(pending, 'message')} waiting.`
  return (
    <div className="notices">
      {connection.phase === 'offline' && (
        <div className="notice" data-kind="offline">
          <OfflineIcon />
          <div>
            <p>
              <strong>You are offline.</strong> What you write is sent when the connection is back.{waiting}
            </p>
            <p className="notice-reason">{connection.reason}</p>
          </div>
        </div>
      )}
      {connection.phase === 'refused' && (
        <div className="notice" data-kind="refused" role="alert">
          <WarningIcon />
          <p>
            <strong>{explainRefusal(connection)}</strong> You still see what this device has of it.
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
    </div>
  )
}
