/** How people have answered a message, by emoji. */

import type { Reaction } from '../../shared/chat/message.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import { useNames } from './use-names.ts'

interface Props {
  readonly reactions: readonly Reaction[]
  readonly user: UserId
  readonly isAllowed: boolean
  readonly react: (emoji: string, on: boolean) => void
}

/** Named in full; the others are counted. */
const named = 20

export function MessageReactions({ reactions, user, isAllowed, react }: Props) {
  const nameOf = useNames([...new Set(reactions.flatMap(({ users }) => users.slice(0, named)))])
  return (
    <div className="reactions" role="group" aria-label="Reactions">
      {reactions.map(({ emoji, users }) => {
        const isMine = users.includes(user)
        const who = describe(users, user, nameOf)
        return (
          <button
            key={emoji}
            type="button"
            className="reaction"
            aria-pressed={isMine}
            aria-label={`${emoji} ${users.length}: ${who}`}
            title={who}
            disabled={!isAllowed}
            onClick={() => react(emoji, !isMine)}
            data-testid="reaction"
            data-emoji={emoji}
            data-count={users.length}
          >
            <span aria-hidden="true">{emoji}</span>
            {users.length}
          </button>
        )
      })}
    </div>
  )
}

function describe(users: readonly UserId[], me: UserId, nameOf: (user: UserId) => string): string {
  const names = users.map((user) => (user === me ? 'you' : nameOf(user)))
  return names.length <= named
    ? new Intl.ListFormat('en').format(names)
    : `${names.slice(0, named).join(', ')} and ${names.length - named} others`
}
