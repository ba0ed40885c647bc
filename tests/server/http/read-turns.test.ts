// Whoever reads much at once: how many answers of one user there are at a time, and that others do not feel it.
import { connect } from 'node:net'

import { afterEach, expect, test } from 'vitest'

import type { Accounts } from '../../../server/account/accounts.ts'
import { limits } from '../../../shared/limits.ts'
import { People } from '../../contract/rest/people.ts'
import { until } from '../../helpers/until.ts'
import { type FakeServer, partialConversations, startFakeServer } from './fake-server.ts'

const running: FakeServer[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()))
})

interface Stand {
  readonly server: FakeServer
  readonly people: People
  /** Who is being answered, in the order in which that began. */
  readonly begun: readonly string[]
  readonly most: () => number
  readonly release: () => void
}

/** A service whose lists, and erasing, come to no end before they may. */
async function start(): Promise<Stand> {
  const begun: string[] = []
  let [now, most] = [0, 0]
  let isReleased = false
  let waiting: (() => void)[] = []
  const hold = async (user: string): Promise<void> => {
    begun.push(user)
    most = Math.max(most, ++now)
    if (!isReleased) await new Promise<void>((resolve) => waiting.push(resolve))
    now--
  }
  const conversations = partialConversations({
    list: async (user) => {
      await hold(user)
      return { items: [], next: undefined }
    },
  })
  const accounts: Accounts = {
    export: async function* nothing() {},
    erase: async (user) => {
      await hold(user)
      return 0
    },
  }
  const server = await startFakeServer({ deps: { conversations, accounts } })
  running.push(server)
  const release = (): void => {
    isReleased = true
    for (const go of waiting) go()
    waiting = []
  }
  return { server, people: new People(server), begun, most: () => most, release }
}

test('[LIMIT1] so many answers of one user are made at a time, the others wait, and others do not feel it', async () => {
  const { people, begun, most, release } = await start()
  const [ann, bob] = [people.person('ann'), people.person('bob')]
  const many = [
    ...Array.from({ length: 8 }, () => ann.call('GET', '/api/conversations')),
    ...Array.from({ length: 8 }, () => ann.call('DELETE', '/api/me', { body: { messages: 'erase' } })),
  ]
  await until('they have begun', () => begun.length >= limits.readsAtOnce)
  const other = bob.call('GET', '/api/conversations')
  await until('another has begun', () => begun.includes(bob.name))
  expect(begun).toHaveLength(limits.readsAtOnce + 1)
  // Who writes does not wait behind what they read.
  expect((await ann.call('POST', '/api/tickets')).status).toBe(201)
  release()
  const answers = await Promise.all([...many, other])
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 204]))
  expect(most()).toBe(limits.readsAtOnce + 1)
})

test('[LIMIT1] who goes away gives their turn back, of requests sent in one go too, whether it had come or not', async () => {
  const { server, people, begun, release } = await start()
  const ann = people.person('ann')
  const { hostname, port } = new URL(server.url)
  const request = `GET /api/conversations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ann.token}\r\n\r\n`
  const sockets = [0, 1, 2].map(() => connect({ host: hostname, port: Number(port) }))
  for (const socket of sockets) socket.on('error', () => undefined).write(request.repeat(5))
  await until('they have begun', () => begun.length >= limits.readsAtOnce)
  for (const socket of sockets) socket.destroy()
  release()
  const answers = await Promise.all(Array.from({ length: 8 }, () => ann.call('GET', '/api/conversations')))
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
})

test('[LIMIT1][PROC2] what waits for its turn when the server ends is not begun, and told to come back', async () => {
  const { server, people, begun, release } = await start()
  const ann = people.person('ann')
  const many = Array.from({ length: limits.readsAtOnce + 6 }, () => ann.call('GET', '/api/conversations'))
  await until('they have begun', () => begun.length >= limits.readsAtOnce)
  // One by which is known that the others have come.
  expect((await ann.call('POST', '/api/tickets')).status).toBe(201)
  const closed = server.close()
  await new Promise((resolve) => setImmediate(resolve))
  release()
  const answers = await Promise.allSettled(many)
  await closed
  expect(begun).toHaveLength(limits.readsAtOnce)
  const statuses = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value.status : 'cut off'))
  expect(statuses.filter((status) => status === 200)).toHaveLength(limits.readsAtOnce)
})
