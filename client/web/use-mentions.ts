/** Offers members while their names are typed behind an `@`, and knows whom a text names. */

import { type KeyboardEvent, type RefObject, useId, useMemo, useRef, useState } from 'react'

import type { UserId } from '../../shared/sync/ids.ts'
import {
  labelOf,
  type Labels,
  labelsOf,
  membersLike,
  namedIn,
  renamed,
  type TypedMention,
  typedMention,
} from './mentions.ts'
import { useNames } from './use-names.ts'

export interface MentionDeps {
  readonly box: RefObject<HTMLTextAreaElement | null>
  readonly text: string
  /** A text of a message that is about to stand there. */
  readonly offered: string
  readonly change: (text: string) => void
  readonly user: UserId
  readonly members: readonly UserId[]
}

/** A text as it is sent. */
export interface Written {
  /** With the ids of those it names. */
  readonly content: string
  readonly mentions?: readonly UserId[]
}

export interface Mentions {
  /** Of the list. */
  readonly id: string
  /** Empty when nothing is offered. */
  readonly offered: readonly UserId[]
  /** Index of the one that Enter chooses. */
  readonly active: number
  readonly choose: (user: UserId) => void
  /** The caret has moved, or the text has changed. */
  readonly look: () => void
  /** The focus has left. */
  readonly close: () => void
  /** Whether the key was for what is offered. */
  readonly onKey: (event: KeyboardEvent) => boolean
  readonly read: (text: string) => Written
  /** With the names of those whose ids stand in it. */
  readonly readable: (text: string) => string
}

const nobody: readonly UserId[] = []

/** What members are called. */
interface Called {
  readonly labels: Labels
  readonly nameOf: (user: UserId) => string
}

/** What members are called in texts; `isNeeded`: there is a text that may name somebody. */
export function useLabels(members: readonly UserId[], isNeeded: boolean): Called {
  const users = isNeeded ? members : nobody
  const nameOf = useNames(users)
  const labels = useMemo(() => labelsOf(users, nameOf), [users, nameOf])
  return { labels, nameOf }
}

/** The text of a message with the names of the members whose ids stand in it. */
export function useReadable(text: string, members: readonly UserId[]): string {
  return readable(text, useLabels(members, text.includes('@')))
}

export function readable(text: string, { labels, nameOf }: Called): string {
  return renamed(text, labels, (user) => labelOf(user, nameOf, labels))
}

export function useMentions({ box, text, offered: coming, change, user, members }: MentionDeps): Mentions {
  const id = useId()
  const [typed, setTyped] = useState<TypedMention>()
  const [active, setActive] = useState(0)
  /** Where the `@` stands that nothing more is offered for: it was chosen, or declined. */
  const done = useRef<number>(undefined)
  const isNeeded = typed !== undefined || text.includes('@') || coming.includes('@')
  const { labels, nameOf } = useLabels(members, isNeeded)
  const others = useMemo(() => members.filter((member) => member !== user), [members, user])
  const offered = typed === undefined ? nobody : membersLike(others, typed.query, nameOf)

  function look(): void {
    const { current } = box
    if (current === null) return
    const { value, selectionStart, selectionEnd } = current
    const found = selectionStart === selectionEnd ? typedMention(value, selectionStart) : undefined
    if (found?.from !== done.current) done.current = undefined
    const next = found === undefined || found.from === done.current ? undefined : found
    setTyped(next)
    if (next?.query !== typed?.query) setActive(0)
  }

  function end(): void {
    done.current = typed?.from
    setTyped(undefined)
  }

  function choose(chosen: UserId): void {
    const { current } = box
    if (typed === undefined || current === null) return
    const before = `${text.slice(0, typed.from)}@${labelOf(chosen, nameOf, labels)} `
    change(before + text.slice(typed.to).replace(/^ /, ''))
    end()
    current.focus()
    // The caret can only be put where the text is already.
    requestAnimationFrame(() => current.setSelectionRange(before.length, before.length))
  }

  function onKey(event: KeyboardEvent): boolean {
    const count = offered.length
    const meant = offered[active]
    if (count === 0 || meant === undefined) return false
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      setActive((active + (event.key === 'ArrowDown' ? 1 : count - 1)) % count)
    } else if ((event.key === 'Enter' || event.key === 'Tab') && !event.shiftKey) choose(meant)
    else if (event.key === 'Escape') end()
    else return false
    event.preventDefault()
    // What stands around would close at it.
    event.stopPropagation()
    return true
  }

  return {
    id,
    offered,
    active,
    choose,
    look,
    close: () => setTyped(undefined),
    onKey,
    read: (written) => {
      const content = renamed(written, labels, (one) => one)
      const mentions = namedIn(written, labels).filter((one) => one !== user)
      return mentions.length === 0 ? { content } : { content, mentions }
    },
    readable: (written) => readable(written, { labels, nameOf }),
  }
}
