/** Where one writes in a conversation, and above it what is replied to. */

import type { MessageId } from '../../shared/chat/entry.ts'
import { Composer, type ComposerPlace } from './composer.tsx'
import { CloseIcon } from './icons.tsx'
import { ReplyPreview } from './message-quote.tsx'

interface Props extends ComposerPlace {
  /** What is being replied to. */
  readonly replyTo: MessageId | undefined
  readonly endReply: () => void
  /** It was chosen on another device, or before. */
  readonly onReply: (replyTo: MessageId | undefined) => void
  readonly onSent: () => void
}

const testIds = { box: 'composer', send: 'send' }

export function ConversationComposer({ replyTo, endReply, onReply, onSent, ...place }: Props) {
  const { conversation, user } = place
  return (
    <Composer
      {...place}
      label="Message"
      placeholder="Write a message"
      sendLabel="Send"
      testIds={testIds}
      send={(written) => conversation.send({ ...written, ...(replyTo === undefined ? {} : { replyTo }) })}
      onSent={() => {
        endReply()
        onSent()
      }}
      onEscape={endReply}
      replyTo={replyTo}
      onReply={onReply}
    >
      {replyTo !== undefined && (
        <div className="reply">
          <ReplyPreview conversation={conversation} id={replyTo} me={user} />
          <button
            type="button"
            className="icon-button"
            aria-label="Do not reply to it"
            // The text box keeps the focus.
            onMouseDown={(event) => event.preventDefault()}
            onClick={endReply}
            data-testid="reply-cancel"
          >
            <CloseIcon />
          </button>
        </div>
      )}
    </Composer>
  )
}
