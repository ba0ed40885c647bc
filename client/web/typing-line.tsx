/** Who is typing. Its place is always there, so that nothing jumps when somebody begins. */

import type { ConversationPresence } from '../api.ts'
import { useNames } from './use-names.ts'
import { useStore } from './use-store.ts'
import { typingWords } from './wording.ts'

export function TypingLine({ presence }: { readonly presence: ConversationPresence }) {
  const people = useStore(presence.people)
  const typists = people.filter(({ typing }) => typing).map(({ user }) => user)
  const nameOf = useNames(typists)
  return (
    <p className="typing" role="status" aria-live="polite" data-testid="typing">
      {typingWords(typists.map(nameOf))}
    </p>
  )
}
