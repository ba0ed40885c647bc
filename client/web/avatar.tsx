/** A round mark for a person or a conversation: its first letter on a colour of its own. */

import { hueOf as hueOfName, inkOn } from './names.ts'

interface Props {
  readonly name: string
  /** What the colour is drawn from when there is none: the name, when not given. */
  readonly hueOf?: string
  /** `#rrggbb`. */
  readonly color?: string | undefined
}

export function Avatar({ name, hueOf = name, color }: Props) {
  const [first = '?'] = name.trim()
  return (
    <span
      className="avatar"
      data-hue={hueOfName(hueOf)}
      aria-hidden="true"
      style={color === undefined ? undefined : { background: color, color: inkOn(color) }}
    >
      {first.toUpperCase()}
    </span>
  )
}
