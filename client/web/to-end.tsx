/** Goes to the newest messages, and says how many of them are unread. */

import { limits } from '../../shared/limits.ts'
import { DownIcon } from './icons.tsx'
import type { Reading } from './reading.ts'
import { useStore } from './use-store.ts'

interface Props {
  readonly unread: Reading['unread']
  readonly go: () => void
}

export function ToEnd({ unread, go }: Props) {
  const count = useStore(unread) ?? 0
  return (
    <button type="button" className="to-end" onClick={go} data-testid="to-end" data-unread={count}>
      <DownIcon />
      {count === 0
        ? 'Newest messages'
        : `${count < limits.unreadCount ? count : `${count}+`} unread ${count === 1 ? 'message' : 'messages'}`}
    </button>
  )
}
