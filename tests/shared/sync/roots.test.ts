import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { chainRoot, parseRoot, serverRoot } from '../../../shared/sync/roots.ts'
import { clientId, userId } from '../../helpers/chain-doc.ts'
import { announceSeed } from '../../helpers/seeded-random.ts'

const clients = fc.integer({ min: 0, max: 2 ** 32 - 1 }).map(clientId)
const visible = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCodePoint(code))
const users = fc
  .array(
    visible.filter((character) => character !== '/'),
    { minLength: 1, maxLength: 128 },
  )
  .map((characters) => userId(characters.join('')))

test('[IDS1] a root name says whose chain it is', () => {
  expect(chainRoot(clientId(7), userId('ann'))).toBe('chain/7/ann')
  expect(serverRoot(clientId(4_294_967_295))).toBe('server/4294967295')
  fc.assert(
    fc.property(clients, users, (client, user) => {
      expect(parseRoot(chainRoot(client, user))).toEqual({ kind: 'chain', client, user })
      expect(parseRoot(serverRoot(client))).toEqual({ kind: 'server', client })
    }),
    { seed: announceSeed('IDS1 roots') },
  )
})

test('[IDS1] a root name that parses is written back the same, and nothing else parses', () => {
  const almost = fc.tuple(
    fc.constantFrom('chain', 'server', 'Chain', ''),
    fc.constantFrom('7', '07', '', 'x', '-1', '4294967296'),
  )
  const texts = fc.oneof(
    fc.string(),
    almost.map((words) => words.join('/')),
    fc.tuple(almost, fc.string()).map((words) => words.flat().join('/')),
  )
  fc.assert(
    fc.property(texts, (text) => {
      const root = parseRoot(text)
      if (root === undefined) return
      expect(root.kind === 'chain' ? chainRoot(root.client, root.user) : serverRoot(root.client)).toBe(text)
    }),
    { seed: announceSeed('IDS1 root texts'), numRuns: 2_000 },
  )
  const bad = [
    '',
    '/',
    'chain',
    'chain/',
    'chain/7',
    'chain/7/',
    'chain/7/ann/',
    'chain/7/ann/x',
    'chain//ann',
    'chain/07/ann',
    'chain/-7/ann',
    'chain/7/a b',
    'chain/7/änn',
    `chain/7/${'x'.repeat(129)}`,
    'chain/4294967296/ann',
    'server',
    'server/',
    'server/7/',
    'server/7/ann',
    'server/x',
    'Server/7',
    'held/7/ann',
    '__proto__',
    'constructor',
  ]
  for (const text of bad) expect(parseRoot(text)).toBeUndefined()
})
