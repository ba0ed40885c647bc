// Erasing from end to end: what was redacted or deleted over the wire is in no file of the data folder any more, logs of the
// store included, also when the server was killed right after it had said yes.
import { onTestFinished, expect, test } from 'vitest'
import * as Y from 'yjs'

import { encodeEntry, type MessageId } from '../../shared/chat/entry.ts'
import { limits } from '../../shared/limits.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'
import { freshMessageId, StockClient } from '../helpers/stock-client.ts'
import { until } from '../helpers/until.ts'
import { filesWithEach, newMarker } from '../server/storage/marked-files.ts'

const erasedWithinMs = 30_000
const testMs = 90_000

type Way = 'socket' | 'REST'

/** A message of ann's, with a marker wherever words of it may stand. */
interface Marked {
  readonly id: MessageId
  readonly way: Way
  readonly markers: string[]
}

interface Stage {
  readonly server: ServerProcess
  readonly conversation: string
  readonly ann: StockClient
  readonly bob: StockClient
}

async function setStage(): Promise<Stage> {
  const server = await startServerProcess()
  onTestFinished(() => server.dispose())
  const conversation = await server.createConversation('ann', 'bob')
  const join = async (user: string): Promise<StockClient> => {
    const client = new StockClient({ url: server.url, conversation, user, token: await server.token(user) })
    onTestFinished(() => client.destroy())
    await client.synced()
    return client
  }
  return { server, conversation, ann: await join('ann'), bob: await join('bob') }
}

async function ask({ server }: Stage, method: string, path: string, body?: unknown): Promise<void> {
  const { status } = await server.rest('ann', method, path, body)
  if (status < 200 || status > 299) throw new Error(`${method} ${path}: ${status}`)
}

function pathOf({ conversation }: Stage): string {
  return `/api/conversations/${conversation}/messages`
}

/** With a marker in its content and one in its parts; over a socket it was streamed before, with a marker in a piece. */
async function say(stage: Stage, way: Way): Promise<Marked> {
  const markers = [newMarker(), newMarker()]
  const [content = '', part] = markers
  const parts = [{ type: 'note', text: part }]
  const id = freshMessageId()
  if (way === 'socket') {
    const piece = newMarker()
    markers.push(piece)
    stage.ann.append(encodeEntry({ kind: 'delta', of: id, text: piece }))
    await stage.ann.sent()
    stage.ann.say(content, { id, parts })
    await stage.ann.sent()
    return { id, way, markers }
  }
  await ask(stage, 'POST', pathOf(stage), { id, role: 'user', content, parts })
  return { id, way, markers }
}

/** Replaces the content by another marker. */
async function edit(stage: Stage, { id, way, markers }: Marked): Promise<void> {
  const content = newMarker()
  markers.push(content)
  if (way === 'REST') return ask(stage, 'PATCH', `${pathOf(stage)}/${id}`, { content })
  stage.ann.append(encodeEntry({ kind: 'edit', of: id, content, at: Date.now() }))
  return stage.ann.sent()
}

async function redact(stage: Stage, { id, way }: Marked): Promise<void> {
  if (way === 'REST') return ask(stage, 'DELETE', `${pathOf(stage)}/${id}`)
  stage.ann.append(encodeEntry({ kind: 'redact', of: id }))
  return stage.ann.sent()
}

/** So much is said that all that was said before is archived. */
async function archive({ ann, bob }: Stage): Promise<void> {
  await ann.sent()
  const last = ann.view().lastSeq
  const filler = Array.from({ length: limits.windowEntries + 1 }, (_, index) => `filler ${index}`)
  for (const text of filler) ann.say(text)
  await ann.sent()
  for (const client of [ann, bob]) await client.until('it is archived', () => client.view().through >= last)
}

/** Messages over both ways: two that are archived, of which one is edited before and after, and two that are live. */
async function sayMarked(stage: Stage): Promise<readonly Marked[]> {
  const old = [await say(stage, 'socket'), await say(stage, 'REST')]
  await stage.ann.sent()
  for (const one of old) await edit(stage, one)
  await archive(stage)
  for (const one of old) await edit(stage, one)
  const live = [await say(stage, 'socket'), await say(stage, 'REST')]
  await stage.ann.sent()
  for (const one of live) await edit(stage, one)
  return [...old, ...live]
}

/** Those of the markers that are in some file, with the files. */
async function found({ server }: Stage, markers: readonly string[]): Promise<readonly string[]> {
  return [...(await filesWithEach(server.folder, markers))].map(([marker, files]) => `${marker}: ${files.join()}`)
}

async function vanished(stage: Stage, markers: readonly string[]): Promise<void> {
  const start = Date.now()
  await until('nothing is found any more', async () => (await found(stage, markers)).length === 0, erasedWithinMs)
  console.log(`${markers.length} markers were gone after ${Date.now() - start} ms`)
}

/** Ends the server in the middle of it, or not; how many markers were left then. */
async function interrupt(stage: Stage, ending: string, markers: readonly string[]): Promise<void> {
  if (ending !== 'SIGKILL') return
  await stage.server.kill()
  console.log(`${(await found(stage, markers)).length} of ${markers.length} markers were left by the SIGKILL`)
  await stage.server.start()
}

const endings = ['goes on', 'SIGKILL']

test.each(endings)(
  '[ERASE1] what was redacted, archived or live, over a socket or REST, is in no file: the server %s',
  { timeout: testMs },
  async (ending) => {
    const stage = await setStage()
    const marked = await sayMarked(stage)
    const kept = await say(stage, 'socket')
    await stage.ann.sent()
    await stage.bob.until('bob has heard it all', () => stage.bob.view().lastSeq === stage.ann.view().lastSeq)
    const markers = marked.flatMap((one) => one.markers)
    expect(markers).toHaveLength(16)
    expect(await found(stage, markers)).toHaveLength(markers.length)

    for (const one of marked) await redact(stage, one)
    // One that did not know: void, and not kept.
    const late = newMarker()
    const [first] = marked
    if (first !== undefined)
      stage.ann.append(encodeEntry({ kind: 'edit', of: first.id, content: late, at: Date.now() }))
    await stage.ann.sent()
    await interrupt(stage, ending, markers)
    await vanished(stage, markers)

    expect(await found(stage, [late])).toEqual([])
    expect(await found(stage, kept.markers)).toHaveLength(kept.markers.length)
    for (const { id } of marked) {
      const { body } = await stage.server.rest('bob', 'GET', `${pathOf(stage)}/${id}`)
      expect(body).toMatchObject({ content: '', redacted_by: 'ann' })
      expect(body).not.toHaveProperty('parts')
    }
    await stage.bob.until('bob has heard of it', () => stage.bob.view().lastSeq === stage.ann.view().lastSeq)
    const documents = [stage.ann, stage.bob].map(({ doc }) =>
      Buffer.from(Y.encodeStateAsUpdate(doc)).toString('latin1'),
    )
    expect(markers.filter((marker) => documents.some((document) => document.includes(marker)))).toEqual([])
    expect(markers.filter((marker) => stage.server.stderr.includes(marker))).toEqual([])
    // And nothing of it comes back with the next start.
    await stage.server.stop()
    await stage.server.start()
    expect(await found(stage, markers)).toEqual([])
  },
)

test.each(endings)(
  '[ERASE2] of a conversation that was deleted nothing is in any file, and others lose nothing: the server %s',
  { timeout: testMs },
  async (ending) => {
    const stage = await setStage()
    const { server, conversation, ann, bob } = stage
    const marked = await sayMarked(stage)
    const [title, setting, kept] = [newMarker(), newMarker(), newMarker()]
    await ask(stage, 'PATCH', `/api/conversations/${conversation}`, { title })
    ann.append(encodeEntry({ kind: 'set', key: 'topic', value: { setting } }))
    await ann.sent()
    const other = await server.createConversation('ann')
    await ask(stage, 'POST', `/api/conversations/${other}/messages`, { role: 'user', content: kept })
    const markers = [...marked.flatMap((one) => one.markers), title, setting]
    expect(await found(stage, markers)).toHaveLength(markers.length)

    await ask(stage, 'DELETE', `/api/conversations/${conversation}`)
    expect([await ann.ended(), await bob.ended()].map(({ code }) => code)).toEqual([4410, 4410])
    await interrupt(stage, ending, markers)
    await vanished(stage, markers)

    expect(await found(stage, [kept])).toHaveLength(1)
    expect((await server.rest('ann', 'GET', `/api/conversations/${other}/messages`)).body).toMatchObject([
      { content: kept },
    ])
    expect((await server.rest('ann', 'GET', `/api/conversations/${conversation}`)).status).toBe(410)
    expect((await server.rest('ann', 'PUT', `/api/conversations/${conversation}`, {})).status).toBe(410)
    expect(markers.filter((marker) => server.stderr.includes(marker))).toEqual([])
    await server.stop()
    await server.start()
    expect(await found(stage, markers)).toEqual([])
    expect((await server.rest('ann', 'GET', `/api/conversations/${conversation}`)).status).toBe(410)
  },
)
