// Who is there and who is typing: whole clients against a whole server in this process, and one client's clock by hand.
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { WebSocket as NodeWebSocket } from 'ws'

import type { ChatClient, Conversation, PresenceMode, PresentPerson } from '../../client/api.ts'
import { createClient } from '../../client/chat-client.ts'
import type { ChatClientOptions } from '../../client/client-options.ts'
import { OpenPresence, type OwnState } from '../../client/presence/open-presence.ts'
import { createStore } from '../../client/store.ts'
import { limits } from '../../shared/limits.ts'
import { firstDrawnClient } from '../../shared/sync/awareness.ts'
import { restClient, signByHand } from '../contract/rest/rest-client.ts'
import { ann, userId } from '../helpers/client-rows.ts'
import { CuttingProxy } from '../helpers/cutting-proxy.ts'
import { keepingMemory } from '../helpers/open-rig.ts'
import { startTestServer, type TestServer } from '../helpers/running-server.ts'
import { when } from '../helpers/when.ts'

let server: TestServer
const clients: ChatClient[] = []

beforeAll(async () => {
  server = await startTestServer()
})
afterEach(async () => {
  vi.useRealTimers()
  await Promise.all(clients.splice(0).map((client) => client.close()))
})
afterAll(() => server.close())

type Options = Partial<ChatClientOptions>

/** `frames`: how many its sockets have sent. */
function start(user: string, more: Options = {}): { readonly client: ChatClient; readonly frames: () => number } {
  let frames = 0
  class Counting extends NodeWebSocket {
    override send(data: Uint8Array): void {
      frames++
      super.send(data)
    }
  }
  const exp = Math.floor(Date.now() / 1000) + 3600
  const client = createClient(
    { url: server.url, user, token: signByHand({ claims: { sub: user, exp }, secret: server.secret }), ...more },
    {
      openStorage: async () => keepingMemory(),
      WebSocket: Counting as unknown as typeof WebSocket,
      broadcast: false,
      fetch: globalThis.fetch,
      now: Date.now,
      dropExitListener: (listener) => process.off('exit', listener),
    },
  )
  clients.push(client)
  return { client, frames: () => frames }
}

const isLive = ({ status }: Conversation): Promise<unknown> =>
  when(status, ({ connection }) => connection.phase === 'live')

async function lastSeqOf(id: string, user = 'ann'): Promise<unknown> {
  const claims = { sub: user, exp: Math.floor(Date.now() / 1000) + 3600 }
  const token = signByHand({ claims, secret: server.secret })
  const { body } = await restClient(server)('GET', `/api/conversations/${id}`, { token })
  return (body as { last_seq: number }).last_seq
}

/** Those who are there as one word each. */
function words(people: readonly PresentPerson[]): string {
  return people
    .map(({ user, typing, online, devices }) =>
      [user, ...(typing ? ['types'] : []), ...(online ? ['online'] : []), ...devices].join(' '),
    )
    .join(', ')
}

async function sees({ presence }: Conversation, wanted: string): Promise<void> {
  await when(presence.people, (people) => words(people) === wanted)
}

describe.each(['multiplexed', 'stock'] as const)('over %s', (transport) => {
  /** The first makes the conversation. */
  async function talk(...modes: readonly Options[]): Promise<readonly Conversation[]> {
    const [first, ...rest] = modes.map((options, index) => {
      const user = ['ann', 'bob', 'cleo'][index] ?? ''
      return { user, ...start(user, { transport, ...options }) }
    })
    if (first === undefined) throw new Error('nobody talks')
    const members = rest.map(({ user }) => ({ user, access: 'writer' as const }))
    const made = await first.client.create({ members })
    await isLive(made)
    const all = [made]
    for (const { client } of rest) {
      const opened = await client.open(made.id)
      await isLive(opened)
      all.push(opened)
    }
    return all
  }

  test('[TYPING1] typing is seen by others alone, ends with the message, and nobody is there who did not opt in', async () => {
    const [anns, bobs, cleos] = await talk(
      { device: 'phone' },
      { presence: 'online', device: 'desk' },
      { presence: 'off', device: 'tablet' },
    )
    if (anns === undefined || bobs === undefined || cleos === undefined) throw new Error('somebody is missing')
    await Promise.all([sees(anns, 'bob online desk'), sees(cleos, 'bob online desk'), sees(bobs, '')])
    const before = anns.presence.people.getSnapshot()
    cleos.presence.typing()
    anns.presence.typing()
    bobs.presence.typing()
    await sees(cleos, 'ann types, bob types online desk')
    await sees(anns, 'bob types online desk')
    await sees(bobs, 'ann types')
    anns.send('Here I am')
    bobs.presence.typing(false)
    await sees(cleos, 'bob online desk')
    await sees(bobs, '')
    await sees(anns, 'bob online desk')
    expect(anns.presence.people.getSnapshot()).toEqual(before)
    // One who reads may be seen; one who was removed is not.
    bobs.presence.typing()
    await sees(cleos, 'bob types online desk')
    anns.setMember('bob', null)
    await Promise.all([sees(anns, ''), sees(cleos, ''), sees(bobs, '')])
    // Whoever closes it is gone.
    anns.presence.typing()
    await sees(cleos, 'ann types')
    await anns.close()
    await sees(cleos, '')
  })

  test('[TYPING1] without a connection nobody is there; with the next one everybody is again', async () => {
    const proxy = await CuttingProxy.start(() => server.url)
    try {
      const [anns, bobs] = await talk({ presence: 'online', url: proxy.url }, { presence: 'online' })
      if (anns === undefined || bobs === undefined) throw new Error('somebody is missing')
      await Promise.all([sees(anns, 'bob online'), sees(bobs, 'ann online')])
      proxy.cut()
      expect(proxy.counts.cut).toBeGreaterThan(0)
      await Promise.all([sees(anns, ''), sees(bobs, '')])
      proxy.heal()
      await Promise.all([sees(anns, 'bob online'), sees(bobs, 'ann online')])
    } finally {
      await proxy.close()
    }
  })
})

test('[TYPING1] what others do costs a device no frame, leaves nothing, and several devices are one line', async () => {
  // Nobody else's conversations are brought up to date behind this one.
  const kims = start('kim')
  const conversation = await kims.client.create({ members: [{ user: 'bob', access: 'reader' }] })
  await isLive(conversation)
  const [desk, phone] = await Promise.all(
    ['desk', 'phone'].map(async (device) => {
      const { client } = start('bob', { device, presence: 'online' })
      const opened = await client.open(conversation.id)
      return { client, opened }
    }),
  )
  await sees(conversation, 'bob online desk phone')
  const lastSeq = await lastSeqOf(conversation.id, 'kim')
  const before = kims.frames()
  const [line] = conversation.presence.people.getSnapshot()
  phone?.opened.presence.typing()
  await sees(conversation, 'bob types online desk phone')
  phone?.client.setPresence('off')
  await sees(conversation, 'bob online desk')
  phone?.client.setPresence('online')
  await sees(conversation, 'bob online desk phone')
  expect(conversation.presence.people.getSnapshot()[0]).toEqual(line)
  desk?.client.setPresence('typing')
  await sees(conversation, 'bob online phone')
  expect(kims.frames()).toBe(before)
  expect(await lastSeqOf(conversation.id, 'kim')).toBe(lastSeq)
})

describe('one device', () => {
  function rig(mode: PresenceMode = 'typing') {
    vi.useFakeTimers()
    const said: OwnState[] = []
    const modes = createStore(mode)
    const presence = new OpenPresence({ user: ann, device: 'phone', mode: modes, uptime: () => performance.now() })
    const listener = presence.connect({ say: (state) => void said.push(state) })
    return { presence, said, modes, listener }
  }

  test('[TYPING1] says that its user types at once, every 3 s while keys are pressed, and 6 s later that it is over', () => {
    const { presence, said } = rig()
    for (let key = 0; key <= 90; key++) {
      presence.typing()
      vi.advanceTimersByTime(100)
    }
    expect(said).toEqual([{ typing: true }, { typing: true }, { typing: true }, { typing: true }])
    vi.advanceTimersByTime(limits.typingMs - 101)
    expect(said).toHaveLength(4)
    vi.advanceTimersByTime(1)
    expect(said.slice(4)).toEqual([null])
    presence.typing(false)
    expect(said).toHaveLength(5)
    presence.typing()
    presence.close()
    vi.advanceTimersByTime(20_000)
    expect(said.slice(5)).toEqual([{ typing: true }])
  })

  test('[TYPING1] takes nobody for typing longer than 6 s after it was told last, whatever the server fails to say', () => {
    const { presence, listener } = rig()
    const people = presence.people
    const [one, two] = [firstDrawnClient + 1, firstDrawnClient + 2]
    const states = new Map<number, unknown>([
      [one, { user: 'bob', typing: true }],
      [two, { user: 'cleo', typing: true, device: 'desk' }],
      // Another tab, the own user, and what is none.
      [7, { user: 'dan', typing: true }],
      [firstDrawnClient + 3, { user: 'ann', typing: true }],
      [firstDrawnClient + 4, 'nonsense'],
    ])
    listener.hear(states, [...states.keys()])
    expect(words(people.getSnapshot())).toBe('bob types, cleo types online desk')
    vi.advanceTimersByTime(4000)
    listener.hear(states, [one])
    const [bob] = people.getSnapshot()
    vi.advanceTimersByTime(2000)
    expect(words(people.getSnapshot())).toBe('bob types, cleo online desk')
    expect(people.getSnapshot()[0]).toBe(bob)
    const list = people.getSnapshot()
    listener.hear(states, [])
    expect(people.getSnapshot()).toBe(list)
    vi.advanceTimersByTime(4000)
    expect(words(people.getSnapshot())).toBe('cleo online desk')
    // Their message says so before the server does; what is told later counts again.
    listener.hear(states, [one, two])
    presence.wrote({ user: userId('bob'), seq: 4 })
    expect(words(people.getSnapshot())).toBe('cleo types online desk')
    presence.wrote({ user: userId('cleo'), seq: 5 })
    presence.wrote(undefined)
    expect(words(people.getSnapshot())).toBe('cleo online desk')
    listener.hear(states, [one])
    presence.wrote({ user: userId('bob'), seq: 4 })
    expect(words(people.getSnapshot())).toBe('bob types, cleo online desk')
    listener.end()
    expect(people.getSnapshot()).toEqual([])
  })
})
