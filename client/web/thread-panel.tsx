/** A thread beside its conversation: the message it began with, its answers, and where one answers. */

import { type KeyboardEvent, useEffect, useMemo, useRef } from 'react'

import type { Access } from '../../shared/chat/access.ts'
import type { MessageId } from '../../shared/chat/entry.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { Conversation } from '../api.ts'
import { ComposeAgain, useOffered } from './compose-again.ts'
import type { Drafts } from './drafts.ts'
import { CloseIcon } from './icons.tsx'
import { MessageList } from './message-list.tsx'
import { count } from './names.ts'
import { ThreadComposer } from './thread-composer.tsx'
import { noLines } from './timeline-events.ts'
import { timelineRows } from './timeline-rows.ts'
import { useStore } from './use-store.ts'

interface Props {
  readonly conversation: Conversation
  /** Of the message it began with. */
  readonly root: MessageId
  readonly user: UserId
  readonly drafts: Drafts
  readonly members: readonly UserId[]
  readonly access: Access | undefined
  /** Why nothing can be written here, if so. */
  readonly blocked: string | undefined
  readonly close: () => void
}

export function ThreadPanel(props: Props) {
  const { conversation, root, user, drafts, members, access, blocked, close } = props
  const thread = conversation.thread(root)
  const messages = useStore(thread.messages)
  const info = useStore(thread.info)
  const draft = useMemo(() => drafts.at(conversation.id, root), [drafts, conversation, root])
  const [offered, composeAgain] = useOffered()
  const panel = useRef<HTMLElement>(null)
  const closer = useRef<HTMLButtonElement>(null)
  const log = useRef<HTMLDivElement>(null)
  const list = useRef<HTMLOListElement>(null)
  const rows = useMemo(() => {
    const all = info.root === undefined ? messages : [info.root, ...messages]
    return timelineRows(all, { first: 0, end: all.length }, -1)
  }, [info.root, messages])
  useEffect(() => {
    // Where a keyboard needs no room on the screen, the text box has taken it.
    if (panel.current?.contains(document.activeElement) !== true) closer.current?.focus()
  }, [root])

  const last = messages.at(-1)?.id
  useEffect(() => {
    if (last !== undefined) log.current?.scrollTo({ top: log.current.scrollHeight })
  }, [last])

  const { unread } = info
  useEffect(() => {
    const mark = (): void => {
      if (unread > 0 && document.visibilityState === 'visible') thread.markRead()
    }
    mark()
    document.addEventListener('visibilitychange', mark)
    return () => document.removeEventListener('visibilitychange', mark)
  }, [thread, unread])

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key === 'Escape') close()
  }

  function goTo(id: MessageId): void {
    list.current?.querySelector(`[data-id="${id}"]`)?.scrollIntoView({ block: 'center' })
  }

  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- Escape closes it from anywhere inside
    <aside ref={panel} className="thread-panel" aria-label="Thread" data-testid="thread" onKeyDown={onKeyDown}>
      <header>
        <h3>Thread</h3>
        <p className="quiet" data-testid="thread-count">
          {count(info.count, 'answer')}
        </p>
        <button ref={closer} type="button" className="icon-button" aria-label="Close the thread" onClick={close}>
          <CloseIcon />
        </button>
      </header>
      <div ref={log} className="thread-log" role="log" aria-label="Messages of the thread" tabIndex={-1}>
        {info.hasOlder && (
          <button
            type="button"
            className="thread-older"
            disabled={info.phase === 'loading'}
            onClick={() => void thread.loadOlder()}
            data-testid="thread-older"
          >
            {info.phase === 'unavailable' ? 'Older answers are not on this device' : 'Older answers'}
          </button>
        )}
        <ComposeAgain value={composeAgain}>
          <MessageList
            list={list}
            rows={rows}
            events={noLines}
            conversation={conversation}
            user={user}
            access={access}
            reply={undefined}
            goTo={goTo}
            openThread={undefined}
          />
        </ComposeAgain>
      </div>
      <ThreadComposer
        thread={thread}
        conversation={conversation}
        draft={draft}
        user={user}
        members={members}
        blocked={blocked}
        offered={offered}
      />
    </aside>
  )
}
