// The SDK of Node programs against a whole server in this process: real sockets, real files.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { type ChatClient, type ChatMessage, type Conversation, createChatClient } from '../../client/node.ts'
import { signByHand } from '../contract/rest/rest-client.ts'
import { startTestServer, type TestServer } from '../helpers/running-server.ts'
import { when } from '../helpers/when.ts'

let server: TestServer
let folder: string

beforeAll(async () => {
  server = await startTestServer()
  folder = await mkdtemp(join(tmpdir(), 'parley-node-client-'))
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

/** Tokens end in an hour. */
async function token(user: string): Promise<string> {
  return signByHand({ claims: { sub: user, exp: Math.floor(Date.now() / 1000) + 3600 }, secret: server.secret })
}

function start(user: string, url = server.url): ChatClient {
  return createChatClient({ url, user, token: () => token(user), folder })
}

function sent(messages: readonly ChatMessage[]): readonly string[] {
  return messages.filter(({ delivery }) => 'seq' in delivery).map(({ content }) => content)
}

function hasSent(conversation: Conversation, ...contents: readonly string[]): Promise<unknown> {
  return when(conversation.messages, (messages) => contents.every((content) => sent(messages).includes(content)))
}

test('[CLIENT2][CLIENT3][LOCAL1] two people on one device have one conversation, and each their own store', async () => {
  const [ann, bob] = [start('ann'), start('bob')]
  const anns = await ann.create({ title: 'Harbour', members: [{ user: 'bob', access: 'writer' }] })
  anns.send('Ahoy')
  await hasSent(anns, 'Ahoy')
  await bob.refresh()
  expect(bob.conversations.getSnapshot()).toMatchObject([{ id: anns.id, title: 'Harbour', unread: 1 }])
  const bobs = await bob.open(anns.id)
  await hasSent(bobs, 'Ahoy')
  bobs.markRead()
  bobs.send('Ahoy, ann')
  await Promise.all([hasSent(anns, 'Ahoy, ann'), hasSent(bobs, 'Ahoy, ann')])
  expect(sent(anns.messages.getSnapshot())).toEqual(sent(bobs.messages.getSnapshot()))
  await Promise.all([ann.close(), bob.close()])
})

test('[CLIENT1][OUTBOX2] without a server everything is there, and what is written then is sent later', async () => {
  const online = start('cat')
  const conversation = await online.create()
  conversation.send('one')
  await hasSent(conversation, 'one')
  await online.close()

  // Without a token it never gets as far as the server.
  const offline = createChatClient({
    url: server.url,
    user: 'cat',
    token: () => Promise.reject(new Error('no network')),
    folder,
  })
  const local = await offline.open(conversation.id)
  expect(sent(local.messages.getSnapshot())).toEqual(['one'])
  local.send('two')
  await local.flush()
  await offline.close()

  const again = start('cat')
  const back = await again.open(conversation.id)
  await hasSent(back, 'one', 'two')
  expect(sent(back.messages.getSnapshot())).toEqual(['one', 'two'])
  await again.close()
})

test('[MEMBER1][SYNC3] a stranger is refused for good', async () => {
  const [dan, eve] = [start('dan'), start('eve')]
  const conversation = await dan.create()
  conversation.send('secret')
  await hasSent(conversation, 'secret')
  const other = await eve.open(conversation.id)
  const { connection } = await when(other.status, (status) => status.connection.phase === 'refused')
  expect(connection).toMatchObject({ phase: 'refused', code: 'no-access' })
  expect(other.messages.getSnapshot()).toEqual([])
  await Promise.all([dan.close(), eve.close()])
})
