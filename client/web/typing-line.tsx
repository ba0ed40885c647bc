/** Who is typing. Its place is always there, so that nothing jumps when somebody begins. */

import type { ConversationPresence } from '../api.ts'
import { useStore } from './use-store.ts'
import { typingWords } from './wording.ts'

export function TypingLine({ presence }: { readonly presence: ConversationPresence }) {
  const people = useStore(presence.people)
  const typists = people.filter(({ typing }) => typing).map(({ user }) => user)
  return (
    <p className="typing" role="status" aria-live="polite" data-testid="typing">
      {typingWords(typists)}
    </p>
  )
}
