// What changes often is written now and then, and the last of it always.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { GatheredWrites } from '../../../client/personal/gathered-writes.ts'
import { mergedValue, parseDraft, parsePersonalKey, personalKey } from '../../../client/personal/personal-keys.ts'
import { parseSeqValue } from '../../../shared/chat/private-reads.ts'
import { limits } from '../../../shared/limits.ts'
import { conversationId, messageId } from '../../helpers/client-rows.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const { draftPauseMs: pauseMs, unsentDraftPauseMs: untakenPauseMs } = limits

function start() {
  const written: string[] = []
  const untaken = new Set<string>()
  const writes = new GatheredWrites({
    pauseMs,
    untakenPauseMs,
    isUntaken: (key) => untaken.has(key),
    write: async (key, value) => void written.push(`${key}=${String(value)}`),
  })
  return { written, untaken, writes }
}

test('[DRAFT1] the first at once, then the newest every 2 s, each key by itself, and nothing when nothing changed', async () => {
  const { written, writes } = start()
  for (let keystroke = 0; keystroke < 100; keystroke++) {
    void writes.put('a', keystroke)
    vi.advanceTimersByTime(50)
  }
  void writes.put('b', 0)
  // 5 s of typing: at 0, 2 and 4 s.
  expect(written).toEqual(['a=0', 'a=39', 'a=79', 'b=0'])
  const last = writes.put('a', 'end')
  vi.advanceTimersByTime(pauseMs)
  await last
  expect(written.slice(4)).toEqual(['a=end'])
  vi.advanceTimersByTime(10 * pauseMs)
  expect(written).toHaveLength(5)
  void writes.put('a', 'again')
  expect(written.at(-1)).toBe('a=again')
})

test('[DRAFT1] what nobody takes is followed by less, and whoever leaves has written all', () => {
  const { written, untaken, writes } = start()
  untaken.add('a')
  for (let second = 0; second < 55; second++) {
    void writes.put('a', second)
    vi.advanceTimersByTime(1000)
  }
  expect(written).toEqual(['a=0', 'a=9', 'a=19', 'a=29', 'a=39', 'a=49'])
  writes.flush()
  writes.flush()
  expect(written.slice(6)).toEqual(['a=54'])
  void writes.put('a', 'last')
  writes.close()
  expect(written.slice(7)).toEqual(['a=last'])
  for (const key of ['b', 'c']) void writes.put(key, 1)
  void writes.put('b', 2)
  for (const key of ['b', 'd']) void writes.putNow(key, null)
  expect(written.slice(8)).toEqual(['b=1', 'c=1', 'b=null', 'd=null'])
  writes.close()
  expect(written).toHaveLength(12)
  expect(vi.getTimerCount()).toBe(0)
})

test('[PERSONAL1] keys and values of other versions are read totally', () => {
  const [id, root] = [conversationId(1), messageId(2)]
  for (const kind of ['mute', 'hide', 'favourite', 'unread', 'draft', 'read'] as const)
    expect(parsePersonalKey(personalKey(kind, id))).toEqual({ kind, conversation: id })
  expect(parsePersonalKey(personalKey('draft', id, root))).toEqual({ kind: 'draft', conversation: id, thread: root })
  const bad = [
    '',
    '/',
    'draft',
    'draft/',
    'mute/x',
    `mute/${id}/`,
    `mute/${id}/${root}`,
    `draft/${id}/${root}/`,
    `x/${id}`,
  ]
  for (const key of bad) expect(parsePersonalKey(key)).toBeUndefined()
  for (const value of [null, 'x', 1.5, -2, 2 ** 53, {}, []]) expect(parseSeqValue(value)).toBeUndefined()
  for (const value of [null, 'x', 1, [], {}, { content: 1 }]) expect(parseDraft(value)).toBeUndefined()
  expect(parseDraft({ content: 'a', role: 'king', replyTo: 'b', mentions: ['a/b'], parts: [1], later: true })).toEqual({
    content: 'a',
  })
  const whole = { content: '', role: 'user', replyTo: root, thread: root, mentions: ['bob'], parts: [{ type: 'x' }] }
  expect(parseDraft(whole)).toEqual(whole)
})

test('[PRIVATE2] a register that stands higher is not written over, whatever is known here', () => {
  const key = personalKey('read', conversationId(1))
  const merged = (of: string, value: number, there: unknown, through = -1): unknown =>
    mergedValue(of, value, there, () => through)
  expect([merged(key, 5, 10), merged(key, 11, 10), merged(key, 5, 'x'), merged(key, 5, 3, 20)]).toEqual([10, 11, 5, 5])
  expect(merged(personalKey('hide', conversationId(1)), 5, 10)).toBe(5)
  // That of a thread goes when all was read as far, and stays when somebody knows more.
  const inThread = personalKey('read', conversationId(1), messageId(2))
  expect(parsePersonalKey(inThread)).toEqual({ kind: 'read', conversation: conversationId(1), thread: messageId(2) })
  expect([merged(inThread, 5, 3), merged(inThread, 5, 3, 5), merged(inThread, -1, 9, 8)]).toEqual([5, null, 9])
})
