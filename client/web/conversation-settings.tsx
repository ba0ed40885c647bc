/** What admins set for a conversation and everybody in it: a dialog, of which only what was changed is written. */

import { type SubmitEvent, useId, useState } from 'react'

import { historySetting, wipeSetting } from '../../shared/chat/known-settings.ts'
import { limits } from '../../shared/limits.ts'
import { type Conversation, knownSettings } from '../api.ts'
import { Dialog, SaveOrCancel } from './dialog.tsx'
import { explainError } from './wording.ts'

interface Props {
  readonly conversation: Conversation
  readonly onClose: () => void
}

export function ConversationSettings({ conversation, onClose }: Props) {
  return (
    <Dialog title="Conversation settings" testId="settings" onClose={onClose}>
      {(close) => <SettingsForm conversation={conversation} close={close} />}
    </Dialog>
  )
}

function SettingsForm({ conversation, close }: { readonly conversation: Conversation; readonly close: () => void }) {
  // As they were when it was opened: what others change meanwhile is not taken back by what was not touched here.
  const [{ info, before }] = useState(() => {
    const now = conversation.info.getSnapshot()
    return { info: now, before: knownSettings(now.settings) }
  })
  const [title, setTitle] = useState(info.title ?? '')
  const [fromJoin, setFromJoin] = useState(before.history === 'from-join')
  const [wipe, setWipe] = useState(before.wipe)
  const [problem, setProblem] = useState<string>()
  const id = useId()

  function save(event: SubmitEvent<HTMLFormElement>): void {
    event.preventDefault()
    try {
      const wanted = title.trim() === '' ? null : title.trim()
      if (wanted !== info.title) conversation.setTitle(wanted)
      const history = fromJoin ? 'from-join' : 'all'
      if (history !== before.history) conversation.set(historySetting, history)
      if (wipe !== before.wipe) conversation.set(wipeSetting, wipe)
      close()
    } catch (error) {
      setProblem(explainError(error))
    }
  }

  return (
    <form onSubmit={save} noValidate>
      <div className="field">
        <label htmlFor={`${id}-title`}>
          Title <span className="optional">(optional)</span>
        </label>
        <input
          id={`${id}-title`}
          data-testid="settings-title"
          value={title}
          onChange={(event) => setTitle(event.target.value)}
          maxLength={limits.titleLength}
          autoComplete="off"
          placeholder="Called by who is in it"
          aria-invalid={problem !== undefined}
          aria-describedby={`${id}-problem`}
        />
      </div>
      <fieldset className="choices">
        <legend>Whoever joins later sees</legend>
        <label>
          <input
            type="radio"
            name={`${id}-history`}
            checked={!fromJoin}
            onChange={() => setFromJoin(false)}
            data-testid="settings-history-all"
          />
          All of it
        </label>
        <label>
          <input
            type="radio"
            name={`${id}-history`}
            checked={fromJoin}
            onChange={() => setFromJoin(true)}
            data-testid="settings-history-from-join"
          />
          From when they join
        </label>
      </fieldset>
      <fieldset className="choices">
        <legend>Whoever is removed or leaves</legend>
        <label>
          <input
            type="checkbox"
            checked={wipe}
            onChange={(event) => setWipe(event.target.checked)}
            data-testid="settings-wipe"
          />
          Keeps nothing of it on their devices
        </label>
      </fieldset>
      <p id={`${id}-problem`} className="problem" role="alert">
        {problem}
      </p>
      <SaveOrCancel testId="settings-save" close={close} />
    </form>
  )
}
