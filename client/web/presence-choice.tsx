/** Whether others see that one is here, kept in this browser. Who does not show it is not shown others' either. */

import type { ChatClient, PresenceMode } from '../api.ts'
import type { Keep } from './keep.ts'
import { useStore } from './use-store.ts'

const presenceName = 'parley.presence'

/** What was chosen in this browser, from now on too. */
export function keepPresence(client: Pick<ChatClient, 'presence' | 'setPresence'>, keep: Keep): void {
  client.setPresence(keep.get(presenceName) === 'online' ? 'online' : 'typing')
  client.presence.subscribe(() => void keep.set(presenceName, client.presence.getSnapshot()))
}

export function PresenceChoice({ client }: { readonly client: ChatClient }) {
  const mode: PresenceMode = useStore(client.presence)
  return (
    <label className="presence-choice">
      <input
        type="checkbox"
        checked={mode === 'online'}
        onChange={(event) => client.setPresence(event.target.checked ? 'online' : 'typing')}
        data-testid="presence-choice"
      />
      Show others when I am here
    </label>
  )
}
