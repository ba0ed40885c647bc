/** Members that are offered while a name is typed. The text box keeps the focus, and says which of them is meant. */

import type { UserId } from '../../shared/sync/ids.ts'
import { Avatar } from './avatar.tsx'
import type { Mentions } from './use-mentions.ts'

export const mentionListId = 'mention-list'

export function optionId(user: UserId): string {
  return `mention-${user}`
}

export function MentionList({ offered, active, choose }: Pick<Mentions, 'offered' | 'active' | 'choose'>) {
  return (
    <div className="mention-list" role="listbox" id={mentionListId} aria-label="Members" data-testid="mention-list">
      {offered.map((user, index) => (
        // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus -- the keys are those of the text box
        <div
          key={user}
          id={optionId(user)}
          role="option"
          aria-selected={index === active}
          data-testid="mention-option"
          // The text box keeps the focus.
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => choose(user)}
        >
          <Avatar name={user} />
          <span>{user}</span>
        </div>
      ))}
    </div>
  )
}
