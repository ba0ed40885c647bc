// Emoji as people type them.
import { expect, test } from 'vitest'

import { firstEmoji } from '../../../client/web/emoji.ts'

test('the first emoji of what was typed is taken as a whole, and nothing that is none', () => {
  expect(firstEmoji('🦊')).toBe('🦊')
  expect(firstEmoji(' fox 👩🏽‍🚀🦊')).toBe('👩🏽‍🚀')
  expect(firstEmoji('🇩🇪')).toBe('🇩🇪')
  expect(firstEmoji('1️⃣')).toBe('1️⃣')
  expect(firstEmoji('❤️')).toBe('❤️')
  expect(firstEmoji('7 of 9 #*')).toBeUndefined()
  expect(firstEmoji('')).toBeUndefined()
})
