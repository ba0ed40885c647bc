// What no server would take is told to the writer at once: nothing of it is shown, kept or made.
import { describe, expect, test, vi } from 'vitest'

import type { Draft, NewConversation } from '../../client/api.ts'
import type { Access } from '../../shared/chat/access.ts'
import { limits } from '../../shared/limits.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import { userId } from '../helpers/chain-doc.ts'
import { openRig, rigId } from '../helpers/open-rig.ts'
import { timedClients } from './timed-clients.ts'

const people = (count: number): readonly UserId[] =>
  Array.from({ length: count }, (_, index) => userId(`user-${index}`))

/** A part whose JSON is nested so deep. */
function partOfDepth(depth: number): Readonly<Record<string, unknown>> {
  let part: Readonly<Record<string, unknown>> = { type: 'text' }
  for (let level = 1; level < depth; level++) part = { type: 'group', inner: part }
  return part
}

describe('a message', () => {
  const most: Draft = { content: 'Ahoy', mentions: people(limits.mentionsPerMessage) }
  /** The entry and its list of parts are levels too. */
  const deepest: Draft = { content: 'Ahoy', parts: [partOfDepth(limits.jsonDepth - 2)] }

  test.each<readonly [string, Draft]>([
    ['one mention too many', { ...most, mentions: people(limits.mentionsPerMessage + 1) }],
    ['parts nested one too deep', { ...deepest, parts: [partOfDepth(limits.jsonDepth - 1)] }],
    ['parts nested far too deep', { ...deepest, parts: [partOfDepth(500)] }],
    ['a mention with a slash', { content: 'Ahoy', mentions: ['ann/bob' as UserId] }],
    ['an empty mention', { content: 'Ahoy', mentions: ['' as UserId] }],
  ])('[CLIENT4][OUTBOX2] %s: TypeError, and neither shown, nor kept, nor sent', async (_name, draft) => {
    const rig = await openRig()
    const { changes } = rig.told
    const stateBefore = rig.local.doc.store.clients.size
    expect(() => rig.conversation.send(draft)).toThrow(TypeError)
    await rig.conversation.flush()
    expect(rig.shown()).toEqual([])
    expect(rig.conversation.status.getSnapshot().pending).toBe(0)
    expect(await rig.storage.outbox(rigId)).toEqual([])
    expect([rig.told.changes, rig.local.doc.store.clients.size]).toEqual([changes, stateBefore])
    // And it stands in nobody's way.
    rig.conversation.send('Ahoy')
    rig.sync()
    expect(rig.shown()).toEqual(['Ahoy: sent'])
  })

  test('[CLIENT4] at the limits it is taken', async () => {
    const rig = await openRig()
    for (const draft of [most, deepest]) rig.conversation.send(draft)
    rig.sync()
    expect(rig.shown()).toEqual(['Ahoy: sent', 'Ahoy: sent'])
  })
})

describe('a new conversation', () => {
  const { start } = timedClients()

  const member = (user: string, access: Access = 'writer'): NonNullable<NewConversation['members']>[number] => ({
    user,
    access,
  })

  test.each<readonly [string, NewConversation]>([
    ['somebody twice', { members: [member('bob'), member('eve'), member('bob')] }],
    ['somebody twice, with other access', { members: [member('bob'), member('bob', 'reader')] }],
    ['the creator as a writer', { members: [member('ann')] }],
    ['the creator as an admin behind owner', { members: [member('ann', 'owner'), member('ann', 'admin')] }],
    ['the creator twice', { members: [member('ann', 'owner'), member('ann', 'owner')] }],
    ['access that is none', { members: [member('bob', 'boss' as Access)] }],
    ['access of a prototype', { members: [member('bob', 'constructor' as Access)] }],
    ['too many members', { members: people(limits.initialMembers + 1).map((user) => member(user)) }],
  ])('[CLIENT3] with %s: TypeError, and nothing is made', async (_name, fresh) => {
    const { client, storage, registered } = start({ isOffline: true })
    await expect(client.create(fresh)).rejects.toThrow(TypeError)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(client.conversations.getSnapshot()).toEqual([])
    expect([await storage.conversations(), await storage.unsent(), registered.size]).toEqual([[], [], 0])
  })

  test('[CLIENT3] the creator may be named as the owner, and is there once', async () => {
    const rig = start({ isOffline: true })
    const conversation = await rig.client.create({ members: [member('ann', 'owner'), member('bob', 'owner')] })
    expect(conversation.info.getSnapshot().members).toEqual([member('ann', 'owner'), member('bob', 'owner')])
    rig.isOffline = false
    await vi.advanceTimersByTimeAsync(60_000)
    expect(rig.registered.get(conversation.id)).toEqual({ members: [member('bob', 'owner')] })
  })

  test('[CLIENT3] as many members as the server takes are taken', async () => {
    const { client } = start({ isOffline: true })
    const members = people(limits.initialMembers).map((user) => member(user))
    const conversation = await client.create({ members })
    expect(conversation.info.getSnapshot().members).toHaveLength(limits.initialMembers + 1)
  })
})
