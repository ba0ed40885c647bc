// A device that took a message back and was killed before it had put that in order: the words are still in its outbox.
import { expect, test, vi } from 'vitest'
import * as Y from 'yjs'

import { encodeEntry } from '../../shared/chat/entry.ts'
import { ann, bob, clientId, message, messageId, row } from '../helpers/client-rows.ts'
import { bring, keepingMemory, openRig, rigId, stampAll, goLive } from '../helpers/open-rig.ts'
import { turn } from '../helpers/when.ts'

test('[UNSENT1] what an earlier run took back is taken out of what is still to be sent', async () => {
  const storage = keepingMemory()
  const entries = [
    message(1, 'secret'),
    { kind: 'edit', of: messageId(1), content: 'secret too', at: 5 } as const,
    message(2, 'stays'),
    { kind: 'redact', of: messageId(1) } as const,
  ]
  await storage.putPool(rigId, { client: clientId(5), next: 0 })
  for (const [clock, entry] of entries.entries()) {
    await storage.putOutbox(rigId, { client: clientId(5), clock, payload: encodeEntry(entry) })
  }
  const rig = await openRig({ storage, user: ann })
  expect(rig.shown()).toEqual(['stays: pending'])
  expect(Buffer.from(Y.encodeStateAsUpdate(rig.doc())).toString('latin1')).not.toContain('secret')
  await rig.conversation.flush()
  expect((await storage.outbox(rigId)).map(({ clock }) => clock)).toEqual([2, 3])
  // What is not there need not be taken away: the author is not told that it could not be.
  rig.sync({ 0: 'no-bytes', 1: 'no-bytes', 3: 'no-target' })
  expect(rig.shown()).toEqual(['stays: sent'])
  expect(rig.conversation.failedChanges.getSnapshot()).toEqual([])
  await rig.conversation.flush()
  expect(await storage.outbox(rigId)).toEqual([])
})

test('[UNSENT1] what one tab takes back another does not send, whichever of them comes first', async () => {
  const storage = keepingMemory()
  const one = await openRig({ storage, user: ann })
  const other = await openRig({ storage, user: ann, server: one.server, firstClient: 200 })
  const id = one.conversation.send('secret')
  bring(one.doc(), other.doc())
  expect(other.shown()).toEqual(['secret: pending'])
  other.conversation.redact(id)
  bring(other.doc(), one.doc())
  expect(one.shown()).toEqual([])
  bring(one.doc(), other.doc())
  expect(other.shown()).toEqual([])
  one.upload()
  other.upload()
  stampAll(one.server, { 0: 'no-bytes', 1: 'no-target', 2: 'no-target' })
  for (const rig of [one, other]) rig.download()
  for (const { conversation } of [one, other]) {
    await conversation.flush()
    expect(conversation.failedChanges.getSnapshot()).toEqual([])
    expect(conversation.unsent).toBe(0)
  }
  expect([...one.shown(), ...other.shown()]).toEqual([])
  expect(await storage.outbox(rigId)).toEqual([])
  expect(Buffer.from(Y.encodeStateAsUpdate(one.server.doc)).toString('latin1')).not.toContain('secret')
})

test('[UNSENT1][FORK1] a tab that was opened meanwhile takes what the other took back for no fork', async () => {
  const storage = keepingMemory()
  const one = await openRig({ storage })
  const id = one.conversation.send('secret')
  one.conversation.edit(id, 'secret too')
  const other = await openRig({ storage, server: one.server, firstClient: 200 })
  expect(other.conversation.unsent).toBe(2)
  one.conversation.redact(id)
  await one.conversation.flush()
  one.sync({ 0: 'no-bytes', 1: 'no-bytes', 2: 'no-target' })
  other.download()
  await vi.waitFor(() => expect(other.conversation.unsent).toBe(0))
  expect([one.conversation.unsent, one.connections.length, other.connections.length]).toEqual([0, 1, 1])
  expect([one, other].map(({ conversation }) => conversation.failedChanges.getSnapshot())).toEqual([[], []])
})

test('[FORK1] what another copy of the device took back at the place of what is kept here was not it', async () => {
  const [storage, copy] = [keepingMemory(), keepingMemory()]
  for (const each of [storage, copy]) await each.putPool(rigId, { client: clientId(5), next: 0 })
  const one = await openRig({ storage })
  const twin = await openRig({ storage: copy, server: one.server })
  twin.conversation.redact(twin.conversation.send('of the other copy'))
  one.conversation.send('of this one')
  twin.sync({ 0: 'no-bytes', 1: 'no-target' })
  one.download()
  await vi.waitFor(() => expect(one.connections.length).toBe(2))
})

test('[UNSENT1][THREAD1] what was answered in the thread of a message that nobody ever sees is a reply to it, as it was edited', async () => {
  const rig = await openRig({ storage: keepingMemory(), user: ann })
  const { conversation } = rig
  const root = conversation.send('secret')
  const answer = conversation.send({ content: 'in its threa', thread: root })
  conversation.edit(answer, 'in its thread')
  conversation.react(answer, '🎉')
  const nested = conversation.send({ content: 'and again', thread: root, replyTo: answer })
  conversation.redact(root)
  expect(rig.shown()).toEqual(['in its thread: pending', 'and again: pending'])
  // Its place, and that of all that has moved, is empty; only a redaction of nothing is left of it.
  rig.sync({ 0: 'no-bytes', 1: 'no-target', 2: 'no-target', 3: 'no-target', 4: 'no-target', 5: 'no-target' })
  expect(rig.shown()).toEqual(['in its thread: sent', 'and again: sent'])
  const [first, second] = conversation.messages.getSnapshot()
  expect(first).toMatchObject({ id: answer, replyTo: root, reactions: [{ emoji: '🎉', users: ['ann'] }] })
  expect(second).toMatchObject({ id: nested, replyTo: answer })
  for (const shown of [first, second]) expect(shown).not.toHaveProperty('thread')
  expect(conversation.unsent).toBe(0)
})

test('[THREAD1][OUTBOX4] an answer whose thread was taken back elsewhere is sent again, and copied, as a reply', async () => {
  const rig = await openRig({ storage: keepingMemory(), user: ann })
  const { conversation } = rig
  const root = conversation.send('root')
  const answer = conversation.send({ content: 'answer', thread: root })
  rig.sync({ 0: 'no-bytes', 1: 'no-target' })
  conversation.discard(root)
  expect(rig.shown()).toEqual(['answer: no-target'])
  expect(conversation.copy(answer)).toEqual({ content: 'answer', role: 'user', replyTo: root })
  conversation.retry(answer)
  rig.sync()
  expect(conversation.messages.getSnapshot()).toMatchObject([{ content: 'answer', replyTo: root }])
  expect(rig.shown()).toEqual(['answer: sent'])
})

test('[UNSENT1][THREAD1] what was on its way with its root stays where the server has put it, and what is sent behind it is no second one', async () => {
  const rig = await openRig({ storage: keepingMemory(), user: ann })
  const { conversation } = rig
  const root = conversation.send('root')
  const answer = conversation.send({ content: 'answer', thread: root })
  conversation.react(answer, '🎉')
  // The server has taken them; their stamps are on their way.
  rig.upload()
  stampAll(rig.server)
  conversation.redact(root)
  expect(rig.shown()).toEqual(['answer: pending'])
  // Behind the redaction: the answer, as a reply, and the reaction once more.
  rig.sync({ 1: 'duplicate' })
  expect(conversation.unsent).toBe(0)
  const other = await openRig({ server: rig.server, user: bob, firstClient: 200 })
  other.download()
  for (const { conversation: seen } of [rig, other])
    expect(seen.messages.getSnapshot()).toMatchObject([
      { id: answer, content: 'answer', thread: root, reactions: [{ emoji: '🎉', users: ['ann'] }] },
    ])
})

test.each(['heard of by another tab', 'left in the store'] as const)(
  '[UNSENT1] what a tab took back that crashed right behind that is sent by no other tab: its redaction is %s',
  async (how) => {
    const storage = keepingMemory()
    // The last that the crashed tab did is not on the medium: its redaction is, and the words are still.
    const crashing = { ...storage, removeOutbox: () => new Promise<void>(() => undefined) }
    const crashed = await openRig({ storage: crashing, user: ann })
    const id = crashed.conversation.send('secret')
    crashed.conversation.edit(id, 'secret too')
    await turn()
    if (how === 'left in the store') crashed.conversation.redact(id)
    await turn()
    const options = { storage, user: ann, server: crashed.server, firstClient: 200 }
    const rig = await openRig({ ...options, lookUpChain: () => Promise.resolve(undefined) })
    if (how === 'heard of by another tab') {
      bring(crashed.doc(), rig.doc())
      crashed.conversation.redact(id)
      bring(crashed.doc(), rig.doc())
    }
    const said: Uint8Array[] = []
    rig.doc().on('update', (update: Uint8Array) => said.push(update))
    await turn()
    crashed.local.chain.release()
    goLive(rig)
    for (let turns = 0; turns < 20; turns++) await turn()
    expect(rig.shown()).toEqual([])
    expect(await storage.outbox(rigId)).toHaveLength(1)
    for (const bytes of [...said, Y.encodeStateAsUpdate(rig.doc())])
      expect(Buffer.from(bytes).toString('latin1')).not.toContain('secret')
  },
)

test('[UNSENT1][FORK1] nor by one that builds the document anew meanwhile', async () => {
  const storage = keepingMemory()
  const release = await storage.lockChain(rigId, clientId(60))
  await storage.putOutbox(rigId, row(60, 0, message(1, 'secret')))
  await storage.putOutbox(rigId, row(60, 1, { kind: 'redact', of: messageId(1) }))
  const rig = await openRig({ storage, user: ann })
  rig.conversation.send('not secret')
  rig.sync()
  release?.()
  rig.connections.at(-1)?.status({ phase: 'refused', code: 'forked', reason: '' })
  await vi.waitFor(() => expect(rig.connections).toHaveLength(2))
  const said: Uint8Array[] = []
  rig.doc().on('update', (update: Uint8Array) => said.push(update))
  goLive(rig)
  await vi.waitFor(() => expect(rig.conversation.document.doc).toBe(rig.doc()))
  await rig.conversation.flush()
  expect(rig.shown()).toEqual(['not secret: sent'])
  for (const bytes of [...said, Y.encodeStateAsUpdate(rig.doc())])
    expect(Buffer.from(bytes).toString('latin1')).not.toMatch(/(?<!not )secret/)
})
