import { describe, expect, test } from 'vitest'
import { z } from 'zod'

import { parseRoot } from '../../shared/sync/roots.ts'
import { announcedRandom } from '../helpers/seeded-random.ts'
import type { ServerProcess } from '../helpers/server-process.ts'
import { StockClient } from '../helpers/stock-client.ts'
import type { NodeDevice } from './node-device.ts'
import { setStage } from './node-stage.ts'

const testMs = 120_000

/** What a newcomer sees of a conversation. */
async function seenBy(server: ServerProcess, id: string, user: string) {
  const client = new StockClient({ url: server.url, conversation: id, user, token: await server.token(user) })
  try {
    await client.synced()
    const { sent, members, title } = client.view()
    const chains = [...client.doc.share.keys()].flatMap((name) => {
      const parsed = parseRoot(name)
      return parsed?.kind === 'chain' ? [parsed] : []
    })
    return { texts: sent.map(({ content }) => content), members: Object.fromEntries(members), title, chains }
  } finally {
    client.destroy()
  }
}

const chainAnswer = z.object({ next_clock: z.number(), entries: z.array(z.object({ state: z.string() })) })

describe('a client program in Node', () => {
  test(
    '[OUTBOX2][CLIENT1][CLIENT3][CLIENT4] what it made and wrote without a server is there after a SIGKILL, and sent once',
    { timeout: testMs },
    async () => {
      const { server, device } = await setStage()
      const ann = await device('ann')
      await server.stop()
      const { id = '' } = await ann.run({ kind: 'create', title: 'Made offline', members: ['bob'] })
      const before = await ann.send('one', 'two')
      expect(before).toMatchObject({ lines: ['pending one', 'pending two'], pending: 2, access: 'owner' })
      await ann.killAndRestart()

      const after = await ann.open(id)
      expect(after.lines).toEqual(['pending one', 'pending two'])
      expect(after.messages).toEqual(before.messages)
      expect(after.storage).toBe('persistent')
      expect(after.conversations).toEqual([{ id, title: 'Made offline', registered: false }])
      await ann.send('three')

      await server.start()
      const sent = await ann.until('sent one', 'sent two', 'sent three')
      expect(sent.messages.map(({ id: message }) => message).slice(0, 2)).toEqual(
        before.messages.map(({ id: message }) => message),
      )
      expect(await seenBy(server, id, 'bob')).toMatchObject({
        texts: ['one', 'two', 'three'],
        members: { ann: 'owner', bob: 'writer' },
        title: 'Made offline',
      })
      // Once more from the beginning: nothing is sent again.
      await ann.restart()
      expect((await ann.open(id)).lines).toEqual(['sent one', 'sent two', 'sent three'])
      const live = await ann.run({ kind: 'live' })
      expect(live.conversations).toEqual([{ id, title: 'Made offline', registered: true }])
      expect((await seenBy(server, id, 'bob')).texts).toEqual(['one', 'two', 'three'])
      await ann.end()
    },
  )

  test(
    '[CLIENT3][OUTBOX2] a program that is started again and opens nothing sends what an earlier one left',
    { timeout: testMs },
    async () => {
      const { proxy, device } = await setStage()
      const ann = await device('ann')
      proxy.cut()
      const { id = '' } = await ann.run({ kind: 'create', title: 'Left alone', members: ['bob'] })
      await ann.send('left')
      await ann.killAndRestart()
      proxy.heal()
      const bob = await device('bob')
      await expect
        .poll(async () => (await bob.run({ kind: 'refresh' })).conversations.map(({ title }) => title), {
          timeout: 30_000,
        })
        .toEqual(['Left alone'])
      await bob.open(id)
      await bob.until('sent left')
    },
  )

  test(
    '[OUTBOX2][CRASH1] whatever was flushed before a SIGKILL, at whatever moment, is sent, once and in order',
    { timeout: testMs },
    async () => {
      const { server, device } = await setStage()
      const random = announcedRandom('node client, SIGKILL')
      const id = await server.createConversation('bob', 'ann')
      const ann = await device('ann')
      const flushed: string[] = []
      for (let round = 0; round < 8; round++) {
        await ann.open(id)
        for (let turn = random.between(1, 6); turn > 0; turn--) {
          const texts = [`${round}.${turn}.a`, `${round}.${turn}.b`]
          await ann.send(...texts)
          flushed.push(...texts)
        }
        // And one whose fate is open: it may be lost, but not by halves.
        void ann.run({ kind: 'send', texts: [`${round} open`], flush: false }).catch(() => undefined)
        await ann.killAndRestart()
      }
      await ann.open(id)
      await ann.run({ kind: 'live' })
      await ann.send('the end')
      await expect.poll(async () => (await ann.look()).pending, { timeout: 30_000 }).toBe(0)
      const { lines } = await ann.look()
      const { texts, chains } = await seenBy(server, id, 'bob')
      expect(lines).toEqual(texts.map((text) => `sent ${text}`))
      expect(texts.filter((text) => !text.endsWith('open'))).toEqual([...flushed, 'the end'])
      expect(new Set(texts).size).toBe(texts.length)
      expect(chains.filter(({ user }) => user === 'ann')).toHaveLength(1)
      await ann.end()
    },
  )

  test(
    '[SYNC4][CLIENT2] two devices of one user, both cut off: one order on both, each message once, a chain for each',
    { timeout: testMs },
    async () => {
      const { server, proxy, device } = await setStage()
      const id = await server.createConversation('bob', 'ann')
      const [desk, phone] = [await device('ann'), await device('ann')]
      await Promise.all([desk.open(id), phone.open(id)])
      await Promise.all([desk.run({ kind: 'live' }), phone.run({ kind: 'live' })])
      await desk.send('together')
      await phone.until('sent together')
      proxy.cut()
      await desk.send('desk one', 'desk two')
      await phone.send('phone one', 'phone two')
      expect((await desk.look()).lines).toEqual(['sent together', 'pending desk one', 'pending desk two'])
      expect((await phone.look()).lines).toEqual(['sent together', 'pending phone one', 'pending phone two'])
      proxy.heal()
      const settled = async (one: NodeDevice): Promise<readonly string[]> => {
        const view = await one.look()
        return view.lines.length === 5 && view.pending === 0 ? view.lines : []
      }
      await expect.poll(() => settled(desk), { timeout: 30_000 }).toHaveLength(5)
      await expect.poll(() => settled(phone), { timeout: 30_000 }).toEqual((await desk.look()).lines)
      const { texts, chains } = await seenBy(server, id, 'bob')
      expect((await desk.look()).lines).toEqual(texts.map((text) => `sent ${text}`))
      expect(texts.toSorted()).toEqual(['desk one', 'desk two', 'phone one', 'phone two', 'together'])
      expect(texts.indexOf('desk one')).toBeLessThan(texts.indexOf('desk two'))
      expect(texts.indexOf('phone one')).toBeLessThan(texts.indexOf('phone two'))
      expect(chains.filter(({ user }) => user === 'ann')).toHaveLength(2)
      await Promise.all([desk.end(), phone.end()])
    },
  )

  test('[CHAIN1] 50 reopenings leave one chain of the device', { timeout: testMs }, async () => {
    const { server, device } = await setStage()
    const id = await server.createConversation('bob', 'ann')
    const ann = await device('ann')
    await ann.open(id)
    await ann.run({ kind: 'reopen', times: 25, text: 'first' })
    await ann.restart()
    await ann.open(id)
    await ann.run({ kind: 'reopen', times: 24, text: 'second' })
    await expect.poll(async () => (await ann.look()).pending, { timeout: 30_000 }).toBe(0)
    const { lines } = await ann.look()
    const { texts, chains } = await seenBy(server, id, 'bob')
    expect(texts).toHaveLength(17)
    expect(lines).toEqual(texts.map((text) => `sent ${text}`))
    const own = chains.filter(({ user }) => user === 'ann')
    expect(own).toHaveLength(1)
    const { status, body } = await server.rest('ann', 'GET', `/api/conversations/${id}/chains/${own[0]?.client}`)
    expect(status).toBe(200)
    const { next_clock: next, entries } = chainAnswer.parse(body)
    expect(next).toBe(17)
    expect(entries.map(({ state }) => state)).toEqual(texts.map(() => 'accepted'))
    await ann.end()
  })

  test(
    '[CLIENT4][OUTBOX2] what the rules refused meanwhile is failed with its reason, to be sent again or discarded',
    { timeout: testMs },
    async () => {
      const { server, proxy, device } = await setStage()
      const id = await server.createConversation('bob', 'ann')
      const give = (access: string) =>
        server.rest('bob', 'PUT', `/api/conversations/${id}/members/ann`, { access }).then(({ status }) => status)
      const ann = await device('ann')
      await ann.open(id)
      await ann.run({ kind: 'live' })
      await ann.send('in time')
      await ann.until('sent in time')
      proxy.cut()
      await ann.send('too late', 'as well')
      expect(await give('reader')).toBe(200)
      proxy.heal()
      const failed = ['sent in time', 'failed/access too late', 'failed/access as well']
      expect((await ann.until(...failed)).pending).toBe(0)

      await ann.restart()
      expect((await ann.open(id)).lines).toEqual(failed)
      await ann.run({ kind: 'live' })
      await expect(ann.run({ kind: 'retry', message: 'too late' })).rejects.toThrow('access')
      expect((await ann.look()).lines).toEqual(failed)

      expect(await give('writer')).toBe(200)
      await expect.poll(async () => (await ann.look()).access, { timeout: 30_000 }).toBe('writer')
      await ann.run({ kind: 'retry', message: 'too late' })
      await ann.until('sent in time', 'sent too late', 'failed/access as well')
      await ann.run({ kind: 'discard', message: 'as well' })
      expect((await ann.look()).lines).toEqual(['sent in time', 'sent too late'])
      await ann.killAndRestart()
      expect((await ann.open(id)).lines).toEqual(['sent in time', 'sent too late'])
      expect((await seenBy(server, id, 'bob')).texts).toEqual(['in time', 'too late'])
      await ann.end()
    },
  )

  test(
    '[CLIENT1] what was closed well opens without any network, and shows what it showed',
    { timeout: testMs },
    async () => {
      const { server, proxy, device } = await setStage()
      const id = await server.createConversation('bob', 'ann')
      const ann = await device('ann')
      await ann.open(id)
      await ann.run({ kind: 'live' })
      await ann.send('one', 'two')
      const shown = await ann.until('sent one', 'sent two')
      const { api, sockets } = proxy.counts
      proxy.cut()
      await ann.restart()
      const opened = await ann.open(id)
      expect(opened.messages).toEqual(shown.messages)
      expect(opened).toMatchObject({ access: 'writer', pending: 0, storage: 'persistent' })
      expect(proxy.counts).toMatchObject({ api, sockets })
      await ann.end()
    },
  )

  test(
    '[OUTBOX3] where the disk is full the status says so, and messages are sent all the same',
    { timeout: testMs },
    async () => {
      const { server, device } = await setStage()
      const id = await server.createConversation('bob', 'ann')
      const ann = await device('ann', 100)
      await ann.open(id)
      await ann.run({ kind: 'live' })
      await ann.send('small')
      expect((await ann.until('sent small')).storage).toBe('persistent')
      const texts = ['small']
      for (let turn = 0; turn < 5; turn++) {
        const text = `${turn} ${'x'.repeat(20_000)}`
        texts.push(text)
        await ann.run({ kind: 'send', texts: [text], flush: false })
        await ann.until(...texts.map((one) => `sent ${one}`))
      }
      expect((await ann.look()).storage).toBe('memory')
      expect((await seenBy(server, id, 'bob')).texts).toEqual(texts)
      await ann.end()
    },
  )
})
