/** Adds somebody to a conversation, with one of the accesses that the rules let one give. */

import { type SubmitEvent, useState } from 'react'

import { type Access, accessLevels, parseAccess } from '../../shared/chat/access.ts'
import { parseUserId, type UserId } from '../../shared/sync/ids.ts'
import { userNameRule } from './names.ts'
import { useFoundPeople } from './use-found-people.ts'
import { accessWords } from './wording.ts'

interface Props {
  readonly members: readonly UserId[]
  readonly isAllowed: (user: UserId, access: Access) => boolean
  /** False when it was refused. */
  readonly add: (user: UserId, access: Access) => boolean
}

/** Stands for whoever is added next when the rules are asked what may be given. */
const somebody = parseUserId('?')

export function AddMember({ members, isAllowed, add }: Props) {
  const [name, setName] = useState('')
  const [access, setAccess] = useState<Access>('writer')
  const [problem, setProblem] = useState<string>()

  const found = useFoundPeople(name).filter(({ user }) => !members.includes(user))

  const offered = accessLevels.filter((level) => somebody !== undefined && isAllowed(somebody, level))
  if (offered.length === 0) return null

  function onSubmit(event: SubmitEvent<HTMLFormElement>): void {
    event.preventDefault()
    const typed = name.trim()
    const user = parseUserId(typed)
    if (user === undefined) return setProblem(`“${typed}” cannot be a user name: ${userNameRule}.`)
    if (members.includes(user)) return setProblem(`${user} is already a member.`)
    setProblem(undefined)
    if (add(user, access)) setName('')
  }

  return (
    <form className="add-member" onSubmit={onSubmit} noValidate>
      <div className="field">
        <label htmlFor="member-user">Add somebody</label>
        <input
          id="member-user"
          data-testid="member-user"
          value={name}
          onChange={(event) => setName(event.target.value)}
          autoCapitalize="none"
          autoComplete="off"
          autoCorrect="off"
          spellCheck={false}
          maxLength={128}
          placeholder="User name"
          list="member-found"
          aria-describedby="member-problem"
        />
        <datalist id="member-found" data-testid="member-found">
          {found.map(({ user, name: called }) => (
            <option key={user} value={user}>
              {called === null ? user : `${called} (${user})`}
            </option>
          ))}
        </datalist>
      </div>
      <div className="add-member-row">
        <select
          aria-label="Access"
          data-testid="member-access"
          value={access}
          onChange={(event) => setAccess(parseAccess(event.target.value) ?? access)}
        >
          {offered.map((level) => (
            <option key={level} value={level}>
              {accessWords[level]}
            </option>
          ))}
        </select>
        <button type="submit" data-testid="member-add" disabled={name.trim() === ''}>
          Add
        </button>
      </div>
      <p id="member-problem" className="problem" role="alert">
        {problem}
      </p>
    </form>
  )
}
