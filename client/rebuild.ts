/**
 * Builds a conversation's document anew beside the one that is shown, from what the server has, and swaps them (SPEC
 * FORK1, FORK2). Until then the old one stays shown and written to; what only this device had goes along. Ended at any
 * moment before the swap, nothing has changed; after it, nothing is lost.
 */

import * as Y from 'yjs'
import { faults } from '../shared/fault.ts'
import type { ClientId, ConversationId, UserId } from '../shared/sync/ids.ts'
import type { ChatMessage, ConnectionStatus } from './api.ts'
import { carryOver, unclearPlaces } from './carry-over.ts'
import { type Fate, type LookUpChain, lookUpFates } from './fates.ts'
import { isAmong } from './outbox.ts'
import { type Connectable, OpenDocument } from './open-document.ts'
import { Replica } from './replica.ts'
import type { DocumentCache, OutboxRow } from './storage/client-storage.ts'
import type { Connection } from './sync/connection.ts'
import { appendOwn, type DrawClientId, type OwnChain } from './sync/own-chain.ts'
import { createSendGate, type SendGate } from './sync/send-gate.ts'
import { takeBackAgain } from './withdraw.ts'

export type ConnectDocument = (
  document: Connectable,
  gate: SendGate,
  /** `comesBack`: it is the socket that was refused, and the conversation follows when there is one again. */
  onStatus: (status: ConnectionStatus, comesBack?: boolean) => void,
) => Connection

export interface RebuildDeps {
  readonly id: ConversationId
  readonly user: UserId
  readonly old: OpenDocument
  readonly draw: DrawClientId
  readonly connect: ConnectDocument
  readonly lookUpChain: LookUpChain
  readonly shown: () => readonly ChatMessage[]
  readonly onStatus: (status: ConnectionStatus) => void
  /** From here on the new document is shown and written to. */
  readonly onReady: (fresh: OpenDocument, connection: Connection) => void
  readonly onStorageFailure: (error: unknown) => void
}

export interface Rebuild {
  /** Settles when nothing of it is under way and all it held is released. */
  readonly ended: Promise<void>
  /** Ends it, unless the new document is shown already; resolves as `ended` does. Idempotent. */
  readonly close: () => Promise<void>
}

/** The document that is being built. */
interface Side {
  readonly doc: Y.Doc
  readonly client: ClientId
  readonly generation: number
  readonly replica: Replica
  readonly gate: SendGate
  readonly connection: Connection
  /** False: it cannot be had, or is not wanted any more. */
  readonly synced: Promise<boolean>
  /** It is shown from now on: the status is told as it is. */
  readonly show: () => void
  readonly giveUp: () => void
}

/** What is held and known when the swap can be made. */
interface Prepared {
  readonly chain: OwnChain
  readonly cache: DocumentCache
  /** Of the whole conversation. */
  readonly rows: readonly OutboxRow[]
  /** What became of entries whose places are empty in the new document. */
  readonly fates: ReadonlyMap<string, Fate>
  /** Chains of this device that no other tab holds. */
  readonly taken: ReadonlySet<ClientId>
}

export function startRebuild(deps: RebuildDeps): Rebuild {
  const { id, user, old, lookUpChain, onStorageFailure } = deps
  const { storage } = old.local
  let isClosed = false
  let side: Side | undefined
  const ended = run().catch(onStorageFailure)

  async function run(): Promise<void> {
    let generation = old.local.generation + 1
    for (;;) {
      generation = Math.max(generation, await storage.generation(id).catch(() => 0))
      if (isClosed) return
      side = buildSide(deps, generation)
      const isSynced = await side.synced
      if (isSynced && (await swap(side))) return
      side.giveUp()
      if (!isSynced) return
      // Another tab has replaced the document meanwhile, and by one that is no better: then another one is due.
      if (side.replica.isOutdated) generation++
    }
  }

  async function swap(built: Side): Promise<boolean> {
    const releases: (() => void)[] = []
    try {
      const fates = await lookUp(built)
      const prepared = await prepare(built, fates, releases).catch((error: unknown) => {
        onStorageFailure(error)
        return 'unkept' as const
      })
      if (prepared === undefined) return false
      built.replica.refresh()
      if (isClosed || built.replica.isOutdated) {
        if (prepared !== 'unkept') await leave(prepared)
        return false
      }
      await swapNow(built, prepared)
      return true
    } finally {
      for (const release of releases) release()
    }
  }

  /**
   * What was archived left nothing in the new document that tells what it was. Where the server does not answer, rows are
   * kept as they are, to be asked for later.
   */
  async function lookUp({ replica }: Side): Promise<ReadonlyMap<string, Fate>> {
    try {
      const rows = [...old.outbox.open(), ...(await storage.outbox(id))]
      const places = unclearPlaces({ user, old: old.replica, fresh: replica, rows })
      return places.length === 0 ? new Map() : await lookUpFates(places, lookUpChain)
    } catch {
      return new Map()
    }
  }

  /** Undefined when a later generation is there already, or it is not wanted any more. */
  async function prepare(
    built: Side,
    fates: ReadonlyMap<string, Fate>,
    releases: (() => void)[],
  ): Promise<Prepared | undefined> {
    const { generation, doc, client } = built
    releases.push(await storage.lockRebuild(id))
    const current = await storage.generation(id)
    if (isClosed || current > generation) return undefined
    // A crash before the swap can have left something; a document that another tab has built is joined.
    if (current < generation && storage.canLock) await storage.dropDocument(id, generation)
    // Before the new document counts: after a crash nothing would tell that what is kept is of an earlier epoch.
    if (isLaterEpoch(built.replica, old.replica)) await storage.pages.drop(id).catch(onStorageFailure)
    const cache = await storage.openDocument(id, doc, generation)
    const release = (await storage.lockChain(id, client)) ?? (() => undefined)
    const pool = await storage.pool(id)
    const taken = new Set(old.clients)
    for (const other of new Set([...pool, ...(await storage.outbox(id))].map((row) => row.client))) {
      const taking = taken.has(other) ? undefined : await storage.lockChain(id, other)
      if (taking === undefined) continue
      taken.add(other)
      releases.push(taking)
    }
    const rows = await storage.outbox(id)
    while (!old.outbox.isIdle()) await old.outbox.flushed()
    return { chain: { client, release }, cache, rows, fates, taken }
  }

  /** From its first line to `onReady` nothing else can happen. */
  async function swapNow(built: Side, prepared: Prepared | 'unkept'): Promise<void> {
    const { doc, client, generation, replica, gate, connection } = built
    const isKept = prepared !== 'unkept'
    const { chain, cache, rows, fates, taken } = isKept ? prepared : unkept(client, old.clients)
    const { failed: messages, failedChanges, failedSettings } = old.outbox
    const failedBefore = [...messages(), ...failedChanges(), ...failedSettings()].map(({ row, reason }) => ({
      ...row,
      failed: reason,
    }))
    const open = old.outbox.open()
    const orphans = rows.filter((row) => taken.has(row.client) && !old.clients.has(row.client))
    const { payloads, settled, kept, voided } = carryOver({
      user,
      old: old.replica,
      fresh: replica,
      rows: [
        ...open.filter((row) => old.clients.has(row.client)),
        ...orphans.filter((row) => row.failed === undefined && !isAmong(failedBefore, row)),
      ],
      chains: taken,
      fates,
    })
    const failed = [...failedBefore, ...voided]
    const put = payloads.map((payload, clock): OutboxRow => ({ client, clock, payload }))
    // Their tab may have moved them since this one read them.
    const others = open.filter((row) => !taken.has(row.client) && (!isKept || isAmong(rows, row)))
    const fresh = new OpenDocument({
      id,
      user,
      local: { doc, chain, cache, generation, storage, outbox: [...put, ...kept, ...others, ...failed] },
      replica,
      gate,
      shown: deps.shown(),
      onStorageFailure,
    })
    const retired = [...taken].filter((other) => other !== client)
    const written = isKept ? write() : Promise.resolve(false)
    gate.hold(written.then(() => undefined))
    doc.transact(() => {
      for (const { payload } of put) appendOwn(doc, user, payload)
      // Of tabs that are gone nobody has done it (SPEC UNSENT1).
      takeBackAgain(fresh, user, put)
    })
    old.leave()
    deps.onReady(fresh, connection)
    built.show()
    const isWritten = await written
    await old.close()
    // Not waited for: a tab that is frozen may have it open. What is left is dropped at the next opening.
    if (isWritten) storage.dropDocument(id, old.local.generation).catch(() => undefined)

    async function write(): Promise<boolean> {
      const chainRow = { client, next: put.length }
      const rowsToPut = [...put, ...failed]
      const replacement = { generation, put: rowsToPut, remove: settled, chain: chainRow, retired }
      const replacing = storage.replaceDocument(id, replacement)
      await fresh.outbox.track(replacing)
      return replacing.then(
        () => true,
        () => false,
      )
    }
  }

  return {
    ended,
    close: async () => {
      isClosed = true
      side?.giveUp()
      await ended
    },
  }
}

function isLaterEpoch({ server: fresh }: Replica, { server: old }: Replica): boolean {
  return fresh !== undefined && old !== undefined && fresh.epoch > old.epoch
}

/** Connects an empty document with a fresh chain. */
function buildSide({ old, draw, connect, onStatus }: RebuildDeps, generation: number): Side {
  const doc = new Y.Doc()
  const client = draw()
  doc.clientID = client
  const replica = new Replica(doc)
  const gate = createSendGate()
  let status: ConnectionStatus = { phase: 'connecting' }
  let waits = false
  let phase: 'building' | 'synced' | 'shown' | 'over' = 'building'
  let answer: ((isSynced: boolean) => void) | undefined
  const synced = new Promise<boolean>((resolve) => {
    answer = resolve
  })

  function settle(isSynced: boolean): void {
    doc.off('afterTransaction', look)
    phase = isSynced ? 'synced' : 'over'
    answer?.(isSynced)
  }

  function look(): void {
    if (phase !== 'building') return
    if (status.phase === 'refused' && !waits) return settle(false)
    if (status.phase !== 'live') return
    replica.refresh()
    if (!replica.isComplete && !replica.isOutdated) return
    const why = replica.isBehind(old.replica) ? 'server-behind' : replica.isOutdated ? 'forked' : undefined
    if (why === undefined) return settle(true)
    // What the server has is no better than what is shown: nothing is forced, nothing is deleted.
    onStatus({ phase: 'refused', code: why, reason: faults[why].text })
    settle(false)
  }

  doc.on('afterTransaction', look)
  const connection = connect({ doc, generation }, gate, (told, comesBack = false) => {
    if (phase === 'over') return
    waits = comesBack
    status = told
    onStatus(told.phase === 'live' && phase !== 'shown' ? { phase: 'syncing' } : told)
    look()
  })
  return {
    doc,
    client,
    generation,
    replica,
    gate,
    connection,
    synced,
    show: () => {
      phase = 'shown'
      onStatus(status)
    },
    giveUp: () => {
      if (phase === 'shown') return
      settle(false)
      connection.close()
      doc.destroy()
    },
  }
}

async function leave({ chain, cache }: Prepared): Promise<void> {
  chain.release()
  await cache.close()
}

/** The device takes nothing: the new document lives in memory, and what is kept of the old one stays. */
function unkept(client: ClientId, taken: ReadonlySet<ClientId>): Prepared {
  const cache: DocumentCache = { flushed: async () => undefined, close: async () => undefined }
  return { chain: { client, release: () => undefined }, cache, rows: [], fates: new Map(), taken }
}
