/** What people type where an emoji is wanted. Pure. */

import { isEmoji } from '../../shared/chat/entry.ts'

const characters = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
const picture = /\p{Extended_Pictographic}|\p{Regional_Indicator}{2}|\u20E3/u

/** The first emoji of a text that fits in a reaction; undefined when it has none. */
export function firstEmoji(text: string): string | undefined {
  for (const { segment } of characters.segment(text)) if (picture.test(segment) && isEmoji(segment)) return segment
  return undefined
}
