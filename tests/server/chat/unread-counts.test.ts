// Counting what is unread reads what is new, and not a conversation's rows again for every list.
import { describe, expect, test } from 'vitest'

import { asReader } from '../../../server/chat/private-reads.ts'
import { createConversations } from '../../../server/chat/service.ts'
import { UnreadCounts } from '../../../server/chat/unread.ts'
import type { ConversationStore, Head, MemberRow } from '../../../server/storage/conversation-store.ts'
import type { StampedMessage } from '../../../shared/chat/message.ts'
import { limits } from '../../../shared/limits.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { userId } from '../../helpers/chain-doc.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode, type SyncNode } from '../../helpers/sync-node.ts'

const [ann, bob] = [userId('ann'), userId('bob')]

interface Stand {
  readonly node: SyncNode
  readonly id: ConversationId
  readonly say: (text: string, mentions?: readonly (typeof ann)[]) => Promise<StampedMessage>
  /** What is counted, and how many rows were read for it. */
  readonly count: (counts: UnreadCounts) => Promise<{ unread: number; mentions: number; rows: number }>
  readonly store: ConversationStore
}

async function start(): Promise<Stand> {
  const node = createSyncNode()
  const id = await node.create('ann', 'bob')
  const inner = node.gate.store
  let rows = 0
  const store: ConversationStore = {
    ...inner,
    messages: async (...asked) => {
      const found = await inner.messages(...asked)
      rows += found.length
      return found
    },
  }
  return {
    node,
    id,
    store,
    say: async (text, mentions) => {
      const entry = messageEntry(text, mentions === undefined ? {} : { mentions })
      return (await node.conversations.post(ann, id, entry, undefined)).message
    },
    count: async (counts) => {
      rows = 0
      const [stored, member] = [await store.head(id), await store.member(id, bob)]
      if (stored?.kind !== 'head' || member === undefined) throw new Error('no conversation')
      const { unread, mentions } = await counts.count(id, stored.head, asReader(member, stored.head))
      return { unread, mentions, rows }
    },
  }
}

describe('what is remembered', () => {
  test('[UNREAD1] only newer rows are read, none when nothing is new', async () => {
    const { say, count, store } = await start()
    const counts = new UnreadCounts(store)
    for (const text of ['one', 'two', 'three']) await say(text)
    expect(await count(counts)).toEqual({ unread: 3, mentions: 0, rows: 3 })
    expect(await count(counts)).toEqual({ unread: 3, mentions: 0, rows: 0 })
    await say('four', [bob])
    expect(await count(counts)).toEqual({ unread: 4, mentions: 1, rows: 1 })
  })

  test('[UNREAD1] a redaction and a register that moved begin the count anew; an edit does not', async () => {
    const { node, id, say, count, store } = await start()
    const counts = new UnreadCounts(store)
    const [first, second] = [await say('one', [bob]), await say('two', [bob])]
    await say('three')
    expect(await count(counts)).toEqual({ unread: 3, mentions: 2, rows: 3 })
    await node.conversations.apply(ann, id, { kind: 'edit', of: second.id, content: 'else', at: 1 })
    expect(await count(counts)).toEqual({ unread: 3, mentions: 2, rows: 0 })
    await node.conversations.apply(ann, id, { kind: 'redact', of: second.id })
    expect(await count(counts)).toEqual({ unread: 2, mentions: 1, rows: 3 })
    await node.conversations.read(bob, id, { through: first.seq })
    expect(await count(counts)).toEqual({ unread: 1, mentions: 0, rows: 2 })
  })

  test('[UNREAD1] own messages are none, and it stops at what a badge can show', async () => {
    const { node, id, count, store } = await start()
    await node.conversations.post(bob, id, messageEntry('mine'), undefined)
    const counts = new UnreadCounts(store)
    // All are one's own, and the head says so.
    expect(await count(counts)).toEqual({ unread: 0, mentions: 0, rows: 0 })
    await node.conversations.post(ann, id, messageEntry('hers'), undefined)
    expect(await count(counts)).toEqual({ unread: 1, mentions: 0, rows: 2 })
    const messages: StampedMessage[] = Array.from({ length: 3000 }, (_, seq) => {
      const { id: message, role, content, at } = messageEntry('x', { at: 1 })
      const mentions = [bob]
      return {
        id: message,
        role,
        content,
        mentions,
        user: seq % 2 ? ann : bob,
        writtenAt: at,
        seq,
        createdAt: 1,
        revision: seq,
      }
    })
    let reads = 0
    const many: ConversationStore = {
      ...store,
      messages: async (_id, { after = -1, limit }) => {
        reads++
        return messages.slice(after + 1, after + 1 + limit)
      },
    }
    const head = { lastMessageSeq: 2999, nextSeq: 3000, redactions: 0 } as Head
    const member: MemberRow = { user: bob, access: 'writer', readThrough: -1, received: -1 }
    const capped = new UnreadCounts(many)
    expect(await capped.count(id, head, asReader(member, head))).toMatchObject({ unread: 999, mentions: 999 })
    expect(reads).toBe(Math.ceil((2 * limits.unreadCount) / limits.pageMessages))
    await capped.count(id, { ...head, lastMessageSeq: 3001 }, asReader(member, head))
    expect(reads).toBe(Math.ceil((2 * limits.unreadCount) / limits.pageMessages))
  })

  test('[UNREAD1] so many are remembered and no more: those asked for longest ago are forgotten', async () => {
    const { node, id, say, store } = await start()
    await say('one')
    const counts = new UnreadCounts(store, 2)
    const stored = await store.head(id)
    if (stored?.kind !== 'head') throw new Error('no conversation')
    for (const name of ['a', 'b', 'a', 'c']) {
      const member: MemberRow = { user: userId(name), access: 'writer', readThrough: -1, received: -1 }
      expect(await counts.count(id, stored.head, asReader(member, stored.head))).toMatchObject({ unread: 1 })
    }
    expect(counts.size).toBe(2)
    expect(node.errors).toEqual([])
  })
})

describe('what comes while it is counted', () => {
  /** What is told when `happens` comes right before rows are read, once; and what is right for `lastSeq`. */
  async function countWhile(happens: (stand: Stand, said: readonly StampedMessage[]) => Promise<unknown>) {
    const stand = await start()
    const said = [await stand.say('one', [bob]), await stand.say('two', [bob])]
    let pending: (() => Promise<unknown>) | undefined = () => happens(stand, said)
    const store: ConversationStore = {
      ...stand.store,
      messages: async (...asked) => {
        const due = pending
        pending = undefined
        await due?.()
        return stand.store.messages(...asked)
      },
    }
    const { registry } = stand.node
    const drawConversationId = (): ConversationId => stand.id
    const conversations = createConversations({ store, registry, drawConversationId })
    return { ...stand, conversations, said }
  }

  test('[UNREAD1] a message is not among what is unread up to a seq before it, and is behind it', async () => {
    const { conversations, id } = await countWhile(({ say }) => say('three', [bob]))
    expect(await conversations.own(bob, id)).toMatchObject({ lastSeq: 2, unread: 2, mentions: 2 })
    expect(await conversations.own(bob, id)).toMatchObject({ lastSeq: 3, unread: 3, mentions: 3 })
  })

  test('[UNREAD1] what counted further does not count for who asked before', async () => {
    const { conversations, id } = await countWhile(async ({ say }) => {
      await say('three', [bob])
      expect(await conversations.own(bob, id)).toMatchObject({ lastSeq: 3, unread: 3 })
    })
    expect(await conversations.own(bob, id)).toMatchObject({ lastSeq: 2, unread: 2, mentions: 2 })
    expect(await conversations.own(bob, id)).toMatchObject({ lastSeq: 3, unread: 3, mentions: 3 })
  })

  test('[UNREAD1] a redaction that is missing in what is unread is before the seq that is told with it', async () => {
    const { conversations, id } = await countWhile(({ node, id: at }, [first]) => {
      if (first === undefined) throw new Error('nothing was said')
      return node.conversations.apply(ann, at, { kind: 'redact', of: first.id })
    })
    const line = { lastSeq: 3, unread: 1, mentions: 1 }
    expect(await conversations.own(bob, id)).toMatchObject(line)
    const { items } = await conversations.list(bob, { limit: 10, cursor: undefined })
    expect(items).toMatchObject([{ ...line, lastMessage: { content: 'two' } }])
  })

  test('[STORE7] a conversation that is deleted meanwhile is not in the list, and does not take it along', async () => {
    const { conversations, node, id } = await countWhile((stand) => stand.node.conversations.delete(ann, stand.id))
    const other = await node.create('ann', 'bob')
    const { items } = await conversations.list(bob, { limit: 10, cursor: undefined })
    expect(items.map((item) => item.id)).toEqual([other])
    await expect(conversations.own(bob, id)).rejects.toMatchObject({ code: 'deleted' })
  })
})
