// The end of private state on a device: deleted for good, or closed while something of it still comes.
import { expect, test } from 'vitest'

import { personalKey } from '../../../client/personal/personal-keys.ts'
import { PersonalValues } from '../../../client/personal/personal-values.ts'
import { PrivateReads, type PrivateReadsDeps } from '../../../client/personal/private-reads.ts'
import { privateConversationOf } from '../../../shared/chat/private-conversation.ts'
import { ann, conversationId, conversationRow, messageId } from '../../helpers/client-rows.ts'
import { timedClients } from '../timed-clients.ts'

const one = conversationId(1)
const { start, settle } = timedClients()

test('[PERSONAL1] where it was deleted for good nothing more is kept of it: what is set shows, and why it goes nowhere', async () => {
  const rig = start()
  const { personal } = rig.client
  await settle()
  personal.mute(one)
  await settle()
  const id = privateConversationOf(ann)
  const rows = async (): Promise<number> => (await rig.storage.outbox(id)).length
  rig.sync.remove(id, 'deleted')
  await settle(120_000)
  const before = await rows()
  for (let count = 1; count <= 20; count++) {
    void personal.setDraft(one, { content: `typed ${count}` })
    await settle(15_000)
  }
  personal.favourite(one)
  await settle()
  expect(await rows()).toBe(before)
  expect(personal.of(one).getSnapshot()).toMatchObject({ favourite: true, draft: { content: 'typed 20' } })
  expect(personal.status.getSnapshot()).toMatchObject({
    refused: ['draft', 'favourite'].map((kind) => ({ key: `${kind}/${one}`, reason: 'access' })),
  })
})

test('[PRIVATE2] a register of another device that comes while this one closes is no error', () => {
  const thread = messageId(20)
  const values = new PersonalValues({
    open: () => new Promise(() => undefined),
    merge: (_key, value) => value,
    onChange: () => undefined,
  })
  // Of a list only this is used. All is read up to there: the register of the thread is one too many.
  const list = { row: () => conversationRow(one, { readThrough: 10 }) } as unknown as PrivateReadsDeps['list']
  const reads = new PrivateReads({
    values,
    list,
    opened: () => undefined,
    background: () => ({ add: () => undefined }),
    writes: true,
  })
  const key = personalKey('read', one, thread)
  values.show(key, 5)
  reads.close()
  void values.close()
  expect(() => reads.note([key])).not.toThrow()
})
