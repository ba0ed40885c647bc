/**
 * A whole server from a configuration: store, conversations, HTTP and sockets, and the order in which they end. Reads no
 * environment and owns no signals.
 *
 * The way of a message from a socket: sync/sockets (who is asking) → sync/stock-session (frames) → chat/intake (sync/acceptance
 * binds it to a chain, shared/chat/policy judges it) → chat/live-conversation and its sync/ledger (place in the order) →
 * sync/group-commit → storage → sync/broadcast. Over REST: http/messages → chat/service → chat/posting, and on as above.
 * What a device lacks is read back from the store by sync/projection.
 */

import { randomBytes, randomInt } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { v7 as uuidV7 } from 'uuid'
import { type InvitationId, parseInvitationId } from '../shared/chat/invitation.ts'
import { type ConversationId, parseConversationId } from '../shared/sync/ids.ts'
import { windowRules } from './chat/archiving.ts'
import { BehindNotes } from './chat/behind.ts'
import { readOverview } from './chat/overview.ts'
import { createInvitations } from './chat/inviting.ts'
import { createRegistry } from './chat/registry.ts'
import { createAccounts } from './account/accounts.ts'
import { createConversations } from './chat/service.ts'
import { acquireTarget } from './chat/conversation-target.ts'
import type { Config } from './config.ts'
import { type AppDeps, buildApp } from './http/app.ts'
import { openAuth } from './http/open-auth.ts'
import { isAllowedOrigin, isDemoHost } from './http/origins.ts'
import { createTickets } from './http/tickets.ts'
import { createProfiles } from './people/profiles.ts'
import type { ConversationStore } from './storage/conversation-store.ts'
import type { DamageOptions } from './storage/damages.ts'
import type { VanishingOptions } from './storage/level/vanishing.ts'
import { openLevelStore } from './storage/level/level-store.ts'
import { limits } from '../shared/limits.ts'
import { ActivityFeed } from './sync/activity.ts'
import { createGroupCommit } from './sync/group-commit.ts'
import { createRates } from './sync/rate.ts'
import { attachSockets } from './sync/sockets.ts'

export interface ServerDeps {
  readonly log: AppDeps['log']
  /** Server time in ms. */
  readonly now: () => number
  /** Folder of the built web chat; undefined: none is served. */
  readonly webRoot: string | undefined
  /** Told when writes failed and the store could not be opened again: nothing more is acknowledged, the process has to end. */
  readonly onStoreFailure: (error: unknown) => void
  /** LevelDB in the data folder when undefined. */
  readonly openStore?: (options: DamageOptions & VanishingOptions) => Promise<ConversationStore>
}

export interface RunningServer {
  readonly port: number
  readonly url: string
  /** Ends in order: no new requests, sockets told to come back, the commit in flight, the store. Idempotent. */
  readonly close: () => Promise<void>
}

const sweepMs = 15_000
/** Requests that are still coming in when the server ends are given this long. */
const drainMs = 2_000

/** Rejects with a StoreError when the data cannot be opened, with the system's error when the port is taken. */
export async function startServer(config: Config, deps: ServerDeps): Promise<RunningServer> {
  const { log, now } = deps
  await mkdir(config.dataDir, { recursive: true })
  const { openStore = (options) => openLevelStore({ ...options, location: join(config.dataDir, 'store') }) } = deps
  const store = await openStore({
    // Once for each conversation: from then on it is refused (SPEC STORE9).
    onDamage: (error) => log.error({ err: error, conversation: error.conversation }, 'a conversation is damaged'),
    onVanishingFailed: (error) =>
      log.error({ err: error }, 'what was erased is still on the disk; it is tried again in a minute'),
  })
  let failure: unknown
  const commits = createGroupCommit(store, {
    sleep: (ms) => sleep(ms),
    now,
    onRecovered: (error, inDoubt) => {
      const kept = [...inDoubt.values()].filter((state) => state === 'after').length
      log.error(
        { err: error, kept, undone: inDoubt.size - kept },
        'a write failed: the store was opened again, and is whole',
      )
    },
    onFailure: (error) => {
      failure = error
      deps.onStoreFailure(error)
    },
  })
  const activity = new ActivityFeed(afterPause)
  const behind = new BehindNotes()
  const registry = createRegistry({
    store,
    commits,
    now,
    drawUint32: () => randomInt(0x1_0000_0000),
    activity,
    afterPause,
    after,
    noteBehind: (conversation) => {
      behind.note(conversation)
      log.error({ conversation }, 'a device knows more than this server: was the data put back from a copy?')
    },
    onBug: (error) => log.error({ err: error }, 'a conversation has to start again from the disk'),
    window: windowRules,
  })
  const { authenticate, demo, invitationTokens } = await openAuth(config, { now, log })
  const rates = createRates({ now, perSecond: limits.entriesPerSecondPerUser, burst: limits.burstEntriesPerUser })
  const tickets = createTickets({ now, random: randomBytes })
  const conversations = createConversations({ store, registry, drawConversationId })
  const profiles = createProfiles({ store, now })
  const app = buildApp({
    conversations,
    invitations: createInvitations({ store, registry, conversations, drawInvitationId, now }),
    invitationTokens,
    profiles,
    accounts: createAccounts({ store, registry, conversations, profiles }),
    authenticate,
    tickets,
    demo,
    log,
    now,
    origins: config.origins,
    webRoot: deps.webRoot,
    rates,
    health: async () => ({
      failures: failure === undefined ? [] : ['the store has failed'],
      warnings: [...store.condemned().values(), ...behind.warnings()],
    }),
  })
  const sockets = attachSockets(app.server, {
    authenticate,
    tickets,
    allowsOrigin: (origin, host) =>
      isAllowedOrigin(origin, host, config.origins) &&
      (config.auth.kind !== 'demo' || isDemoHost(host, config.origins)),
    acquire: (user, id) => acquireTarget(registry, user, id),
    overview: (user, versions) => readOverview(store, user, versions),
    activity,
    rates: {
      entries: rates,
      bytes: createRates({ now, perSecond: limits.bytesPerSecondPerUser, burst: limits.burstBytesPerUser }),
    },
    sleep: (ms) => sleep(ms, undefined, { ref: false }),
    now,
    log,
  })
  const sweeper = setInterval(() => registry.sweep(now()), sweepMs)
  let closing: Promise<void> | undefined

  async function close(): Promise<void> {
    clearInterval(sweeper)
    const cut = setTimeout(() => app.server.closeAllConnections(), drainMs)
    await Promise.all([app.close(), sockets.close()])
    clearTimeout(cut)
    await registry.stop()
    await commits.idle()
    await store.close()
  }

  try {
    await app.listen({ port: config.port, host: config.host })
  } catch (error) {
    await close()
    throw error
  }
  const bound = app.server.address()
  if (bound === null || typeof bound === 'string') throw new Error('not listening on a port')
  const { port, address, family } = bound
  const host = family === 'IPv6' ? `[${address}]` : address
  return {
    port,
    url: `http://${host}:${port}`,
    close: () => (closing ??= close()),
  }
}

function afterPause(job: () => void): void {
  setTimeout(job, limits.gatheringPauseMs)
}

/** Nobody waits for it: it does not keep the process. */
function after(ms: number, job: () => void): () => void {
  const timer = setTimeout(job, ms).unref()
  return () => clearTimeout(timer)
}

function drawInvitationId(): InvitationId {
  const id = parseInvitationId(uuidV7())
  if (id === undefined) throw new Error('not a UUIDv7')
  return id
}

function drawConversationId(): ConversationId {
  const id = parseConversationId(uuidV7())
  if (id === undefined) throw new Error('not a UUIDv7')
  return id
}
