/** What was found, each with where, by whom and when; choosing one opens its conversation there. */

import { Fragment, type KeyboardEvent, type ReactNode, useMemo } from 'react'

import type { ConversationSummary } from '../api.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { SearchHit, SearchStatus } from '../search/search-api.ts'
import { conversationName, count, namedMembers } from './names.ts'
import { conversationHash, messageHash } from './route.ts'
import { machineTime, shortTime, useToday, wholeTime } from './time.ts'
import { readable, useLabels } from './use-mentions.ts'
import { useNames } from './use-names.ts'
import { type Found, mostHits } from './use-search.ts'

interface Props {
  readonly found: Found | undefined
  readonly conversations: readonly ConversationSummary[]
  readonly user: UserId
}

export function SearchResults({ found, conversations, user }: Props) {
  const today = useToday()
  const byId = useMemo(() => new Map(conversations.map((summary) => [summary.id, summary])), [conversations])
  return (
    <nav className="list" aria-label="Search results">
      <p className="hits-count" role="status" data-testid="search-status" data-phase={found?.status.phase}>
        {found === undefined ? 'Searching…' : (found.problem ?? resultWords(found))}
      </p>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- the keys belong to the links in it */}
      <ul className="hits" onKeyDown={moveFocus}>
        {found?.hits.map((hit) => (
          <li key={`${hit.conversation}/${hit.id}`}>
            <Hit hit={hit} conversation={byId.get(hit.conversation)} user={user} today={today} />
          </li>
        ))}
      </ul>
    </nav>
  )
}

const nobody: readonly UserId[] = []

interface HitProps {
  readonly hit: SearchHit
  /** Where it stands, if that is known. */
  readonly conversation: ConversationSummary | undefined
  readonly user: UserId
  readonly today: number
}

function Hit({ hit, conversation, user, today }: HitProps) {
  const { title = null, members } = conversation ?? {}
  const users = members?.map((member) => member.user)
  const nameOf = useNames([...namedMembers(users, user), hit.user])
  const labels = useLabels(users ?? nobody, hit.content.includes('@'))
  const isSent = hit.seq !== undefined
  return (
    <a
      className="item hit"
      href={isSent ? messageHash(hit.conversation, hit.seq) : conversationHash(hit.conversation)}
      data-testid="search-hit"
      data-id={hit.id}
    >
      <span className="item-name">{conversationName(title, users, user, nameOf)}</span>
      <time className="item-time" dateTime={machineTime(hit.createdAt)} title={wholeTime(hit.createdAt)}>
        {shortTime(hit.createdAt, today)}
      </time>
      <span className="hit-text" dir="auto">
        <span className="hit-author" title={hit.user}>
          {hit.user === user ? 'You' : nameOf(hit.user)}:{' '}
        </span>
        {marked(hit, (text) => readable(text, labels))}
      </span>
      {!isSent && <span className="mark">Not sent yet</span>}
    </a>
  )
}

/** `shown`: how what stands beside the words that were found is shown. */
function marked({ content, highlights }: SearchHit, shown: (text: string) => string): ReactNode {
  const parts: ReactNode[] = []
  let end = 0
  for (const { from, to } of highlights) {
    parts.push(<Fragment key={`before ${from}`}>{shown(content.slice(end, from))}</Fragment>)
    parts.push(<mark key={from}>{content.slice(from, to)}</mark>)
    end = to
  }
  return [...parts, <Fragment key="rest">{shown(content.slice(end))}</Fragment>]
}

function resultWords({ hits, status }: Found): string {
  const more = hits.length === mostHits ? ' or more' : ''
  const many = hits.length === 0 ? 'No messages found' : `${count(hits.length, 'message')}${more}`
  return `${many}${stillWords(status)}`
}

function stillWords({ phase, left, partial, failure }: SearchStatus): string {
  if (phase === 'building') return ` so far; ${count(left, 'conversation')} still to be looked through`
  if (failure !== undefined) return '; some of what this device keeps could not be read'
  return partial ? '; the oldest on this device are not searched' : ''
}

/** Up and down among the results, and from the first back to the field. */
function moveFocus(event: KeyboardEvent<HTMLUListElement>): void {
  const step = event.key === 'ArrowUp' ? -1 : event.key === 'ArrowDown' ? 1 : 0
  if (step === 0) return
  event.preventDefault()
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>('a')]
  const next = links.findIndex((link) => link === event.target) + step
  if (next >= 0) links[next]?.focus()
  else document.querySelector<HTMLElement>('.search input')?.focus()
}
