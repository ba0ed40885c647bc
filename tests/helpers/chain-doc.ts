// Real Y.Docs that hold chains: devices that append as the SDK does, and what a document shows of its chains.
import * as Y from 'yjs'

import { createDocSource, type DocSource } from '../../client/sync/doc-source.ts'
import { type ClientId, parseClientId, parseUserId, type UserId } from '../../shared/sync/ids.ts'
import { chainRoot } from '../../shared/sync/roots.ts'

export function clientId(value: number): ClientId {
  const client = parseClientId(value)
  if (client === undefined) throw new Error(`not a clientID: ${value}`)
  return client
}

export function userId(text: string): UserId {
  const user = parseUserId(text)
  if (user === undefined) throw new Error(`not a user id: ${text}`)
  return user
}

/** A document that writes under `client`. */
export function createDoc(client: number): Y.Doc {
  const doc = new Y.Doc()
  doc.clientID = client
  return doc
}

/** A document that holds what `updates` say; throws unless nothing is left pending. */
export function docOf(...updates: readonly Uint8Array[]): Y.Doc {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  if (!isSettled(doc)) throw new Error('the document waits for more')
  return doc
}

/** Appends to the chain of the document's clientID in one transaction. */
export function append(doc: Y.Doc, user: string, payloads: readonly Uint8Array[]): void {
  const chain = doc.getArray<Uint8Array>(chainRoot(clientId(doc.clientID), userId(user)))
  doc.transact(() => {
    for (const payload of payloads) chain.push([payload])
  })
}

/** Whether nothing waits for something that has not arrived. */
export function isSettled(doc: Y.Doc): boolean {
  return doc.store.pendingStructs === null && doc.store.pendingDs === null
}

/** Content of every root by name, in hex so that it compares fast. */
export function rootContents(doc: Y.Doc): ReadonlyMap<string, readonly string[]> {
  const names = [...doc.share.keys()].toSorted()
  return new Map(names.map((name) => [name, doc.getArray(name).toArray().map(describe)]))
}

export function stateVectorOf(doc: Y.Doc): ReadonlyMap<number, number> {
  return Y.decodeStateVector(Y.encodeStateVector(doc))
}

export function chainSource(doc: Y.Doc): DocSource {
  return createDocSource(doc)
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function describe(value: unknown): string {
  return value instanceof Uint8Array ? hex(value) : `not bytes: ${typeof value}`
}
