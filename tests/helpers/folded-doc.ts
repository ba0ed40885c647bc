// A Y.Doc as people see it: the fold of shared/ over the client's reading of a document, advanced as far as it goes.
import type * as Y from 'yjs'

import { createDocSource } from '../../client/sync/doc-source.ts'
import { ConversationFold, type Folded } from '../../shared/chat/fold.ts'
import type { ClientId } from '../../shared/sync/ids.ts'

export interface FoldedDoc {
  /** Contents of what is sent, by seq, then of what is pending. */
  readonly texts: () => readonly string[]
  readonly view: () => Folded
  /** After all that the document has. */
  readonly fold: () => ConversationFold
}

export function createFoldedDoc(doc: Y.Doc): FoldedDoc {
  const source = createDocSource(doc)
  let fold = new ConversationFold()
  let server: ClientId | undefined

  function advance(): ConversationFold {
    const current = source.serverClient()
    if (current === undefined) return fold
    if (current !== server) {
      server = current
      fold = new ConversationFold()
    }
    fold.advance(source, current)
    return fold
  }

  const view = (): Folded => advance().view(source)
  return {
    fold: advance,
    view,
    texts: () => {
      const { sent, pending } = view()
      return [...sent, ...pending].map(({ content }) => content)
    },
  }
}
