// Data put back from a copy, with real processes and the unmodified provider: as mere files, and by `parley restore`.
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import { isSettled, rootContents } from '../helpers/chain-doc.ts'
import { type Ending, runProgram } from '../helpers/program.ts'
import { root } from '../helpers/root.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'
import { StockClient } from '../helpers/stock-client.ts'

const clients: StockClient[] = []
const servers: ServerProcess[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  for (const server of servers.splice(0)) await server.dispose()
})

interface Line {
  readonly content: string
  readonly seq: number
}

/** A device that stays what it was when its process ends. */
interface Device {
  readonly user: string
  readonly client: number
  readonly update: Uint8Array
}

interface Story {
  readonly server: ServerProcess
  readonly id: string
  /** As the copy has it. */
  readonly before: readonly Line[]
  /** Puts the copy in the place of the data, as files; the server is stopped. */
  readonly putBack: () => Promise<void>
  /** Both saw all that came after the copy. */
  readonly ann: Device
  readonly bob: Device
  /** Saw nothing of it. */
  readonly cid: Device
}

async function start(server: ServerProcess, id: string, user: string, device?: Device): Promise<StockClient> {
  const doc = new Y.Doc()
  if (device !== undefined) {
    Y.applyUpdate(doc, device.update)
    doc.clientID = device.client
  }
  const token = await server.token(user)
  const client = new StockClient({ url: server.url, conversation: id, user, token, doc })
  clients.push(client)
  return client
}

/** Its network ends, and with it its process. */
function end(client: StockClient): Device {
  const device = { user: client.user, client: client.doc.clientID, update: Y.encodeStateAsUpdate(client.doc) }
  clients.splice(clients.indexOf(client), 1)
  client.destroy()
  return device
}

async function post(server: ServerProcess, user: string, id: string, content: string): Promise<void> {
  const { status } = await server.rest(user, 'POST', `/api/conversations/${id}/messages`, { role: 'user', content })
  expect(status).toBe(201)
}

async function history(server: ServerProcess, id: string): Promise<readonly Line[]> {
  const { body } = await server.rest('ann', 'GET', `/api/conversations/${id}/messages?limit=200`)
  return body as readonly Line[]
}

function contents(lines: readonly Line[]): readonly string[] {
  return lines.map(({ content }) => content)
}

async function seen(client: StockClient, count: number): Promise<void> {
  await client.until(`${count} messages`, () => client.sentTexts().length === count)
}

/** A conversation whose data is copied; it goes on over sockets and REST, and then the server is stopped. */
async function tell(): Promise<Story> {
  const server = await startServerProcess()
  servers.push(server)
  const id = await server.createConversation('ann', 'bob', 'cid')
  const [ann, bob, cid] = [
    await start(server, id, 'ann'),
    await start(server, id, 'bob'),
    await start(server, id, 'cid'),
  ]
  ann.say('a1')
  await ann.sent()
  await post(server, 'bob', id, 'rest1')
  bob.say('b1')
  for (const client of [ann, bob, cid]) await seen(client, 3)
  const before = await history(server, id)
  const away = end(cid)
  await server.stop()
  const putBack = await server.backup()
  await server.start()
  ann.say('a2')
  await ann.sent()
  await post(server, 'bob', id, 'rest2')
  bob.say('b2')
  for (const client of [ann, bob]) await seen(client, 6)
  const devices = [end(ann), end(bob)] as const
  await server.stop()
  return { server, id, before, putBack, ann: devices[0], bob: devices[1], cid: away }
}

interface Ran extends Ending {
  readonly stdout: string
  readonly stderr: string
}

async function parley(...args: readonly string[]): Promise<Ran> {
  const program = runProgram([join(root, 'dist/server/main.js'), ...args])
  const ending = await program.ended
  return { ...ending, stdout: program.stdout(), stderr: program.stderr() }
}

async function health(server: ServerProcess): Promise<unknown> {
  const answer = await fetch(`${server.url}/health/ready`)
  expect(answer.status).toBe(200)
  return await answer.json()
}

describe('files copied back', () => {
  test('[EPOCH3] who is ahead is turned away and changes nothing, log and health say so, and whoever is not ahead goes on', async () => {
    const { server, id, before, putBack, ann, bob, cid } = await tell()
    await putBack()
    await server.start()
    expect(await health(server)).toEqual({ status: 'ok', warnings: [] })
    for (const device of [ann, bob]) {
      const client = await start(server, id, device.user, device)
      expect(await client.ended()).toEqual({ code: 4409, reason: 'server-behind' })
    }
    expect(await history(server, id)).toEqual(before)
    expect(await health(server)).toEqual({ status: 'ok', warnings: [expect.stringContaining(id)] })
    expect(server.stderr).toContain('a device knows more than this server')

    const behind = await start(server, id, 'cid', cid)
    behind.say('c1')
    await behind.sent()
    await post(server, 'bob', id, 'rest3')
    await seen(behind, 5)
    expect(behind.closes).toEqual([])
    expect(contents(await history(server, id))).toEqual([...contents(before), 'c1', 'rest3'])
  })
})

describe('parley restore', () => {
  test('[EPOCH2][EPOCH1] nothing that the copy had is lost, devices bring back their own, and all converge', async () => {
    const { server, id, before, ann, bob, cid } = await tell()
    await rename(join(server.dataDir, 'store'), join(server.folder, 'broken'))
    const backup = join(server.folder, 'backup')
    const ran = await parley('restore', '--data', server.dataDir, '--from', backup)
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(ran.stdout).toMatch(/^Restored .*store .*generation [0-9]+.*\n$/)
    expect(await readdir(server.dataDir)).not.toContain('store.restoring')
    await server.start()
    expect(await history(server, id)).toEqual(before)

    const all = [
      await start(server, id, 'ann', ann),
      await start(server, id, 'bob', bob),
      await start(server, id, 'cid', cid),
      await start(server, id, 'cid'),
    ]
    const [first, , , fresh] = all
    if (first === undefined || fresh === undefined) throw new Error('four devices')
    first.say('a3')
    await first.sent()
    await post(server, 'bob', id, 'rest3')
    for (const client of all) await seen(client, 7)
    const now = await history(server, id)
    expect(now.slice(0, before.length)).toEqual(before)
    // rest2 was the server's alone.
    expect(contents(now).slice(before.length).toSorted()).toEqual(['a2', 'a3', 'b2', 'rest3'])
    const state = rootContents(fresh.doc)
    const epochs = all.map((client) => client.view().genesis?.epoch)
    expect(new Set(epochs).size).toBe(1)
    expect(epochs[0]).toBeGreaterThan(1_700_000_000_000)
    for (const client of all) {
      expect(client.sentTexts()).toEqual(contents(now))
      expect([client.closes, isSettled(client.doc)]).toEqual([[], true])
      const mine = rootContents(client.doc)
      for (const [name, content] of state) expect((mine.get(name) ?? []).slice(0, content.length)).toEqual(content)
    }
    expect(await health(server)).toEqual({ status: 'ok', warnings: [] })
    await server.restart()
    expect(await history(server, id)).toEqual(now)
    await server.stop()
    expect((await parley('verify', '--data', server.dataDir)).stdout).toContain('no damage')
  })

  test('[EPOCH2] data that was put back as files is marked in its place', async () => {
    const { server, id, before, putBack, ann } = await tell()
    await putBack()
    expect(await parley('restore', '--data', server.dataDir)).toMatchObject({ code: 0 })
    await server.start()
    const client = await start(server, id, 'ann', ann)
    await seen(client, 4)
    expect(contents(await history(server, id))).toEqual([...contents(before), 'a2'])
  })

  test('[STORE4] it refuses what it cannot do with a clear line, and then nothing has changed', async () => {
    const server = await startServerProcess()
    servers.push(server)
    const id = await server.createConversation('ann')
    await post(server, 'ann', id, 'one')
    const refused = async (why: RegExp, ...args: readonly string[]): Promise<void> => {
      const { code, stdout, stderr } = await parley('restore', ...args)
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toMatch(why)
    }
    await refused(/is open in another process \(locked\)/, '--data', server.dataDir)
    const beside = (await readdir(server.folder)).toSorted()
    await refused(
      /is open in another process \(locked\)/,
      ...['--from', server.dataDir, '--data', join(server.folder, 'copy')],
    )
    expect((await readdir(server.folder)).toSorted()).toEqual(beside)
    expect((await readdir(server.dataDir)).filter((name) => name.startsWith('store'))).toEqual(['store'])
    await server.stop()
    await server.backup()
    const backup = join(server.folder, 'backup')
    await refused(/is not empty: move it away/, '--data', server.dataDir, '--from', backup)
    const empty = await mkdtemp(join(tmpdir(), 'parley-restore-'))
    await refused(/there is no store in/, '--data', empty)
    await refused(/there is no store in/, '--data', server.dataDir.replace(/data$/, 'new'), '--from', empty)
    expect(await readdir(empty)).toEqual([])
    await writeFile(join(empty, 'something'), 'else')
    await refused(/no whole store/, '--data', join(empty, 'new'), '--from', empty)
    await mkdir(join(empty, 'other', 'store.restoring'), { recursive: true })
    await writeFile(join(empty, 'other', 'store.restoring', 'CURRENT'), '')
    await refused(/left of a restore that was interrupted/, '--data', join(empty, 'other'), '--from', backup)
    await refused(/Unknown option/, '--form', backup)
    expect(await readdir(join(empty, 'other'))).toEqual(['store.restoring'])
    await rm(empty, { recursive: true })

    await server.start()
    expect(contents(await history(server, id))).toEqual(['one'])
    await server.stop()
    expect((await parley('restore', '--help')).stdout).toMatch(/^Usage: parley restore/)
  })
})
