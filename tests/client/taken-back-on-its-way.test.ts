// Whoever takes back the root of a thread cannot know whether the server has it already: against a whole server, at moments that
// are spread over the time that an answer takes.
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { Conversation } from '../../client/api.ts'
import { keepingMemory } from '../helpers/open-rig.ts'
import { isLive, RealClients, shared } from '../helpers/real-clients.ts'
import { until } from '../helpers/until.ts'
import { turn, when } from '../helpers/when.ts'

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
