/** A button that asks once more before it does what cannot be taken back. */

import { useState } from 'react'

interface Props {
  /** What it does, for those who do not see what it stands beside. */
  readonly label: string
  readonly text: string
  readonly sure: string
  readonly onSure: () => void
  readonly testId: string
}

export function SureButton({ label, text, sure, onSure, testId }: Props) {
  const [asks, setAsks] = useState(false)
  if (!asks) {
    return (
      <button type="button" aria-label={label} onClick={() => setAsks(true)} data-testid={testId}>
        {text}
      </button>
    )
  }
  return (
    <div className="sure" role="group" aria-label={sure}>
      <span>{sure}</span>
      <button
        type="button"
        className="danger"
        onClick={() => {
          setAsks(false)
          onSure()
        }}
        data-testid={`${testId}-sure`}
        // oxlint-disable-next-line jsx-a11y/no-autofocus -- it takes the place of the button just pressed
        autoFocus
      >
        Yes
      </button>
      <button type="button" onClick={() => setAsks(false)}>
        No
      </button>
    </div>
  )
}
