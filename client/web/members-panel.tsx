/**
 * Who is in the conversation, and what may be done about it: the same rules that the server applies decide what is
 * offered. Below it what this device keeps of it.
 */

import { type KeyboardEvent, useEffect, useRef, useState } from 'react'

import { type Access, hasAccess } from '../../shared/chat/access.ts'
import { judge } from '../../shared/chat/policy.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { ChatClient, Conversation } from '../api.ts'
import { AddMember } from './add-member.tsx'
import { CloseIcon } from './icons.tsx'
import { InviteLinks } from './invite-links.tsx'
import { KeptHere } from './kept-here.tsx'
import { PersonAvatar, PersonId, PersonName } from './person.tsx'
import { listHash } from './route.ts'
import { memberRules } from './rules.ts'
import { SureButton } from './sure-button.tsx'
import { useStore } from './use-store.ts'
import { accessWords, explainError } from './wording.ts'

interface Props {
  readonly client: ChatClient
  readonly conversation: Conversation
  readonly user: UserId
  readonly close: () => void
}

export function MembersPanel({ client, conversation, user, close }: Props) {
  const info = useStore(conversation.info)
  const showsOnline = useStore(client.presence) === 'online'
  const people = useStore(conversation.presence.people)
  const isOnline = (member: UserId): boolean =>
    showsOnline && people.some(({ user: one, online }) => one === member && online)
  const [problem, setProblem] = useState<string>()
  const closer = useRef<HTMLButtonElement>(null)
  useEffect(() => closer.current?.focus(), [])

  const allows = (member: UserId, access: Access | null): boolean =>
    judge(memberRules(info), user, { kind: 'member', user: member, access }) === undefined

  function change(member: UserId, access: Access | null): boolean {
    try {
      conversation.setMember(member, access)
      setProblem(undefined)
      return true
    } catch (error) {
      setProblem(explainError(error))
      return false
    }
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key === 'Escape') close()
  }

  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- Escape closes it from anywhere inside
    <aside className="members" aria-label="Members" data-testid="members" onKeyDown={onKeyDown}>
      <header>
        <h3>Members</h3>
        <button ref={closer} type="button" className="icon-button" aria-label="Close the members" onClick={close}>
          <CloseIcon />
        </button>
      </header>
      {info.members.length === 0 && <p className="hint">They are not known on this device yet.</p>}
      <ul>
        {info.members.map(({ user: member, access }) => (
          <li key={member} data-testid="member" data-user={member} data-access={access}>
            <PersonAvatar user={member} />
            <div className="member-text">
              <p className="member-name">
                <PersonName user={member} />
                {member === user && <span className="quiet"> (you)</span>}
                {isOnline(member) && (
                  <span className="online" data-phase="online" title="Here now">
                    <span className="dot" />
                    <span className="hidden">, here now</span>
                  </span>
                )}
              </p>
              <p className="quiet">
                <PersonId user={member} end=" · " />
                {accessWords[access]}
              </p>
            </div>
            {member !== user && allows(member, null) && (
              <SureButton
                label={`Remove ${member}`}
                text="Remove"
                sure={`Really remove ${member}?`}
                onSure={() => change(member, null)}
                testId="member-remove"
              />
            )}
          </li>
        ))}
      </ul>
      <AddMember
        members={info.members.map((member) => member.user)}
        isAllowed={allows}
        add={(member, access) => change(member, access)}
      />
      {hasAccess(info.access, 'admin') && <InviteLinks conversation={conversation} members={info.members.length} />}
      <p className="problem" role="alert">
        {problem}
      </p>
      <KeptHere client={client} conversation={conversation} />
      {info.access !== undefined && (
        <footer>
          {allows(user, null) ? (
            <SureButton
              label="Leave the conversation"
              text="Leave the conversation"
              sure="Really leave?"
              onSure={() => {
                if (change(user, null)) window.location.hash = listHash
              }}
              testId="leave"
            />
          ) : (
            <p className="hint">You are the only owner, so you cannot leave: a conversation always has an owner.</p>
          )}
        </footer>
      )}
    </aside>
  )
}
