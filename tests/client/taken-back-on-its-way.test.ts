// Whoever takes back the root of a thread cannot know whether the server has it already: against a whole server, at moments that
// are spread over the time that an answer takes.
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { Conversation } from '../../client/api.ts'
import { keepingMemory } from '../helpers/open-rig.ts'
import { isLive, RealClients, shared } from '../helpers/real-clients.ts'
import { until } from '../helpers/until.ts'
import { deferred, turn, when } from '../helpers/when.ts'

let real: RealClients

beforeAll(async () => {
  real = await RealClients.start()
})
afterAll(async () => {
  await real.reset()
  await real.close()
})

const rounds = 12

/** What it shows, in order. */
const shown = ({ messages }: Conversation): readonly unknown[] =>
  messages.getSnapshot().map(({ id, content, thread, replyTo, delivery }) => {
    return { id, content, thread, replyTo, fails: delivery.state === 'failed' }
  })

async function showsAs(conversation: Conversation, wanted: readonly unknown[]): Promise<void> {
  await isLive(conversation)
  await when(conversation.messages, ({ length }) => length === wanted.length)
  expect(shown(conversation)).toEqual(wanted)
}

test('[UNSENT1][THREAD1] what was answered under a root that is taken back on its way stays, once, on all devices and after a restart', async () => {
  const storage = keepingMemory()
  const openStorage = async () => ({ ...storage, close: async () => undefined })
  const ann = real.client('ann', { openStorage })
  const talk = await shared(ann, 'bob')
  for (let round = 0; round < rounds; round++) {
    const root = talk.send(`root ${round}`)
    talk.send({ content: `answer ${round}`, thread: root })
    for (let turns = 0; turns < 2 * round; turns++) await turn()
    talk.redact(root)
    // Redactions too, which the status does not count.
    await until('the server has taken all of it', async () => (await ann.unsent()) === 0)
  }
  const own = shown(talk)
  const answers = talk.messages.getSnapshot().flatMap(({ content, delivery: { state } }) => {
    return content === '' ? [] : [`${content}: ${state}`]
  })
  expect(answers).toEqual(Array.from({ length: rounds }, (_, round) => `answer ${round}: sent`))
  await showsAs(await real.client('bob').open(talk.id), own)
  await ann.close()
  await showsAs(await real.client('ann', { openStorage }).open(talk.id), own)
})

test.each(['multiplexed', 'stock'] as const)(
  '[UNSENT1][OUTBOX1] what is taken back before the device has kept it leaves no trace at anybody: %s',
  async (transport) => {
    const storage = keepingMemory()
    const kept = deferred<undefined>()
    let isSlow = false
    const slow = {
      ...storage,
      putOutbox: async (...put: Parameters<typeof storage.putOutbox>) => {
        if (isSlow) await kept.promise
        await storage.putOutbox(...put)
      },
      removeOutbox: async (...remove: Parameters<typeof storage.removeOutbox>) => {
        // In their order, as a store does it.
        if (isSlow) await kept.promise
        await storage.removeOutbox(...remove)
      },
      close: async () => undefined,
    }
    const [author, reader] = [`ann-${transport}`, `bob-${transport}`]
    const ann = real.client(author, { openStorage: async () => slow }, { transport })
    const talk = await shared(ann, reader)
    const theirs = await real.client(reader).open(talk.id)
    await isLive(theirs)
    isSlow = true
    const secret = talk.send('secret')
    talk.send('not secret')
    talk.redact(secret)
    kept.resolve(undefined)
    await until('the server has taken all of it', async () => (await ann.unsent()) === 0)
    await when(theirs.messages, ({ length }) => length > 0)
    expect(shown(theirs)).toMatchObject([{ content: 'not secret' }])
    expect(shown(talk)).toEqual(shown(theirs))
  },
)
