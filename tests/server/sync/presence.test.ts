// Who is there, as real Awareness instances of y-protocols see it; time and pauses are told.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { applyAwarenessUpdate, Awareness, encodeAwarenessUpdate } from 'y-protocols/awareness'
import * as Y from 'yjs'

import { parseAnnouncement, Presence } from '../../../server/sync/presence.ts'
import { limits } from '../../../shared/limits.ts'
import { encodeAwareness, parseAwareness } from '../../../shared/sync/awareness.ts'
import { parseWireMessage } from '../../../shared/sync/wire.ts'
import { userId } from '../../helpers/chain-doc.ts'
import { createRandom } from '../../helpers/seeded-random.ts'

/** A stock client that follows: it hears all that is shown, and can speak like one. */
class Peer {
  readonly awareness: Awareness
  readonly user: string
  constructor(user: string) {
    this.user = user
    this.awareness = new Awareness(new Y.Doc())
  }

  hear(message: Uint8Array | undefined): void {
    if (message === undefined) return
    const parsed = parseWireMessage(message)
    if (parsed.kind !== 'awareness') throw new Error('not awareness')
    applyAwarenessUpdate(this.awareness, parsed.update, 'server')
  }

  /** States of others. */
  get others(): unknown[] {
    return [...this.awareness.getStates()]
      .filter(([client]) => client !== this.awareness.clientID)
      .map(([, state]) => state)
  }

  get otherClients(): number[] {
    return [...this.awareness.getStates().keys()].filter((client) => client !== this.awareness.clientID)
  }
}

// Before y-protocols is loaded: it keeps the clock that it finds then.
vi.hoisted(() => vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] }))

let presence: Presence<Peer>
let peers: Peer[]
let shows: number
let pauses: (() => void)[]
let timers: { readonly atMs: number; readonly job: () => void }[]

beforeEach(() => {
  const random = createRandom(7)
  peers = []
  shows = 0
  pauses = []
  timers = []
  presence = new Presence({
    now: Date.now,
    drawUint32: () => random.between(0, 0xffff_ffff),
    later: (job) => pauses.push(job),
    after: (ms, job) => {
      const timer = { atMs: Date.now() + ms, job }
      timers.push(timer)
      return () => void timers.splice(timers.indexOf(timer), 1)
    },
    show: (messageFor) => {
      shows++
      for (const peer of peers) peer.hear(messageFor(peer))
    },
  })
})
afterEach(() => {
  for (const { awareness } of peers) awareness.destroy()
  vi.restoreAllMocks()
})

function join(user: string): Peer {
  const peer = new Peer(user)
  peers.push(peer)
  peer.hear(presence.others(peer))
  return peer
}

/** Sends what a provider would: the states of these clients. */
function send(peer: Peer, clients: readonly number[] = [peer.awareness.clientID]): void {
  say(peer, encodeAwarenessUpdate(peer.awareness, [...clients]))
}

function say(peer: Peer, update: Uint8Array): void {
  const announcement = parseAnnouncement(parseAwareness(update) ?? [])
  if (announcement !== undefined) presence.announce(peer, userId(peer.user), announcement ?? undefined)
}

function endPause(): void {
  for (const job of pauses.splice(0)) job()
}

describe('what others see', () => {
  test('[AWARE1] is user, typing and device alone, the user as the server knows it, under a number that is nobody’s clientID', () => {
    const [ann, bob] = [join('ann'), join('bob')]
    ann.awareness.setLocalState({ typing: true, device: 'phone', user: 'bob', name: 'Bob', cursor: { at: 1 } })
    send(ann)
    endPause()
    expect(bob.others).toEqual([{ user: 'ann', typing: true, device: 'phone' }])
    expect(bob.otherClients.every((client) => client > 0xffff_ffff)).toBe(true)
    expect(bob.otherClients).not.toContain(ann.awareness.clientID)
    // Whoever comes later sees the same.
    expect(join('cleo').others).toEqual([{ user: 'ann', typing: true, device: 'phone' }])
  })

  test.each<readonly [string, unknown, unknown]>([
    ['typing alone', { typing: true }, { user: 'ann', typing: true }],
    ['a device alone', { device: 'phone' }, { user: 'ann', typing: false, device: 'phone' }],
    ['a device that is no name', { typing: false, device: 7 }, { user: 'ann', typing: false }],
    ['a device that is too long', { typing: false, device: 'x'.repeat(65) }, { user: 'ann', typing: false }],
    ['neither', { user: { name: 'Ann', color: '#f00' } }, undefined],
    ['no object', 'typing', undefined],
    ['an array', [true], undefined],
  ])('[AWARE1] of %s', (_what, state, seen) => {
    const [ann, bob] = [join('ann'), join('bob')]
    ann.awareness.setLocalState(state as Record<string, unknown>)
    send(ann)
    endPause()
    expect(bob.others).toEqual(seen === undefined ? [] : [seen])
  })
})

describe('somebody else’s', () => {
  test('[AWARE1] presence cannot be taken, changed or removed, whatever number and clock is claimed', () => {
    const [ann, bob, eve] = [join('ann'), join('bob'), join('eve')]
    for (const peer of [ann, bob]) peer.awareness.setLocalState({ typing: false, device: peer.user })
    for (const peer of [ann, bob]) send(peer)
    endPause()
    const [numberOfAnn = 0] = bob.otherClients
    const wanted = (): void => {
      endPause()
      expect(bob.others.filter((state) => (state as { user: string }).user === 'ann')).toEqual([
        { user: 'ann', typing: false, device: 'ann' },
      ])
    }
    const claims = [ann.awareness.clientID, numberOfAnn, 0, 0xffff_ffff, Number.MAX_SAFE_INTEGER]
    for (const client of claims) {
      for (const clock of [0, 1, 0xffff_ffff, Number.MAX_SAFE_INTEGER]) {
        for (const json of ['null', '{"user":"ann","typing":true,"device":"ann"}', '{"typing":tru', '', '[]', '7']) {
          say(eve, encodeAwareness([{ client, clock, json }]))
          wanted()
        }
      }
    }
    // And she was heard only as herself.
    const users = bob.others.map((state) => (state as { user: string }).user)
    expect(users.toSorted()).toEqual(['ann', ...(users.includes('eve') ? ['eve'] : [])])
    ann.awareness.setLocalState({ typing: true, device: 'ann' })
    send(ann)
    endPause()
    expect(bob.others).toContainEqual({ user: 'ann', typing: true, device: 'ann' })
  })

  test('[AWARE1] leaving, sent on by those who heard of it as stock clients do, does not make them leave', () => {
    const [ann, bob, cleo] = [join('ann'), join('bob'), join('cleo')]
    for (const peer of [ann, bob, cleo]) {
      peer.awareness.on('update', ({ added, updated, removed }: Record<string, number[]>) => {
        send(peer, [...(added ?? []), ...(updated ?? []), ...(removed ?? [])])
      })
      peer.awareness.setLocalState({ typing: false, device: peer.user })
    }
    endPause()
    endPause()
    expect(bob.others).toHaveLength(2)
    presence.leave(ann)
    endPause()
    endPause()
    expect(bob.others).toEqual([{ user: 'cleo', typing: false, device: 'cleo' }])
    expect(cleo.others).toEqual([{ user: 'bob', typing: false, device: 'bob' }])
    expect(join('dan').others).toHaveLength(2)
  })
})

describe('a flood', () => {
  test('[AWARE1] of fake clients in one update shows one connection; too long and broken updates show nothing', () => {
    const [ann, bob] = [join('ann'), join('bob')]
    const fakes = Array.from({ length: 20_000 }, (_, client) => ({ client, clock: 1, json: '{"typing":true}' }))
    say(ann, encodeAwareness(fakes))
    endPause()
    expect(bob.others).toEqual([])
    say(ann, encodeAwareness(fakes.slice(0, 1000)))
    endPause()
    expect(bob.others).toEqual([{ user: 'ann', typing: true }])
    const long = { client: 1, clock: 1, json: JSON.stringify({ typing: false, x: 'x'.repeat(limits.awarenessBytes) }) }
    for (const bytes of [encodeAwareness([long]), Uint8Array.of(5), Uint8Array.of(1, 1), new Uint8Array(0)])
      say(ann, bytes)
    endPause()
    expect(bob.others).toEqual([{ user: 'ann', typing: true }])
  })

  test('[AWARE1] of changes is told once in a pause, as it is at the end of it; what changes nothing is not told', () => {
    const [ann, bob] = [join('ann'), join('bob')]
    for (let each = 0; each <= 1000; each++) {
      ann.awareness.setLocalState({ typing: each % 2 === 0 })
      send(ann)
    }
    expect([pauses.length, shows]).toEqual([1, 0])
    endPause()
    expect([shows, bob.others]).toEqual([1, [{ user: 'ann', typing: true }]])
    for (let each = 0; each < 100; each++) send(ann)
    expect(pauses).toEqual([])
  })

  test('[AWARE1] of people who are all told of at once is encoded once for all of them, and nobody is told of themselves', () => {
    const crowd = Array.from({ length: 100 }, (_, index) => join(`user-${index}`))
    const silent = [join('bob'), join('cleo')]
    const encode = vi.spyOn(TextEncoder.prototype, 'encodeInto')
    for (const peer of crowd) say(peer, encodeAwareness([{ client: 1, clock: 0, json: '{"typing":true}' }]))
    // Each of them said it, and the server says it once.
    expect(encode).toHaveBeenCalledTimes(2 * crowd.length)
    const heard = vi.spyOn(Peer.prototype, 'hear')
    endPause()
    expect(encode).toHaveBeenCalledTimes(2 * crowd.length)
    const [one, other] = heard.mock.calls.slice(-2)
    expect(one?.[0]).toBe(other?.[0])
    const usersOf = (peer: Peer): string[] => peer.others.map((state) => (state as { user: string }).user).toSorted()
    const all = crowd.map(({ user }) => user).toSorted()
    for (const peer of [...crowd, ...silent]) expect(usersOf(peer)).toEqual(all.filter((user) => user !== peer.user))
  })

  test('[AWARE1] of people coming and going ends with those who are there', () => {
    const bob = join('bob')
    for (let each = 0; each < 500; each++) {
      const ann = new Peer('ann')
      say(ann, encodeAwareness([{ client: 1, clock: 0, json: '{"typing":true}' }]))
      if (each % 7 === 0) endPause()
      presence.leave(ann)
      presence.leave(ann)
      ann.awareness.destroy()
    }
    endPause()
    expect([bob.others, presence.others(bob)]).toEqual([[], undefined])
  })
})

describe('time', () => {
  const beat = (): void => {
    vi.advanceTimersByTime(limits.heartbeatMs)
    // Each channel of each socket asks for it.
    for (const _ of peers) presence.renew()
    endPause()
  }

  test('[AWARE1] those who live are told of often enough that a stock client does not drop them in five minutes, and once a beat', () => {
    const [ann, bob] = [join('ann'), join('bob')]
    ann.awareness.setLocalState({ typing: false, device: 'phone' })
    // Stock clients renew their own state every 15 s, and send it.
    ann.awareness.on('update', () => send(ann))
    send(ann)
    endPause()
    for (let passed = 0; passed < 300_000; passed += limits.heartbeatMs) {
      const before = shows
      beat()
      expect(shows).toBe(before + 1)
      expect(bob.others).toEqual([{ user: 'ann', typing: false, device: 'phone' }])
    }
  })

  test('[AWARE1] a connection of which nothing is heard is shown no longer, though it is open; when it speaks it is back', () => {
    const [ann, bob] = [join('ann'), join('bob')]
    say(ann, encodeAwareness([{ client: 1, clock: 0, json: '{"typing":true,"device":"phone"}' }]))
    endPause()
    for (let passed = 0; passed <= limits.presenceMs; passed += limits.heartbeatMs) {
      expect(bob.others).toHaveLength(1)
      beat()
    }
    expect([bob.others, presence.others(bob)]).toEqual([[], undefined])
    say(ann, encodeAwareness([{ client: 1, clock: 1, json: '{"typing":true}' }]))
    endPause()
    expect(bob.others).toHaveLength(1)
  })

  test('[AWARE1] who says null, or leaves, is gone after one pause', () => {
    const [ann, bob, cleo] = [join('ann'), join('bob'), join('cleo')]
    for (const peer of [ann, bob]) {
      peer.awareness.setLocalState({ typing: true })
      send(peer)
    }
    endPause()
    expect(cleo.others).toHaveLength(2)
    ann.awareness.setLocalState(null)
    send(ann)
    presence.leave(bob)
    endPause()
    expect(cleo.others).toEqual([])
  })
})

describe('typing', () => {
  /** Time passes, and with it what was to be done then. */
  function pass(ms: number): void {
    const untilMs = Date.now() + ms
    for (;;) {
      const due = timers.toSorted((a, b) => a.atMs - b.atMs).find(({ atMs }) => atMs <= untilMs)
      if (due === undefined) break
      timers.splice(timers.indexOf(due), 1)
      vi.advanceTimersByTime(Math.max(0, due.atMs - Date.now()))
      due.job()
      endPause()
    }
    vi.advanceTimersByTime(untilMs - Date.now())
  }

  let clock = 0
  const type = (peer: Peer, state: object): void => {
    say(peer, encodeAwareness([{ client: 1, clock: clock++, json: JSON.stringify(state) }]))
    endPause()
  }

  test('[TYPING1] ends 6 s after it was said last: who has a name is still there, of others nothing is left', () => {
    const [ann, bob, cleo] = [join('ann'), join('bob'), join('cleo')]
    type(ann, { typing: true, device: 'phone' })
    pass(3000)
    type(bob, { typing: true })
    expect(cleo.others).toEqual([
      { user: 'ann', typing: true, device: 'phone' },
      { user: 'bob', typing: true },
    ])
    pass(2999)
    expect(cleo.others).toHaveLength(2)
    pass(1)
    expect(cleo.others).toEqual([
      { user: 'ann', typing: false, device: 'phone' },
      { user: 'bob', typing: true },
    ])
    pass(3000)
    expect(cleo.others).toEqual([{ user: 'ann', typing: false, device: 'phone' }])
    expect(join('dan').others).toEqual([{ user: 'ann', typing: false, device: 'phone' }])
    expect(timers).toEqual([])
    // Who has said that they are there without typing wants to be shown without it.
    type(bob, { typing: false })
    type(bob, { typing: true })
    pass(limits.typingMs)
    expect(cleo.others).toContainEqual({ user: 'bob', typing: false })
  })

  test('[TYPING1] nobody waits for the end of it once all have left', () => {
    const [ann, bob] = [join('ann'), join('bob')]
    for (const peer of [ann, bob]) type(peer, { typing: true })
    presence.leave(ann)
    expect(timers).toHaveLength(1)
    presence.leave(bob)
    expect(timers).toEqual([])
    type(ann, { typing: true })
    pass(limits.typingMs)
    expect(bob.others).toEqual([])
  })

  test('[TYPING1] that goes on is told again, so that nobody forgets it; what stock clients repeat unasked is no typing', () => {
    const [ann, bob] = [join('ann'), join('bob')]
    const news: number[] = []
    bob.awareness.on('update', (_changes: unknown, origin: unknown) => origin === 'server' && news.push(Date.now()))
    type(ann, { typing: true })
    for (let each = 0; each < 5; each++) {
      pass(limits.typingRepeatMs)
      type(ann, { typing: true })
      expect(bob.others).toEqual([{ user: 'ann', typing: true }])
    }
    expect(news).toHaveLength(6)
    // Twice in a moment is told once.
    type(ann, { typing: true })
    expect(news).toHaveLength(6)
    pass(limits.typingMs)
    expect(bob.others).toEqual([])
    for (let each = 0; each < 3; each++) {
      pass(15_000 - limits.typingMs * (each === 0 ? 1 : 0))
      type(ann, { typing: true })
      expect(bob.others).toEqual([])
    }
    // The keys are pressed once more.
    say(ann, encodeAwareness([{ client: 1, clock: clock++, json: 'null' }]))
    type(ann, { typing: true })
    expect(bob.others).toEqual([{ user: 'ann', typing: true }])
    presence.leave(ann)
    endPause()
    expect(bob.others).toEqual([])
    pass(limits.typingMs)
    expect(bob.others).toEqual([])
  })
})
