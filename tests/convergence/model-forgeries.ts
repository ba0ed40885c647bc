// Updates that no honest device sends, made for a room as it is: one recipe for each rule of acceptance. Knows no test runner.
import * as Y from 'yjs'

import { createDoc } from '../helpers/chain-doc.ts'
import {
  type Bytes,
  chainItems,
  concat,
  type Content,
  content,
  deleteSet,
  gc,
  item,
  section,
  skipStruct,
  update,
} from '../helpers/update-forge.ts'
import type { ModelRoom } from './model-room.ts'

export interface Forgery {
  readonly room: ModelRoom
  readonly user: string
  /** A chain of the user, with how many entries the server has of it. */
  readonly own: { readonly client: number; readonly next: number }
  /** Somebody else's. */
  readonly other: { readonly client: number; readonly user: string; readonly next: number }
  /** A clientID that nobody has. */
  readonly fresh: () => number
  /** A payload that is right. */
  readonly said: () => Uint8Array
}

function rootOf(client: number, user: string): string {
  return `chain/${client}/${user}`
}

/** Contents on a chain from a clock on, as `push` writes them. */
function run(client: number, user: string, clock: number, contents: readonly Content[]): Uint8Array {
  return section(client, clock, chainItems(rootOf(client, user), client, clock, contents))
}

/** Structs behind what the server has of the own chain. */
function behind({ own }: Forgery, structs: readonly Bytes[], count?: number): Uint8Array {
  return update([section(own.client, own.next, structs, count)])
}

/** The struct that would come next, `after` further ones. */
function next({ own, user }: Forgery, one: Content, after = 0): Uint8Array {
  const clock = own.next + after
  return clock === 0
    ? item({ parent: rootOf(own.client, user), content: one })
    : item({ origin: { client: own.client, clock: clock - 1 }, content: one })
}

type Recipe = (forgery: Forgery) => Uint8Array

const binary = ({ said }: Forgery): Content => content.binary(said())

const recipes: readonly Recipe[] = [
  // Whose it is.
  (forgery) => update([run(forgery.other.client, forgery.user, 0, [binary(forgery)])]),
  (forgery) => update([run(forgery.room.serverClient, forgery.user, 0, [binary(forgery)])]),
  (forgery) => update([run(forgery.other.client, forgery.other.user, forgery.other.next, [binary(forgery)])]),
  (forgery) => update([run(forgery.room.serverClient, 'x', 5, [content.binary([3, 0, 1])])]),
  (forgery) =>
    update([...forgery.room.model.heldClients].map(([client, user]) => run(client, user, 0, [binary(forgery)]))),
  (forgery) =>
    update([...forgery.room.model.heldClients].map(([client]) => run(client, forgery.user, 3, [binary(forgery)]))),
  (forgery) => update([run(forgery.fresh(), 'zoe', 0, [binary(forgery)])]),
  (forgery) => update([run(2 ** 32 + forgery.fresh(), forgery.user, 0, [binary(forgery)])]),
  (forgery) => update([section(forgery.fresh(), 0, [item({ parent: 'notes', content: content.string('x') })])]),
  (forgery) => update([run(forgery.fresh(), forgery.user, 4, [binary(forgery)])]),
  (forgery) => update([section(forgery.fresh(), 4, [gc(2)])]),
  // The shape of an own chain.
  (forgery) =>
    update([
      section(forgery.own.client, 0, [
        item({ parent: rootOf(forgery.other.client, forgery.other.user), content: binary(forgery) }),
      ]),
    ]),
  (forgery) =>
    update([section(forgery.own.client, 0, [item({ parent: { client: 1, clock: 0 }, content: binary(forgery) })])]),
  (forgery) => behind(forgery, [gc(1)]),
  (forgery) => behind(forgery, [next(forgery, binary(forgery)), gc(1)]),
  (forgery) => behind(forgery, [next(forgery, content.string('x'))]),
  (forgery) => behind(forgery, [next(forgery, content.deleted(0))]),
  (forgery) =>
    behind(forgery, [item({ origin: { client: forgery.other.client, clock: 0 }, content: binary(forgery) })]),
  (forgery) =>
    behind(forgery, [item({ rightOrigin: { client: forgery.other.client, clock: 0 }, content: binary(forgery) })]),
  (forgery) =>
    behind(forgery, [
      item({ parent: rootOf(forgery.own.client, forgery.user), parentSub: 'k', content: binary(forgery) }),
    ]),
  // Skips, runs, gaps.
  (forgery) => behind(forgery, [next(forgery, binary(forgery)), skipStruct(2), next(forgery, binary(forgery), 1)]),
  (forgery) => behind(forgery, [skipStruct(2), next(forgery, binary(forgery))]),
  (forgery) => update([section(forgery.own.client, 0, [skipStruct(2), gc(1)])]),
  (forgery) => behind(forgery, [next(forgery, content.deleted(1024))]),
  (forgery) => behind(forgery, [next(forgery, content.deleted(1025))]),
  (forgery) => behind(forgery, [next(forgery, content.deleted(3)), next(forgery, binary(forgery), 3)]),
  (forgery) => update(Array.from({ length: 3 }, () => run(forgery.fresh(), forgery.user, 0, [content.deleted(500)]))),
  (forgery) => update([run(forgery.own.client, forgery.user, forgery.own.next + 1, [binary(forgery)])]),
  (forgery) => update([run(forgery.own.client, forgery.user, forgery.own.next + 2, [content.deleted(5000)])]),
  (forgery) => update([run(forgery.own.client, forgery.user, 0, [binary(forgery), binary(forgery)])]),
  (forgery) => update([run(forgery.own.client, forgery.user, 0, [content.deleted(Math.max(1, forgery.own.next))])]),
  (forgery) =>
    update([
      run(forgery.own.client, forgery.user, Math.max(0, forgery.own.next - 1), [content.deleted(1), binary(forgery)]),
    ]),
  // Empty sections.
  (forgery) => update([section(forgery.own.client, 0, [])]),
  (forgery) => update([section(forgery.own.client, forgery.own.next, [])]),
  (forgery) => update([section(forgery.own.client, forgery.own.next + 9, [])]),
  (forgery) => update([section(forgery.fresh(), 0, [])]),
  // The update as a whole.
  (forgery) => update([run(forgery.fresh(), forgery.user, 0, [binary(forgery)]), section(7, 0, []), section(7, 0, [])]),
  (forgery) => concat(update([run(forgery.fresh(), forgery.user, 0, [binary(forgery)])]), [0]),
  (forgery) => behind(forgery, [next(forgery, binary(forgery))], 2),
  (forgery) => update([], deleteSet([{ client: forgery.other.client, clock: 0, length: 100 }])),
  (forgery) =>
    update(
      [run(forgery.fresh(), forgery.user, 0, [binary(forgery)])],
      deleteSet([{ client: forgery.other.client, clock: 0, length: 9 }]),
    ),
  // Two things wrong at once, and something right beside something wrong.
  (forgery) =>
    update([
      run(forgery.other.client, forgery.user, 0, [binary(forgery)]),
      section(forgery.own.client, forgery.own.next, [gc(1)]),
    ]),
  (forgery) =>
    update([
      run(forgery.fresh(), forgery.user, 0, [binary(forgery)]),
      section(forgery.own.client, forgery.own.next, [gc(1)]),
    ]),
  (forgery) =>
    update([run(forgery.fresh(), forgery.user, 0, [binary(forgery)]), section(forgery.other.client, 0, [gc(3)])]),
  (forgery) => honest(forgery, 70),
  (forgery) => honest(forgery, 5),
]

/** New chains of one user, as tabs that share a document make them. */
function honest({ user, fresh, said }: Forgery, chains: number): Uint8Array {
  const whole = new Y.Doc()
  for (let left = chains; left > 0; left--) {
    const doc = createDoc(fresh())
    doc.getArray(rootOf(doc.clientID, user)).push([said()])
    Y.applyUpdate(whole, Y.encodeStateAsUpdate(doc))
  }
  return Y.encodeStateAsUpdate(whole)
}

export const recipeCount = recipes.length

export function forge(recipe: number, forgery: Forgery): Uint8Array {
  return (recipes[recipe % recipes.length] ?? honest)(forgery, 1)
}
