// An open conversation: what it takes, what it refuses, and what becomes of what was sent.
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import { Refusal } from '../../client/api.ts'
import { encodeEntry, type KnownEntry, parseEntry } from '../../shared/chat/entry.ts'
import { encodeRecord } from '../../shared/sync/record.ts'
import { append, createDoc } from '../helpers/chain-doc.ts'
import { ann, bob, clientId, message, messageId } from '../helpers/client-rows.ts'
import { bring, openRig, rigId, type OpenRig, stampAll } from '../helpers/open-rig.ts'
import { createStampingServer } from '../helpers/stamping-server.ts'

/** What another device appended, brought to the server. */
function fromElsewhere({ server }: OpenRig, client: number, user: string, ...entries: readonly KnownEntry[]): void {
  const doc = createDoc(client)
  append(doc, user, entries.map(encodeEntry))
  server.receive(doc)
}

/** The entries of the outbox. */
async function outbox({ storage }: OpenRig): Promise<readonly unknown[]> {
  return (await storage.outbox(rigId)).map(({ payload }) => {
    const parsed = parseEntry(payload)
    return parsed.kind === 'entry' ? parsed.entry : parsed.reason
  })
}

function contents({ conversation }: OpenRig): readonly string[] {
  return conversation.messages.getSnapshot().map(({ content }) => content)
}

describe('sending', () => {
  test('[CLIENT1][CLIENT4] a message is shown at once, pending, and kept', async () => {
    const rig = await openRig({ beforehand: { title: 'Harbour', access: 'owner' } })
    const { conversation } = rig
    const id = conversation.send('Ahoy')
    expect(conversation.messages.getSnapshot()).toEqual([
      { id, user: 'ann', role: 'user', content: 'Ahoy', writtenAt: 1001, own: true, delivery: { state: 'pending' } },
    ])
    expect(conversation.status.getSnapshot().pending).toBe(1)
    await conversation.flush()
    expect(await outbox(rig)).toEqual([{ kind: 'message', id, role: 'user', content: 'Ahoy', at: 1001 }])
    expect(conversation.info.getSnapshot()).toMatchObject({ title: 'Harbour', access: 'owner', members: [] })
  })

  test('[CLIENT4] sent: with its place and the time of the server, and out of the outbox', async () => {
    const rig = await openRig()
    const { conversation } = rig
    conversation.send('Ahoy')
    conversation.send({ content: 'and parts', role: 'assistant', parts: [{ type: 'tool' }], replyTo: messageId(1) })
    expect(conversation.unsent).toBe(2)
    rig.sync()
    expect(conversation.messages.getSnapshot().map(({ role, delivery }) => [role, delivery])).toEqual([
      ['user', { state: 'sent', seq: 0, createdAt: expect.any(Number) }],
      ['assistant', { state: 'sent', seq: 1, createdAt: expect.any(Number) }],
    ])
    expect(conversation.messages.getSnapshot()[1]).toMatchObject({ parts: [{ type: 'tool' }], replyTo: messageId(1) })
    expect(conversation.unsent).toBe(0)
    expect(conversation.status.getSnapshot().pending).toBe(0)
    await conversation.flush()
    expect(await outbox(rig)).toEqual([])
  })

  test('[OUTBOX1] the gate is closed from the moment of sending until the outbox has the entry', async () => {
    const rig = await openRig()
    const sent: string[] = []
    rig.local.doc.on('update', () => rig.connections[0]?.gate.pass(() => sent.push('update')))
    rig.conversation.send('Ahoy')
    expect(sent).toEqual([])
    await rig.conversation.flush()
    expect(sent).toEqual(['update'])
  })

  test('messages have ids of their own, in the order of their writing', async () => {
    const { conversation } = await openRig()
    const ids = Array.from({ length: 20 }, (_, index) => conversation.send(`${index}`))
    expect(new Set(ids).size).toBe(20)
    expect(ids.toSorted()).toEqual(ids)
  })

  test.each(['', ' \n\t ', { content: '' }, { content: ' ', parts: [] }])(
    'what says nothing is refused: %o',
    async (draft) => {
      const rig = await openRig()
      expect(() => rig.conversation.send(draft)).toThrow(TypeError)
      await rig.conversation.flush()
      expect(await outbox(rig)).toEqual([])
      expect(contents(rig)).toEqual([])
    },
  )

  test('parts alone say something', async () => {
    const rig = await openRig()
    rig.conversation.send({ content: '', parts: [{ type: 'image' }] })
    expect(contents(rig)).toEqual([''])
  })

  test('what no server would take for its size is refused before anything is kept', async () => {
    const rig = await openRig()
    expect(() => rig.conversation.send('é'.repeat(128 * 1024))).toThrow('256 KiB')
    rig.conversation.send('a'.repeat(255 * 1024))
    await rig.conversation.flush()
    expect(await outbox(rig)).toHaveLength(1)
  })

  test('[POLICY1] what the rules forbid is refused here, and leaves nothing behind', async () => {
    const rig = await openRig({ server: createStampingServer(900, 'bob') })
    fromElsewhere(rig, 50, 'bob', { kind: 'member', user: ann, access: 'reader' })
    rig.sync()
    const { conversation } = rig
    expect(conversation.info.getSnapshot().access).toBe('reader')
    for (const write of [
      () => conversation.send('Ahoy'),
      () => conversation.setTitle('mine'),
      () => conversation.setMember('eve', 'writer'),
    ]) {
      expect(write).toThrow(Refusal)
      expect(write).toThrow('The rules do not allow it: access.')
    }
    await conversation.flush()
    expect(await outbox(rig)).toEqual([])
    conversation.setMember('ann', null)
    expect(conversation.info.getSnapshot().access).toBeUndefined()
  })

  test('[CLIENT3] before the server is heard of nothing is forbidden', async () => {
    const { conversation } = await openRig()
    conversation.setTitle('Harbour')
    conversation.send('Ahoy')
    expect(conversation.status.getSnapshot().pending).toBe(1)
  })
})

describe('settings, members, reading', () => {
  test('a title is shown at once and after its stamp, and its length is looked at', async () => {
    const rig = await openRig()
    const { conversation } = rig
    rig.download()
    conversation.setTitle('Harbour')
    expect(conversation.info.getSnapshot()).toEqual({
      id: rigId,
      title: 'Harbour',
      settings: new Map(),
      access: 'owner',
      members: [{ user: 'ann', access: 'owner' }],
    })
    const before = conversation.info.getSnapshot()
    rig.sync()
    expect(conversation.info.getSnapshot()).toBe(before)
    conversation.setTitle(null)
    expect(conversation.info.getSnapshot().title).toBeNull()
    conversation.setTitle('x'.repeat(200))
    expect(() => conversation.setTitle('x'.repeat(201))).toThrow(TypeError)
  })

  test('members are added, changed and removed; who is none is no member', async () => {
    const rig = await openRig()
    const { conversation } = rig
    rig.download()
    conversation.setMember('bob', 'writer')
    rig.sync()
    conversation.setMember('bob', 'reader')
    expect(conversation.info.getSnapshot().members).toEqual([
      { user: 'ann', access: 'owner' },
      { user: 'bob', access: 'reader' },
    ])
    conversation.setMember('bob', null)
    expect(conversation.info.getSnapshot().members).toEqual([{ user: 'ann', access: 'owner' }])
    expect(() => conversation.setMember('no user', 'writer')).toThrow(TypeError)
    expect(() => conversation.setMember('eve', null)).toThrow('no-target')
    expect(() => conversation.setMember('ann', null)).toThrow('last-owner')
  })

  test('unread counts what others sent, until it is marked read, once', async () => {
    const rig = await openRig({ server: createStampingServer(900, 'bob') })
    const { conversation } = rig
    conversation.markRead()
    fromElsewhere(rig, 50, 'bob', { kind: 'member', user: ann, access: 'writer' }, message(1), message(2))
    rig.sync()
    conversation.send('mine')
    rig.sync()
    expect(conversation.unread.unread).toBe(2)
    conversation.markRead()
    expect(conversation.unread.unread).toBe(0)
    conversation.markRead()
    await conversation.flush()
    expect(await outbox(rig)).toEqual([{ kind: 'read', through: 2 }])
    rig.sync()
    expect(conversation.unread.unread).toBe(0)
    fromElsewhere(rig, 51, 'bob', message(3))
    rig.sync()
    expect(conversation.unread.unread).toBe(1)
  })

  test('who is no member any more marks nothing', async () => {
    const rig = await openRig({ server: createStampingServer(900, 'bob') })
    fromElsewhere(rig, 50, 'bob', message(1))
    rig.sync()
    rig.conversation.markRead()
    await rig.conversation.flush()
    expect(await outbox(rig)).toEqual([])
  })
})

describe('failing', () => {
  test('[CLIENT4][SYNC7] a void message is shown as failed, behind all others, and blocks nothing', async () => {
    const rig = await openRig()
    rig.download()
    for (const text of ['one', 'two', 'three']) rig.conversation.send(text)
    rig.sync({ 1: 'access' })
    rig.conversation.send('four')
    expect(rig.shown()).toEqual(['one: sent', 'three: sent', 'four: pending', 'two: access'])
    expect(rig.conversation.unsent).toBe(1)
  })

  test('[OUTBOX2] a failed message is there after the next start, until it is discarded', async () => {
    const first = await openRig()
    const id = first.conversation.send('Ahoy')
    first.sync({ 0: 'too-large' })
    await first.conversation.close()
    const { storage, server } = first
    const second = await openRig({ storage, server })
    expect(second.shown()).toEqual(['Ahoy: too-large'])
    expect(second.conversation.messages.getSnapshot()[0]?.id).toBe(id)
    second.conversation.discard(id)
    second.conversation.discard(id)
    expect(second.shown()).toEqual([])
    await second.conversation.close()
    expect((await openRig({ storage, server })).shown()).toEqual([])
  })

  test('a failed message is sent again as a new one, with all it had', async () => {
    const rig = await openRig()
    const id = rig.conversation.send({ content: 'Ahoy', role: 'assistant', replyTo: messageId(5), mentions: [ann] })
    rig.sync({ 0: 'access' })
    const again = rig.conversation.retry(id)
    expect(again).not.toBe(id)
    const [only, ...others] = rig.conversation.messages.getSnapshot()
    expect(others).toEqual([])
    expect(only).toMatchObject({
      id: again,
      content: 'Ahoy',
      role: 'assistant',
      replyTo: messageId(5),
      mentions: ['ann'],
      delivery: { state: 'pending' },
    })
    await rig.conversation.flush()
    expect(await rig.storage.outbox(rigId)).toHaveLength(1)
    rig.sync()
    expect(rig.shown()).toEqual(['Ahoy: sent'])
  })

  test('what the rules still forbid stays failed when it is sent again', async () => {
    const rig = await openRig({ server: createStampingServer(900, 'bob') })
    const id = rig.conversation.send('Ahoy')
    rig.sync({ 0: 'access' })
    expect(() => rig.conversation.retry(id)).toThrow(Refusal)
    expect(rig.shown()).toEqual(['Ahoy: access'])
  })

  test('only failed messages are sent again or discarded', async () => {
    const rig = await openRig()
    const id = rig.conversation.send('Ahoy')
    expect(() => rig.conversation.retry(id)).toThrow(TypeError)
    rig.conversation.discard(id)
    expect(rig.shown()).toEqual(['Ahoy: pending'])
  })

  test('[CLIENT4] a duplicate is not shown as failed', async () => {
    const rig = await openRig()
    rig.conversation.send('Ahoy')
    rig.sync({ 0: 'duplicate' })
    expect(rig.shown()).toEqual([])
    expect(rig.conversation.unsent).toBe(0)
  })

  test('[FOLD4] other bytes than the stamped ones: closed at once, and all of it still readable', async () => {
    const rig = await openRig()
    rig.download()
    rig.conversation.send('Ahoy')
    rig.upload()
    rig.server.commit([{ client: clientId(100), clock: 0 }], 5000, (payload) => payload.length)
    rig.download()
    expect(rig.connections.map(({ isClosed }) => isClosed)).toEqual([true])
    rig.conversation.send('still here')
    expect(rig.shown()).toEqual(['Ahoy: pending', 'still here: pending'])
    await rig.conversation.close()
    const { storage, server } = rig
    expect((await openRig({ storage, server })).shown()).toEqual(['Ahoy: pending', 'still here: pending'])
  })
})

describe('what others write', () => {
  test('[FOLD2][CLIENT5] it comes in the order of the server, and what was there stays the same object', async () => {
    const rig = await openRig()
    rig.download()
    rig.conversation.send('mine')
    const [mine] = rig.conversation.messages.getSnapshot()
    fromElsewhere(rig, 50, 'ann', message(1))
    stampAll(rig.server)
    rig.download()
    expect(rig.shown()).toEqual(['message 1: sent', 'mine: pending'])
    expect(rig.conversation.messages.getSnapshot()[1]).toBe(mine)
  })

  test('[FOLD3] a stamp whose entries have not arrived waits for them', async () => {
    const rig = await openRig()
    const writer = createDoc(50)
    append(writer, 'ann', [encodeEntry(message(1))])
    rig.server.receive(writer)
    stampAll(rig.server)
    // What the server wrote itself: its genesis and its stamp.
    for (const update of rig.server.updates) Y.applyUpdate(rig.local.doc, update, 'provider')
    expect(rig.shown()).toEqual([])
    bring(writer, rig.local.doc)
    expect(rig.shown()).toEqual(['message 1: sent'])
  })

  test('a change is told once per transaction, and status, list and info are the same objects until they change', async () => {
    const rig = await openRig()
    rig.download()
    const { conversation, told } = rig
    const [status, info] = [conversation.status.getSnapshot(), conversation.info.getSnapshot()]
    const before = told.changes
    fromElsewhere(rig, 50, 'ann', message(1), message(2))
    stampAll(rig.server)
    rig.download()
    expect(told.changes).toBe(before + 1)
    expect(conversation.status.getSnapshot()).toBe(status)
    expect(conversation.info.getSnapshot()).toBe(info)
  })

  test('[FORK2] what was shown stays when a later epoch is met, until there is a document of that', async () => {
    const rig = await openRig()
    rig.conversation.send('Ahoy')
    rig.sync()
    const next = createDoc(901)
    const genesis = encodeRecord({ kind: 'genesis', epoch: 1, owner: bob, createdAt: 2 })
    next.getArray('server/901').push([genesis])
    bring(next, rig.local.doc)
    expect(rig.conversation.info.getSnapshot().members).toEqual([{ user: 'ann', access: 'owner' }])
    expect(rig.shown()).toEqual(['Ahoy: sent'])
    expect(rig.connections.map(({ isClosed }) => isClosed)).toEqual([true])
  })
})
