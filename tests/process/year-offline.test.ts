// A program in Node that was offline "for a year", its store on disk: what it changed and wrote meanwhile meets what others changed,
// all of it archived since. It is settled once, and shown the same by the server's rows, by a fresh device and from the cache.
import { onTestFinished, expect, test } from 'vitest'
import { z } from 'zod'

import { encodeEntry, type KnownEntry, type MessageId } from '../../shared/chat/entry.ts'
import { limits } from '../../shared/limits.ts'
import { parseRoot } from '../../shared/sync/roots.ts'
import { StockClient } from '../helpers/stock-client.ts'
import { wholeHistory } from '../helpers/whole-history.ts'
import type { View } from './node-client-program.ts'
import type { NodeDevice } from './node-device.ts'
import { setStage, type Stage } from './node-stage.ts'

const testMs = 120_000

async function join({ server }: Stage, conversation: string, user: string): Promise<StockClient> {
  const client = new StockClient({ url: server.url, conversation, user, token: await server.token(user) })
  onTestFinished(() => client.destroy())
  await client.synced()
  return client
}

/** So much is said that all that was said before is archived. */
async function archive(writer: StockClient, what: string): Promise<void> {
  const last = writer.view().lastSeq
  writer.doc.transact(() => {
    for (let count = 0; count <= limits.windowEntries; count++) writer.say(`${what} ${count}`)
  })
  await writer.sent()
  await writer.until('it is archived', () => writer.view().through >= last)
}

async function touch(client: StockClient, ...entries: readonly KnownEntry[]): Promise<void> {
  client.append(...entries.map(encodeEntry))
  await client.sent()
}

/** Ids by content. */
function idsOf({ messages }: View): (content: string) => MessageId {
  return (content) => {
    const found = messages.filter((message) => message.content === content)
    const [message] = found
    if (message === undefined || found.length > 1) throw new Error(`not one message says ${content}`)
    return message.id
  }
}

/** Everything that can be had, without what depends on who is looking. */
async function whole(device: NodeDevice): Promise<readonly object[]> {
  const { messages } = await device.run({ kind: 'load' })
  return messages
}

const chainAnswer = z.object({ entries: z.array(z.object({ state: z.string(), reason: z.string().optional() })) })

/** What became of each entry that a user ever wrote, chain by chain. */
async function fatesOf({ server }: Stage, conversation: string, reader: StockClient, user: string): Promise<string[]> {
  const chains = [...reader.doc.share.keys()].flatMap((name) => {
    const root = parseRoot(name)
    return root?.kind === 'chain' && root.user === user ? [root.client] : []
  })
  const answers = await Promise.all(
    chains.map((client) => server.rest(user, 'GET', `/api/conversations/${conversation}/chains/${client}`)),
  )
  return answers.flatMap(({ body }) => chainAnswer.parse(body).entries.map(({ state, reason }) => reason ?? state))
}

test(
  '[ARCH2][TOUCH1][TOUCH2][OUTBOX2][PAGE2][PAGE3] a year offline, killed meanwhile and on its way back: everything is settled once, and shown everywhere',
  { timeout: testMs },
  async () => {
    const stage = await setStage()
    const { server, proxy, device } = stage
    const id = await server.createConversation('bob', 'ann', 'cleo')
    const [bob, cleo] = [await join(stage, id, 'bob'), await join(stage, id, 'cleo')]
    const ann = await device('ann')
    await ann.open(id)
    await ann.run({ kind: 'live' })
    const own = ['own archived', 'own archived, to be redacted', 'own edited', 'own redacted by bob', 'own redacted']
    await ann.send(...own.slice(0, 2))
    bob.say('of bob, archived')
    await bob.sent()
    await ann.run({ kind: 'settled' })
    await archive(cleo, 'before')
    await ann.send(...own.slice(2))
    for (const text of ['of bob', 'of bob, to be edited', 'of bob, to be redacted']) bob.say(text)
    await bob.sent()
    await ann.run({ kind: 'kept' })
    await ann.run({ kind: 'settled' })
    const idOf = idsOf(await ann.run({ kind: 'load' }))

    // She goes away, and does all she can.
    proxy.cut()
    await ann.run({
      kind: 'change',
      changes: [
        { kind: 'edit', of: idOf('own archived'), content: 'own archived, edited offline' },
        { kind: 'edit', of: idOf('own archived, to be redacted'), content: 'in vain, of the archive' },
        { kind: 'edit', of: idOf('own edited'), content: 'own edited offline' },
        { kind: 'edit', of: idOf('own redacted by bob'), content: 'in vain' },
      ],
    })
    await ann.send('new one', 'new two')
    const during = await ann.run({
      kind: 'change',
      changes: [
        { kind: 'redact', of: idOf('own redacted') },
        { kind: 'react', of: idOf('of bob, archived'), emoji: '📚', on: true },
        { kind: 'react', of: idOf('of bob'), emoji: '👍', on: true },
        { kind: 'react', of: idOf('of bob, to be edited'), emoji: '🎉', on: true },
        { kind: 'react', of: idOf('of bob, to be redacted'), emoji: '👀', on: true },
      ],
    })
    await ann.run({
      kind: 'change',
      changes: [{ kind: 'edit', of: idsOf(during)('new one'), content: 'new one, edited' }],
    })
    const shown = await ann.run({ kind: 'load' })
    await ann.killAndRestart()
    await ann.open(id)
    const again = await ann.run({ kind: 'load' })
    expect(again.messages).toEqual(shown.messages)
    expect(again.lines).toEqual(expect.arrayContaining(['sent own edited offline', 'pending new one, edited']))
    expect(again.messages.filter(({ changes }) => changes === 'pending')).toHaveLength(10)
    await ann.send('new three')

    // Meanwhile: three archivings at least, and what others do to the same messages, archived as well.
    await touch(
      bob,
      { kind: 'redact', of: idOf('own redacted by bob') },
      { kind: 'redact', of: idOf('of bob, to be redacted') },
    )
    await archive(cleo, 'first')
    await touch(bob, { kind: 'edit', of: idOf('of bob, to be edited'), content: 'of bob, edited', at: Date.now() })
    await archive(bob, 'second')
    await touch(bob, { kind: 'redact', of: idOf('own archived, to be redacted') })
    await archive(cleo, 'third')
    await server.stop()
    await server.start()

    // Killed once more, in the middle of what is sent and told.
    proxy.heal()
    await ann.run({ kind: 'live' })
    await ann.killAndRestart()
    await ann.open(id)
    await ann.run({ kind: 'live' })
    await ann.run({ kind: 'kept' })
    await ann.run({ kind: 'load' })
    const back = await ann.run({ kind: 'settled' })
    const failed = back.failedChanges.map(({ entry, reason }) => [entry.kind, 'of' in entry && entry.of, reason])
    expect(failed).toEqual([
      ['edit', idOf('own archived, to be redacted'), 'redacted'],
      ['edit', idOf('own redacted by bob'), 'redacted'],
    ])

    // Once: each entry that she ever wrote, and what became of it.
    await bob.synced()
    await bob.until('bob has heard of it', () => bob.texts().includes('new three'))
    const fates = await fatesOf(stage, id, bob, 'ann')
    expect(fates.filter((fate) => fate !== 'accepted')).toEqual(['redacted', 'redacted'])
    // Beside receipts, of which there are as many as there were pauses.
    expect(fates.length).toBeGreaterThanOrEqual(5 + 3 + 8 + 2)

    // The rows, a fresh device, and what is cached here tell the same.
    const rows = await wholeHistory(server, 'bob', id)
    const rowOf = new Map(rows.map((row) => [row.id, row]))
    const expected: [text: string, row: object][] = [
      ['own archived', { content: 'own archived, edited offline' }],
      ['own archived, to be redacted', { content: '', redacted_by: 'bob' }],
      ['own edited', { content: 'own edited offline' }],
      ['own redacted by bob', { content: '', redacted_by: 'bob' }],
      ['own redacted', { content: '', redacted_by: 'ann' }],
      ['of bob, archived', { reactions: [{ emoji: '📚', users: ['ann'] }] }],
      ['of bob', { reactions: [{ emoji: '👍', users: ['ann'] }] }],
      ['of bob, to be edited', { content: 'of bob, edited', reactions: [{ emoji: '🎉', users: ['ann'] }] }],
      ['of bob, to be redacted', { content: '', redacted_by: 'bob', reactions: [{ emoji: '👀', users: ['ann'] }] }],
    ]
    for (const [text, row] of expected) expect(rowOf.get(idOf(text))).toMatchObject(row)
    expect(rows.slice(-3).map(({ content }) => content)).toEqual(['new one, edited', 'new two', 'new three'])

    const fresh = await device('ann')
    await fresh.open(id)
    await fresh.run({ kind: 'live' })
    const newcomer = await whole(fresh)
    expect(newcomer).toHaveLength(rows.length)
    const here = await whole(ann)
    expect(here).toHaveLength(rows.length)
    expect(here).toEqual(newcomer)
    proxy.cut()
    await ann.restart()
    await ann.open(id)
    const cached = await whole(ann)
    expect(cached).toHaveLength(rows.length)
    expect(cached).toEqual(newcomer)
    expect((await ann.look()).failedChanges).toEqual(back.failedChanges)
    await Promise.all([ann.end(), fresh.end()])
  },
)
