/**
 * Signing out: what this browser keeps stays for the next time, unless somebody shares the device and says otherwise. What
 * would be lost is counted before it is.
 */

import { useEffect, useState } from 'react'

import { type ChatClient, UnsentWork } from '../api.ts'
import type { Account } from './account.ts'
import { Dialog } from './dialog.tsx'
import { count } from './names.ts'
import { explainError } from './wording.ts'

interface Props {
  readonly client: ChatClient
  readonly signOut: Account['signOut']
}

export function SignOut({ client, signOut }: Props) {
  const [asks, setAsks] = useState(false)
  return (
    <>
      <button type="button" onClick={() => setAsks(true)} data-testid="sign-out">
        Sign out
      </button>
      {asks && <SignOutDialog client={client} signOut={signOut} close={() => setAsks(false)} />}
    </>
  )
}

function SignOutDialog({ client, signOut, close }: Props & { readonly close: () => void }) {
  const [unsent, setUnsent] = useState(0)
  const [problem, setProblem] = useState<string>()

  useEffect(() => {
    let isOver = false
    client.unsent().then(
      (number) => isOver || setUnsent(number),
      (error: unknown) => isOver || setProblem(explainError(error)),
    )
    return () => {
      isOver = true
    }
  }, [client])

  async function remove(): Promise<void> {
    try {
      // What was counted here was agreed to, and nothing else.
      await signOut({ kind: 'remove', loses: unsent > 0 })
    } catch (error) {
      if (error instanceof UnsentWork) setUnsent(error.count)
      else setProblem(explainError(error))
    }
  }

  return (
    <Dialog title="Sign out" testId="sign-out-dialog" onClose={close}>
      {(hide) => (
        <div className="dialog-body">
          <p>
            Your conversations can stay in this browser, to be there at once when you sign in again. On a device that
            others use, remove them.
          </p>
          {unsent > 0 && (
            <p role="alert" className="problem" data-testid="sign-out-unsent" data-count={unsent}>
              {count(unsent, 'message')} or changes of yours are not sent yet, and nowhere but here. Removed, they are
              lost.
            </p>
          )}
          <p className="problem" role="alert">
            {problem}
          </p>
          <div className="actions">
            <button
              type="button"
              className="primary"
              onClick={() => void signOut({ kind: 'keep' })}
              data-testid="sign-out-keep"
            >
              Keep on this device
            </button>
            <button type="button" className="danger" onClick={() => void remove()} data-testid="sign-out-remove">
              {unsent > 0 ? 'Remove, and lose what is unsent' : 'Remove from this device'}
            </button>
            <button type="button" onClick={hide}>
              Cancel
            </button>
          </div>
        </div>
      )}
    </Dialog>
  )
}
