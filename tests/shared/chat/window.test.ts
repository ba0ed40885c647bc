// The live window by itself: what is in it, what touches it, what leaves it.
import { expect, test } from 'vitest'

import type { Touch } from '../../../shared/chat/message.ts'
import { stampEntry } from '../../../shared/chat/message.ts'
import { MessageWindow } from '../../../shared/chat/window.ts'
import { ann, message, messageId } from '../../helpers/client-rows.ts'

function windowOf(...seqs: readonly number[]): MessageWindow {
  const window = new MessageWindow()
  for (const seq of seqs) window.add(stampEntry(ann, message(seq), seq, 1))
  return window
}

const touch = (window: MessageWindow, seq: number, entry: Touch): void =>
  window.touch({ user: ann, timeMs: 5, seq, entry })
const like = (of: number, on = true): Touch => ({ kind: 'react', of: messageId(of), emoji: '👍', on })
const edit = (of: number, content: string): Touch => ({ kind: 'edit', of: messageId(of), content, at: 1 })

test('[TOUCH1] a touch changes its message once, whether it is there already or comes late', () => {
  const window = windowOf(1, 2)
  touch(window, 5, edit(2, 'better'))
  touch(window, 5, edit(2, 'again'))
  touch(window, 6, edit(3, 'of an erased one'))
  expect(window.messages().map(({ content, revision }) => [content, revision])).toEqual([
    ['message 1', 1],
    ['better', 5],
  ])
  window.add(stampEntry(ann, message(3), 3, 1))
  expect(window.get(messageId(3))).toMatchObject({ content: 'of an erased one', revision: 6 })
  expect(window.touches().size).toBe(0)
})

test('what comes late stands at its place, and lists stay the same until something changes', () => {
  const window = windowOf(1, 4, 9)
  const before = window.messages()
  expect(window.messages()).toBe(before)
  window.add(stampEntry(ann, message(3), 3, 1))
  expect(window.messages().map(({ seq }) => seq)).toEqual([1, 3, 4, 9])
  expect(before).toHaveLength(3)
  touch(window, 10, like(9))
  expect(window.get(messageId(9))?.reactions).toHaveLength(1)
  const touches = window.touches()
  expect(window.touches()).toBe(touches)
})

test('[TOUCH1][ARCH2] what leaves takes its changes along; what live entries did to it is told from then on', () => {
  const window = windowOf(1, 2, 8)
  touch(window, 3, like(1))
  touch(window, 9, edit(1, 'better'))
  const left = window.leave(4)
  expect(left.messages.map(({ seq, revision }) => [seq, revision])).toEqual([
    [1, 9],
    [2, 2],
  ])
  expect(left.touches.size).toBe(0)
  expect([...window.touches()].map(([id, list]) => [id, list.map(({ seq }) => seq)])).toEqual([[messageId(1), [9]]])
  touch(window, 10, like(1, false))
  const later = window.leave(9)
  expect(later.messages.map(({ seq }) => seq)).toEqual([8])
  expect([...later.touches.values()].flat().map(({ seq }) => seq)).toEqual([9])
  expect([...window.touches().values()].flat().map(({ seq }) => seq)).toEqual([10])
})

test('[ERASE1] an edit is forgotten when its message is redacted', () => {
  const window = windowOf(9)
  touch(window, 10, edit(1, 'secret'))
  touch(window, 11, like(1))
  touch(window, 12, { kind: 'redact', of: messageId(1) })
  expect(
    window
      .touches()
      .get(messageId(1))
      ?.map(({ entry }) => entry.kind),
  ).toEqual(['react', 'redact'])
})
