// What is taken back before it was sent: a raw socket of another member writes down every byte that the server relays, and
// REST and the files of the server are searched for the words.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'
import * as Y from 'yjs'

import type { ChatClient, Conversation } from '../../client/api.ts'
import { createChatClient } from '../../client/node.ts'
import { encodeEntry, type MessageId } from '../../shared/chat/entry.ts'
import { encodeStep1 } from '../../shared/sync/wire.ts'
import { CuttingProxy } from '../helpers/cutting-proxy.ts'
import { RawSocket } from '../helpers/raw-socket.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'
import { StockClient } from '../helpers/stock-client.ts'
import { until } from '../helpers/until.ts'
import { filesWithEach, newMarker } from '../server/storage/marked-files.ts'

interface Stage {
  readonly server: ServerProcess
  readonly id: string
  /** All that bob was sent. */
  readonly heard: () => string
}

async function setStage(): Promise<Stage> {
  const server = await startServerProcess()
  onTestFinished(() => server.dispose())
  const id = await server.createConversation('ann', 'bob')
  const witness = new RawSocket({ url: server.url, room: id, token: await server.token('bob') })
  onTestFinished(() => witness.terminate())
  const bytes: Uint8Array[] = []
  witness.take = (frame) => {
    bytes.push(frame.bytes)
    return false
  }
  await witness.opened()
  witness.send(encodeStep1(Y.encodeStateVector(new Y.Doc())))
  await witness.next('step2')
  return { server, id, heard: () => Buffer.concat(bytes).toString('latin1') }
}

/** The words that somebody but their author could read; `kept` shows that they would be found. */
async function leaks({ server, id, heard }: Stage, words: readonly string[], kept: string): Promise<readonly string[]> {
  await until('the witness hears', () => heard().includes(kept))
  const { body } = await server.rest('bob', 'GET', `/api/conversations/${id}/messages?limit=200`)
  const rows = JSON.stringify(body)
  expect(rows).toContain(kept)
  expect(await filesWithEach(server.dataDir, [kept])).not.toEqual(new Map())
  const files = await filesWithEach(server.dataDir, words)
  return words.filter((word) => heard().includes(word) || rows.includes(word) || files.has(word))
}

const edit = (of: MessageId, content: string): Uint8Array => encodeEntry({ kind: 'edit', of, content, at: Date.now() })
const redact = (of: MessageId): Uint8Array => encodeEntry({ kind: 'redact', of })

test.each([
  ['in one commit', 1],
  ['in a backlog of several commits', 300],
])('[UNSENT1] what reaches the server with its redaction, %s, is seen by nobody', async (_how, count) => {
  const stage = await setStage()
  const { server, id } = stage
  const ann = new StockClient({ url: server.url, conversation: id, user: 'ann', token: await server.token('ann') })
  onTestFinished(() => ann.destroy())
  await ann.synced()
  ann.provider.disconnect()
  const words: string[] = []
  const word = (): string => {
    const marker = newMarker()
    words.push(marker)
    return marker
  }
  const kept = newMarker()
  const taken = Array.from({ length: count }, () => {
    const of = ann.say(word(), { parts: [{ text: word() }] })
    ann.append(encodeEntry({ kind: 'react', of, emoji: 'x', on: true }), edit(of, word()))
    ann.say('a reply', { replyTo: of })
    return of
  })
  // All of it first, then all redactions: as far apart as they can be.
  for (const of of taken) ann.append(redact(of))
  const [first] = taken
  if (first !== undefined) ann.append(edit(first, word()))
  ann.say(kept)
  ann.provider.connect()
  await ann.sent()
  expect(words).toHaveLength(3 * count + 1)
  expect(await leaks(stage, words, kept)).toEqual([])
  expect(ann.texts().filter((text) => words.includes(text))).toEqual([])
  const { body } = await server.rest('ann', 'GET', `/api/conversations/${id}/messages?limit=200`)
  const replies = (body as { content: string }[]).filter(({ content }) => content === 'a reply')
  expect(replies).toHaveLength(Math.min(count, 199))
  // And what is said afterwards arrives.
  const later = newMarker()
  ann.say(later)
  await ann.sent()
  await until('the witness hears', () => stage.heard().includes(later))
})

interface Device {
  readonly client: ChatClient
  readonly conversation: Conversation
}

async function openDevice(stage: Stage, proxy: CuttingProxy, folder: string): Promise<Device> {
  const { server, id } = stage
  const client = createChatClient({ url: proxy.url, user: 'ann', token: await server.token('ann'), folder })
  onTestFinished(() => client.close())
  return { client, conversation: await client.open(id) }
}

const isLive = ({ status }: Conversation): boolean => status.getSnapshot().connection.phase === 'live'

test('[UNSENT1] what a device takes back before it is sent does not leave it, in whatever order, over a restart too', async () => {
  const stage = await setStage()
  const proxy = await CuttingProxy.start(() => stage.server.url)
  onTestFinished(() => proxy.close())
  const folder = await mkdtemp(join(tmpdir(), 'parley-unsent-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const { client, conversation: before } = await openDevice(stage, proxy, folder)
  await until('live', () => isLive(before))
  const sent = before.send('sent before')
  await until('sent', () => before.status.getSnapshot().pending === 0)
  proxy.cut()
  await until('offline', () => !isLive(before))
  const words = Array.from({ length: 7 }, newMarker)
  const [one = '', two = '', three = '', four = '', five = '', six = '', seven = ''] = words
  const kept = newMarker()

  const a = before.send({ content: one, parts: [{ text: two }] })
  before.react(a, 'x')
  before.edit(a, three)
  before.edit(sent, four)
  const reply = before.send({ content: 'a reply', replyTo: a })
  before.redact(a)
  before.redact(a)
  before.redact(sent)
  const b = before.send(five)
  before.pin(b)
  const c = before.send(six)
  before.edit(c, seven)
  expect(() => before.edit(a, 'again')).toThrow('no-target')
  expect(before.messages.getSnapshot().map(({ id }) => id)).toEqual([sent, reply, b, c])
  await before.flush()
  expect((await filesWithEach(folder, [five, six])).size).toBe(2)
  await client.close()

  const { conversation: after } = await openDevice(stage, proxy, folder)
  expect(after.messages.getSnapshot().map(({ id }) => id)).toEqual([sent, reply, b, c])
  after.redact(b)
  after.redact(c)
  after.send(kept)
  proxy.heal()
  await until('everything is sent', () => isLive(after) && after.status.getSnapshot().pending === 0)
  await until('nothing waits', () => after.messages.getSnapshot().every(({ changes }) => changes === undefined))
  expect(await leaks(stage, words, kept)).toEqual([])
  const shown = after.messages.getSnapshot()
  expect(shown.map(({ content }) => content)).toEqual(['', 'a reply', kept])
  expect(shown.every(({ delivery }) => 'seq' in delivery)).toBe(true)
  expect(after.failedChanges.getSnapshot()).toEqual([])
})

test('[UNSENT1] what was on its way when it was taken back is redacted for everybody', async () => {
  const stage = await setStage()
  const proxy = await CuttingProxy.start(() => stage.server.url)
  onTestFinished(() => proxy.close())
  const folder = await mkdtemp(join(tmpdir(), 'parley-unsent-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const { conversation: device } = await openDevice(stage, proxy, folder)
  await until('live', () => isLive(device))
  const ids = Array.from({ length: 20 }, (_, index) => device.send(`word ${index}`))
  for (const id of ids) device.redact(id)
  const kept = newMarker()
  device.send(kept)
  await until('all is sent', () => device.status.getSnapshot().pending === 0)
  await until('the witness hears', () => stage.heard().includes(kept))
  const shown = async (): Promise<readonly { content: string }[]> => {
    const { body } = await stage.server.rest('bob', 'GET', `/api/conversations/${stage.id}/messages`)
    return body as { content: string }[]
  }
  expect((await shown()).filter(({ content }) => content.startsWith('word'))).toEqual([])
  expect(device.failedChanges.getSnapshot()).toEqual([])
  expect(device.messages.getSnapshot().filter(({ content }) => content.startsWith('word'))).toEqual([])
})
