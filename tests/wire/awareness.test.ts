// Who is there, between unmodified stock providers with the Awareness of y-protocols, and those who lie, on a whole server.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

import { limits } from '../../shared/limits.ts'
import { type AwarenessState, encodeAwareness } from '../../shared/sync/awareness.ts'
import { encodeStateVector } from '../../shared/sync/state-vector.ts'
import { encodeAwarenessMessage, encodeStep1 } from '../../shared/sync/wire.ts'
import { MuxSocket } from '../helpers/mux-socket.ts'
import { RawSocket } from '../helpers/raw-socket.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'
import { StockClient } from '../helpers/stock-client.ts'
import { until } from '../helpers/until.ts'

let server: ServerProcess
const clients: StockClient[] = []
const sockets: { terminate: () => void }[] = []

beforeAll(async () => {
  server = await startServerProcess()
})
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy()
  for (const socket of sockets.splice(0)) socket.terminate()
})
afterAll(() => server.dispose())

async function join(conversation: string, user: string): Promise<StockClient> {
  const client = new StockClient({ url: server.url, conversation, user, token: await server.token(user) })
  clients.push(client)
  await client.synced()
  return client
}

async function raw(conversation: string, user: string): Promise<RawSocket> {
  const socket = new RawSocket({ url: server.url, room: conversation, token: await server.token(user) })
  sockets.push(socket)
  await socket.next('step1')
  socket.send(encodeStep1(encodeStateVector(new Map())))
  await socket.next('step2')
  return socket
}

/** States under other numbers than the own, as JSON, sorted. */
function others({ provider: { awareness } }: StockClient): string[] {
  const states = [...awareness.getStates()].filter(([client]) => client !== awareness.clientID)
  return states.map(([, state]) => JSON.stringify(state)).toSorted()
}

async function sees(client: StockClient, ...wanted: readonly object[]): Promise<void> {
  const states = wanted.map((state) => JSON.stringify(state)).toSorted()
  await until(
    `${client.user} sees ${states.join()}, not ${others(client).join()}`,
    () => others(client).join() === states.join(),
  )
}

const say = (socket: RawSocket, ...states: readonly AwarenessState[]): void =>
  socket.send(encodeAwarenessMessage(encodeAwareness(states)))

describe('stock providers', () => {
  test('[AWARE1] see of each other who it is, typing and device, whatever else is said; never a clientID, never themselves', async () => {
    const conversation = await server.createConversation('ann', 'bob')
    const [ann, bob] = [await join(conversation, 'ann'), await join(conversation, 'bob')]
    ann.provider.awareness.setLocalState({ typing: true, device: 'phone', user: 'bob', name: 'Bob', secret: 7 })
    bob.provider.awareness.setLocalState({ typing: false, device: 'laptop' })
    await sees(bob, { user: 'ann', typing: true, device: 'phone' })
    await sees(ann, { user: 'bob', typing: false, device: 'laptop' })
    const late = await join(conversation, 'ann')
    await sees(late, { user: 'ann', typing: true, device: 'phone' }, { user: 'bob', typing: false, device: 'laptop' })
    const seen = [ann, bob, late].flatMap(({ provider: { awareness } }) =>
      [...awareness.getStates().keys()].filter((client) => client !== awareness.clientID),
    )
    const own = new Set([ann, bob, late].map(({ doc }) => doc.clientID))
    expect(seen.filter((client) => own.has(client) || client <= 0xffff_ffff)).toEqual([])
    ann.provider.awareness.setLocalStateField('typing', false)
    await sees(bob, { user: 'ann', typing: false, device: 'phone' })
  })

  test('[AWARE1] those who leave are gone within a moment, by whichever way, and those who stay are still there', async () => {
    const conversation = await server.createConversation('ann', 'bob', 'cleo')
    const watcher = await join(conversation, 'cleo')
    watcher.provider.awareness.setLocalState({ typing: false, device: 'desk' })
    const witness = await join(conversation, 'bob')
    const desk = { user: 'cleo', typing: false, device: 'desk' }
    const phone = { user: 'ann', typing: true, device: 'phone' }
    const ways: ((client: StockClient) => void)[] = [
      ({ provider }) => provider.awareness.setLocalState(null),
      ({ provider }) => provider.disconnect(),
      (client) => client.destroy(),
      // Without a word.
      ({ provider }) => (provider.ws as unknown as { terminate: () => void }).terminate(),
    ]
    for (const leave of ways) {
      const ann = await join(conversation, 'ann')
      ann.provider.awareness.setLocalState({ typing: true, device: 'phone' })
      await sees(witness, desk, phone)
      await sees(watcher, phone)
      const started = Date.now()
      ann.provider.shouldConnect = false
      leave(ann)
      await sees(watcher)
      await sees(witness, desk)
      expect(Date.now() - started).toBeLessThan(1500)
    }
    await sees(await join(conversation, 'ann'), desk)
  })

  test('[AWARE1] are not moved by who lies: others’ numbers and names, pinned clocks, removals, floods, garbage', async () => {
    const conversation = await server.createConversation('ann', 'bob', 'eve')
    const [ann, bob] = [await join(conversation, 'ann'), await join(conversation, 'bob')]
    ann.provider.awareness.setLocalState({ typing: false, device: 'phone' })
    const phone = { user: 'ann', typing: false, device: 'phone' }
    await sees(bob, phone)
    const [shownAs = 0] = [...bob.provider.awareness.getStates().keys()].filter((client) => client !== bob.doc.clientID)
    const eve = await raw(conversation, 'eve')
    const lie = JSON.stringify({ user: 'ann', typing: true, device: 'a lie' })
    for (const client of [ann.doc.clientID, bob.doc.clientID, shownAs]) {
      for (const clock of [0xffff_ffff, Number.MAX_SAFE_INTEGER]) {
        say(eve, { client, clock, json: lie })
        say(eve, { client, clock, json: 'null' })
      }
    }
    say(eve, ...Array.from({ length: 20_000 }, (_, client) => ({ client, clock: 1, json: lie })))
    say(eve, ...Array.from({ length: 500 }, (_, client) => ({ client, clock: 1, json: lie })))
    say(eve, { client: 1, clock: 1, json: JSON.stringify({ typing: false, x: 'x'.repeat(limits.awarenessBytes) }) })
    for (const bytes of [[5, 5], [255, 255, 255, 255, 255], [1, 1, 1, 200], []]) {
      eve.send(encodeAwarenessMessage(Uint8Array.from(bytes)))
    }
    // She is heard as herself, once.
    await sees(bob, phone, { user: 'eve', typing: true, device: 'a lie' })
    expect(eve.isOpen).toBe(true)
    const closed = eve.closed
    eve.terminate()
    await closed
    await sees(bob, phone)
    // And ann was not pushed aside: what she says next is seen.
    ann.provider.awareness.setLocalState({ typing: true, device: 'phone' })
    await sees(bob, { ...phone, typing: true })
  })

  test('[AWARE1] hear no more than ten times a second from a conversation, however fast somebody toggles', async () => {
    const conversation = await server.createConversation('ann', 'bob')
    const ann = await raw(conversation, 'ann')
    const bob = await raw(conversation, 'bob')
    const heard: number[] = []
    bob.take = ({ message }) => {
      if (message.kind === 'awareness') heard.push(Date.now())
      return true
    }
    const started = Date.now()
    const toggles = 3000
    for (let clock = 1; clock <= toggles; clock++) {
      say(ann, { client: 1, clock, json: JSON.stringify({ typing: clock % 2 === 0, device: `phone ${clock}` }) })
    }
    const last = await join(conversation, 'bob')
    await sees(last, { user: 'ann', typing: true, device: `phone ${toggles}` })
    const pauses = Math.ceil((Date.now() - started) / limits.gatheringPauseMs) + 1
    expect(heard.length).toBeGreaterThan(0)
    expect(heard.length).toBeLessThanOrEqual(pauses)
  })
})

test('[AWARE1][MUX5] a device on the multiplexed endpoint is seen by stock providers, with the name it said hello with', async () => {
  const conversation = await server.createConversation('ann', 'bob')
  const bob = await join(conversation, 'bob')
  const socket = new MuxSocket({ url: server.url })
  sockets.push(socket)
  await socket.hello(await server.token('ann'), { device: 'tablet' })
  await socket.open(1, conversation)
  socket.send(1, encodeStep1(encodeStateVector(new Map())))
  await socket.next(1, 'step2')
  socket.send(1, encodeAwarenessMessage(encodeAwareness([{ client: 1, clock: 1, json: '{"typing":false}' }])))
  await sees(bob, { user: 'ann', typing: false, device: 'tablet' })
  socket.send(1, encodeAwarenessMessage(encodeAwareness([{ client: 1, clock: 2, json: '{"typing":true}' }])))
  await sees(bob, { user: 'ann', typing: true, device: 'tablet' })
  socket.control({ type: 'close', channel: 1 })
  await sees(bob)
  expect(socket.isOpen).toBe(true)
})
