/** A dialog over the page: what is behind it is out of reach, Escape closes it, and the focus goes back to where it was. */

import { type ReactNode, useEffect, useId, useState } from 'react'

import { hasKeyboard } from './has-keyboard.ts'
import { CloseIcon } from './icons.tsx'

interface Props {
  readonly title: string
  readonly testId: string
  /** It was closed. */
  readonly onClose: () => void
  /** Beside the title. */
  readonly mark?: ReactNode
  readonly below?: ReactNode
  /** Given what closes it: the focus goes back only then. */
  readonly children: (close: () => void) => ReactNode
}

export function Dialog({ title, testId, onClose, mark, below, children }: Props) {
  const [dialog, setDialog] = useState<HTMLDialogElement | null>(null)
  const titleId = useId()
  useEffect(() => {
    dialog?.showModal()
    // Not what closes it: where one types, or what most people want.
    if (hasKeyboard()) dialog?.querySelector<HTMLElement>('form input, .primary')?.focus()
  }, [dialog])
  const close = (): void => dialog?.close()

  return (
    <dialog ref={setDialog} className="dialog" aria-labelledby={titleId} onClose={onClose} data-testid={testId}>
      <header>
        {mark}
        <div className="dialog-title">
          <h2 id={titleId}>{title}</h2>
          {below}
        </div>
        <button type="button" className="icon-button" aria-label="Close" onClick={close}>
          <CloseIcon />
        </button>
      </header>
      {children(close)}
    </dialog>
  )
}

interface SaveOrCancelProps {
  /** Of the button that saves. */
  readonly testId: string
  readonly close: () => void
}

/** How the form of a dialog ends. */
export function SaveOrCancel({ testId, close }: SaveOrCancelProps) {
  return (
    <div className="actions">
      <button type="submit" className="primary" data-testid={testId}>
        Save
      </button>
      <button type="button" onClick={close}>
        Cancel
      </button>
    </div>
  )
}
