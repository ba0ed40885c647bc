/**
 * Lends a provider's awareness to the presence of a conversation. The provider would send back to the server whatever it
 * hears from there, a frame for each; here only what this device says of itself is sent. Knows nothing of what is said.
 */

import { encodeAwareness } from '../../shared/sync/awareness.ts'
import { encodeAwarenessMessage } from '../../shared/sync/wire.ts'
import type { PresenceLine, PresenceListener } from '../presence/open-presence.ts'

type Changes = Readonly<Record<'added' | 'updated' | 'removed', readonly number[]>>
type OnUpdate = (changes: Changes, origin: unknown) => void

/** As much of a provider as it takes. */
export interface AwarenessProvider {
  readonly awareness: {
    readonly clientID: number
    readonly meta: Map<number, { readonly clock: number }>
    readonly getStates: () => ReadonlyMap<number, unknown>
    // oxlint-disable-next-line typescript/no-explicit-any -- as y-protocols declares it
    readonly setLocalState: (state: Record<string, any> | null) => void
    readonly getLocalState: () => unknown
    readonly on: (name: 'update', listener: OnUpdate) => unknown
    readonly off: (name: 'update', listener: OnUpdate) => unknown
  }
  readonly wsconnected: boolean
  readonly ws: Pick<WebSocket, 'send' | 'readyState' | 'OPEN'> | null
  _awarenessUpdateHandler: OnUpdate
}

/** Returns what ends it. */
export function linkAwareness(
  provider: AwarenessProvider,
  connectPresence: (line: PresenceLine) => PresenceListener,
): () => void {
  const { awareness } = provider
  const own = awareness.clientID
  /* oxlint-disable no-underscore-dangle -- the provider has no other way to keep what it heard to itself */
  awareness.off('update', provider._awarenessUpdateHandler)
  // What is said here at once goes out when the provider connects.
  const listener = connectPresence({
    say: (state) => {
      if (state !== null || awareness.getLocalState() !== null) awareness.setLocalState(state)
    },
  })
  provider._awarenessUpdateHandler = ({ added, updated, removed }) => {
    if ([added, updated, removed].some((list) => list.includes(own))) send()
    // Whoever comes back comes with all that there is to tell: nothing needs to be remembered of those who left.
    for (const client of removed) if (client !== own) awareness.meta.delete(client)
    listener.hear(awareness.getStates(), [...added, ...updated])
  }
  awareness.on('update', provider._awarenessUpdateHandler)
  /* oxlint-enable no-underscore-dangle */

  function send(): void {
    const { ws, wsconnected } = provider
    if (!wsconnected || ws?.readyState !== ws?.OPEN) return
    const json = JSON.stringify(awareness.getLocalState())
    const { clock = 0 } = awareness.meta.get(own) ?? {}
    ws?.send(Uint8Array.from(encodeAwarenessMessage(encodeAwareness([{ client: own, clock, json }]))))
  }

  return listener.end
}
