// What an own message said before: from the document as long as it is there, offline too, and from the server otherwise.
import { expect, test } from 'vitest'

import { OutOfReach, type Version } from '../../client/api.ts'
import { RestFailure } from '../../client/rest-client.ts'
import { encodeEntry, type MessageId } from '../../shared/chat/entry.ts'
import { append, createDoc } from '../helpers/chain-doc.ts'
import { message, messageId } from '../helpers/client-rows.ts'
import { openRig, type OpenRig, type OpenRigOptions, stampAll } from '../helpers/open-rig.ts'
import { turn } from '../helpers/when.ts'

const start = async (options: OpenRigOptions = {}) => {
  const rig = await openRig(options)
  rig.sync()
  return rig
}

/** Its message 'one' has left the window; another has not. */
function sendAndArchive(rig: OpenRig): MessageId {
  const { conversation, server } = rig
  const id = conversation.send('one')
  conversation.send('another')
  rig.upload()
  stampAll(server)
  server.archive(0)
  rig.download()
  return id
}

test('[VERSION1] the versions of what is not sent, sent and edited since come from the device alone', async () => {
  const rig = await start()
  const { conversation } = rig
  const id = conversation.send('one')
  conversation.edit(id, 'two')
  const contents = async () => (await conversation.versions(id)).map(({ content }) => content)
  expect(await contents()).toEqual(['one', 'two'])
  expect((await conversation.versions(id)).some(({ sent }) => sent !== undefined)).toBe(false)
  rig.sync()
  conversation.edit(id, 'three')
  const versions = await conversation.versions(id)
  expect(versions).toMatchObject([
    { content: 'one', sent: { seq: 0 } },
    { content: 'two', sent: { seq: 1 } },
    { content: 'three' },
  ])
  expect(versions[2]).not.toHaveProperty('sent')
  const [shown] = conversation.messages.getSnapshot()
  expect(shown?.delivery).toMatchObject({ state: 'sent', createdAt: versions[0]?.sent?.createdAt })
  conversation.redact(id)
  await expect(conversation.versions(id)).rejects.toMatchObject({ reason: 'redacted' })
  rig.sync()
  await expect(conversation.versions(id)).rejects.toMatchObject({ reason: 'redacted' })
})

test('[VERSION1] of another’s message, and of what was refused', async () => {
  const rig = await start()
  const other = createDoc(7)
  append(other, 'bob', [encodeEntry(message(1, 'of bob'))])
  rig.server.receive(other)
  rig.sync()
  await expect(rig.conversation.versions(messageId(1))).rejects.toMatchObject({ reason: 'not-author' })
  const id = rig.conversation.send('refused')
  rig.conversation.edit(id, 'never shown')
  rig.sync({ 0: 'access', 1: 'no-target' })
  expect(await rig.conversation.versions(id)).toMatchObject([{ content: 'refused' }])
})

test('[VERSION1] what is archived the server tells, with what is not sent yet behind it, or nobody', async () => {
  let answer: 'offline' | 'redacted' | 'online' = 'online'
  const sent = { seq: 0, createdAt: 5 }
  const rig = await start({
    versions: async (id) => {
      if (answer === 'offline') throw new TypeError('fetch failed')
      if (answer === 'redacted') throw new RestFailure(410, 'redacted', id)
      return [{ content: 'one', writtenAt: 3, sent }]
    },
  })
  const { conversation } = rig
  const id = sendAndArchive(rig)
  expect(conversation.messages.getSnapshot().map(({ content }) => content)).not.toContain('one')
  conversation.edit(id, 'two')
  expect(await conversation.versions(id)).toMatchObject([{ content: 'one', sent }, { content: 'two' }])
  answer = 'redacted'
  await expect(conversation.versions(id)).rejects.toMatchObject({ reason: 'redacted' })
  answer = 'offline'
  const failure = await conversation.versions(id).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(OutOfReach)
  expect(failure).toHaveProperty('cause.message', 'fetch failed')
})

test('[VERSION1] what comes to the server while it is asked is told once, and nothing of what is redacted meanwhile', async () => {
  let whileAsked = (): void => undefined
  let written: Version[] = []
  const rig = await start({
    versions: async () => {
      await turn()
      whileAsked()
      return written
    },
  })
  const { conversation } = rig
  const id = sendAndArchive(rig)
  conversation.edit(id, 'two')
  const [edit] = conversation.document.replica.folded.pendingTouches.get(id) ?? []
  const writtenAt = edit?.entry.kind === 'edit' ? edit.entry.at : 0
  // The edit is stamped there, and this device has not heard of it.
  written = [
    { content: 'one', writtenAt: 3, sent: { seq: 0, createdAt: 5 } },
    { content: 'two', writtenAt, sent: { seq: 2, createdAt: 6 } },
  ]
  expect(await conversation.versions(id)).toEqual(written)
  whileAsked = () => conversation.redact(id)
  await expect(conversation.versions(id)).rejects.toMatchObject({ reason: 'redacted' })
})
