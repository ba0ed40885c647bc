/** How the conversation is connected, in a word with a dot. */

import type { ConnectionStatus } from '../api.ts'
import { connectionWords } from './wording.ts'

interface Props {
  readonly connection: ConnectionStatus
}

export function ConnectionMark({ connection }: Props) {
  return (
    <p className="state" data-testid="connection" data-phase={connection.phase}>
      <span className="dot" />
      <span>{connectionWords(connection)}</span>
    </p>
  )
}
