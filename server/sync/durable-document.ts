/** What is durable of a document: what others may be shown. Moves on commit by commit; what was handed out stays as it is. */

import type { ClockRange } from '../../shared/sync/chain-update/chain-struct.ts'
import type { ClientId } from '../../shared/sync/ids.ts'
import type { ChainRow, DeletedRow, DroppedRow } from '../storage/conversation-store.ts'
import type { DurableState } from './projection.ts'

/** Where a document ends; equal ends are equal documents. */
export type DocumentEnd = Pick<DurableState, 'serverClient' | 'nextRecord' | 'nextSeq'>

/** What a commit changes of it. */
export interface DocumentStep extends DocumentEnd {
  readonly chains: readonly ChainRow[]
  readonly deleted: readonly DeletedRow[]
  readonly dropped: readonly DroppedRow[]
}

export class DurableDocument {
  #end: DocumentEnd
  #chains: Map<ClientId, ChainRow>
  #deleted: Map<ClientId, readonly ClockRange[]>
  /** Somebody was given these maps: they must stay as they are. */
  #isShown = false

  constructor({ serverClient, nextRecord, nextSeq, chains, deleted }: Omit<DocumentStep, 'dropped'>) {
    this.#end = { serverClient, nextRecord, nextSeq }
    this.#chains = new Map(chains.map((row) => [row.client, row]))
    this.#deleted = new Map(deleted.map(({ client, ranges }) => [client, ranges]))
  }

  /** What it is made of; to be copied before it is changed. */
  get parts(): { readonly chains: Map<ClientId, ChainRow>; readonly deleted: Map<ClientId, readonly ClockRange[]> } {
    this.#isShown = true
    return { chains: this.#chains, deleted: this.#deleted }
  }

  /** It stays as it is. Costs nothing, but the next commit a copy. */
  state(): DurableState {
    this.#isShown = true
    return { ...this.#end, chains: this.#chains, deleted: this.#deleted }
  }

  get end(): DocumentEnd {
    return this.#end
  }

  chain(client: ClientId): ChainRow | undefined {
    return this.#chains.get(client)
  }

  /** Chains of which nothing is left but their length. */
  emptyChains(): ChainRow[] {
    return [...this.#chains.values()].filter(({ client, next }) => {
      const [first] = this.#deleted.get(client) ?? []
      return first?.clock === 0 && first.length === next
    })
  }

  settle({ serverClient, nextRecord, nextSeq, chains, deleted, dropped }: DocumentStep): void {
    if (this.#isShown) {
      this.#chains = new Map(this.#chains)
      this.#deleted = new Map(this.#deleted)
      this.#isShown = false
    }
    for (const row of chains) this.#chains.set(row.client, row)
    for (const { client } of dropped) {
      this.#chains.delete(client)
      this.#deleted.delete(client)
    }
    for (const { client, ranges } of deleted) this.#deleted.set(client, ranges)
    this.#end = { serverClient, nextRecord, nextSeq }
  }
}
