// A device that has one conversation, some of it in its window and some as pages, and what is left of it there later. Knows no
// test runner.
import * as Y from 'yjs'

import { readView } from '../../client/search/read-view.ts'
import type { ClientStorage } from '../../client/storage/client-storage.ts'
import { encodeEntry, type KnownEntry } from '../../shared/chat/entry.ts'
import { append, createDoc } from './chain-doc.ts'
import type { ClientRig, ClientRigOptions } from './client-rig.ts'
import { conversationId, conversationRow, message } from './client-rows.ts'
import { stampAll } from './open-rig.ts'
import { createServerArchive } from './server-archive.ts'

/** The conversation. */
export const one = conversationId(1)

export const title: KnownEntry = { kind: 'set', key: 'title', value: 'Plans' }
export const wipe: KnownEntry = { kind: 'set', key: 'wipe', value: true }

/** Moves the clock, and lets happen what comes due. */
export type Settle = (ms: number) => Promise<unknown>

export interface RemovalRigOptions {
  readonly start: (options: ClientRigOptions) => ClientRig
  readonly settle: Settle
  readonly storage: ClientStorage
  readonly settings: readonly KnownEntry[]
  /** The server answers for what is archived. */
  readonly hasArchive?: boolean
}

/** Behind the settings stand 20 messages, each a secret: ten are archived. */
export async function startRemovalRig({
  start,
  settle,
  storage,
  settings,
  hasArchive = false,
}: RemovalRigOptions): Promise<ClientRig> {
  await storage.putConversation(conversationRow(one, { access: 'writer' }))
  const rig = start({ storage })
  const server = rig.server(one)
  if (hasArchive) rig.archives.set(one, createServerArchive(server))
  const doc = createDoc(7)
  const said = Array.from({ length: 20 }, (_, index) => encodeEntry(message(index + 1, `secret ${index}`)))
  append(doc, 'ann', [...settings.map(encodeEntry), ...said])
  Y.applyUpdate(server.doc, Y.encodeStateAsUpdate(doc), 'device')
  stampAll(server)
  await settle(10_000)
  server.archive(settings.length + 9)
  await settle(10_000)
  rig.client.search.prepare()
  await settle(10_000)
  return rig
}

/** What is left on the device: rows of every kind. */
export async function left(
  { storage, client }: ClientRig,
  settle: Settle,
): Promise<Readonly<Record<keyof typeof nothing, number>>> {
  const { folded } = await readView(storage, one)
  const searching = client.search.query('secret', { limit: 50 })
  await settle(1000)
  return {
    window: folded.sent.length,
    pages: (await storage.pages.facts(one)).messages,
    outbox: (await storage.outbox(one)).length,
    pool: (await storage.pool(one)).length,
    lines: (await storage.conversations()).length,
    listed: client.conversations.getSnapshot().length,
    found: (await searching).length,
  }
}

export const nothing = { window: 0, pages: 0, outbox: 0, pool: 0, lines: 0, listed: 0, found: 0 }

/** Documents are opened when `arrived` lets them. */
export function openingSlowly(storage: ClientStorage, arrived: () => Promise<unknown>): ClientStorage {
  return {
    ...storage,
    openDocument: async (...document) => {
      const cache = await storage.openDocument(...document)
      await arrived()
      return cache
    },
  }
}
