// What comes to a device while what it has of a conversation is being deleted, or is about to be.
import { expect, test, vi } from 'vitest'
import * as Y from 'yjs'

// Loaded now: the clocks of these tests do not wait for it.
import '../../client/search/search-index.ts'
import type { ClientStorage } from '../../client/storage/client-storage.ts'
import { encodeEntry, type KnownEntry } from '../../shared/chat/entry.ts'
import { append, createDoc } from '../helpers/chain-doc.ts'
import type { ClientRig } from '../helpers/client-rig.ts'
import { message, restItem } from '../helpers/client-rows.ts'
import { keepingMemory } from '../helpers/open-rig.ts'
import { left as leftOn, nothing, one, openingSlowly, startRemovalRig, title, wipe } from '../helpers/removal-rig.ts'
import { createServerArchive } from '../helpers/server-archive.ts'
import { deferred } from '../helpers/when.ts'
import { timedClients } from './timed-clients.ts'

const { start, settle } = timedClients()

function startOn(storage: ClientStorage, settings: readonly KnownEntry[], hasArchive = false): Promise<ClientRig> {
  return startRemovalRig({ start, settle, storage, settings, hasArchive })
}

const left = (rig: ClientRig): ReturnType<typeof leftOn> => leftOn(rig, settle)

test.each([
  ['is open', false],
  ['was just closed', true],
])(
  '[WIPE2] pages that are on their way while it is deleted are not kept behind that: it %s',
  async (_name, isClosed) => {
    const rig = await startOn(keepingMemory(), [wipe])
    const archive = createServerArchive(rig.server(one))
    const arrived = deferred<undefined>()
    const messages = vi.fn<typeof archive.messages>(async (where) => {
      const answer = await archive.messages(where)
      await arrived.promise
      return answer
    })
    rig.archives.set(one, { ...archive, messages })
    await rig.storage.pages.drop(one)
    const conversation = await rig.client.open(one)
    await settle()
    void conversation.loadOlder()
    await settle()
    expect(messages).toHaveBeenCalled()
    if (isClosed) await conversation.close()
    rig.sync.remove(one, 'no-access', true)
    await settle()
    arrived.resolve(undefined)
    await settle()
    expect(await left(rig)).toEqual(nothing)
    // What is before the window is nothing at this server: that is a page too.
    expect((await rig.storage.pages.facts(one)).spans).toEqual([])
  },
)

/** The device, and how its next document takes until it is let go on. */
async function startSlowly(...settings: readonly KnownEntry[]) {
  let arrived: Promise<unknown> = Promise.resolve()
  const rig = await startOn(
    openingSlowly(keepingMemory(), () => arrived),
    settings,
  )
  return {
    rig,
    hold: (): (() => void) => {
      const arrival = deferred()
      arrived = arrival.promise
      return arrival.resolve
    },
  }
}

test('[WIPE2] one that is just being opened goes as well, and its line does not come back', async () => {
  const { rig, hold } = await startSlowly(title, wipe)
  const arrive = hold()
  const opening = rig.client.open(one)
  await settle()
  rig.sync.remove(one, 'no-access', true)
  await settle()
  arrive()
  const conversation = await opening
  await settle()
  expect(conversation.messages.getSnapshot()).toEqual([])
  expect(await left(rig)).toEqual(nothing)
})

test('[MEMBER2] what is forgotten while it is just being opened goes as well', async () => {
  const { rig, hold } = await startSlowly(title)
  rig.sync.remove(one)
  await settle()
  const arrive = hold()
  const opening = rig.client.open(one)
  await settle()
  const forgetting = rig.client.forget(one)
  await settle()
  arrive()
  await forgetting
  const conversation = await opening
  await settle()
  expect(conversation.messages.getSnapshot()).toEqual([])
  expect(await left(rig)).toEqual(nothing)
})

test('[WIPE2] one that is opened while it is being deleted is opened behind that, and empty', async () => {
  const storage = keepingMemory()
  const rig = await startOn(storage, [title, wipe])
  const arrival = deferred()
  const { drop } = storage.pages
  const dropping = vi.spyOn(storage.pages, 'drop').mockImplementation(async (id) => {
    await arrival.promise
    await drop(id)
  })
  rig.sync.remove(one, 'no-access', true)
  await settle(100)
  expect(dropping).toHaveBeenCalled()
  const opening = rig.client.open(one)
  await settle(100)
  arrival.resolve()
  const conversation = await opening
  await settle()
  expect(conversation.messages.getSnapshot()).toEqual([])
  await conversation.close()
  // The chain of those who opened it is all there is.
  expect(await left(rig)).toEqual({ ...nothing, pool: 1 })
})

test('[WIPE2] at whatever moment of being forgotten it is opened, nothing of it is shown or kept', async () => {
  for (let moments = 0; moments < 16; moments++) {
    const rig = await startOn(keepingMemory(), [title])
    rig.sync.remove(one)
    await settle()
    const forgetting = rig.client.forget(one)
    for (let moment = 0; moment < moments; moment++) await Promise.resolve()
    const opening = rig.client.open(one)
    await settle(100)
    await forgetting
    const conversation = await opening
    await settle()
    expect(conversation.messages.getSnapshot()).toEqual([])
    await conversation.close()
    expect(await left(rig)).toMatchObject({ window: 0, pages: 0, outbox: 0, found: 0 })
    await rig.client.close()
  }
})

/** Somebody else says one secret more. */
function write(rig: ClientRig): void {
  const doc = createDoc(8)
  append(doc, 'ann', [encodeEntry(message(50, 'secret, again'))])
  Y.applyUpdate(rig.server(one).doc, Y.encodeStateAsUpdate(doc), 'device')
}

test('[WIPE2] whoever was added again before the server could say more than a list did keeps all of it', async () => {
  const rig = await startOn(keepingMemory(), [title, wipe])
  rig.isOffline = true
  const conversation = await rig.client.open(one)
  conversation.send('a secret from the train')
  await conversation.close()
  rig.lost.set(one, 'no-access')
  rig.isOffline = false
  // The socket comes back later.
  await rig.client.refresh()
  await settle(0)
  expect(rig.asked.length).toBeGreaterThan(0)
  rig.lost.delete(one)
  write(rig)
  await settle(120_000)
  expect(rig.client.removed.getSnapshot()).toEqual([])
  expect(await left(rig)).toMatchObject({ pages: 10, outbox: 0, listed: 1, found: 22 })
})

const item = restItem(one, {
  created_at: new Date(1).toISOString(),
  updated_at: new Date(2).toISOString(),
  last_seq: 20,
})

test.each([
  ['[WIPE2] deleted', [title, wipe], nothing],
  ['[MEMBER2] kept', [title], { listed: 1, lines: 1, window: 10 }],
] as const)('%s: a list that was asked for before the removal does not undo it', async (_name, settings, expected) => {
  let arrived: Promise<unknown> = Promise.resolve()
  const rig = await startRemovalRig({
    start: (options) => start({ ...options, listing: () => arrived }),
    settle,
    storage: keepingMemory(),
    settings,
  })
  rig.listed.push({ ...item, title: 'Plans' })
  const arrival = deferred()
  arrived = arrival.promise
  const refreshing = rig.client.refresh()
  await settle(100)
  rig.listed.length = 0
  rig.sync.remove(one, 'no-access', settings.length > 1 ? true : undefined)
  await settle()
  arrival.resolve()
  await refreshing
  await settle()
  expect(await left(rig)).toMatchObject(expected)
  expect(rig.client.conversations.getSnapshot().filter(({ gone }) => gone === undefined)).toEqual([])
})

/** The user is a member again, and that is news. */
async function addAgain(rig: ClientRig): Promise<void> {
  rig.listed.push(item)
  write(rig)
  await settle(100)
  rig.sync.admit(one)
  await settle(60_000)
}

test('[WIPE2][PAGE4] whoever is added again after all of it was deleted gets the archive again, in the same run', async () => {
  const rig = await startOn(keepingMemory(), [wipe], true)
  expect(await left(rig)).toMatchObject({ pages: 10, found: 20 })
  rig.sync.remove(one, 'no-access', true)
  await settle()
  expect(await left(rig)).toEqual(nothing)
  await addAgain(rig)
  expect(await left(rig)).toMatchObject({ pages: 10, lines: 1, listed: 1, found: 21 })
})

test('[MEMBER2][PAGE4] what the device dropped of one that was only read comes back when its user is a member again', async () => {
  const rig = await startOn(keepingMemory(), [title], true)
  rig.sync.remove(one)
  await settle()
  await rig.storage.pages.drop(one)
  await settle(60_000)
  expect(await left(rig)).toMatchObject({ window: 10, pages: 0, listed: 1 })
  await addAgain(rig)
  expect(await left(rig)).toMatchObject({ pages: 10, listed: 1, found: 21 })
})
