/**
 * One document of a conversation and the fold over it. It stays with the server chain it was built with: what
 * contradicts that, a fork or a later epoch, is told, and the document has to be built anew. Owns no life cycle.
 */

import * as Y from 'yjs'
import { ConversationFold, type Folded, type FoldedMarks } from '../shared/chat/fold.ts'
import { createDocSource, type DocSource, type ServerChain } from './sync/doc-source.ts'

export class Replica {
  readonly doc: Y.Doc
  readonly source: DocSource
  readonly fold = new ConversationFold()
  #server: ServerChain | undefined
  #folded: Folded

  constructor(doc: Y.Doc) {
    this.doc = doc
    this.source = createDocSource(doc)
    this.#folded = this.fold.view(this.source)
    this.refresh()
  }

  /** What is shown, as of the last `refresh`. */
  get folded(): Folded {
    return this.#folded
  }

  /** How the lists in `folded` have come about. */
  get marks(): FoldedMarks {
    return this.fold.marks()
  }

  /** Undefined until the server's first record has arrived. */
  get server(): ServerChain | undefined {
    return this.#server
  }

  /** Applies what has arrived. */
  refresh(): void {
    this.#server ??= this.source.serverChains()[0]
    if (this.#server !== undefined) this.fold.advance(this.source, this.#server.client)
    this.#folded = this.fold.view(this.source)
  }

  /** It holds other bytes than the server has, or knows of a later epoch. */
  get isOutdated(): boolean {
    return this.fold.fork !== undefined || this.source.serverChains().length > 1
  }

  /** Nothing that has arrived waits for something that has not. */
  get isComplete(): boolean {
    if (this.#server === undefined || this.doc.store.pendingStructs !== null) return false
    return this.source.recordAt(this.#server.client, this.fold.nextRecord) === undefined
  }

  /** It knows less of the server than `other`, or of an earlier epoch. */
  isBehind(other: Replica): boolean {
    const [own, theirs] = [this.#server, other.#server]
    if (own === undefined || theirs === undefined) return theirs !== undefined
    if (own.epoch !== theirs.epoch) return own.epoch < theirs.epoch
    return Y.getState(this.doc.store, theirs.client) < Y.getState(other.doc.store, theirs.client)
  }
}
