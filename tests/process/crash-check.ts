// What a crash must not do: the one comparison between what people were shown before it and what is there after it.

/** A message with its place, as somebody was shown it. */
export interface Seen {
  readonly id: string
  readonly user: string
  readonly content: string
  readonly seq: number
  /** The server's time in ms. */
  readonly createdAt: number
}

/**
 * One line for each thing that is wrong with `found`, a whole conversation in its order: something acknowledged that is
 * missing or another now, something twice, something out of order, something that nobody of `said` (contents) has said.
 */
export function damages(
  acknowledged: Iterable<Seen>,
  found: readonly Seen[],
  said: { has(content: string): boolean },
): string[] {
  const wrong: string[] = []
  const byId = new Map<string, Seen>()
  const contents = new Set<string>()
  let last = -1
  for (const message of found) {
    const { id, content, seq } = message
    if (byId.has(id)) wrong.push(`twice: message ${id}`)
    if (contents.has(content)) wrong.push(`twice: ${brief(content)}`)
    if (seq <= last) wrong.push(`out of order: ${seq} behind ${last}`)
    if (!said.has(content)) wrong.push(`nobody said: ${brief(content)}`)
    byId.set(id, message)
    contents.add(content)
    last = seq
  }
  for (const shown of acknowledged) {
    const now = byId.get(shown.id)
    if (now === undefined) wrong.push(`lost: ${brief(shown.content)} (${shown.seq})`)
    else if (!isSame(shown, now)) wrong.push(`changed: ${brief(shown.content)} (${shown.seq} → ${now.seq})`)
  }
  return wrong
}

function isSame(a: Seen, b: Seen): boolean {
  return a.user === b.user && a.content === b.content && a.seq === b.seq && a.createdAt === b.createdAt
}

function brief(content: string): string {
  return content.slice(0, 24)
}
