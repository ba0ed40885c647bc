/**
 * The conversations this page has open. One is opened when somebody first looks at it and stays open a while after, so
 * that going back is instant and what is pending in it goes out. Knows no React.
 */

import type { ConversationId } from '../../shared/sync/ids.ts'
import type { ChatClient, Conversation, ReadableStore } from '../api.ts'
import { createStore, type Store } from '../store.ts'
import { createReading, type Reading } from './reading.ts'

export type Opened =
  | { readonly phase: 'opening' }
  | { readonly phase: 'open'; readonly conversation: Conversation; readonly reading: Reading }
  | { readonly phase: 'failed'; readonly reason: string }

export interface Place extends ReadableStore<Opened> {
  /** Tries again after a failure. */
  readonly retry: () => void
}

export interface Desk {
  /** The place of one conversation: the same object for the same id. Subscribing to it opens the conversation. */
  readonly at: (id: ConversationId) => Place
  /** Deletes one that is gone from this device; says so at its place. */
  readonly forget: (id: ConversationId) => void
}

/** Each open conversation costs a document in memory and a connection. */
const keepOpen = 6

interface Seat {
  readonly id: ConversationId
  readonly state: Store<Opened>
  readonly place: Place
  lookers: number
  /** Settles when it has been closed after its last use. */
  closed: Promise<void>
}

const opening: Opened = { phase: 'opening' }

/** `onConnection` hears when one of them was connected, or no longer is. */
export function createDesk(client: ChatClient, onConnection: () => void): Desk {
  const seats = new Map<ConversationId, Seat>()
  /** Those that are open, in the order in which they were last looked at. */
  const recent = new Set<Seat>()

  async function open(seat: Seat): Promise<void> {
    seat.state.set(opening)
    try {
      await seat.closed
      const conversation = await client.open(seat.id)
      watchConnection(conversation, onConnection)
      const reading = createReading(conversation, unreadOf(client, seat.id))
      seat.state.set({ phase: 'open', conversation, reading })
    } catch (error) {
      seat.state.set({ phase: 'failed', reason: error instanceof Error ? error.message : String(error) })
    }
  }

  // Ends with the client, which belongs to this page alone.
  client.removed.subscribe(() => {
    for (const { id } of client.removed.getSnapshot()) {
      const seat = seats.get(id)
      if (seat === undefined || !recent.delete(seat)) continue
      seat.state.set({ phase: 'failed', reason: 'You are not in it any more, and it was deleted from this device.' })
    }
  })

  function look(seat: Seat): void {
    seat.lookers += 1
    const wasOpen = recent.delete(seat)
    recent.add(seat)
    if (!wasOpen) void open(seat)
    for (const other of recent) {
      if (recent.size <= keepOpen) return
      if (isIdle(other)) clear(other)
    }
  }

  function clear(seat: Seat): void {
    recent.delete(seat)
    const opened = seat.state.getSnapshot()
    seat.state.set(opening)
    if (opened.phase === 'open') seat.closed = opened.conversation.close()
  }

  function createSeat(id: ConversationId): Seat {
    const state = createStore(opening)
    const place: Place = {
      getSnapshot: state.getSnapshot,
      subscribe: (listener) => {
        const unsubscribe = state.subscribe(listener)
        look(seat)
        return () => {
          seat.lookers -= 1
          unsubscribe()
        }
      },
      retry: () => void open(seat),
    }
    const seat: Seat = { id, state, place, lookers: 0, closed: Promise.resolve() }
    return seat
  }

  return {
    at: (id) => {
      const seat = seats.get(id) ?? createSeat(id)
      seats.set(id, seat)
      return seat.place
    },
    forget: (id) => {
      const seat = seats.get(id)
      const tell = (reason: string): void => {
        if (seat === undefined) return
        recent.delete(seat)
        seat.state.set({ phase: 'failed', reason })
      }
      client.forget(id).then(
        () => tell('It was deleted from this device.'),
        (error: unknown) => tell(error instanceof Error ? error.message : String(error)),
      )
    },
  }
}

function unreadOf({ conversations }: ChatClient, id: ConversationId): Reading['unread'] {
  return {
    getSnapshot: () => conversations.getSnapshot().find((summary) => summary.id === id)?.unread,
    subscribe: conversations.subscribe,
  }
}

/** Nobody looks at it, and nothing in it waits to be sent. */
function isIdle({ lookers, state }: Seat): boolean {
  const opened = state.getSnapshot()
  if (lookers > 0 || opened.phase === 'opening') return false
  return opened.phase === 'failed' || opened.conversation.status.getSnapshot().pending === 0
}

function watchConnection({ status }: Conversation, onConnection: () => void): void {
  const isLive = (): boolean => status.getSnapshot().connection.phase === 'live'
  let wasLive = isLive()
  // Ends with the conversation, which belongs to this page alone.
  status.subscribe(() => {
    if (isLive() === wasLive) return
    wasLive = !wasLive
    onConnection()
  })
}
