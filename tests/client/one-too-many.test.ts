// Two people, one message, room for one emoji more: whole clients against a whole server.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

import type { Conversation } from '../../client/api.ts'
import type { MessageId } from '../../shared/chat/entry.ts'
import { limits } from '../../shared/limits.ts'
import { isLive, RealClients, shared } from '../helpers/real-clients.ts'
import { when } from '../helpers/when.ts'

let clients: RealClients
beforeAll(async () => {
  clients = await RealClients.start()
})
afterEach(() => clients.reset())
afterAll(() => clients.close())

const emoji = (index: number): string => String.fromCodePoint(0x1f600 + index)
const isSent = ({ status }: Conversation): Promise<unknown> =>
  when(status, ({ connection, pending }) => connection.phase === 'live' && pending === 0)

function emojiOf(conversation: Conversation, id: MessageId): readonly string[] {
  return (
    conversation
      .message(id)
      .getSnapshot()
      ?.reactions?.map((reaction) => reaction.emoji) ?? []
  )
}

test.each([
  ['live', 0],
  ['archived', limits.windowEntries],
])(
  '[TOUCH2][OUTBOX4] the one whose emoji or pin is one too many is told so, the others see the other one’s (%s)',
  { timeout: 120_000 },
  async (_where, more) => {
    const ann = await shared(clients.client('ann'), 'bob')
    ann.setMember('bob', 'admin')
    const said = Array.from({ length: limits.pins + 1 }, (_, index) => ann.send(`number ${index}`))
    const [of = said[0]] = said
    if (of === undefined) throw new Error('nothing was said')
    for (let index = 0; index < limits.emojiPerMessage - 1; index++) ann.react(of, emoji(index))
    for (const id of said.slice(0, limits.pins - 1)) ann.pin(id)
    for (let index = 0; index < more; index++) ann.send(`and so on ${index}`)
    await isSent(ann)
    const bob = await clients.client('bob').open(ann.id)
    await isLive(bob)
    await when(bob.info, ({ access }) => access === 'admin')
    const isHere = emojiOf(bob, of).length > 0
    expect(isHere).toBe(more === 0)
    while ((await bob.loadOlder(500)) > 0);
    await when(bob.message(of), (message) => message?.reactions?.length === limits.emojiPerMessage - 1)

    clients.proxy.cut()
    const [last, over] = said.slice(-2)
    if (last === undefined || over === undefined) throw new Error('nothing was said')
    ann.react(of, emoji(30))
    bob.react(of, emoji(31))
    ann.pin(last)
    bob.pin(over)
    expect([ann, bob].map((one) => emojiOf(one, of).length)).toEqual([20, 20])
    clients.proxy.heal()

    const refused = (one: Conversation): readonly string[] =>
      one.failedChanges.getSnapshot().map(({ entry, reason }) => `${entry.kind} ${reason}`)
    await expect
      .poll(() => new Set([...refused(ann), ...refused(bob)]), { timeout: 40_000 })
      .toEqual(new Set(['pin too-many', 'react too-many']))
    expect(refused(ann).length + refused(bob).length).toBe(2)
    for (const one of [ann, bob]) await isSent(one)
    const kept = refused(ann).includes('react too-many') ? emoji(31) : emoji(30)
    const all = [...Array.from({ length: limits.emojiPerMessage - 1 }, (_, index) => emoji(index)), kept]
    const fresh = await clients.client('bob').open(ann.id)
    await isLive(fresh)
    while ((await fresh.loadOlder(500)) > 0);
    for (const one of [ann, bob, fresh]) {
      await expect.poll(() => emojiOf(one, of), { timeout: 40_000 }).toEqual(all)
      await expect.poll(() => one.pins.getSnapshot().length).toBe(limits.pins)
    }
    expect(ann.pins.getSnapshot().map(({ message }) => message)).toEqual(
      fresh.pins.getSnapshot().map(({ message }) => message),
    )
  },
)
