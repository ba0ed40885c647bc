/** What an own message said before: a small dialog over the page, which Escape closes. */

import { useEffect, useRef, useState } from 'react'

import type { Version } from '../api.ts'
import { Dialog } from './dialog.tsx'
import { machineTime, wholeTime } from './time.ts'
import { explainError } from './wording.ts'

interface Props {
  readonly load: () => Promise<readonly Version[]>
  readonly close: () => void
}

type Loaded =
  | { readonly phase: 'loading' }
  | { readonly phase: 'loaded'; readonly versions: readonly Version[] }
  | { readonly phase: 'failed'; readonly problem: string }

export function MessageVersions({ load, close }: Props) {
  const [loaded, setLoaded] = useState<Loaded>({ phase: 'loading' })
  // As it was asked for: what changes meanwhile is in the next look.
  const asked = useRef(load)

  useEffect(() => {
    let isOver = false
    asked.current().then(
      (versions) => isOver || setLoaded({ phase: 'loaded', versions }),
      (error: unknown) => isOver || setLoaded({ phase: 'failed', problem: explainError(error) }),
    )
    return () => {
      isOver = true
    }
  }, [])

  return (
    <Dialog title="History of changes" testId="versions" onClose={close}>
      {() => (
        <>
          {loaded.phase === 'loading' && <p role="status">Loading…</p>}
          {loaded.phase === 'failed' && <p role="alert">{loaded.problem}</p>}
          {loaded.phase === 'loaded' && (
            <ol className="versions">
              {loaded.versions.toReversed().map(({ content, writtenAt, sent }, index) => (
                <li key={loaded.versions.length - index} data-testid="version">
                  <time dateTime={machineTime(sent?.createdAt ?? writtenAt)}>
                    {wholeTime(sent?.createdAt ?? writtenAt)}
                  </time>
                  {sent === undefined && <span> · not sent yet</span>}
                  <p dir="auto">{content}</p>
                </li>
              ))}
            </ol>
          )}
        </>
      )}
    </Dialog>
  )
}
