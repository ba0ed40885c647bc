/** The user's account: what they are called, their colour, and what others are told of what they read. A dialog. */

import { type SubmitEvent, useState } from 'react'

import { limits } from '../../shared/limits.ts'
import type { Account, SignedIn } from './account.ts'
import { AccountData } from './account-data.tsx'
import { Avatar } from './avatar.tsx'
import { Dialog, SaveOrCancel } from './dialog.tsx'
import { useProfiles } from './use-names.ts'
import { useStore } from './use-store.ts'
import { explainError } from './wording.ts'

interface Props {
  readonly signedIn: SignedIn
  readonly account: Account
  readonly onClose: () => void
}

/** What the browser's field for colours begins with when none was chosen. */
const firstColor = '#0b6b66'

export function ProfileDialog({ signedIn, account, onClose }: Props) {
  const { user } = signedIn
  const profiles = useProfiles()
  const mine = useStore(profiles.mine)
  const [name, setName] = useState(mine.name ?? '')
  const [color, setColor] = useState(mine.color)
  const [tells, setTells] = useState(signedIn.receipts === 'on')
  const status = useStore(profiles.status)
  const [problem, setProblem] = useState<string>()

  async function save(close: () => void): Promise<void> {
    try {
      await profiles.setMine({ name: name.trim() === '' ? null : name, color })
      close()
      account.setReceipts(tells ? 'on' : 'private')
    } catch (error) {
      setProblem(explainError(error))
    }
  }

  function onSubmit(event: SubmitEvent<HTMLFormElement>, close: () => void): void {
    event.preventDefault()
    void save(close)
  }

  return (
    <Dialog
      title="Your account"
      testId="profile"
      onClose={onClose}
      mark={<Avatar name={name.trim() === '' ? user : name} hueOf={user} color={color ?? undefined} />}
      below={<p className="quiet">{user}</p>}
    >
      {(close) => (
        <>
          <form onSubmit={(event) => onSubmit(event, close)} noValidate>
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
            <fieldset className="choices">
              <legend>Privacy</legend>
              <label>
                <input
                  type="checkbox"
                  checked={tells}
                  onChange={(event) => setTells(event.target.checked)}
                  aria-describedby="profile-receipts-hint"
                  data-testid="profile-receipts"
                />
                Tell others what I have read
              </label>
              <p id="profile-receipts-hint" className="hint">
                In this browser. Your own devices know it either way.
              </p>
            </fieldset>
            <p id="profile-problem" className="problem" role="alert">
              {problem ?? (status.phase === 'refused' && `Your last change was not taken: ${status.reason}`)}
            </p>
            <SaveOrCancel testId="profile-save" close={close} />
          </form>
          <AccountData user={user} client={signedIn.client} account={account} />
        </>
      )}
    </Dialog>
  )
}
