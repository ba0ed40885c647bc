// Changes of messages in an open conversation: shown at once, sent, refused, withdrawn.
import { expect, test } from 'vitest'

import { Refusal } from '../../client/api.ts'
import { encodeEntry } from '../../shared/chat/entry.ts'
import { append, createDoc } from '../helpers/chain-doc.ts'
import { ann, bob, message, messageId } from '../helpers/client-rows.ts'
import { keepingMemory, openRig, type OpenRig, stampAll } from '../helpers/open-rig.ts'

async function rigWithMessages(): Promise<OpenRig> {
  const rig = await openRig()
  const other = createDoc(7)
  append(other, 'bob', [encodeEntry({ ...message(1, 'of bob'), mentions: [ann] }), encodeEntry(message(2, 'second'))])
  rig.conversation.send('mine')
  rig.upload()
  rig.server.receive(other)
  stampAll(rig.server)
  rig.download()
  return rig
}

const shown = (rig: OpenRig): readonly unknown[] => rig.conversation.messages.getSnapshot()
const find = (rig: OpenRig, text: string): ReturnType<typeof messageId> => {
  const found = rig.conversation.messages.getSnapshot().find(({ content }) => content === text)
  if (found === undefined) throw new Error(`not shown: ${text}`)
  return found.id
}

test('[TOUCH1] edits, reactions, pins and redactions show at once, as pending, and then as they were stamped', async () => {
  const rig = await rigWithMessages()
  const { conversation } = rig
  const [mine, of] = [find(rig, 'mine'), messageId(1)]
  conversation.edit(mine, 'mine, better')
  conversation.react(of, '👍')
  conversation.pin(of)
  conversation.redact(messageId(2))
  const pending = [
    { content: 'of bob', reactions: [{ emoji: '👍', users: ['ann'] }], pinned: true, changes: 'pending' },
    { content: '', redactedBy: 'ann', changes: 'pending' },
    { content: 'mine, better', changes: 'pending' },
  ]
  expect(shown(rig)).toHaveLength(3)
  for (const view of pending) expect(shown(rig)).toContainEqual(expect.objectContaining(view))
  rig.sync()
  for (const { changes: _changes, ...view } of pending) expect(shown(rig)).toContainEqual(expect.objectContaining(view))
  expect(JSON.stringify(shown(rig))).not.toContain('changes')
  expect(conversation.failedChanges.getSnapshot()).toEqual([])
})

test('[TOUCH1] what is so already is not done again', async () => {
  const rig = await rigWithMessages()
  const { conversation } = rig
  const mine = find(rig, 'mine')
  conversation.react(mine, '👍')
  conversation.edit(mine, 'new')
  const { unsent } = conversation
  conversation.react(mine, '👍')
  conversation.react(mine, '🎉', false)
  conversation.edit(mine, 'new')
  conversation.pin(mine, false)
  expect(conversation.unsent).toBe(unsent)
  conversation.react(mine, '👍', false)
  expect(conversation.unsent).toBe(unsent + 1)
  expect(shown(rig)).toContainEqual(expect.not.objectContaining({ reactions: expect.anything() }))
})

test('[TOUCH2] what the rules do not allow is refused at once, and what nobody would take is a TypeError', async () => {
  const rig = await rigWithMessages()
  const { conversation } = rig
  const { unsent } = conversation
  const reasonOf = (job: () => void): unknown => {
    try {
      job()
    } catch (error) {
      return error instanceof Refusal ? error.reason : (error as Error).name
    }
  }
  expect([
    reasonOf(() => conversation.edit(messageId(1), 'x')),
    reasonOf(() => conversation.edit(messageId(99), 'x')),
    reasonOf(() => conversation.react(messageId(99), '👍')),
    reasonOf(() => conversation.edit(find(rig, 'mine'), '  ')),
    reasonOf(() => conversation.react(messageId(1), '')),
    reasonOf(() => conversation.markRead(0.5)),
  ]).toEqual(['not-author', 'no-target', 'no-target', 'TypeError', 'TypeError', 'TypeError'])
  expect(conversation.unsent).toBe(unsent)
})

test('[TOUCH2] a change that became void is kept with its reason until it is dismissed, also over a restart', async () => {
  const storage = keepingMemory()
  const rig = await openRig({ storage })
  rig.sync()
  const id = rig.conversation.send('mine')
  rig.sync()
  rig.conversation.react(id, '👍')
  rig.sync({ 0: 'too-many' })
  expect(shown(rig)).toEqual([expect.not.objectContaining({ reactions: expect.anything() })])
  const failed = [{ entry: { kind: 'react', of: id, emoji: '👍', on: true }, reason: 'too-many' }]
  expect(rig.conversation.failedChanges.getSnapshot()).toMatchObject(failed)
  await rig.conversation.close()
  const again = await openRig({ storage, server: rig.server, firstClient: 200 })
  expect(again.conversation.failedChanges.getSnapshot()).toMatchObject(failed)
  for (const change of again.conversation.failedChanges.getSnapshot()) again.conversation.dismiss(change)
  expect(again.conversation.failedChanges.getSnapshot()).toEqual([])
  await again.conversation.flush()
  expect(await storage.outbox(again.conversation.id)).toEqual([])
})

test('[TOUCH2] changes that cannot go out any more are told as failed, and dropping one withdraws it', async () => {
  const rig = await rigWithMessages()
  const { conversation } = rig
  conversation.react(messageId(1), '👍')
  rig.connections[0]?.status({ phase: 'refused', code: 'no-access', reason: '' })
  expect(shown(rig)).toContainEqual(expect.not.objectContaining({ reactions: expect.anything() }))
  const [change] = conversation.failedChanges.getSnapshot()
  expect(change).toMatchObject({ entry: { kind: 'react' }, reason: 'access' })
  if (change !== undefined) conversation.dismiss(change)
  expect(conversation.failedChanges.getSnapshot()).toEqual([])
  expect(conversation.unsent).toBe(0)
})

test('[TOUCH2][POLICY1] what is pending counts: one emoji more than a message may have is refused at once, and so is an edit of what is redacted', async () => {
  const rig = await rigWithMessages()
  const { conversation } = rig
  const emoji = Array.from({ length: 20 }, (_, index) => String.fromCodePoint(0x1f600 + index))
  const reasonOf = (job: () => void): unknown => {
    try {
      job()
    } catch (error) {
      return error instanceof Refusal && error.reason
    }
  }
  for (const id of [messageId(1), conversation.send('not sent yet')]) {
    for (const each of emoji) conversation.react(id, each)
    const { unsent } = conversation
    expect(reasonOf(() => conversation.react(id, '🎉'))).toBe('too-many')
    expect(reasonOf(() => conversation.react(id, ' '))).toBe('bad-schema')
    conversation.react(id, emoji[0] ?? '')
    expect(conversation.unsent).toBe(unsent)
    conversation.react(id, emoji[0] ?? '', false)
    conversation.react(id, '🎉')
    expect(conversation.unsent).toBe(unsent + 2)
  }
  const mine = find(rig, 'mine')
  conversation.redact(mine)
  expect(reasonOf(() => conversation.edit(mine, 'once more'))).toBe('redacted')
  rig.sync()
  expect(conversation.failedChanges.getSnapshot()).toEqual([])
})

/** Of an admin who is no more: somebody may rely on each of them. */
function changeAll({ setTitle, set, setMember }: OpenRig['conversation']): readonly unknown[] {
  setTitle('Plans')
  set('history', 'from-join')
  set('wipe', true)
  setMember('cleo', 'writer')
  return [
    { kind: 'set', key: 'title', value: 'Plans' },
    { kind: 'set', key: 'history', value: 'from-join' },
    { kind: 'set', key: 'wipe', value: true },
    { kind: 'member', user: 'cleo', access: 'writer' },
  ]
}

test('[OUTBOX4] a setting or a member that became void is told with its reason until it is dismissed, also over a restart', async () => {
  const storage = keepingMemory()
  const rig = await openRig({ storage })
  rig.sync()
  const entries = changeAll(rig.conversation)
  expect(rig.conversation.info.getSnapshot()).toMatchObject({ title: 'Plans' })
  rig.sync({ 0: 'access', 1: 'access', 2: 'access', 3: 'access' })
  const failed = entries.map((entry) => ({ entry, reason: 'access' }))
  expect(rig.conversation.failedChanges.getSnapshot()).toMatchObject(failed)
  expect(rig.conversation.info.getSnapshot()).toMatchObject({ title: null })
  await rig.conversation.close()
  const again = await openRig({ storage, server: rig.server, firstClient: 200 })
  expect(again.conversation.failedChanges.getSnapshot()).toMatchObject(failed)
  for (const change of again.conversation.failedChanges.getSnapshot()) again.conversation.dismiss(change)
  expect(again.conversation.failedChanges.getSnapshot()).toEqual([])
  await again.conversation.flush()
  expect(await storage.outbox(again.conversation.id)).toEqual([])
})

test('[OUTBOX4] settings and members that can go out no more are told, dropping one withdraws it, and leaving has come about', async () => {
  const rig = await openRig()
  rig.sync()
  const { conversation } = rig
  const entries = changeAll(conversation)
  conversation.setMember('bob', 'owner')
  conversation.setMember('ann', null)
  rig.connections[0]?.status({ phase: 'refused', code: 'no-access', reason: '' })
  const failed = [...entries, { kind: 'member', user: bob, access: 'owner' }]
  expect(conversation.failedChanges.getSnapshot()).toMatchObject(failed.map((entry) => ({ entry, reason: 'access' })))
  for (const change of conversation.failedChanges.getSnapshot()) conversation.dismiss(change)
  expect(conversation.failedChanges.getSnapshot()).toEqual([])
  expect(conversation.unsent).toBe(1)
})

test('[OUTBOX4] that somebody was removed who is no member any more is so already', async () => {
  const rig = await openRig()
  rig.sync()
  rig.conversation.setMember('bob', 'writer')
  rig.conversation.setMember('bob', null)
  rig.sync({ 0: 'too-many', 1: 'no-target' })
  const [change, ...others] = rig.conversation.failedChanges.getSnapshot()
  expect(change).toMatchObject({ entry: { kind: 'member', user: bob, access: 'writer' }, reason: 'too-many' })
  expect(others).toEqual([])
})

test("[UNREAD1] others' messages behind the register count, redacted ones do not, and mentions are told apart", async () => {
  const rig = await rigWithMessages()
  const { conversation } = rig
  expect(conversation.unread).toEqual({ unread: 2, mentions: 1 })
  conversation.redact(messageId(2))
  rig.sync()
  expect(conversation.unread).toEqual({ unread: 1, mentions: 1 })
  conversation.markRead(0)
  const { unsent } = conversation
  conversation.markRead(0)
  expect(conversation.unsent).toBe(unsent)
  conversation.markRead()
  expect(conversation.unread).toEqual({ unread: 0, mentions: 0 })
  expect(rig.conversation.document.replica.folded.reads.get(bob)).toBeUndefined()
})

test('[TOUCH1][ARCH2] what is archived and not here can be changed all the same: the server says whether there is such a message', async () => {
  const rig = await rigWithMessages()
  const mine = find(rig, 'mine')
  rig.server.archive(2)
  const away = await openRig({ server: rig.server, firstClient: 300 })
  away.download()
  expect(shown(away)).toEqual([])
  away.conversation.edit(mine, 'mine, better')
  away.conversation.react(messageId(1), '👍')
  expect(away.conversation.unsent).toBe(2)
  expect(() => away.conversation.setMember('nobody', null)).toThrow(Refusal)
})
