/** Members that are offered while a name is typed. The text box keeps the focus, and says which of them is meant. */

import type { UserId } from '../../shared/sync/ids.ts'
import { count } from './names.ts'
import { PersonAvatar, PersonId, PersonName } from './person.tsx'
import type { Mentions } from './use-mentions.ts'

function optionId(list: string, user: UserId): string {
  return `${list}-${user}`
}

/** What the text box says of the list, as the combobox it is while there is one. */
export function comboboxOf({ id, offered, active }: Mentions) {
  const meant = offered[active]
  if (meant === undefined) return { 'aria-autocomplete': 'list' } as const
  return {
    role: 'combobox',
    'aria-autocomplete': 'list',
    'aria-expanded': true,
    'aria-controls': id,
    'aria-activedescendant': optionId(id, meant),
  } as const
}

export function MentionList({ id, offered, active, choose }: Mentions) {
  return (
    <>
      <p className="hidden" role="status">
        {offered.length > 0 && `${count(offered.length, 'member')} to choose from with the arrow keys and Enter`}
      </p>
      {offered.length > 0 && (
        <div className="mention-list" role="listbox" id={id} aria-label="Members" data-testid="mention-list">
          {offered.map((user, index) => (
            // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus -- the keys are those of the text box
            <div
              key={user}
              id={optionId(id, user)}
              role="option"
              aria-selected={index === active}
              data-testid="mention-option"
              // The text box keeps the focus.
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => choose(user)}
            >
              <PersonAvatar user={user} />
              <span className="mention-who">
                <PersonName user={user} /> <PersonId user={user} />
              </span>
            </div>
          ))}
        </div>
      )}
    </>
  )
}
