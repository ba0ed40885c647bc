// Conversations that the server says the user cannot open: removed from, deleted, or lost by a server that was put back.
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import { encodeEntry } from '../../shared/chat/entry.ts'
import { faults } from '../../shared/fault.ts'
import type { RestConversationItem } from '../../shared/rest.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import { append, createDoc } from '../helpers/chain-doc.ts'
import { conversationId, conversationRow, message, restItem } from '../helpers/client-rows.ts'
import type { ClientRig } from '../helpers/client-rig.ts'
import { keepingMemory, type OpenRig, openRig, rigId } from '../helpers/open-rig.ts'
import { createStampingServer } from '../helpers/stamping-server.ts'
import { turn } from '../helpers/when.ts'
import { timedClients } from './timed-clients.ts'

const [one, two] = [conversationId(1), conversationId(2)]

describe('what is unsent in it', () => {
  function refuse(rig: OpenRig, code: 'no-access' | 'not-found' | 'deleted'): void {
    rig.connections.at(-1)?.status({ phase: 'refused', code, reason: faults[code].text })
  }

  test.each(['no-access', 'deleted'] as const)(
    '[CLIENT4][OUTBOX2] %s: it is shown as failed, and kept',
    async (code) => {
      const rig = await openRig()
      rig.conversation.send('before')
      rig.sync()
      rig.conversation.send('typed on the train')
      const [sent] = rig.conversation.messages.getSnapshot()
      refuse(rig, code)
      expect(rig.shown()).toEqual(['before: sent', 'typed on the train: access'])
      expect(rig.conversation.messages.getSnapshot()[0]).toBe(sent)
      expect(rig.conversation.status.getSnapshot().pending).toBe(0)
      // Without a connection nobody knows better.
      rig.connections.at(-1)?.status({ phase: 'offline', reason: '' })
      expect(rig.shown()).toEqual(['before: sent', 'typed on the train: access'])
      await rig.conversation.flush()
      expect(await rig.storage.unsent()).toEqual([rigId])
    },
  )

  test('[CLIENT4] not-found: it is pending still, for whoever made the conversation brings it back', async () => {
    const rig = await openRig()
    rig.conversation.send('Ahoy')
    refuse(rig, 'not-found')
    expect(rig.shown()).toEqual(['Ahoy: pending'])
  })

  test('[OUTBOX2] taken back again, it goes out', async () => {
    const rig = await openRig()
    rig.conversation.send('Ahoy')
    refuse(rig, 'no-access')
    rig.conversation.reconnect()
    expect(rig.connections.map(({ isClosed }) => isClosed)).toEqual([true, false])
    expect(rig.shown()).toEqual(['Ahoy: access'])
    rig.connections.at(-1)?.status({ phase: 'live' })
    expect(rig.shown()).toEqual(['Ahoy: pending'])
    rig.sync()
    expect(rig.shown()).toEqual(['Ahoy: sent'])
  })

  test('[CLIENT4][SYNC7] dropped, it is forgotten, and its place goes out empty', async () => {
    const rig = await openRig()
    const [first, second] = ['first', 'second'].map((text) => rig.conversation.send(text))
    if (first === undefined || second === undefined) throw new Error('nothing was sent')
    refuse(rig, 'no-access')
    rig.conversation.discard(first)
    expect(rig.shown()).toEqual(['second: access'])
    rig.conversation.retry(second)
    expect(rig.shown()).toEqual(['second: access'])
    await rig.conversation.flush()
    expect(await rig.storage.outbox(rigId)).toHaveLength(1)
    rig.connections.at(-1)?.status({ phase: 'live' })
    rig.upload()
    expect(Y.getState(rig.server.doc.store, rig.doc().clientID)).toBe(3)
    rig.sync({ 0: 'no-bytes', 1: 'no-bytes' })
    expect(rig.shown()).toEqual(['second: sent'])
    await rig.conversation.flush()
    await turn()
    expect(await rig.storage.outbox(rigId)).toEqual([])
    expect(rig.connections).toHaveLength(1)
  })

  test('[CLIENT4] what is pending is neither dropped nor sent again', async () => {
    const rig = await openRig()
    const id = rig.conversation.send('Ahoy')
    rig.conversation.discard(id)
    expect(() => rig.conversation.retry(id)).toThrow(TypeError)
    expect(rig.shown()).toEqual(['Ahoy: pending'])
  })
})

describe('a client', () => {
  const { start, settle } = timedClients()

  function item(id: ConversationId): RestConversationItem {
    const updated = new Date(5000).toISOString()
    return restItem(id, { created_at: updated, updated_at: updated, last_seq: 0, unread: 1 })
  }

  /** Somebody else writes, and the server stamps it. */
  function write(rig: ClientRig, id: ConversationId, content: string): void {
    const doc = createDoc(0x1000 + content.length)
    append(doc, 'ann', [encodeEntry(message(5000 + content.length, content))])
    Y.applyUpdate(rig.server(id).doc, Y.encodeStateAsUpdate(doc), 'device')
  }

  function listed({ client }: ClientRig): readonly string[] {
    return client.conversations.getSnapshot().map(({ id, access }) => `${id === one ? 1 : 2}: ${access ?? 'none'}`)
  }

  test('[OUTBOX2][MEMBER2] removed with something unsent, it stays listed until it is forgotten', async () => {
    const rig = start()
    rig.listed.push(item(one))
    write(rig, one, 'Ahoy')
    await settle()
    rig.isOffline = true
    const conversation = await rig.client.open(one)
    const id = conversation.send('typed on the train')
    await settle()
    rig.listed.splice(0)
    rig.lost.set(one, 'no-access')
    rig.sync.remove(one)
    rig.isOffline = false
    await settle(120_000)
    await rig.client.refresh()
    expect(listed(rig)).toEqual(['1: none'])
    expect(conversation.messages.getSnapshot().at(-1)).toMatchObject({
      delivery: { state: 'failed', reason: 'access' },
    })
    conversation.discard(id)
    conversation.send('and this')
    await settle()
    expect(listed(rig)).toEqual(['1: none'])
    await rig.client.forget(one)
    expect(listed(rig)).toEqual([])
    expect(await rig.storage.unsent()).toEqual([])
  })

  test.each(['no-access', 'not-found', 'deleted'] as const)(
    '[MEMBER1][OUTBOX2] %s, and then not any more: what is open is connected again, and what was typed goes out',
    async (code) => {
      const rig = start()
      rig.listed.push(item(one))
      write(rig, one, 'Ahoy')
      await settle()
      const conversation = await rig.client.open(one)
      await settle()
      rig.sync.remove(one, code)
      await settle()
      expect(conversation.status.getSnapshot().connection).toMatchObject({ phase: 'refused', code })
      conversation.send('typed since')
      // What it missed is not what brings it back.
      rig.sync.admit(one)
      await settle()
      expect(conversation.status.getSnapshot().connection).toEqual({ phase: 'live' })
      expect(conversation.messages.getSnapshot().at(-1)?.delivery.state).toBe('sent')
    },
  )

  test('[FORK2] a conversation of somebody else that the server has lost stays listed', async () => {
    const servers = new Map([one, two].map((id, index) => [id, createStampingServer(900 + index, 'bob')]))
    const rig = start({ servers })
    rig.listed.push(item(one), item(two))
    write(rig, one, 'Ahoy')
    write(rig, two, 'Ahoy')
    await settle()
    rig.listed.splice(0)
    for (const id of [one, two]) rig.lost.set(id, 'not-found')
    for (const id of [one, two]) rig.sync.remove(id, 'not-found')
    await settle()
    await rig.client.refresh()
    await settle()
    expect(listed(rig).toSorted()).toEqual(['1: none', '2: none'])
    expect(rig.registered.size).toBe(0)
    expect(rig.client.background.status.getSnapshot()).toEqual({ phase: 'current', left: 0 })
    const asks = rig.asked.length
    await rig.client.refresh()
    expect(rig.asked.length).toBe(asks + 1)
  })

  test('[FORK2][CLIENT3] a conversation of one’s own that the server has lost is registered again, once', async () => {
    const rig = start()
    rig.listed.push(item(one))
    write(rig, one, 'Ahoy')
    await settle()
    rig.listed.splice(0)
    rig.lost.set(one, 'not-found')
    rig.sync.remove(one, 'not-found')
    await settle(120_000)
    expect([...rig.registered]).toEqual([[one, { members: [] }]])
    expect(listed(rig)).toEqual(['1: none'])
    rig.sync.admit(one)
    await settle()
    rig.lost.clear()
    await rig.client.open(one)
    await settle()
    expect(listed(rig)).toEqual(['1: owner'])
  })

  test('[MEMBER2] what is closed after the user was removed stays gone, and what was forgotten does not come back', async () => {
    const rig = start()
    rig.listed.push(item(one))
    write(rig, one, 'Ahoy')
    await settle()
    const conversation = await rig.client.open(one)
    await settle()
    await expect(rig.client.forget(one)).rejects.toThrow(TypeError)
    rig.listed.splice(0)
    rig.sync.remove(one)
    await settle()
    await conversation.close()
    await settle()
    expect(listed(rig)).toEqual(['1: none'])
    const again = await rig.client.open(one)
    await settle()
    await rig.client.forget(one)
    await settle()
    expect(again.messages.getSnapshot()).toEqual([])
    expect(listed(rig)).toEqual([])
    expect(await rig.storage.conversations()).toEqual([])
  })

  test('what a list of several pages misses stays, unless the server says of it alone that it is gone', async () => {
    const storage = keepingMemory()
    for (const id of [one, two]) await storage.putConversation(conversationRow(id))
    const rig = start({ storage })
    rig.lost.set(two, 'no-access')
    await rig.client.refresh()
    await settle()
    expect(listed(rig)).toEqual(['1: owner', '2: none'])
    expect(rig.asked).toHaveLength(3)
    // Of that nobody asks again.
    await rig.client.refresh()
    expect(rig.asked).toHaveLength(5)
  })

  test('[OUTBOX3] a store that could not be opened keeps nothing from closing', async () => {
    const rig = start({ openStorage: () => Promise.reject(new Error('another process has it')) })
    await expect(rig.client.open(one)).rejects.toThrow('another process has it')
    await expect(rig.client.close()).resolves.toBeUndefined()
  })
})
