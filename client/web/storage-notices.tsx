/** What people should know about what this browser keeps of their conversations: that it is full, was lost, or fails. */

import type { ArchiveStorageStatus } from '../api.ts'
import { WarningIcon } from './icons.tsx'

export function StorageNotices({ storage }: { readonly storage: ArchiveStorageStatus }) {
  const { full, lost, failure } = storage
  if (!full && !lost && failure === undefined) return null
  return (
    <div className="storage-notices" role="status" data-testid="storage-notices">
      {lost && (
        <p>
          <WarningIcon />
          <span>This browser has removed what was kept here. It is fetched again from the server.</span>
        </p>
      )}
      {full && (
        <p>
          <WarningIcon />
          <span>The room for older messages is used up. Others are fetched when you look at them.</span>
        </p>
      )}
      {failure !== undefined && (
        <p>
          <WarningIcon />
          <span>Older messages cannot be kept here just now. {failure}</span>
        </p>
      )}
    </div>
  )
}
