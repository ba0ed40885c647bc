// Where the token of an invitation is not to be found: in the store's files and in the log, at any level.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'

import { createLog } from '../../server/http/create-log.ts'
import { startServer } from '../../server/server.ts'
import { People } from '../contract/rest/people.ts'

const secret = 'a secret for tests, long enough for it'
const made = z.object({ token: z.string(), id: z.string() })

test('[INVITE2][CONF2] a token is neither in the files of the server nor in its log', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'parley-test-'))
  onTestFinished(() => rm(dataDir, { recursive: true }))
  const lines: string[] = []
  const server = await startServer(
    {
      port: 0,
      host: '127.0.0.1',
      dataDir,
      logLevel: 'trace',
      auth: { kind: 'secret', secret: new TextEncoder().encode(secret), issuer: undefined, audience: undefined },
      origins: [],
    },
    {
      log: createLog('trace', { write: (line) => void lines.push(line) }),
      now: Date.now,
      webRoot: undefined,
      onStoreFailure: () => undefined,
    },
  )
  const people = new People({ url: server.url, secret, restart: async () => undefined, close: server.close })
  const [ann, bob] = [people.person('ann'), people.person('bob')]
  const path = await ann.creates()
  const body = { uses: null }
  const { token, id } = made.parse((await ann.call('POST', `${path}/invitations`, { body })).body)
  for (const [who, used] of [
    [bob, token],
    [bob, token],
    [ann, `${token}x`],
  ] as const) {
    await who.call('POST', `/api/invitations/${used}/accept`)
  }
  await server.close()

  const names = (await readdir(dataDir, { recursive: true })).filter((name) => !/LOCK|LOG/.test(name))
  const bytes = await Promise.all(names.map((name) => readFile(join(dataDir, name)).catch(() => Buffer.alloc(0))))
  const files = Buffer.concat(bytes)
  // The row is there, or its absence would prove nothing.
  expect(files.includes(Buffer.from(id.replaceAll('-', ''), 'hex'))).toBe(true)
  const raw = Buffer.from(token, 'base64url')
  for (const piece of [token, token.slice(0, 20), token.slice(-20), raw.subarray(-32), raw.subarray(-16)]) {
    expect(files.includes(piece)).toBe(false)
  }
  const log = lines.join('')
  expect(log).toContain('/api/invitations/:token/accept')
  for (const piece of [token, token.slice(0, 20), token.slice(-20)]) expect(log).not.toContain(piece)
})
