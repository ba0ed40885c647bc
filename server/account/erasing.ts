/**
 * Deleting an account (SPEC ACCOUNT2): conversation by conversation, a bounded piece for each request. Everything goes the
 * way that a member's own requests go, so that every device is told and every rule holds. Nothing is written down about how
 * far it has come: what is left to do is what the store still shows, so that a crash in the middle costs nothing.
 */

import { type Access, hasAccess } from '../../shared/chat/access.ts'
import type { KnownEntry } from '../../shared/chat/entry.ts'
import { isTouch, type StampedMessage } from '../../shared/chat/message.ts'
import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { LiveConversation } from '../chat/live-conversation.ts'
import { applyEntry, stageOwn } from '../chat/posting.ts'
import type { Registry } from '../chat/registry.ts'
import { Refused } from '../conversations.ts'
import type { Profiles } from '../profiles.ts'
import { type ConversationStore, isDamage, type StoreError } from '../storage/conversation-store.ts'
import { isGone } from './export.ts'
import { findHeir } from './heir.ts'

export interface ErasingDeps {
  readonly store: ConversationStore
  readonly registry: Registry
  readonly profiles: Pick<Profiles, 'remove'>
}

/** Whether own messages go with the account, and with them own reactions. */
export type MessageChoice = 'keep' | 'erase'

/** What one request may still do. */
interface Budget {
  /** Entries to be written. */
  entries: number
  /** Messages to be read. */
  messages: number
}

/** One kind of what a user has; how many things are left of it. What else there comes to be of a user is one more. */
type EraseStep = (user: UserId, choice: MessageChoice, budget: Budget) => Promise<number>

/** How far the messages of a conversation were gone through: seqs. */
interface Reached {
  readonly through: number
  /** What changed behind it is looked at again: a device of theirs may have reacted to what was gone through. */
  readonly changed: number
}

export class AccountErasing {
  readonly #deps: ErasingDeps
  /** Of users whose erasing goes on, by the last request: without it, a long conversation is read again from its beginning. */
  readonly #reached = new Map<UserId, Reached & { readonly id: ConversationId }>()
  readonly #steps: readonly EraseStep[]

  constructor(deps: ErasingDeps) {
    this.#deps = deps
    this.#steps = [
      (user) => removeProfile(deps.profiles, user),
      (user, choice, budget) => this.#leaveAll(user, choice, budget),
    ]
  }

  /** How many things are left. */
  async go(user: UserId, choice: MessageChoice): Promise<number> {
    const budget = { entries: limits.erasedEntriesPerRequest, messages: limits.erasedMessagesPerRequest }
    let left = 0
    for (const step of this.#steps) left += await step(user, choice, budget)
    if (left === 0) this.#reached.delete(user)
    return left
  }

  async #leaveAll(user: UserId, choice: MessageChoice, budget: Budget): Promise<number> {
    const ids = (await this.#deps.store.conversationsOf(user)).toSorted()
    let left = ids.length
    let damage: StoreError | undefined
    for (const id of ids) {
      if (budget.entries <= 0 || budget.messages <= 0) return left
      try {
        if (await this.#leave(user, id, choice, budget)) left--
      } catch (error) {
        if (isDamage(error)) damage = error
        // Deleted meanwhile, or left by another request: that is what was asked for.
        else if (error instanceof Fault && isGone(error)) left--
        else throw error
      }
    }
    // Of all others nothing is left; of this one nobody can say.
    if (damage !== undefined && left > 0) throw damage
    return left
  }

  /** Whether it is done. */
  async #leave(user: UserId, id: ConversationId, choice: MessageChoice, budget: Budget): Promise<boolean> {
    return this.#deps.registry.use(id, async (live) => {
      for (;;) {
        live.assertMember(user)
        const heir = await findHeir(this.#deps.store, id, live.roster, user)
        if (heir.kind === 'nobody') {
          if (await this.#delete(live, user, budget)) return true
          continue
        }
        const reached = choice === 'erase' ? await this.#eraseMessages(live, user, budget) : undefined
        if (reached === 'more' || budget.entries <= 0) return false
        // Whoever it was may have left while the messages went.
        if (!(await handOver(this.#deps.store, live, user, budget))) continue
        budget.entries--
        // A device of theirs may have said something in the meantime.
        if (await leaveBehind(live, user, reached)) return true
      }
    })
  }

  /** False when somebody has come meanwhile. */
  async #delete(live: LiveConversation, user: UserId, budget: Budget): Promise<boolean> {
    budget.entries--
    const deleted = await live.serially(async () => {
      live.assertMember(user, 'owner')
      const heir = await findHeir(this.#deps.store, live.id, live.roster, user)
      if (heir.kind !== 'nobody') return { isDone: false, durable: Promise.resolve() }
      return { isDone: true, durable: live.delete() }
    })
    await deleted.durable
    return deleted.isDone
  }

  /** Up to where nothing of them is left, or `more`. Whoever may only read may erase nothing. */
  async #eraseMessages(live: LiveConversation, user: UserId, budget: Budget): Promise<Reached | 'more'> {
    const { store } = this.#deps
    const known = this.#reached.get(user)
    let reached: Reached = known?.id === live.id ? known : { through: -1, changed: live.ledger.durable().nextSeq - 1 }
    while (budget.entries > 0 && budget.messages > 0) {
      const end = live.ledger.durable().nextSeq - 1
      const access = live.accessOf(user)
      const page = hasAccess(access, 'writer') ? await nextPage(store, live.id, reached) : { messages: [], reached }
      const { messages } = page
      budget.messages -= messages.length
      const wishes = messages.flatMap((message) => wishesFor(message, user, access))
      // Those of one page go into as few commits as they fit in.
      for (let from = 0; from < wishes.length; from += limits.touchedPerSlice) {
        const slice = wishes.slice(from, from + limits.touchedPerSlice)
        budget.entries -= slice.length
        await Promise.all(slice.map((entry) => applyOrKeep(live, user, entry)))
      }
      reached = messages.length === 0 ? { through: end, changed: end } : page.reached
      this.#reached.set(user, { id: live.id, ...reached })
      if (this.#reached.size > limits.accountsBeingErased) this.#forgetOldest()
      if (messages.length === 0) return reached
    }
    return 'more'
  }

  #forgetOldest(): void {
    for (const user of this.#reached.keys()) {
      this.#reached.delete(user)
      return
    }
  }
}

/** Nothing of it is left then. */
async function removeProfile(profiles: Pick<Profiles, 'remove'>, user: UserId): Promise<number> {
  await profiles.remove(user)
  return 0
}

interface Page {
  readonly messages: readonly StampedMessage[]
  readonly reached: Reached
}

/** Those that were not gone through, then those that have changed since. */
async function nextPage(store: ConversationStore, id: ConversationId, reached: Reached): Promise<Page> {
  const [{ through, changed }, limit] = [reached, limits.messagesPerAccountPage]
  const fresh = await store.messages(id, { after: through, limit, take: 'oldest' })
  const last = fresh.at(-1)
  if (last !== undefined) return { messages: fresh, reached: { through: last.seq, changed } }
  const touched = await store.touched(id, { after: changed, limit })
  const rows = await store.messagesAt(
    id,
    touched.map(({ seq }) => seq),
  )
  const messages = rows.filter((message) => message !== undefined)
  return { messages, reached: { through, changed: touched.at(-1)?.revision ?? changed } }
}

function wishesFor(message: StampedMessage, user: UserId, access: Access | undefined): KnownEntry[] {
  const { id: of, reactions = [] } = message
  if (!hasAccess(access, 'writer')) return []
  const reacted = reactions
    .filter(({ users }) => users.includes(user))
    .map(({ emoji }) => ({ kind: 'react', of, emoji, on: false }) as const)
  const isOwn = message.user === user && message.redactedAt === undefined
  return isOwn ? [...reacted, { kind: 'redact', of }] : reacted
}

/** What the rules do not allow any more stays. */
async function applyOrKeep(live: LiveConversation, user: UserId, entry: KnownEntry): Promise<void> {
  try {
    await applyEntry(live, user, entry)
  } catch (error) {
    if (!(error instanceof Refused && isTouch(entry))) throw error
  }
}

/** False when something was written or changed behind `reached`, or another owner left first: then not all is gone yet. */
async function leaveBehind(live: LiveConversation, user: UserId, reached: Reached | undefined): Promise<boolean> {
  try {
    const left = await live.serially(async () => {
      live.assertMember(user)
      if (reached !== undefined && (await hasLeft(live, user, reached))) return undefined
      return stageOwn(live, user, { kind: 'member', user, access: null })
    })
    await left?.durable
    return left !== undefined
  } catch (error) {
    if (error instanceof Refused && error.reason === 'last-owner') return false
    throw error
  }
}

/** Whether anything of theirs is behind `reached`: all there is becomes durable first. From a serial job. */
async function hasLeft(live: LiveConversation, user: UserId, reached: Reached): Promise<boolean> {
  await live.commit()
  const access = live.accessOf(user)
  if (!hasAccess(access, 'writer')) return false
  for (let from = reached; ;) {
    const page = await nextPage(live.deps.store, live.id, from)
    if (page.messages.length === 0) return false
    if (page.messages.some((message) => wishesFor(message, user, access).length > 0)) return true
    from = page.reached
  }
}

/** From one job, so that nobody leaves or comes in between. False when there is nobody to hand it to: then it is looked at anew. */
async function handOver(
  store: ConversationStore,
  live: LiveConversation,
  user: UserId,
  budget: Budget,
): Promise<boolean> {
  const staged = await live.serially(async () => {
    live.assertMember(user)
    const heir = await findHeir(store, live.id, live.roster, user)
    if (heir.kind !== 'member') return { isDone: heir.kind === 'none-needed', durable: Promise.resolve() }
    budget.entries--
    return { isDone: true, ...(await stageOwn(live, user, { kind: 'member', user: heir.user, access: 'owner' })) }
  })
  await staged.durable
  return staged.isDone
}
