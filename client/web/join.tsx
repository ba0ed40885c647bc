/** Joins the conversation of an invitation's link, and goes there. */

import { useEffect, useState } from 'react'

import { type ChatClient, NoConnection, RestFailure } from '../index.ts'
import { PaneHeader } from './pane-header.tsx'
import { conversationHash, listHash } from './route.ts'
import { useDocumentTitle } from './use-document-title.ts'
import { explainError } from './wording.ts'

interface Props {
  readonly token: string
  readonly client: ChatClient
}

export function Join({ token, client }: Props) {
  const [problem, setProblem] = useState<string>()
  const [tries, setTries] = useState(0)
  useDocumentTitle('Invitation')

  useEffect(() => {
    let isGone = false
    const join = async (): Promise<void> => {
      try {
        // It stays open: the desk takes it over when it is looked at, or has it already.
        const { id } = await client.acceptInvitation(token)
        // Replaced, so that the link is not gone back to.
        if (!isGone) window.location.replace(conversationHash(id))
      } catch (error) {
        if (!isGone) setProblem(explain(error))
      }
    }
    void join()
    return () => {
      isGone = true
    }
  }, [client, token, tries])

  function retry(): void {
    setProblem(undefined)
    setTries(tries + 1)
  }

  return (
    <>
      <PaneHeader heading="Invitation" />
      {problem === undefined ? (
        <p className="empty late" role="status">
          Joining the conversation…
        </p>
      ) : (
        <div className="empty" role="alert" data-testid="join-problem">
          <p className="empty-title">You could not join</p>
          <p>{problem}</p>
          <button type="button" onClick={retry}>
            Try again
          </button>
          <a href={listHash}>See your conversations</a>
        </div>
      )}
    </>
  )
}

function explain(error: unknown): string {
  if (error instanceof RestFailure && error.code === 'expired-invitation')
    return 'The invitation has expired, is used up or was withdrawn. Ask for another one.'
  if (error instanceof RestFailure && error.code === 'not-found')
    return 'This is no invitation of this server. The link may have been cut short.'
  if (error instanceof RestFailure && error.code === 'deleted') return 'The conversation was deleted.'
  return error instanceof NoConnection
    ? 'The server cannot be reached. Joining needs a connection.'
    : explainError(error)
}
