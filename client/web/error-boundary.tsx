/** Catches what a component throws: a bug of this page. Says so instead of showing nothing. */

import { Component, type ReactNode } from 'react'

interface Props {
  readonly children: ReactNode
}

interface State {
  readonly reason: string | undefined
}

export class ErrorBoundary extends Component<Props, State> {
  override state: State = { reason: undefined }

  static getDerivedStateFromError(error: unknown): State {
    return { reason: error instanceof Error ? error.message : String(error) }
  }

  override render(): ReactNode {
    const { reason } = this.state
    if (reason === undefined) return this.props.children
    return (
      <main className="centre">
        <div className="card" role="alert">
          <h1>Something went wrong on this page</h1>
          <p>Your messages are not affected. Reloading the page usually helps.</p>
          <p className="quiet">{reason}</p>
          <button type="button" className="primary" onClick={() => window.location.reload()}>
            Reload
          </button>
        </div>
      </main>
    )
  }
}
