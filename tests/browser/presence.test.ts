// One person at the web chat, another one by the SDK: who is typing, how far messages come, and one that fails.
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket as NodeWebSocket } from 'ws'

import { createClient } from '../../client/chat-client.ts'
import { CuttingProxy } from '../helpers/cutting-proxy.ts'
import { keepingMemory } from '../helpers/open-rig.ts'
import { startServerProcess } from '../helpers/server-process.ts'
import { when } from '../helpers/when.ts'
import { WebDevice } from './web-user.ts'

test(
  '[TYPING1][STATUS1] the page says who types, what was read, and takes a failed message back to where one writes',
  { timeout: 120_000 },
  async () => {
    const server = await startServerProcess()
    onTestFinished(() => server.dispose())
    const proxy = await CuttingProxy.start(() => server.url)
    onTestFinished(() => proxy.close())
    const bob = createClient(
      { url: server.url, user: 'bob', token: () => server.token('bob'), presence: 'online' },
      {
        openStorage: async () => keepingMemory(),
        WebSocket: NodeWebSocket as unknown as typeof WebSocket,
        broadcast: false,
        fetch: globalThis.fetch,
        now: Date.now,
        dropExitListener: (listener) => process.off('exit', listener),
      },
    )
    onTestFinished(() => bob.close())
    const bobs = await bob.create({ title: 'Harbour', members: [{ user: 'ann', access: 'writer' }] })
    await when(bobs.status, ({ connection }) => connection.phase === 'live')
    const device = await WebDevice.start()
    onTestFinished(() => device.dispose())
    const ann = await device.open(`${proxy.url}/#/c/${bobs.id}`)
    await ann.startCoverage()
    await ann.signIn('ann')
    await ann.connection('live')

    const typing = ann.at('typing')
    const composer = ann.at('composer')
    const place = await composer.boundingBox()
    bobs.presence.typing()
    await typing.getByText('bob is typing …').waitFor()
    expect(await typing.getAttribute('aria-live')).toBe('polite')
    expect(await composer.boundingBox()).toEqual(place)
    await ann.picture('presence-typing')
    bobs.send('Ahoy')
    await ann.shows(['sent Ahoy'])
    await when(bobs.messages, ([first]) => first?.delivery.state === 'read')
    expect(await typing.textContent()).toBe('')

    await composer.pressSequentially('Hello')
    await when(bobs.presence.people, ([one]) => one?.user === 'ann' && one.typing && !one.online)
    await ann.at('send').click()
    await when(bobs.presence.people, (people) => people.length === 0)
    await ann.message('Hello').getByText('Received by all').waitFor({ state: 'attached' })
    bobs.markRead()
    await ann.message('Hello').getByText('Read by all').waitFor({ state: 'attached' })
    await ann.picture('presence-read')

    // Seen only by who shows it too, and so it is with everybody.
    await ann.at('members-toggle').click()
    const dot = ann.page.locator('[data-testid="member"][data-user="bob"] .online')
    expect(await dot.count()).toBe(0)
    await ann.at('presence-choice').check()
    await dot.waitFor()
    await when(bobs.presence.people, ([one]) => one?.online === true)
    await ann.picture('presence-online')

    proxy.cut()
    await ann.connection('offline', 'connecting')
    await ann.act('Hello', 'message-reply')
    await ann.send('Too late')
    bobs.setMember('ann', 'reader')
    await when(bobs.info, ({ members }) => members.some(({ user, access }) => user === 'ann' && access === 'reader'))
    await when(bobs.status, ({ pending }) => pending === 0)
    proxy.heal()
    await ann.message('Too late').getByTestId('message-compose').click()
    expect(await composer.inputValue()).toBe('Too late')
    expect(await ann.message('Too late').count()).toBe(0)
    await ann.at('reply-preview').getByText('Hello').waitFor()
    await ann.page.reload()
    await ann.connection('live')
    expect(await ann.at('presence-choice').isChecked()).toBe(true)
    expect(await ann.at('composer').inputValue()).toBe('Too late')
    await ann.stopCoverage()
  },
)
