/** Makes a conversation; works without a connection too. */

import { type SubmitEvent, useState } from 'react'

import { limits } from '../../shared/limits.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { ChatClient } from '../api.ts'
import { listNames, parseTypedNames, userNameRule } from './names.ts'
import { PaneHeader } from './pane-header.tsx'
import { conversationHash, listHash } from './route.ts'
import { useDocumentTitle } from './use-document-title.ts'
import { explainError } from './wording.ts'

interface Props {
  readonly user: UserId
  readonly client: ChatClient
}

interface Problem {
  readonly field: 'members' | 'form'
  readonly text: string
}

export function NewConversation({ user, client }: Props) {
  const [title, setTitle] = useState('')
  const [names, setNames] = useState('')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem>()
  useDocumentTitle('New conversation')

  async function create(): Promise<void> {
    const { users, bad } = parseTypedNames(names)
    const others = users.filter((name) => name !== user)
    const badMembers = explainMembers(bad, others.length)
    if (badMembers !== undefined) return setProblem({ field: 'members', text: badMembers })
    setBusy(true)
    setProblem(undefined)
    try {
      const { id } = await client.create({
        ...(title.trim() === '' ? {} : { title: title.trim() }),
        members: others.map((member) => ({ user: member, access: 'writer' })),
      })
      // Replaced, so that going back does not lead to this form again.
      window.location.replace(conversationHash(id))
    } catch (error) {
      setBusy(false)
      setProblem({ field: 'form', text: `The conversation could not be made. ${explainError(error)}` })
    }
  }

  function onSubmit(event: SubmitEvent<HTMLFormElement>): void {
    event.preventDefault()
    if (!busy) void create()
  }

  return (
    <>
      <PaneHeader heading="New conversation" />
      <form className="new" onSubmit={onSubmit} noValidate>
        <div className="field">
          <label htmlFor="new-members">Who takes part besides you</label>
          <input
            id="new-members"
            data-testid="new-members"
            value={names}
            onChange={(event) => setNames(event.target.value)}
            autoCapitalize="none"
            autoComplete="off"
            autoCorrect="off"
            spellCheck={false}
            placeholder="bob, carla"
            aria-invalid={problem?.field === 'members'}
            aria-describedby="new-members-problem new-members-hint"
            // oxlint-disable-next-line jsx-a11y/no-autofocus -- somebody has just asked for this form
            autoFocus
          />
          <p id="new-members-hint" className="hint">
            Their user names, separated by commas or spaces. You can add more people later.
          </p>
          <p id="new-members-problem" className="problem" role="alert">
            {problem?.field === 'members' && problem.text}
          </p>
        </div>
        <div className="field">
          <label htmlFor="new-title">
            Title <span className="optional">(optional)</span>
          </label>
          <input
            id="new-title"
            data-testid="new-title"
            value={title}
            onChange={(event) => setTitle(event.target.value)}
            autoComplete="off"
            maxLength={limits.titleLength}
            aria-describedby="new-title-hint"
          />
          <p id="new-title-hint" className="hint">
            Without a title, the conversation is named after the people in it.
          </p>
        </div>
        <p className="problem" role="alert">
          {problem?.field === 'form' && problem.text}
        </p>
        <div className="actions">
          <button type="submit" className="primary" data-testid="create-conversation" aria-disabled={busy}>
            {busy ? 'Creating…' : 'Create conversation'}
          </button>
          <a className="button" href={listHash}>
            Cancel
          </a>
        </div>
      </form>
    </>
  )
}

function explainMembers(bad: readonly string[], users: number): string | undefined {
  if (bad.length > 0) {
    const quoted = listNames(bad.map((name) => `“${name}”`))
    return `${quoted} cannot be ${bad.length === 1 ? 'a user name' : 'user names'}: ${userNameRule}.`
  }
  // The owner is one of them.
  const most = limits.initialMembers - 1
  return users > most ? `A conversation starts with at most ${most} other people.` : undefined
}
