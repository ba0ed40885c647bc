/** Signs in at a server in demo mode: a name is enough. */

import { type SubmitEvent, useState } from 'react'

import { parseUserId } from '../../shared/sync/ids.ts'
import type { Account } from './account.ts'
import { Logo } from './icons.tsx'
import { userNameRule } from './names.ts'
import { explainAnswer } from './session.ts'
import { useDocumentTitle } from './use-document-title.ts'

interface Props {
  readonly signIn: Account['signIn']
  readonly notice: string | undefined
}

export function SignIn({ signIn, notice }: Props) {
  const [name, setName] = useState('')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string>()
  useDocumentTitle(undefined)

  async function submit(): Promise<void> {
    const user = parseUserId(name.trim())
    if (user === undefined) {
      setProblem(
        name.trim() === '' ? 'Please enter a name.' : `“${name.trim()}” cannot be a name here: ${userNameRule}.`,
      )
      return
    }
    setBusy(true)
    setProblem(undefined)
    const answer = await signIn(user)
    setBusy(false)
    if (answer !== undefined) setProblem(explainAnswer(answer))
  }

  function onSubmit(event: SubmitEvent<HTMLFormElement>): void {
    event.preventDefault()
    if (!busy) void submit()
  }

  return (
    <main className="centre">
      <form className="card sign-in" onSubmit={onSubmit} noValidate>
        <header>
          <Logo />
          <h1>Parley</h1>
          <p>Chat that goes on working without a connection.</p>
        </header>
        {notice !== undefined && <p className="hint">{notice}</p>}
        <div className="field">
          <label htmlFor="user">Your name</label>
          <input
            id="user"
            data-testid="sign-in-user"
            value={name}
            onChange={(event) => setName(event.target.value)}
            autoComplete="username"
            autoCapitalize="none"
            autoCorrect="off"
            spellCheck={false}
            maxLength={128}
            placeholder="ann"
            aria-invalid={problem !== undefined}
            aria-describedby="sign-in-problem sign-in-hint"
            // oxlint-disable-next-line jsx-a11y/no-autofocus -- it is the one thing to do on this page
            autoFocus
          />
          <p id="sign-in-problem" className="problem" role="alert">
            {problem}
          </p>
        </div>
        <button type="submit" className="primary" data-testid="sign-in-submit" aria-disabled={busy}>
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
        <p id="sign-in-hint" className="hint">
          In demo mode there is no password: whoever enters a name is that user.
        </p>
      </form>
    </main>
  )
}
