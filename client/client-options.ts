/** What a client is made with, and what differs between browsers and Node. */

import { limits } from '../shared/limits.ts'
import { parseUserId, type UserId } from '../shared/sync/ids.ts'
import type { Keep, PresenceMode } from './api.ts'
import type { SearchWorker } from './search/search-host.ts'
import type { ClientStorage, StorageOptions } from './storage/client-storage.ts'
import type { Token } from './sync/token-source.ts'

export interface ChatClientOptions {
  /** Of the server: `https://chat.example`. */
  readonly url: string
  /** The `sub` of the token. */
  readonly user: string
  /** A JWT, or what fetches one; called again when one ends or is refused. */
  readonly token: Token
  /** Name of this device, shown to others with its presence; at most 64 characters. */
  readonly device?: string
  /**
   * `multiplexed`, when not given: one socket carries all conversations, tells of those that are not open, and keeps them
   * up to date. `stock`: one socket for each that is open, in the plain y-websocket protocol, for servers and proxies that
   * know no other; the list is as of the last `refresh`.
   */
  readonly transport?: 'multiplexed' | 'stock'
  /**
   * What of each conversation is kept on this device unasked, unless it says otherwise itself: `all`, when not given, or no
   * more than the window of newest messages and what was looked at.
   */
  readonly keep?: Keep
  /** What others are told of this user to begin with; `typing`, when not given. */
  readonly presence?: PresenceMode
  /**
   * `on`, when not given: other members are told how far the user has received and read. `private`: they are told nothing,
   * and how far the user has read goes to the user's own devices alone.
   */
  readonly receipts?: 'on' | 'private'
  /** What is kept of all archives together, at most; 200 MB when not given. */
  readonly pageBudgetBytes?: number
}

/** What differs between browsers and Node. */
export interface Platform {
  readonly openStorage: (server: string, user: UserId, options: StorageOptions) => Promise<ClientStorage>
  readonly WebSocket: typeof WebSocket
  /** Whether there are other tabs to tell. */
  readonly broadcast: boolean
  readonly fetch: typeof globalThis.fetch
  /** The device's clock in ms. */
  readonly now: () => number
  /** Calls back whenever the device has come back, to the network or to its user; returns what ends that. */
  readonly onWake?: (wake: () => void) => () => void
  /** Calls back whenever the page is hidden, after which it may run no more; returns what ends that. */
  readonly onHide?: (hide: () => void) => () => void
  /** Where there is a process: takes a listener for its end back. */
  readonly dropExitListener?: (listener: () => void) => void
  /** Asks that what is kept is not evicted; undefined where nobody promises such things. */
  readonly askToPersist?: () => Promise<boolean | undefined>
  /** Starts `client/search/search-worker`; where there is none, or it throws, what is searched is indexed in process. */
  readonly startSearchWorker?: () => SearchWorker
}

export interface ClientAddress {
  readonly url: string
  readonly user: UserId
}

/** Throws TypeError for a URL, a user or a device that cannot be one. */
export function parseOptions(options: ChatClientOptions): ClientAddress {
  const user = parseUserId(options.user)
  if (user === undefined) throw new TypeError('a user id is 1–128 visible ASCII characters other than /')
  if ((options.device?.length ?? 0) > limits.deviceNameLength)
    throw new TypeError(`The name of a device has at most ${limits.deviceNameLength} characters.`)
  return { user, url: parseServerUrl(options.url) }
}

function parseServerUrl(text: string): string {
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new TypeError('the url is http or https')
  return url.href.replace(/\/+$/, '')
}
