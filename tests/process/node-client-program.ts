// A chat program in Node, as a developer writes one: the SDK on a folder, driven over IPC by tests/process/node-device.ts.
// Keeps nothing of its own, so that a SIGKILL takes nothing but what the SDK has not kept.
import {
  type ChatClient,
  type ChatMessage,
  type Conversation,
  createChatClient,
  type FailedChange,
  type HistoryStatus,
} from '../../client/node.ts'
import type { MessageId } from '../../shared/chat/entry.ts'
import { type ConversationId, parseConversationId } from '../../shared/sync/ids.ts'

export interface DeviceOptions {
  readonly url: string
  readonly user: string
  readonly token: string
  readonly folder: string
}

/** A change of an earlier message, whether it is shown or not. */
export type Change =
  | { readonly kind: 'edit'; readonly of: MessageId; readonly content: string }
  | { readonly kind: 'react'; readonly of: MessageId; readonly emoji: string; readonly on: boolean }
  | { readonly kind: 'redact'; readonly of: MessageId }

export type Task =
  | { readonly kind: 'create'; readonly title: string; readonly members: readonly string[] }
  | { readonly kind: 'open'; readonly id: string }
  /** Resolves when they are kept, unless `flush` is false. */
  | { readonly kind: 'send'; readonly texts: readonly string[]; readonly flush: boolean }
  /** Resolves when they are kept. */
  | { readonly kind: 'change'; readonly changes: readonly Change[] }
  /** Loads all that can be had before what is shown and, where it does not reach the window, behind it. */
  | { readonly kind: 'load' }
  /** Waits until all of the archive is kept here, as it is now. */
  | { readonly kind: 'kept' }
  /** Waits until nothing of one's own is pending, and no change of what is shown. */
  | { readonly kind: 'settled' }
  | { readonly kind: 'retry' | 'discard'; readonly message: string }
  /** Closes and opens it so many times; sends `text` and its number after each third opening. */
  | { readonly kind: 'reopen'; readonly times: number; readonly text: string }
  | { readonly kind: 'until'; readonly lines: readonly string[] }
  | { readonly kind: 'live' }
  | { readonly kind: 'refresh' }
  | { readonly kind: 'look' }
  | { readonly kind: 'end' }

/** How things stand, as the SDK tells it. */
export interface View {
  /** `state text`, or `failed/reason text`. */
  readonly lines: readonly string[]
  readonly messages: readonly ChatMessage[]
  readonly connection: string
  readonly storage: string
  readonly pending: number
  readonly access: string | undefined
  readonly failedChanges: readonly FailedChange[]
  readonly history: HistoryStatus | undefined
  readonly conversations: readonly {
    readonly id: string
    readonly title: string | null
    readonly registered: boolean
  }[]
  readonly id: string | undefined
}

export type Answer = { readonly view: View } | { readonly error: string }

const waitMs = 40_000
let conversation: Conversation | undefined

function current(): Conversation {
  if (conversation === undefined) throw new Error('no conversation is open')
  return conversation
}

function lineOf({ delivery, content }: ChatMessage): string {
  // How far others have come is not what is asked for.
  const state = 'seq' in delivery ? 'sent' : delivery.state
  return `${delivery.state === 'failed' ? `failed/${delivery.reason}` : state} ${content}`
}

function look(client: ChatClient): View {
  const messages = conversation?.messages.getSnapshot() ?? []
  const status = conversation?.status.getSnapshot()
  return {
    lines: messages.map(lineOf),
    messages,
    connection: status?.connection.phase ?? 'none',
    storage: status?.storage.phase ?? 'none',
    pending: status?.pending ?? 0,
    access: conversation?.info.getSnapshot().access,
    failedChanges: conversation?.failedChanges.getSnapshot() ?? [],
    history: conversation?.history.getSnapshot(),
    conversations: client.conversations.getSnapshot().map(({ id, title, registered }) => ({ id, title, registered })),
    id: conversation?.id,
  }
}

function when(what: string, holds: () => boolean): Promise<void> {
  const { messages, status, history } = current()
  return new Promise((resolve, reject) => {
    const check = (): void => {
      if (!holds()) return
      stop()
      resolve()
    }
    const ends = [messages, status, history].map((store) => store.subscribe(check))
    const timer = setTimeout(() => {
      stop()
      reject(new Error(`in vain: ${what}; there is ${describe()}`))
    }, waitMs)
    function stop(): void {
      clearTimeout(timer)
      for (const end of ends) end()
    }
    check()
  })
}

function describe(): string {
  const { messages, status, history } = current()
  const lines = messages.getSnapshot().map(lineOf)
  return JSON.stringify({ lines: lines.slice(-40), status: status.getSnapshot(), history: history.getSnapshot() })
}

function change(made: Change): void {
  switch (made.kind) {
    case 'edit':
      return current().edit(made.of, made.content)
    case 'react':
      return current().react(made.of, made.emoji, made.on)
    case 'redact':
      return current().redact(made.of)
  }
}

function isKept(): boolean {
  const { kept, stale } = current().history.getSnapshot()
  return kept.complete && stale === undefined
}

function isSettled(): boolean {
  const { messages, status } = current()
  const hasChanges = messages.getSnapshot().some(({ changes }) => changes === 'pending')
  return isLive() && status.getSnapshot().pending === 0 && !hasChanges
}

function isLive(): boolean {
  return current().status.getSnapshot().connection.phase === 'live'
}

function messageCalled(text: string): ChatMessage['id'] {
  const found = current()
    .messages.getSnapshot()
    .find(({ content }) => content === text)
  if (found === undefined) throw new Error(`no message says ${text}`)
  return found.id
}

async function reopen(client: ChatClient, id: ConversationId, times: number, text: string): Promise<void> {
  for (let opening = 0; opening < times; opening++) {
    await current().close()
    conversation = await client.open(id)
    if (opening % 3 === 0) conversation.send(`${text} ${opening}`)
    // Some are closed before there is a connection, some later.
    if (opening % 2 === 0) await when('live', isLive)
  }
}

async function perform(client: ChatClient, task: Task): Promise<void> {
  switch (task.kind) {
    case 'create': {
      const members = task.members.map((user) => ({ user, access: 'writer' as const }))
      conversation = await client.create({ title: task.title, members })
      return
    }
    case 'open':
      conversation = await client.open(task.id)
      return
    case 'send':
      for (const text of task.texts) current().send(text)
      if (task.flush) await current().flush()
      return
    case 'change':
      for (const made of task.changes) change(made)
      return current().flush()
    case 'load':
      while ((await current().loadOlder(500)) > 0);
      while ((await current().loadNewer(500)) > 0);
      return
    case 'kept':
      return when('all of the archive is kept', isKept)
    case 'settled':
      return when('all is settled', isSettled)
    case 'retry':
      current().retry(messageCalled(task.message))
      return current().flush()
    case 'discard':
      current().discard(messageCalled(task.message))
      return current().flush()
    case 'reopen': {
      const id = parseConversationId(current().id)
      if (id !== undefined) await reopen(client, id, task.times, task.text)
      return
    }
    case 'until': {
      const wanted = JSON.stringify(task.lines)
      return when(wanted, () => JSON.stringify(current().messages.getSnapshot().map(lineOf)) === wanted)
    }
    case 'live':
      return when('live', isLive)
    case 'refresh':
      return client.refresh()
    case 'look':
      return
    case 'end':
      return client.close()
  }
}

const { url, user, token, folder } = JSON.parse(process.argv[2] ?? '') as DeviceOptions
const client = createChatClient({ url, user, token, folder })
process.on('message', (task: Task) => {
  perform(client, task).then(
    () => {
      process.send?.({ view: look(client) } satisfies Answer, undefined, undefined, () => {
        // Nothing else is left to do, and so the program ends by itself; a long answer takes a while to go out.
        if (task.kind === 'end') process.disconnect()
      })
    },
    (error: unknown) =>
      process.send?.({ error: error instanceof Error ? error.message : String(error) } satisfies Answer),
  )
})
