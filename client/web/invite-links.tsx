/** Links by which others can join a conversation: made, copied and withdrawn by those who may add members. */

import { type SubmitEvent, useEffect, useRef, useState } from 'react'

import { type InvitedAccess, invitedAccesses, parseInvitedAccess } from '../../shared/chat/invitation.ts'
import { type Conversation, type Invitation, type NewInvitation, NoConnection } from '../api.ts'
import { count } from './names.ts'
import { PersonName } from './person.tsx'
import { SureButton } from './sure-button.tsx'
import { wholeTime } from './time.ts'
import { accessWords, explainError } from './wording.ts'

interface Props {
  readonly conversation: Conversation
  /** How many there are: when it is another number, somebody may have joined by a link. */
  readonly members: number
}

export function InviteLinks({ conversation, members }: Props) {
  const { invitations } = conversation
  const [access, setAccess] = useState<InvitedAccess>('writer')
  const [uses, setUses] = useState('1')
  const [fresh, setFresh] = useState<NewInvitation>()
  const [known, setKnown] = useState<readonly Invitation[]>([])
  const [problem, setProblem] = useState<string>()
  const [busy, setBusy] = useState(false)

  useEffect(() => {
    let isGone = false
    invitations.list().then(
      (list) => (isGone ? undefined : setKnown(list)),
      (error: unknown) => (isGone ? undefined : setProblem(explain(error))),
    )
    return () => {
      isGone = true
    }
  }, [invitations, members])

  async function attempt(act: () => Promise<unknown>): Promise<void> {
    try {
      await act()
      setProblem(undefined)
    } catch (error) {
      setProblem(explain(error))
    }
  }

  async function create(): Promise<void> {
    setBusy(true)
    await attempt(async () => {
      setFresh(await invitations.create({ access, uses: uses === '' ? null : Number(uses) }))
      setKnown(await invitations.list())
    })
    setBusy(false)
  }

  async function revoke(id: Invitation['id']): Promise<void> {
    await attempt(async () => {
      await invitations.revoke(id)
      setFresh((shown) => (shown?.id === id ? undefined : shown))
      setKnown(await invitations.list())
    })
  }

  function onSubmit(event: SubmitEvent<HTMLFormElement>): void {
    event.preventDefault()
    if (!busy) void create()
  }

  return (
    <section className="invite" aria-labelledby="invite-title" data-testid="invite">
      <h4 id="invite-title">Invite by link</h4>
      <form className="invite-form" onSubmit={onSubmit}>
        <select
          aria-label="Access of those who join"
          data-testid="invite-access"
          value={access}
          onChange={(event) => setAccess(parseInvitedAccess(event.target.value) ?? access)}
        >
          {invitedAccesses.map((level) => (
            <option key={level} value={level}>
              {accessWords[level]}
            </option>
          ))}
        </select>
        <select
          aria-label="How many people can join"
          data-testid="invite-uses"
          value={uses}
          onChange={(event) => setUses(event.target.value)}
        >
          <option value="1">One person</option>
          <option value="10">10 people</option>
          <option value="">Anybody</option>
        </select>
        <button type="submit" data-testid="invite-create" aria-disabled={busy}>
          Create link
        </button>
      </form>
      {fresh !== undefined && <FreshLink url={fresh.url} />}
      <p className="problem" role="alert">
        {problem}
      </p>
      {known.length > 0 && (
        <ul aria-label="Links that work">
          {known.map((invitation) => (
            <li key={invitation.id} data-testid="invitation">
              <div className="member-text">
                <p>
                  {accessWords[invitation.access]}, {usesWords(invitation)}
                </p>
                <p className="quiet">
                  By <PersonName user={invitation.createdBy} />, until {wholeTime(invitation.expiresAt)}
                </p>
              </div>
              <SureButton
                label="Withdraw this link"
                text="Withdraw"
                sure="Withdraw the link?"
                onSure={() => void revoke(invitation.id)}
                testId="invitation-revoke"
              />
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function FreshLink({ url }: { readonly url: string }) {
  const [copied, setCopied] = useState<string>()
  const field = useRef<HTMLInputElement>(null)

  async function copy(): Promise<void> {
    try {
      // Pages that were not loaded over TLS have no clipboard.
      await navigator.clipboard.writeText(url)
      setCopied('Copied')
    } catch {
      field.current?.select()
      setCopied('Copy what is selected')
    }
  }

  return (
    <div className="fresh-link">
      <input
        ref={field}
        readOnly
        value={url}
        aria-label="The link. It is shown only now."
        onFocus={(event) => event.target.select()}
        data-testid="invite-url"
      />
      <button type="button" onClick={() => void copy()} data-testid="invite-copy">
        Copy
      </button>
      <p className="hint" role="status">
        {copied ?? 'It is shown only now: copy it and send it to whom you want to invite.'}
      </p>
    </div>
  )
}

/** What fetch throws when there is no answer says less than this. */
function explain(error: unknown): string {
  return error instanceof NoConnection ? 'The server cannot be reached. Links need a connection.' : explainError(error)
}

function usesWords({ usesLeft }: Invitation): string {
  return usesLeft === null ? 'for anybody' : `for ${count(usesLeft, 'more person').replace('persons', 'people')}`
}
