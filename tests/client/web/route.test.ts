// Addresses of the page: what they name, and what they are for what is chosen.
import { expect, test } from 'vitest'

import { conversationHash, messageHash, parseRoute } from '../../../client/web/route.ts'
import { conversationId } from '../../helpers/client-rows.ts'

const id = conversationId(1)

test('an address names a conversation, and perhaps the message in it to go to; whatever else it says names nothing', () => {
  expect(parseRoute(conversationHash(id))).toEqual({ kind: 'conversation', id, seq: undefined })
  expect(parseRoute(messageHash(id, 0))).toEqual({ kind: 'conversation', id, seq: 0 })
  expect(parseRoute(messageHash(id, 123_456))).toEqual({ kind: 'conversation', id, seq: 123_456 })
  for (const hash of [
    `#/c/${id}/`,
    `#/c/${id}/x`,
    `#/c/${id}/-1`,
    `#/c/${id}/1/2`,
    `#/c/${id}/${'9'.repeat(20)}`,
    '#/c/',
    '#/c/x',
  ])
    expect(parseRoute(hash)).toEqual({ kind: 'unknown' })
  expect(['', '#/', '#/new'].map((hash) => parseRoute(hash).kind)).toEqual(['list', 'list', 'new'])
})
