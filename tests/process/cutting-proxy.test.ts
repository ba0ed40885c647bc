import { expect, onTestFinished, test } from 'vitest'

import { CuttingProxy } from '../helpers/cutting-proxy.ts'
import { RawSocket } from '../helpers/raw-socket.ts'
import { startServerProcess } from '../helpers/server-process.ts'
import { until } from '../helpers/until.ts'

/** Whether anything is answered at all. */
async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    (answer) => answer.text().then(() => true),
    () => false,
  )
}

test('a cut destroys what is open, refuses what is new, and leaves the page; after healing all is as before', async () => {
  const server = await startServerProcess()
  onTestFinished(() => server.dispose())
  const proxy = await CuttingProxy.start(() => server.url)
  onTestFinished(() => proxy.close())
  const room = await server.createConversation('ann')
  const token = await server.token('ann')
  const openSocket = (): RawSocket => new RawSocket({ url: proxy.url, room, token })

  const socket = openSocket()
  await socket.next('step1')
  expect(await answers(`${proxy.url}/health/live`)).toBe(true)
  expect(await answers(`${proxy.url}/api/openapi.json`)).toBe(true)
  await until('the answered request is over', () => proxy.counts.open === 1)
  expect(proxy.counts).toMatchObject({ sockets: 1, api: 1, page: 1, cut: 0 })

  proxy.cut()
  // 1006: without a word of closing.
  expect((await socket.closed).code).toBe(1006)
  await expect(openSocket().opened()).rejects.toThrow('ECONNRESET')
  expect(await answers(`${proxy.url}/api/openapi.json`)).toBe(false)
  expect(await answers(`${proxy.url}/`)).toBe(true)
  expect(proxy.counts).toMatchObject({ sockets: 1, api: 1, page: 2, cut: 3, open: 0 })

  proxy.heal()
  const again = openSocket()
  await again.next('step1')
  expect(await answers(`${proxy.url}/api/openapi.json`)).toBe(true)
  await until('the answered request is over', () => proxy.counts.open === 1)
  expect(proxy.counts).toMatchObject({ sockets: 2, api: 2 })
  again.terminate()
})
