// A document read as chains of payloads.
import { expect, test } from 'vitest'
import * as Y from 'yjs'

import { createDocSource } from '../../../client/sync/doc-source.ts'
import { encodeRecord } from '../../../shared/sync/record.ts'
import { append, createDoc, docOf } from '../../helpers/chain-doc.ts'
import { ann, clientId } from '../../helpers/client-rows.ts'

const payloads = [Uint8Array.of(1, 10), Uint8Array.of(1, 11), Uint8Array.of(1, 12)]

function serverDoc(client: number, epoch: number): Y.Doc {
  const doc = createDoc(client)
  doc.getArray(`server/${client}`).push([encodeRecord({ kind: 'genesis', epoch, owner: ann, createdAt: 1 })])
  return doc
}

function merge(into: Y.Doc, ...others: readonly Y.Doc[]): void {
  for (const other of others) Y.applyUpdate(into, Y.encodeStateAsUpdate(other))
}

test('a chain is there as soon as its first entry is, with its user and its length', () => {
  const doc = createDoc(5)
  const source = createDocSource(doc)
  expect([...source.chains()]).toEqual([])
  expect(source.userOf(clientId(5))).toBeUndefined()
  append(doc, 'ann', payloads)
  const other = createDoc(6)
  append(other, 'bob', payloads.slice(0, 1))
  merge(doc, other)
  expect([...source.chains()]).toEqual([
    { client: 5, user: 'ann', next: 3 },
    { client: 6, user: 'bob', next: 1 },
  ])
  expect(source.userOf(clientId(6))).toBe('bob')
})

test('a payload is read at its clock, merged items or not', () => {
  const doc = createDoc(5)
  append(doc, 'ann', payloads.slice(0, 2))
  append(doc, 'ann', payloads.slice(2))
  for (const each of [doc, docOf(Y.encodeStateAsUpdate(doc))]) {
    const source = createDocSource(each)
    expect([0, 1, 2, 3].map((clock) => source.payloadAt(clientId(5), clock))).toEqual([...payloads, undefined])
    expect(source.payloadAt(clientId(6), 0)).toBeUndefined()
  }
})

test('what is deleted is gone, and what is no bytes too', () => {
  const doc = createDoc(5)
  append(doc, 'ann', payloads)
  doc.getArray('chain/5/ann').push(['text'])
  doc.getArray('chain/5/ann').delete(0, 2)
  for (const each of [doc, docOf(Y.encodeStateAsUpdate(doc))]) {
    const source = createDocSource(each)
    expect([0, 1, 2, 3].map((clock) => source.payloadAt(clientId(5), clock))).toEqual([
      'gone',
      'gone',
      payloads[2],
      'gone',
    ])
  }
})

test('roots of others are no chains', () => {
  const doc = createDoc(5)
  for (const name of ['chain/5', 'chain/x/ann', 'chain/05/ann', 'chain/5/a/b', 'server/', 'messages'])
    doc.getArray(name).push([Uint8Array.of(1)])
  const source = createDocSource(doc)
  expect([...source.chains()]).toEqual([])
  expect(source.serverClient()).toBeUndefined()
})

test('the chain of the server is the one of the highest epoch that has its genesis', () => {
  const doc = createDoc(5)
  const source = createDocSource(doc)
  expect(source.serverClient()).toBeUndefined()
  doc.getArray('server/900')
  expect(source.serverClient()).toBeUndefined()
  merge(doc, serverDoc(901, 0))
  expect(source.serverClient()).toBe(901)
  merge(doc, serverDoc(902, 2), serverDoc(903, 1))
  expect(source.serverClient()).toBe(902)
})

test('records are read at their clock; what is none, or of a later version, is gone', () => {
  const server = serverDoc(900, 0)
  const chain = server.getArray<Uint8Array>('server/900')
  chain.push([Uint8Array.of(1, 2, 3)])
  chain.push([encodeRecord({ kind: 'void', client: clientId(5), clock: 1, reason: 'access' })])
  const source = createDocSource(server)
  expect([0, 1, 2, 3].map((clock) => source.recordAt(clientId(900), clock))).toEqual([
    { kind: 'genesis', epoch: 0, owner: 'ann', createdAt: 1 },
    'gone',
    { kind: 'void', client: 5, clock: 1, reason: 'access' },
    undefined,
  ])
})

test('[ARCH3] what is gone is passed over run by run, to where the chain ends', () => {
  const doc = createDoc(5)
  append(doc, 'ann', [...payloads, ...payloads, ...payloads])
  const chain = doc.getArray('chain/5/ann')
  chain.delete(1, 4)
  chain.delete(4, 1)
  for (const each of [doc, docOf(Y.encodeStateAsUpdate(doc))]) {
    const source = createDocSource(each)
    const client = clientId(5)
    expect([0, 1, 3, 5, 6, 7, 8, 9].map((clock) => source.nextKept(client, clock))).toEqual([0, 5, 5, 5, 6, 7, 9, 9])
    expect(source.nextKept(clientId(6), 0)).toBe(0)
  }
})

test('[ARCH2] the newest checkpoint is found, and found again when another takes its place', () => {
  const doc = serverDoc(9, 1)
  const source = createDocSource(doc)
  const server = clientId(9)
  const chain = doc.getArray<Uint8Array>('server/9')
  const push = (through: number): void =>
    chain.push([
      encodeRecord({ kind: 'void', client: server, clock: 1, reason: 'access' }),
      encodeRecord({ kind: 'checkpoint', through, state: {} }),
    ])
  expect(source.newestCheckpoint(server, 0)).toBeUndefined()
  push(3)
  expect(source.newestCheckpoint(server, 0)).toMatchObject({ clock: 2, record: { through: 3 } })
  expect(source.newestCheckpoint(server, 3)).toBeUndefined()
  push(8)
  expect(source.newestCheckpoint(server, 3)).toMatchObject({ clock: 4, record: { through: 8 } })
  chain.delete(1, 3)
  expect(createDocSource(doc).newestCheckpoint(server, 1)).toEqual(source.newestCheckpoint(server, 1))
  chain.delete(1, 1)
  expect(source.newestCheckpoint(server, 0)).toBeUndefined()
})
