/** Offers members while their names are typed behind an `@`, and remembers who was chosen. */

import { type KeyboardEvent, type RefObject, useState } from 'react'

import type { UserId } from '../../shared/sync/ids.ts'
import { membersLike, namedIn, type TypedMention, typedMention } from './mentions.ts'

export interface MentionDeps {
  readonly box: RefObject<HTMLTextAreaElement | null>
  readonly text: string
  readonly change: (text: string) => void
  /** Who can be mentioned. */
  readonly users: readonly UserId[]
}

export interface Mentions {
  /** Empty when nothing is offered. */
  readonly offered: readonly UserId[]
  /** Index of the one that Enter chooses. */
  readonly active: number
  readonly choose: (user: UserId) => void
  /** The caret has moved, or the text has changed. */
  readonly look: () => void
  /** Whether the key was for what is offered. */
  readonly onKey: (event: KeyboardEvent) => boolean
  /** Those who were chosen and whom the text still names. */
  readonly chosenIn: (text: string) => readonly UserId[]
}

export function useMentions({ box, text, change, users }: MentionDeps): Mentions {
  const [typed, setTyped] = useState<TypedMention>()
  const [active, setActive] = useState(0)
  const [chosen, setChosen] = useState<readonly UserId[]>([])
  const offered = typed === undefined ? [] : membersLike(users, typed.query)

  function look(): void {
    const { current } = box
    if (current === null) return
    const { value, selectionStart, selectionEnd } = current
    const next = selectionStart === selectionEnd ? typedMention(value, selectionStart) : undefined
    setTyped(next)
    if (next?.query !== typed?.query) setActive(0)
  }

  function choose(user: UserId): void {
    const { current } = box
    if (typed === undefined || current === null) return
    const before = `${text.slice(0, typed.from)}@${user} `
    change(before + text.slice(typed.to).replace(/^ /, ''))
    setChosen([...new Set([...chosen, user])])
    setTyped(undefined)
    current.focus()
    // The caret can only be put where the text is already.
    requestAnimationFrame(() => current.setSelectionRange(before.length, before.length))
  }

  function onKey(event: KeyboardEvent): boolean {
    const count = offered.length
    const user = offered[active]
    if (count === 0 || user === undefined) return false
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      setActive((active + (event.key === 'ArrowDown' ? 1 : count - 1)) % count)
    } else if ((event.key === 'Enter' && !event.shiftKey) || event.key === 'Tab') choose(user)
    else if (event.key === 'Escape') setTyped(undefined)
    else return false
    event.preventDefault()
    return true
  }

  return { offered, active, choose, look, onKey, chosenIn: (sent) => namedIn(sent, chosen) }
}
