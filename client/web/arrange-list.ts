/** Which conversations the list shows, and in which order: favourites first, and not those that are hidden. */

import type { ConversationId } from '../../shared/sync/ids.ts'
import type { ConversationSummary, PersonalState } from '../api.ts'

export interface ArrangedList {
  readonly shown: readonly ConversationSummary[]
  readonly hidden: readonly ConversationSummary[]
}

export function arrangeList(
  conversations: readonly ConversationSummary[],
  states: ReadonlyMap<ConversationId, PersonalState>,
): ArrangedList {
  const groups: Record<'favourite' | 'other' | 'hidden', ConversationSummary[]> = {
    favourite: [],
    other: [],
    hidden: [],
  }
  for (const summary of conversations) {
    const state = states.get(summary.id)
    const group = state?.hidden === true ? 'hidden' : state?.favourite === true ? 'favourite' : 'other'
    groups[group].push(summary)
  }
  return { shown: [...groups.favourite, ...groups.other], hidden: groups.hidden }
}
