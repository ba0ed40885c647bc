// A new device opens a conversation over the stock protocol: time until `synced`, bytes, server CPU.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ChildProcess, spawn } from 'node:child_process'
import { WebSocket as NodeWebSocket } from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { v7 as uuidV7 } from 'uuid'
import { encodeEntry, parseMessageId } from '../../shared/chat/entry.ts'
import { parseClientId, parseUserId, type UserId } from '../../shared/sync/ids.ts'
import { chainRoot } from '../../shared/sync/roots.ts'
import { root } from '../helpers/root.ts'
import type { Figure } from './figure.ts'

const sizes = [1000, 10_000] as const
const opens = 5

export async function benchColdOpen(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-bench-'))
  const child = spawn(
    process.execPath,
    [join(root, 'dist/server/main.js'), '--port', '0', '--data', folder, '--log-level', 'silent'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  try {
    const url = await addressOf(child)
    const small = await measure(url, child, sizes[0])
    const large = await measure(url, child, sizes[1])
    const [first, second] = [small[0]?.value ?? 0, large[0]?.value ?? 0]
    const ratio = {
      name: 'ten times the messages, against one',
      value: second / first,
      unit: '×',
      note: 'time to open',
    }
    return [...small, ...large, ratio]
  } finally {
    child.kill('SIGTERM')
    await rm(folder, { recursive: true, force: true })
  }
}

async function measure(url: string, child: ChildProcess, size: number): Promise<Figure[]> {
  const user = parseUserId('ann')
  if (user === undefined) throw new Error('a constant is wrong')
  const token = await tokenOf(url, user)
  const conversation = await createConversation(url, token)
  await fill(url, token, conversation, user, size)
  const times: number[] = []
  let bytes = 0
  const cpuBefore = await cpuMs(child)
  for (let round = 0; round < opens; round++) {
    const start = performance.now()
    const device = connect(url, token, conversation)
    bytes = await device.synced
    times.push(performance.now() - start)
    device.close()
  }
  const cpu = ((await cpuMs(child)) - cpuBefore) / opens
  const median = times.toSorted((a, b) => a - b)[Math.floor(opens / 2)] ?? 0
  const name = `a new device opens ${size.toLocaleString('en')} messages`
  return [
    { name, value: median, unit: 'ms', note: 'until the stock provider says synced' },
    { name: `${name}: received`, value: bytes / 1024, unit: 'KB', note: 'archiving will bound it' },
    { name: `${name}: server CPU`, value: cpu, unit: 'ms', note: '' },
  ]
}

interface Device {
  /** Bytes received until then. */
  readonly synced: Promise<number>
  readonly doc: Y.Doc
  readonly close: () => void
}

function connect(url: string, token: string, conversation: string): Device {
  const doc = new Y.Doc()
  let received = 0
  class Counting extends NodeWebSocket {
    constructor(address: string, protocols: string[]) {
      super(address, protocols)
      this.on('message', (data: Buffer) => (received += data.byteLength))
    }
  }
  const provider = new WebsocketProvider(`${url.replace('http', 'ws')}/sync`, conversation, doc, {
    WebSocketPolyfill: Counting as unknown as typeof WebSocket,
    disableBc: true,
    protocols: ['yjs', `bearer.${token}`],
  })
  const synced = new Promise<number>((resolve) => provider.on('sync', () => resolve(received)))
  return {
    doc,
    synced,
    close: () => {
      provider.destroy()
      provider.awareness.destroy()
      doc.destroy()
    },
  }
}

/** Brings `size` messages of 60 characters through the stock protocol, as one device's backlog. */
async function fill(url: string, token: string, conversation: string, user: UserId, size: number): Promise<void> {
  const device = connect(url, token, conversation)
  const client = parseClientId(device.doc.clientID)
  if (client === undefined) throw new Error('a clientID beyond 32 bits')
  await device.synced
  const payloads = Array.from({ length: size }, (_, index) => {
    const id = parseMessageId(uuidV7())
    if (id === undefined) throw new Error('not a UUIDv7')
    return encodeEntry({ kind: 'message', id, role: 'user', content: `${index}`.padEnd(60, '.'), at: index })
  })
  device.doc.getArray<Uint8Array>(chainRoot(client, user)).push(payloads)
  const headers = { authorization: `Bearer ${token}` }
  for (;;) {
    const answer = await fetch(`${url}/api/conversations/${conversation}`, { headers })
    const state = (await answer.json()) as { readonly last_seq: number | null }
    if (state.last_seq === size - 1) break
  }
  device.close()
}

async function createConversation(url: string, token: string): Promise<string> {
  const answer = await fetch(`${url}/api/conversations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  })
  return ((await answer.json()) as { readonly id: string }).id
}

async function tokenOf(url: string, user: string): Promise<string> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${url}/api/demo/token`, { method: 'POST', headers, body: JSON.stringify({ user }) })
  return ((await answer.json()) as { readonly token: string }).token
}

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
    child.stdout?.on('data', (chunk: Buffer) => {
      const url = /listening on (\S+)/.exec(chunk.toString())?.[1]
      if (url !== undefined) resolve(url)
    })
  })
}

/** CPU time of a process so far, from the OS (Linux counts it in hundredths of a second). */
async function cpuMs(child: ChildProcess): Promise<number> {
  const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}
