/** A round mark for a person or a conversation: its first letter on a colour of its own. */

import { hueOf } from './names.ts'

interface Props {
  readonly name: string
}

export function Avatar({ name }: Props) {
  const [first = '?'] = name.trim()
  return (
    <span className="avatar" data-hue={hueOf(name)} aria-hidden="true">
      {first.toUpperCase()}
    </span>
  )
}
