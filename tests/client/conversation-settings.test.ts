// What a conversation is set to: read on a device, offline too, and given to one that is made there.
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'

import { type ChatClient, knownSettings } from '../../client/api.ts'
import { limits } from '../../shared/limits.ts'
import { startClientRig } from '../helpers/client-rig.ts'
import { ann } from '../helpers/client-rows.ts'
import { keepingMemory, openRig } from '../helpers/open-rig.ts'
import { when } from '../helpers/when.ts'

const clients: ChatClient[] = []
afterEach(async () => void (await Promise.allSettled(clients.splice(0).map((client) => client.close()))))

test('[SETTINGS1] settings are read as they stand, pending ones on top, the title apart, and stay the same map until one changes', async () => {
  const storage = keepingMemory()
  const rig = await openRig({ storage })
  const { conversation } = rig
  rig.sync()
  const settings = (): ReadonlyMap<string, unknown> => conversation.info.getSnapshot().settings
  expect(settings()).toEqual(new Map())
  conversation.set('history', 'from-join')
  conversation.set('metadata', { topic: 'tea' })
  conversation.setTitle('Plans')
  const set = new Map<string, unknown>([
    ['history', 'from-join'],
    ['metadata', { topic: 'tea' }],
  ])
  expect(settings()).toEqual(set)
  const before = settings()
  rig.sync()
  conversation.send('hello')
  conversation.setTitle('Other plans')
  conversation.setMember('bob', 'writer')
  rig.sync()
  expect(settings()).toBe(before)
  rig.server.archive(4)
  rig.download()
  expect(settings()).toBe(before)
  await conversation.close()
  const offline = await openRig({ storage, server: rig.server, firstClient: 200 })
  expect(offline.conversation.info.getSnapshot().settings).toEqual(set)
  offline.conversation.set('history', null)
  expect(offline.conversation.info.getSnapshot().settings).toEqual(new Map([['metadata', { topic: 'tea' }]]))
})

test('[SETTINGS1] those that mean something are read whatever stands there', () => {
  const read = (history?: unknown, wipe?: unknown): unknown =>
    knownSettings(new Map(Object.entries({ history, wipe }).filter(([, value]) => value !== undefined)))
  expect(read()).toEqual({ history: 'all', wipe: false })
  expect(read('from-join', true)).toEqual({ history: 'from-join', wipe: true })
  expect(read('since-monday', 'yes')).toEqual({ history: 'all', wipe: false })
})

test('[SETTINGS3][CLIENT3] what is made offline with settings shows them, after a restart too, and is registered with them', async () => {
  const storage = keepingMemory()
  const rig = startClientRig({ storage, isOffline: true })
  const settings = { history: 'from-join', metadata: { topic: 'tea' }, nothing: null }
  const made = await rig.client.create({ title: 'Plans', settings })
  const shown = new Map(Object.entries(settings).filter(([, value]) => value !== null))
  expect(made.info.getSnapshot()).toMatchObject({ title: 'Plans', access: 'owner' })
  expect(made.info.getSnapshot().settings).toEqual(shown)
  const before = made.info.getSnapshot()
  made.send('hello')
  expect(made.info.getSnapshot()).toBe(before)
  // What is changed there is shown at once, too.
  made.set('long', 'x'.repeat(5000))
  made.set('metadata', null)
  made.setTitle('Other plans')
  made.setMember('bob', 'reader')
  shown.set('long', 'x'.repeat(5000))
  shown.delete('metadata')
  expect(made.info.getSnapshot()).toMatchObject({ title: 'Other plans', access: 'owner', settings: shown })
  expect(made.info.getSnapshot().members.map(({ user }) => user)).toEqual(['ann', 'bob'])
  await made.flush()
  await rig.client.close()

  const again = startClientRig({ storage, isOffline: true })
  clients.push(again.client)
  const reopened = await again.client.open(made.id)
  expect(reopened.info.getSnapshot().settings).toEqual(shown)
  again.isOffline = false
  again.wake()
  await when(again.client.conversations, ([line]) => line?.registered === true)
  expect(again.registered.get(made.id)).toEqual({
    title: 'Other plans',
    members: [],
    settings: { history: 'from-join', metadata: { topic: 'tea' } },
  })
})

test('[SETTINGS1][VIEW1] many settings that are set before the server knows of it cost a copy for each view, not for each of them', async () => {
  const keys = 300
  const { conversation } = await openRig({ beforehand: { access: 'owner', members: [{ user: ann, access: 'owner' }] } })
  onTestFinished(() => conversation.close())
  for (let index = 0; index < keys; index++) conversation.set(`key ${index}`, index)
  const before = conversation.info.getSnapshot()
  let copied = 0
  const { Map: Plain } = globalThis
  class Counting<K, V> extends Plain<K, V> {
    constructor(from?: Iterable<readonly [K, V]> | null) {
      super(from)
      copied += this.size
    }
  }
  vi.stubGlobal('Map', Counting)
  onTestFinished(() => void vi.unstubAllGlobals())
  conversation.set('key 5', 'another')
  vi.unstubAllGlobals()
  expect(copied).toBeGreaterThan(keys)
  expect(copied).toBeLessThan(10 * keys)
  expect([before.settings.size, before.settings.get('key 5')]).toEqual([keys, 5])
  const { settings } = conversation.info.getSnapshot()
  expect([settings.size, settings.get('key 5')]).toEqual([keys, 'another'])
})

test('[SETTINGS3] what no server would take is a TypeError, and nothing is made', async () => {
  const rig = startClientRig({ isOffline: true })
  clients.push(rig.client)
  const many = Object.fromEntries(Array.from({ length: limits.settingsPerRequest + 1 }, (_, n) => [`k${n}`, n]))
  const bad: readonly Readonly<Record<string, unknown>>[] = [
    { title: 'Tea' },
    { history: 'since-monday' },
    { wipe: 1 },
    { '': 1 },
    { ['k'.repeat(limits.settingKeyLength + 1)]: 1 },
    { nothing: undefined },
    { big: 'x'.repeat(limits.settingsBytes) },
    many,
  ]
  for (const settings of bad) await expect(rig.client.create({ settings })).rejects.toThrow(TypeError)
  expect(rig.client.conversations.getSnapshot()).toEqual([])
})
