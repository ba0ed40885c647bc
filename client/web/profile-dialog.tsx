/** What the user is called, and their colour: a dialog to change both. */

import { type SubmitEvent, useEffect, useRef, useState } from 'react'

import { limits } from '../../shared/limits.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import { Avatar } from './avatar.tsx'
import { useProfiles } from './use-names.ts'
import { useStore } from './use-store.ts'
import { explainError } from './wording.ts'

interface Props {
  readonly user: UserId
  readonly close: () => void
}

/** What the browser's field for colours begins with when none was chosen. */
const firstColor = '#0b6b66'

export function ProfileDialog({ user, close }: Props) {
  const profiles = useProfiles()
  const mine = useStore(profiles.mine)
  const [name, setName] = useState(mine.name ?? '')
  const [color, setColor] = useState(mine.color)
  const status = useStore(profiles.status)
  const [problem, setProblem] = useState<string>()
  const dialog = useRef<HTMLDialogElement>(null)
  // Shown as a modal one: the page behind it is out of reach, Escape closes it, and the focus goes back to where it was.
  useEffect(() => dialog.current?.showModal(), [])

  async function save(): Promise<void> {
    try {
      await profiles.setMine({ name: name.trim() === '' ? null : name, color })
      dialog.current?.close()
    } catch (error) {
      setProblem(explainError(error))
    }
  }

  function onSubmit(event: SubmitEvent<HTMLFormElement>): void {
    event.preventDefault()
    void save()
  }

  return (
    <dialog ref={dialog} className="dialog" aria-labelledby="profile-title" onClose={close} data-testid="profile">
      <form onSubmit={onSubmit} noValidate>
        <header>
          <Avatar name={name.trim() === '' ? user : name} hueOf={user} color={color ?? undefined} />
          <div>
            <h2 id="profile-title">Your profile</h2>
            <p className="quiet">{user}</p>
          </div>
        </header>
        <div className="field">
          <label htmlFor="profile-name">Name</label>
          <input
            id="profile-name"
            data-testid="profile-name"
            value={name}
            onChange={(event) => setName(event.target.value)}
            autoComplete="name"
            maxLength={limits.profileNameLength}
            placeholder={user}
            aria-invalid={problem !== undefined}
            aria-describedby="profile-hint profile-problem"
            autoFocus
          />
          <p id="profile-hint" className="hint">
            Others see it beside what you write. Your user name stays {user}.
          </p>
        </div>
        <div className="field">
          <label htmlFor="profile-color">Colour</label>
          <div className="color-row">
            <input
              id="profile-color"
              type="color"
              data-testid="profile-color"
              value={color ?? firstColor}
              onChange={(event) => setColor(event.target.value)}
            />
            <button type="button" onClick={() => setColor(null)} disabled={color === null}>
              Remove my colour
            </button>
          </div>
        </div>
        <p id="profile-problem" className="problem" role="alert">
          {problem ?? (status.phase === 'refused' && `Your last change was not taken: ${status.reason}`)}
        </p>
        <div className="actions">
          <button type="submit" className="primary" data-testid="profile-save">
            Save
          </button>
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
        </div>
      </form>
    </dialog>
  )
}
