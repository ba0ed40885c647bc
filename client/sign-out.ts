/**
 * How a user leaves this device: what of theirs is only here, and how all of it is deleted (SPEC WIPE1). Whatever is
 * deleted, clients of other tabs close when they hear of it.
 */

import { parseEntry } from '../shared/chat/entry.ts'
import { isPrivateConversation } from '../shared/chat/private-conversation.ts'
import type { ConversationId } from '../shared/sync/ids.ts'
import { type ChatClient, UnsentWork } from './api.ts'
import type { OpenConversation } from './open-conversation.ts'
import { entriesIn } from './own-entry.ts'
import { parsePersonalKey } from './personal/personal-keys.ts'
import type { ClientStorage, OutboxRow } from './storage/client-storage.ts'

export interface SignOutDeps {
  readonly opening: Promise<ClientStorage>
  readonly open: () => Iterable<OpenConversation>
  /** Conversations that the server was not told of. */
  readonly unregistered: () => Promise<readonly ConversationId[]>
  /** Private state that is still to be written down, by key; null where it is to be cleared. */
  readonly gathered: () => ReadonlyMap<string, unknown>
  readonly close: () => Promise<void>
}

export function createSignOut(deps: SignOutDeps): Pick<ChatClient, 'unsent' | 'signOut' | 'wipe'> {
  const { opening, close } = deps
  let wiping: Promise<void> | undefined
  // The device refuses to keep anything: nobody else can have deleted it.
  opening.then(({ destroyed }) => destroyed?.then(close)).catch(() => undefined)

  async function unsent(): Promise<number> {
    const storage = await opening
    const rows = new Map<ConversationId, Map<string, OutboxRow>>()
    const add = (id: ConversationId, found: readonly OutboxRow[]): void => {
      const known = rows.get(id) ?? new Map<string, OutboxRow>()
      for (const row of found) known.set(placeOf(row), row)
      rows.set(id, known)
    }
    const open = [...deps.open()].map(({ id }) => id)
    for (const id of new Set([...(await storage.unsent()), ...open])) add(id, await storage.outbox(id))
    let count = (await deps.unregistered()).length
    // Last, and at once: what was written meanwhile; and where the device keeps nothing they are in memory alone.
    for (const { id, document } of deps.open()) add(id, document.outbox.open())
    const settings: [key: string, value: unknown][] = []
    for (const [id, found] of rows) {
      const work = [...found.values()].filter(isWork)
      if (isPrivateConversation(id)) settings.push(...settingsIn(work))
      else count += work.length
    }
    return count + countChanges([...settings, ...deps.gathered()])
  }

  async function wipe(): Promise<void> {
    wiping ??= close()
      .then(() => opening)
      .then((storage) => storage.destroy())
      .catch((error: unknown) => {
        // It can be tried again.
        wiping = undefined
        throw error
      })
    return wiping
  }

  return {
    unsent,
    wipe,
    signOut: async ({ wipe: wipes = false, force = false } = {}) => {
      if (!wipes) return close()
      const count = force ? 0 : await unsent()
      if (count > 0) throw new UnsentWork(count)
      return wipe()
    },
  }
}

function placeOf({ client, clock }: OutboxRow): string {
  return `${client}/${clock}`
}

/** How far somebody has read is not worth a warning. */
function isWork({ payload }: OutboxRow): boolean {
  const parsed = parseEntry(payload)
  return parsed.kind !== 'entry' || parsed.entry.kind !== 'read'
}

function settingsIn(rows: readonly OutboxRow[]): readonly [key: string, value: unknown][] {
  return entriesIn(rows).flatMap((entry) => (entry.kind === 'set' ? [[entry.key, entry.value]] : []))
}

/** Each counts once, however often it was changed; what was read, and drafts that were sent, do not. */
function countChanges(settings: Iterable<readonly [key: string, value: unknown]>): number {
  const keys = new Set<string>()
  for (const [key, value] of settings) {
    const kind = parsePersonalKey(key)?.kind
    if (kind === 'read') continue
    if (kind === 'draft' && value === null) keys.delete(key)
    else keys.add(key)
  }
  return keys.size
}
