/**
 * The messages of a conversation: it opens at the first unread one, shows more as they are scrolled to, and stays at the
 * end unless somebody reads above.
 */

import { useEffect, useMemo, useState } from 'react'

import type { Access } from '../../shared/chat/access.ts'
import type { MessageId } from '../../shared/chat/entry.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { ConnectionStatus, Conversation } from '../api.ts'
import { NewerEdge, OlderEdge } from './history-edge.tsx'
import { MessageList } from './message-list.tsx'
import type { Reading } from './reading.ts'
import { type HeldPart, holdPart, isHeld, type Part, partOf } from './shown-part.ts'
import { noLines, placeEvents } from './timeline-events.ts'
import { indexOfUnread, timelineRows } from './timeline-rows.ts'
import { ToEnd } from './to-end.tsx'
import { useGoTo } from './use-go-to.ts'
import { useHistory } from './use-history.ts'
import { useLostPlace } from './use-lost-place.ts'
import { useMarkRead } from './use-mark-read.ts'
import { useScrollHold } from './use-scroll-hold.ts'
import { useSeekMessage } from './use-seek-message.ts'
import { useSeekUnread } from './use-seek-unread.ts'
import { useStore } from './use-store.ts'
import { useUnreadLine } from './use-unread-line.ts'

interface Props {
  readonly conversation: Conversation
  readonly reading: Reading
  readonly user: UserId
  readonly access: Access | undefined
  readonly connection: ConnectionStatus
  /** Grows when something is sent from here: the timeline then goes to its end. */
  readonly sent: number
  /** Begins a reply. */
  readonly reply: (id: MessageId) => void
  readonly openThread: (root: MessageId) => void
  /** Seq of the message to go to. */
  readonly sought: number | undefined
}

/** Somebody reads above the end. */
interface Away {
  readonly held: HeldPart
  /** What `sent` was then: sending ends it. */
  readonly sent: number
}

export function Timeline(props: Props) {
  const { conversation, reading, user, access, connection, sent, reply, openThread, sought } = props
  const messages = useStore(conversation.messages)
  const events = useStore(conversation.events)
  const history = useStore(conversation.history)
  const [left, setLeft] = useState<Away>()
  const [sentBefore] = useState(sent)
  const away = left?.sent === sent ? left : undefined
  // Whether this device has the conversation, be it without messages.
  const isKnown = access !== undefined
  const line = useUnreadLine(reading, connection, isKnown, away !== undefined, sent !== sentBefore)

  const unread = indexOfUnread(messages, line.from)
  const part = partOf(messages, away?.held)
  const { first, end } = part
  const partRows = useMemo(() => timelineRows(messages, { first, end }, unread), [messages, first, end, unread])
  const lines = useMemo(
    () => placeEvents(events, messages, { first, end }, !history.hasOlder),
    [events, messages, first, end, history.hasOlder],
  )
  const isAway = away !== undefined
  // The window may move on without what is read, which then stays on the screen until it was fetched.
  const isLost = isAway && !isHeld(messages, away.held)
  const [latest, setLatest] = useState(partRows)
  if (!isLost && latest !== partRows) setLatest(partRows)
  const rows = isLost ? latest : partRows
  const hold = useScrollHold(!isAway, rows)
  const { scroller } = hold
  const isTold = connection.phase === 'live' || connection.phase === 'offline'
  const lookRead = useMarkRead(reading, hold, isKnown && isTold && !line.isPending && !line.isSought, rows)

  function change(step: (part: Part, all: number) => Part): void {
    const now = conversation.messages.getSnapshot()
    setLeft((before) => {
      const current = before?.sent === sent ? before : undefined
      return { held: holdPart(now, step(partOf(now, current?.held), now.length)), sent }
    })
  }

  const all = messages.length
  const isReady = !line.isSought && !isLost
  const { top, bottom, asked, older, newer } = useHistory({
    conversation,
    history,
    connection,
    scroller,
    part,
    all,
    isAway,
    isReady,
    rows,
    change,
  })
  useSeekUnread({ conversation, history, line, unread, part, all, isAway, hold, change })

  const goTo = useGoTo({ conversation, hold, change })
  const isSeeking = useSeekMessage({ conversation, sought, line, hold, change })

  useLostPlace({ conversation, isAway, isLost: isLost && !isSeeking, hold, change })

  // The window may move on from what was loaded before it, and whoever is at the end wants that.
  const isLeft = !isAway && !isSeeking && history.hasNewer && !line.isSought
  useEffect(() => {
    if (isLeft) conversation.showNewest()
  }, [conversation, isLeft])

  // Whoever comes back later begins at the newest messages.
  useEffect(() => () => conversation.showNewest(), [conversation])

  function onScroll(): void {
    const isNearEnd = hold.note()
    lookRead()
    // Until it is there, where one happens to be is nowhere: the end that it was opened at is not what is wanted.
    if (isLost || isSeeking) return
    const isAtEnd = isNearEnd && end === all && !history.hasNewer
    if (isAtEnd === isAway) {
      if (isAtEnd) setLeft(undefined)
      else change((shown) => shown)
    }
  }

  function showOlder(): void {
    older()
    keepFocus()
  }

  function showEnd(): void {
    line.found()
    conversation.showNewest()
    setLeft(undefined)
    keepFocus()
  }

  /** The button just pressed may be about to go away, and the keyboard must stay somewhere. */
  function keepFocus(): void {
    scroller.current?.focus({ preventScroll: true })
  }

  return (
    <div className="timeline">
      {isAway && history.stale && connection.phase !== 'live' && (
        <p className="stale" role="status" data-testid="history-stale">
          Older messages may have changed since they were kept here.
        </p>
      )}
      <div
        ref={scroller}
        className="scroller"
        role="log"
        aria-live="polite"
        aria-label="Messages"
        data-testid="timeline"
        data-at-end={!isAway}
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- scrolled with the keyboard
        tabIndex={0}
        onScroll={onScroll}
      >
        <div ref={top} className="end">
          {rows.length > 0 && (
            <OlderEdge
              history={history}
              hasMore={first > 0 || history.hasOlder}
              isAsked={asked === 'older'}
              onMore={showOlder}
            />
          )}
        </div>
        {rows.length === 0 && <p className="empty">{whyEmpty(connection, isKnown)}</p>}
        <MessageList
          list={hold.content}
          rows={rows}
          events={isLost ? noLines : lines}
          conversation={conversation}
          user={user}
          access={access}
          reply={reply}
          goTo={goTo}
          openThread={openThread}
        />
        <div ref={bottom} className="end">
          <NewerEdge history={history} hasMore={history.hasNewer} isAsked={asked === 'newer'} onMore={newer} />
        </div>
      </div>
      {isAway && <ToEnd unread={reading.unread} go={showEnd} />}
    </div>
  )
}

function whyEmpty({ phase }: ConnectionStatus, isKnown: boolean): string {
  switch (phase) {
    case 'connecting':
    case 'syncing':
      return 'Fetching messages…'
    case 'live':
    case 'offline':
      return isKnown ? 'No messages yet. Write the first one.' : 'This conversation is not on this device yet.'
    case 'refused':
    case 'closed':
      return 'There are no messages to show.'
  }
}
