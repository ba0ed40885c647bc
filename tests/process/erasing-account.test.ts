// An account that goes while the server is killed: asked again, it goes on, and in the end nothing of it is in any file.
import { expect, onTestFinished, test } from 'vitest'

import { startServerProcess } from '../helpers/server-process.ts'
import { StockClient } from '../helpers/stock-client.ts'
import { until } from '../helpers/until.ts'
import { filesWithEach, newMarker } from '../server/storage/marked-files.ts'

const count = 400

test('[ACCOUNT2][ERASE1] SIGKILL in the middle of it costs nothing but time', { timeout: 90_000 }, async () => {
  const server = await startServerProcess()
  onTestFinished(() => server.dispose())
  const conversation = await server.createConversation('ann', 'bob')
  const join = async (user: string): Promise<StockClient> => {
    const client = new StockClient({ url: server.url, conversation, user, token: await server.token(user) })
    onTestFinished(() => client.destroy())
    await client.synced()
    return client
  }
  const [ann, bob] = [await join('ann'), await join('bob')]
  const markers = Array.from({ length: count }, newMarker)
  for (const marker of markers) ann.say(marker)
  const kept = newMarker()
  bob.say(kept)
  await Promise.all([ann.sent(), bob.sent()])
  await bob.until('all is here', () => bob.view().sent.length === count + 1)
  // Private state: what it says, and what it said before.
  for (let draft = 0; draft < 2; draft++) {
    const marker = newMarker()
    markers.push(marker)
    await server.rest('ann', 'PUT', '/api/me/state/draft%2Fx', { value: marker })
  }
  expect((await filesWithEach(server.dataDir, markers)).size).toBe(count + 2)

  const redacted = (): number => bob.view().sent.filter(({ redactedAt }) => redactedAt !== undefined).length
  const cutOff = server.rest('ann', 'DELETE', '/api/me', { messages: 'erase' }).catch(() => undefined)
  await bob.until('it is in the middle', () => redacted() >= count / 4)
  await server.kill()
  await cutOff
  console.log(`${redacted()} of ${count} messages were seen redacted when the server was killed`)
  await server.start()
  await until('nothing is left of the account', async () => {
    const { status } = await server.rest('ann', 'DELETE', '/api/me', { messages: 'erase' })
    expect([202, 204]).toContain(status)
    return status === 204
  })
  await bob.until('all is redacted', () => redacted() === count)
  expect([...bob.view().members]).toEqual([['bob', 'owner']])
  await until('no file has any of it', async () => (await filesWithEach(server.dataDir, markers)).size === 0, 30_000)
  expect((await filesWithEach(server.dataDir, [kept])).size).toBe(1)
})
