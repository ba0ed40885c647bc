/** What the user can do with everything of theirs: take it along, or have it gone. */

import { useEffect, useId, useRef, useState } from 'react'

import type { UserId } from '../../shared/sync/ids.ts'
import type { ChatClient } from '../api.ts'
import type { Account } from './account.ts'
import { Dialog } from './dialog.tsx'
import { count } from './names.ts'
import { saveExport } from './save-export.ts'
import { explainError } from './wording.ts'

interface Props {
  readonly user: UserId
  readonly client: ChatClient
  readonly account: Account
}

export function AccountData({ user, client, account }: Props) {
  const [asks, setAsks] = useState(false)
  return (
    <section className="account-data" aria-label="Your data">
      <h3>Your data</h3>
      <div className="actions">
        <ExportButton user={user} client={client} />
        <button
          type="button"
          className="danger"
          aria-haspopup="dialog"
          onClick={() => setAsks(true)}
          data-testid="account-delete"
        >
          Delete my account…
        </button>
      </div>
      {asks && <DeleteDialog user={user} account={account} onClose={() => setAsks(false)} />}
    </section>
  )
}

/** Parts between two looks at how far it has come. */
const toldEvery = 100

function ExportButton({ user, client }: Pick<Props, 'user' | 'client'>) {
  const [told, setTold] = useState<string>()
  const [isBusy, setBusy] = useState(false)
  const isOver = useRef(false)
  useEffect(() => {
    isOver.current = false
    return () => {
      isOver.current = true
    }
  }, [])

  async function fetchAll(): Promise<void> {
    setBusy(true)
    setTold('Fetching…')
    try {
      const parts = await saveExport(client.exportAccount(), user, (number) => {
        if (number % toldEvery === 0) setTold(`Fetching… ${count(number, 'part')} so far`)
        return !isOver.current
      })
      setTold(parts === undefined ? undefined : `Saved, ${count(parts, 'part')}.`)
    } catch (error) {
      setTold(explainError(error))
    } finally {
      setBusy(false)
    }
  }

  return (
    <>
      <button
        type="button"
        aria-disabled={isBusy}
        onClick={() => isBusy || void fetchAll()}
        data-testid="account-export"
      >
        Download my data
      </button>
      <p className="hint account-told" role="status" data-testid="account-told">
        {told}
      </p>
    </>
  )
}

interface DeleteProps {
  readonly user: UserId
  readonly account: Account
  readonly onClose: () => void
}

function DeleteDialog({ user, account, onClose }: DeleteProps) {
  return (
    <Dialog title="Delete your account" testId="account-delete-dialog" onClose={onClose}>
      {(close) => <DeleteForm user={user} account={account} close={close} />}
    </Dialog>
  )
}

function DeleteForm({ user, account, close }: Omit<DeleteProps, 'onClose'> & { readonly close: () => void }) {
  const [erases, setErases] = useState(false)
  const [typed, setTyped] = useState('')
  const [left, setLeft] = useState<number>()
  const [isBusy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string>()
  const id = useId()
  const isSure = typed.trim() === user

  async function erase(): Promise<void> {
    setBusy(true)
    setProblem(undefined)
    try {
      await account.deleteAccount({ messages: erases ? 'erase' : 'keep', onProgress: setLeft })
    } catch (error) {
      setProblem(explainError(error))
      setBusy(false)
    }
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (isSure && !isBusy) void erase()
      }}
      noValidate
    >
      <p>
        You leave every conversation, and your profile, your settings and your drafts are deleted, on the server and on
        this device, with what is not sent yet. <strong>This cannot be taken back.</strong>
      </p>
      <fieldset className="choices">
        <legend>What you have written</legend>
        <label>
          <input type="radio" name={id} checked={!erases} onChange={() => setErases(false)} data-testid="delete-keep" />
          Stays for the others
        </label>
        <label>
          <input type="radio" name={id} checked={erases} onChange={() => setErases(true)} data-testid="delete-erase" />
          Is removed, with your reactions, as far as you may
        </label>
      </fieldset>
      <div className="field">
        <label htmlFor={`${id}-sure`}>Type {user} to go on</label>
        <input
          id={`${id}-sure`}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          autoCapitalize="none"
          autoComplete="off"
          spellCheck={false}
          data-testid="delete-typed"
        />
      </div>
      <p className="problem" role="alert">
        {problem}
      </p>
      <p className="hint" role="status">
        {isBusy && (left === undefined ? 'Deleting…' : `Deleting… ${count(left, 'conversation')} left`)}
      </p>
      <div className="actions">
        <button type="submit" className="danger" disabled={!isSure || isBusy} data-testid="delete-sure">
          Delete my account for good
        </button>
        <button type="button" onClick={close} disabled={isBusy}>
          Cancel
        </button>
      </div>
    </form>
  )
}
