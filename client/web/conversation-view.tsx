/** One open conversation: its head, what there is to know about its connection, its messages, and where one writes. */

import { useCallback, useEffect, useMemo, useRef, useState } from 'react'

import type { MessageId } from '../../shared/chat/entry.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { ChatClient, Conversation, ConversationInfo, ConversationStatus } from '../api.ts'
import { ComposeAgain, useOffered } from './compose-again.ts'
import { ConnectionMark } from './connection-mark.tsx'
import { ConversationAvatar } from './conversation-avatar.tsx'
import { ConversationComposer } from './conversation-composer.tsx'
import { ConversationMenu } from './conversation-menu.tsx'
import type { Drafts } from './drafts.ts'
import { PeopleIcon, PinIcon } from './icons.tsx'
import { MembersPanel } from './members-panel.tsx'
import { conversationName, count, namedMembers } from './names.ts'
import { Notices } from './notices.tsx'
import { PaneHeader } from './pane-header.tsx'
import { PinsPanel } from './pins-panel.tsx'
import type { Reading } from './reading.ts'
import { ThreadPanel } from './thread-panel.tsx'
import { Timeline } from './timeline.tsx'
import { TypingLine } from './typing-line.tsx'
import { useDocumentTitle } from './use-document-title.ts'
import { useNames } from './use-names.ts'
import { useStore } from './use-store.ts'
import { goneWords } from './wording.ts'

interface Props {
  readonly client: ChatClient
  readonly conversation: Conversation
  /** Seq of the message to go to. */
  readonly sought: number | undefined
  readonly reading: Reading
  readonly user: UserId
  readonly drafts: Drafts
  /** Deletes it from this device. */
  readonly forget: () => void
}

/** What stands beside the messages. */
type Side = { readonly kind: 'members' | 'pins' } | { readonly kind: 'thread'; readonly root: MessageId }

export function ConversationView({ client, conversation, sought, reading, user, drafts, forget }: Props) {
  const info = useStore(conversation.info)
  const status = useStore(conversation.status)
  const [side, setSide] = useState<Side>()
  const showsMembers = side?.kind === 'members'
  const [sent, setSent] = useState(0)
  const [replyTo, setReplyTo] = useState<MessageId>()
  const toggle = useRef<HTMLButtonElement>(null)

  const users = info.members.map((member) => member.user)
  const name = conversationName(info.title, users, user, useNames(namedMembers(users, user)))
  useDocumentTitle(name)

  const pins = useStore(conversation.pins)
  const showsPins = side?.kind === 'pins'
  const pinsToggle = useRef<HTMLButtonElement>(null)

  const closeMembers = useCallback(() => {
    setSide(undefined)
    toggle.current?.focus()
  }, [])
  const closePins = useCallback(() => {
    setSide(undefined)
    pinsToggle.current?.focus()
  }, [])
  const openThread = useCallback((root: MessageId) => setSide({ kind: 'thread', root }), [])

  const closeThread = useCallback(() => {
    if (side?.kind === 'thread') focusMessage(side.root)
    setSide(undefined)
  }, [side])

  const draft = useMemo(() => drafts.at(conversation.id), [drafts, conversation])
  const reply = useCallback(
    (message: MessageId | undefined) => {
      setReplyTo(message)
      draft.setReply(message)
    },
    [draft],
  )
  const [offered, composeAgain] = useOffered(reply)

  // It is looked at: whether or not something in it is new.
  useEffect(() => {
    const { personal } = client
    if (personal.of(conversation.id).getSnapshot().markedUnread) personal.markUnread(conversation.id, false)
  }, [client, conversation])

  return (
    <div className="conversation" data-members={side === undefined ? 'away' : 'shown'}>
      <PaneHeader
        heading={name}
        before={<ConversationAvatar name={name} users={users} me={user} />}
        below={<ConnectionMark connection={status.connection} />}
      >
        {(pins.length > 0 || showsPins) && (
          <button
            ref={pinsToggle}
            type="button"
            className="pins-toggle"
            data-testid="pins-toggle"
            aria-expanded={showsPins}
            aria-label={count(pins.length, 'pinned message')}
            onClick={() => setSide(showsPins ? undefined : { kind: 'pins' })}
          >
            <PinIcon />
            {pins.length}
          </button>
        )}
        <button
          ref={toggle}
          type="button"
          className="members-toggle"
          data-testid="members-toggle"
          aria-expanded={showsMembers}
          aria-label={users.length === 0 ? 'Members' : count(users.length, 'member')}
          onClick={() => setSide(showsMembers ? undefined : { kind: 'members' })}
        >
          <PeopleIcon />
          {users.length > 0 && users.length}
        </button>
        <ConversationMenu
          personal={client.personal}
          conversation={conversation}
          name={name}
          forget={info.gone === undefined ? undefined : forget}
        />
      </PaneHeader>
      <Notices conversation={conversation} user={user} status={status} gone={info.gone} />
      <div className="talk">
        <ComposeAgain value={composeAgain}>
          <Timeline
            conversation={conversation}
            reading={reading}
            user={user}
            access={info.access}
            connection={status.connection}
            sent={sent}
            reply={reply}
            openThread={openThread}
            sought={sought}
          />
        </ComposeAgain>
        <TypingLine presence={conversation.presence} />
        <ConversationComposer
          conversation={conversation}
          draft={draft}
          user={user}
          members={users}
          replyTo={replyTo}
          endReply={() => reply(undefined)}
          onReply={setReplyTo}
          blocked={whyBlocked(info, status)}
          onSent={() => setSent(sent + 1)}
          offered={offered}
        />
      </div>
      {showsMembers && <MembersPanel client={client} conversation={conversation} user={user} close={closeMembers} />}
      {showsPins && <PinsPanel conversation={conversation} user={user} close={closePins} />}
      {side?.kind === 'thread' && (
        <ThreadPanel
          key={side.root}
          conversation={conversation}
          root={side.root}
          user={user}
          drafts={drafts}
          members={users}
          access={info.access}
          blocked={whyBlocked(info, status)}
          close={closeThread}
        />
      )}
    </div>
  )
}

/** The keyboard goes on from the message that the thread belongs to, where it is shown. */
function focusMessage(root: MessageId): void {
  document.querySelector<HTMLElement>(`.timeline [data-id="${root}"] .message-more`)?.focus({ preventScroll: true })
}

/** Why nothing can be written here, if so. */
function whyBlocked(info: ConversationInfo, { connection }: ConversationStatus): string | undefined {
  if (info.gone !== undefined) return `${goneWords[info.gone]} Nothing can be sent here.`
  if (connection.phase === 'refused') return 'Nothing can be sent here.'
  if (info.access === 'reader') return 'You can read this conversation, but not write in it.'
  if (info.access !== undefined) return undefined
  if (info.members.length > 0) return 'You are not a member of this conversation.'
  return connection.phase === 'offline' ? 'Nothing can be sent here before it was received.' : 'Waiting for the server…'
}
