// What a message said before, read from the log: also when it is archived, never what was streamed or did not count.
import { expect, test } from 'vitest'

import { windowRules } from '../../../server/chat/archiving.ts'
import { encodeEntry } from '../../../shared/chat/entry.ts'
import { limits } from '../../../shared/limits.ts'
import { createDoc, userId } from '../../helpers/chain-doc.ts'
import { bringTogether, FakeDevice } from '../../helpers/fake-device.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode } from '../../helpers/sync-node.ts'

const window = { ...windowRules, entries: 40, keptEntries: 10, keptAtLeast: 4 }

test('[VERSION1] the versions of an archived message are its accepted edits, the newest hundred', async () => {
  const node = createSyncNode({ window })
  const id = await node.create('ann', 'bob')
  const [ann, bob] = [new FakeDevice('ann', id, createDoc(1)), new FakeDevice('bob', id, createDoc(2))]
  for (const device of [ann, bob]) await device.connect(node)
  const entry = messageEntry('first')
  const of = entry.id
  const edit = (content: string): Uint8Array => encodeEntry({ kind: 'edit', of, content, at: 7 })
  ann.append(encodeEntry({ kind: 'delta', of, text: 'fi' }), encodeEntry(entry), edit('second'))
  await bringTogether(node, [ann, bob])
  bob.append(edit('not his'))
  ann.append(encodeEntry({ kind: 'react', of, emoji: 'x', on: true }))
  await bringTogether(node, [ann, bob])
  const read = async () => (await node.conversations.versions(userId('ann'), id, of)).map(({ content }) => content)
  expect(await read()).toEqual(['first', 'second'])

  ann.append(...Array.from({ length: limits.versions }, (_, index) => edit(`edit ${index}`)))
  await bringTogether(node, [ann, bob])
  const head = await node.gate.store.head(id)
  const message = await node.conversations.message(userId('ann'), id, of)
  expect(head).toMatchObject({ kind: 'head' })
  expect(head?.kind === 'head' && head.head.through).toBeGreaterThan(message.seq)
  const newest = await read()
  expect(newest).toHaveLength(limits.versions)
  expect([newest.at(0), newest.at(-1)]).toEqual(['edit 0', 'edit 99'])

  await node.conversations.apply(userId('ann'), id, { kind: 'redact', of })
  await expect(read()).rejects.toMatchObject({ reason: 'redacted' })
  await expect(node.conversations.versions(userId('bob'), id, of)).rejects.toMatchObject({ reason: 'redacted' })
  expect(node.errors).toEqual([])
})

test('[VERSION1] large versions are told as far as one answer holds them, and never none', async () => {
  const node = createSyncNode()
  const id = await node.create('ann')
  const large = (index: number): string => `${index}${'x'.repeat(limits.entryBytes - 1000)}`
  const entry = messageEntry(large(0))
  await node.conversations.post(userId('ann'), id, entry, undefined)
  for (let index = 1; index <= 20; index++) {
    await node.conversations.apply(userId('ann'), id, { kind: 'edit', of: entry.id, content: large(index), at: 7 })
  }
  const versions = await node.conversations.versions(userId('ann'), id, entry.id)
  expect(versions.length).toBeGreaterThan(10)
  expect(versions.reduce((sum, { content }) => sum + content.length, 0)).toBeLessThan(limits.versionBytes)
  expect(versions.at(-1)?.content).toBe(large(20))
})
