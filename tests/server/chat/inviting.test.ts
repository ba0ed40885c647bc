// Invitations of live conversations, without HTTP: what is one commit, whose act it is, and what a failed write leaves.
import { describe, expect, test } from 'vitest'

import { createInvitations } from '../../../server/chat/inviting.ts'
import { type Invitation, InvitationEnded, type Invitations } from '../../../server/invitations.ts'
import type { ConversationCommit } from '../../../server/storage/conversation-store.ts'
import { parseEntry } from '../../../shared/chat/entry.ts'
import { limits } from '../../../shared/limits.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { invitationAt } from '../../contract/store-rows.ts'
import { createDoc, userId } from '../../helpers/chain-doc.ts'
import { bringTogether, FakeDevice } from '../../helpers/fake-device.ts'
import { createSyncNode, type SyncNode } from '../../helpers/sync-node.ts'

const [ann, bob, cleo] = [userId('ann'), userId('bob'), userId('cleo')]

interface Stand {
  readonly node: SyncNode
  readonly id: ConversationId
  readonly invitations: Invitations
  readonly clock: { ms: number }
  readonly accept: (user: string, invitation: Invitation) => Promise<void>
  readonly members: () => Promise<readonly string[]>
}

/** `whileRead` happens whenever a list of invitations is read. */
async function createStand(whileRead = async (): Promise<unknown> => undefined): Promise<Stand> {
  const node = createSyncNode()
  const id = await node.create('ann')
  const clock = { ms: 1000 }
  let drawn = 1
  const { registry, conversations, gate } = node
  const invitations = createInvitations({
    store: {
      ...gate.store,
      invitations: async (conversation) => {
        await whileRead()
        return gate.store.invitations(conversation)
      },
    },
    registry,
    conversations,
    drawInvitationId: () => invitationAt(drawn++).id,
    now: () => clock.ms,
  })
  return {
    node,
    id,
    invitations,
    clock,
    accept: (user, { id: invitation, expiresMs }) =>
      invitations.accept(userId(user), { conversation: id, id: invitation, expiresMs }),
    members: async () => (await conversations.members(ann, id)).map(({ user }) => user),
  }
}

const once = { access: 'writer', lifeMs: 1000, uses: 1 } as const

describe('accepting', () => {
  test('[INVITE1] a use and a member are one commit, written on the chain of whoever invited', async () => {
    const { node, id, invitations, accept } = await createStand()
    const invitation = await invitations.create(ann, id, { ...once, uses: 2 })
    const before = node.gate.batches().length
    await accept('bob', invitation)
    const commits = node.gate.batches().slice(before).flat() as readonly ConversationCommit[]
    expect(commits).toHaveLength(1)
    const [commit] = commits
    expect(commit?.members).toEqual([{ user: bob, access: 'writer', readThrough: -1, received: -1 }])
    expect(commit?.invitations).toEqual([{ ...invitation, usesLeft: 1 }])
    const [entry] = commit?.entries ?? []
    expect(entry?.payload && parseEntry(entry.payload)).toMatchObject({
      kind: 'entry',
      entry: { kind: 'member', user: bob, access: 'writer', invitation: invitation.id },
    })
    const chains = await node.gate.store.chains(id)
    expect(chains.find(({ client }) => client === entry?.client)).toMatchObject({ user: ann, held: true })
  })

  test('[INVITE1][EVENT1] rows, and devices of whoever joined and of others, tell by which invitation', async () => {
    const { node, id, invitations, accept } = await createStand()
    const invitation = await invitations.create(ann, id, once)
    await accept('bob', invitation)
    const devices = [new FakeDevice('ann', id, createDoc(1)), new FakeDevice('bob', id, createDoc(2))]
    await bringTogether(node, devices)
    const events = await node.gate.store.events(id, { take: 'oldest', limit: 9 })
    const entry = { kind: 'member', user: bob, access: 'writer', invitation: invitation.id }
    expect(events).toMatchObject([{ user: ann, entry }])
    for (const { folded } of devices) expect(folded.view().events).toEqual(events)
  })

  test('[INVITE1] a write that fails adds nobody and spends nothing, and it works again afterwards', async () => {
    const { node, id, invitations, accept, members } = await createStand()
    const invitation = await invitations.create(ann, id, once)
    node.gate.failNext(new Error('the disk is full'))
    await expect(accept('bob', invitation)).rejects.toMatchObject({ name: 'Fault' })
    expect(await members()).toEqual(['ann'])
    expect(await invitations.list(ann, id)).toEqual([invitation])
    await accept('bob', invitation)
    expect([await members(), await invitations.list(ann, id)]).toEqual([['ann', 'bob'], []])
  })

  test('[INVITE1][SYNC2] while the last use is on its way to the disk nobody else has it, and nobody is answered', async () => {
    const { node, id, invitations, accept, members } = await createStand()
    const invitation = await invitations.create(ann, id, once)
    node.gate.hold()
    const fates: string[] = []
    const noted = (user: string): Promise<void> =>
      accept(user, invitation).then(
        () => void fates.push(`${user} joined`),
        (error: unknown) => void fates.push(`${user} ${error instanceof InvitationEnded}`),
      )
    const first = noted('bob')
    await node.settled()
    const others = [noted('cleo'), noted('bob')]
    await node.settled()
    expect([fates, await members()]).toEqual([['cleo true'], ['ann']])
    expect(await invitations.list(ann, id)).toEqual([invitation])
    node.gate.open()
    await Promise.all([first, ...others])
    expect(fates.toSorted()).toEqual(['bob joined', 'bob joined', 'cleo true'])
    expect(await members()).toEqual(['ann', 'bob'])
  })

  test('[INVITE2] it ends with its time, to the millisecond; those that are over make room for others', async () => {
    const { id, invitations, clock, accept, members } = await createStand()
    const made: Invitation[] = []
    for (let count = 0; count < limits.invitations; count++) {
      made.push(await invitations.create(ann, id, { ...once, lifeMs: count === 0 ? 2000 : 1000 }))
    }
    await expect(invitations.create(ann, id, once)).rejects.toMatchObject({ reason: 'too-many' })
    const [longest, another] = made
    if (longest === undefined || another === undefined) throw new Error('none was made')
    clock.ms += 999
    await accept('bob', another)
    clock.ms += 1
    await expect(accept('cleo', made[2] ?? another)).rejects.toThrow(InvitationEnded)
    expect(await invitations.list(ann, id)).toEqual([longest])
    const fresh = await invitations.create(ann, id, once)
    expect(await invitations.list(ann, id)).toEqual([longest, fresh])
    // What a token says of its time counts as well.
    await expect(accept('cleo', { ...longest, expiresMs: clock.ms })).rejects.toThrow(InvitationEnded)
    expect(await members()).toEqual(['ann', 'bob'])
  })

  test('[INVITE2] whoever invited was removed, or may no longer invite: nobody joins, and no use is spent', async () => {
    const { node, id, invitations, accept, members } = await createStand()
    const change = (access: 'admin' | 'reader' | null) =>
      node.conversations.apply(ann, id, { kind: 'member', user: bob, access })
    await change('admin')
    const invitation = await invitations.create(bob, id, once)
    for (const access of ['reader', null] as const) {
      await change(access)
      await expect(accept('cleo', invitation)).rejects.toThrow(InvitationEnded)
    }
    expect(await members()).toEqual(['ann'])
    expect(await invitations.list(ann, id)).toEqual([invitation])
    await invitations.revoke(ann, id, invitation.id)
    await change('admin')
    await expect(accept('cleo', invitation)).rejects.toThrow(InvitationEnded)
    await expect(invitations.create(cleo, id, once)).rejects.toMatchObject({ code: 'no-access' })
  })
})

test('[INVITE2] who is no admin any more when the list has been read is told none of it', async () => {
  const due: (() => Promise<unknown>)[] = []
  const { node, id, invitations } = await createStand(async () => due.shift()?.())
  const change = (access: 'admin' | 'writer') =>
    node.conversations.apply(ann, id, { kind: 'member', user: bob, access })
  await change('admin')
  expect(await invitations.list(bob, id)).toEqual([])
  due.push(() => change('writer'))
  await expect(invitations.list(bob, id)).rejects.toMatchObject({ code: 'no-access' })
})
