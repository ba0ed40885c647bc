// A store as the server makes it: devices over sockets, requests, void entries, removed members, a deleted conversation.
import { createInvitations } from '../../../server/chat/inviting.ts'
import { createProfiles } from '../../../server/people/profiles.ts'
import { openLevelStore } from '../../../server/storage/level/level-store.ts'
import { encodeEntry } from '../../../shared/chat/entry.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { invitationAt } from '../../contract/store-rows.ts'
import { createDoc, userId } from '../../helpers/chain-doc.ts'
import { bringTogether, FakeDevice } from '../../helpers/fake-device.ts'
import { freshMessageId, messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode } from '../../helpers/sync-node.ts'

export interface RealStore {
  /** Has rows of every kind. */
  readonly rich: ConversationId
  readonly plain: ConversationId
  readonly deleted: ConversationId
}

/** Fills the folder, and closes it; `halfway` is awaited when there is something in it. */
export async function makeRealStore(
  location: string,
  halfway: () => Promise<void> = async () => undefined,
): Promise<RealStore> {
  const store = await openLevelStore({ location })
  const node = createSyncNode({ store })
  const { conversations } = node
  const [ann, bob] = [userId('ann'), userId('bob')]
  const rich = await node.create('ann', 'bob', 'cleo')
  const devices = [new FakeDevice('ann', rich, createDoc(11)), new FakeDevice('bob', rich, createDoc(12))]
  const [first, second] = devices
  let drawn = 1
  const said = ['one', 'two', 'three'].map((text) => messageEntry(text))
  const [one, two, three] = said.map(({ id }) => id)
  if (one === undefined || two === undefined || three === undefined) throw new Error('nothing was said')
  first?.append(...said.map((entry) => encodeEntry(entry)))
  await bringTogether(node, devices)
  const nowhere = freshMessageId()
  second?.append(
    encodeEntry({ kind: 'edit', of: nowhere, content: 'no such message', at: 1 }),
    Uint8Array.of(1, 255),
    encodeEntry({ kind: 'read', through: 2 }),
    encodeEntry({ kind: 'delta', of: nowhere, text: 'a stream that' }),
    encodeEntry({ kind: 'delta', of: nowhere, text: ' does not end' }),
    encodeEntry(messageEntry('four', { thread: one })),
    encodeEntry({ kind: 'pin', of: nowhere, on: true }),
  )
  await bringTogether(node, devices)
  first?.append(
    encodeEntry({ kind: 'edit', of: one, content: 'one, edited', at: 1 }),
    encodeEntry({ kind: 'edit', of: two, content: 'two, to be redacted', at: 1 }),
    encodeEntry({ kind: 'pin', of: one, on: true }),
    encodeEntry({ kind: 'set', key: 'colour', value: 'blue' }),
  )
  await bringTogether(node, devices)
  await halfway()
  second?.append(
    Uint8Array.of(2),
    encodeEntry(messageEntry('five')),
    encodeEntry({ kind: 'read', through: 5 }),
    encodeEntry({ kind: 'read', through: 6, thread: one }),
  )
  await bringTogether(node, devices)
  await conversations.apply(bob, rich, { kind: 'react', of: one, emoji: 'x', on: true })
  await conversations.apply(ann, rich, { kind: 'redact', of: two })
  await conversations.apply(ann, rich, { kind: 'pin', of: three, on: true })
  await conversations.apply(ann, rich, { kind: 'pin', of: one, on: false })
  await conversations.post(bob, rich, messageEntry('over REST'), 'a key')
  await conversations.apply(ann, rich, { kind: 'set', key: 'title', value: 'A title' })
  await conversations.apply(ann, rich, { kind: 'member', user: userId('cleo'), access: null })
  await conversations.apply(ann, rich, { kind: 'member', user: userId('dora'), access: 'reader' })
  const invitations = createInvitations({
    store,
    registry: node.registry,
    conversations,
    drawInvitationId: () => invitationAt(drawn++).id,
    now: () => 1_700_000_000_000,
  })
  const fresh = { access: 'writer', lifeMs: 1000, uses: 2 } as const
  const { id: invitation, expiresMs } = await invitations.create(ann, rich, fresh)
  await invitations.accept(userId('ella'), { conversation: rich, id: invitation, expiresMs })
  await invitations.create(ann, rich, { ...fresh, uses: null })
  await createProfiles({ store, now: () => 5 }).change(ann, { name: 'Ann', color: '#00ff00' })
  const plain = await node.create('ann')
  await conversations.post(ann, plain, messageEntry('alone'), undefined)
  const deleted = await node.create('ann', 'bob')
  await conversations.post(ann, deleted, messageEntry('gone'), 'another key')
  await conversations.delete(ann, deleted)
  for (const device of devices) device.disconnect()
  await node.settled()
  // As after a restore: whatever is written now begins a new epoch.
  await store.markRestored(1_800_000_000_000)
  const restored = createSyncNode({ store })
  await restored.conversations.post(ann, rich, messageEntry('after the restore'), undefined)
  await restored.settled()
  if (restored.errors.length > 0) throw new Error('the node has failed', { cause: restored.errors[0] })
  if (node.errors.length > 0) throw new Error('the node has failed', { cause: node.errors[0] })
  // What was deleted is gone, row by row.
  await store.erased()
  await store.close()
  return { rich, plain, deleted }
}
