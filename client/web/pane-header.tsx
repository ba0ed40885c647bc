/** The head of what stands beside the list: the way back on narrow screens, a heading, and what belongs to it. */

import type { ReactNode } from 'react'

import { BackIcon } from './icons.tsx'
import { listHash } from './route.ts'

interface Props {
  readonly heading: string
  readonly before?: ReactNode
  readonly below?: ReactNode
  readonly children?: ReactNode
}

export function PaneHeader({ heading, before, below, children }: Props) {
  return (
    <header className="bar">
      <a className="icon-button back" href={listHash} aria-label="Back to the conversations" data-testid="back">
        <BackIcon />
      </a>
      {before}
      <div className="bar-text">
        <h2>{heading}</h2>
        {below}
      </div>
      {children}
    </header>
  )
}
