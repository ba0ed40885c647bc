// What a device must see of a room that holds the messages `0` to `messages - 1`, in this order.
import type * as Y from 'yjs'

import { limits } from '../../../shared/limits.ts'
import { createFoldedDoc } from '../../helpers/folded-doc.ts'
import { textOf } from './messages.ts'

/**
 * How many messages the document has. So many of the newest are always in it, however long the conversation: throws when
 * they are others.
 */
export function checkNewest(doc: Y.Doc, messages: number): number {
  const newest = Math.min(limits.keptEntries, messages)
  const all = createFoldedDoc(doc).texts()
  const texts = all.slice(-newest)
  const wanted = Array.from({ length: newest }, (_, index) => textOf(messages - newest + index))
  if (texts.join() !== wanted.join()) throw new Error(`the newest messages are others: ${texts.slice(-3).join()}`)
  return all.length
}
