// Whatever is asked of a server while everything changes, on LevelDB: it writes in another thread, and shows a commit in the
// middle of an answer.
import { expect, test } from 'vitest'

import { type WindowRules, windowRules } from '../../../server/chat/archiving.ts'
import { createConversations } from '../../../server/chat/service.ts'
import { Conflict, type Conversations, Refused } from '../../../server/conversations.ts'
import type { ConversationStore, StoreError } from '../../../server/storage/conversation-store.ts'
import { openLevelStore } from '../../../server/storage/level/level-store.ts'
import type { MessageId } from '../../../shared/chat/entry.ts'
import type { StampedMessage } from '../../../shared/chat/message.ts'
import { Fault } from '../../../shared/fault.ts'
import { type ConversationId, parseConversationId, type UserId } from '../../../shared/sync/ids.ts'
import { forgedUuidV7 } from '../../helpers/adversarial-cast.ts'
import { createDoc, userId } from '../../helpers/chain-doc.ts'
import { FakeDevice } from '../../helpers/fake-device.ts'
import { rounds } from '../../helpers/long-run.ts'
import { announceSeed, createRandom, type Random } from '../../helpers/seeded-random.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { storeAround } from '../../helpers/store-around.ts'
import { createSyncNode, type SyncNode } from '../../helpers/sync-node.ts'
import { until } from '../../helpers/until.ts'
import { turn } from '../../helpers/when.ts'
import { inFolder } from '../storage/store-folder.ts'

const people = ['ann', 'bob', 'cid'].map(userId)
const [ann = userId('ann')] = people
/** Of such a document something is archived all the time. */
const smallWindow: WindowRules = { ...windowRules, entries: 24, keptEntries: 12, keptAtLeast: 4 }
const askers = 24
const conversationsAtOnce = 6
const requests = rounds(3_000, 40_000)
/** Longer than this it is stuck. */
const deadlineMs = 60_000 + 10 * requests

/** A conversation and what was said in it. */
interface Place {
  readonly id: ConversationId
  readonly said: MessageId[]
}

/** What somebody has of a conversation who asks again and again for what is new, and for what has changed. */
class Copy {
  readonly #conversations: Conversations
  readonly user: UserId
  readonly place: Place
  readonly #messages = new Map<number, StampedMessage>()
  #asOf = -1
  #isAsking = false

  constructor(conversations: Conversations, user: UserId, place: Place) {
    this.#conversations = conversations
    this.user = user
    this.place = place
  }

  /** By ascending seq. */
  get messages(): readonly StampedMessage[] {
    return [...this.#messages.values()].toSorted((a, b) => a.seq - b.seq)
  }

  /** Whether there was more than `limit` of one of the two. */
  async ask(limit: number): Promise<boolean> {
    if (this.#isAsking) return true
    this.#isAsking = true
    try {
      const { user, place } = this
      const newest = Math.max(-1, ...this.#messages.keys())
      const fresh = await this.#conversations.messages(user, place.id, { limit, after: newest })
      const changes = await this.#conversations.changes(user, place.id, { after: this.#asOf, limit })
      for (const message of fresh.messages) this.#take(message)
      // Of what comes later the newest state comes then.
      for (const message of changes.messages) if (this.#messages.has(message.seq)) this.#take(message)
      if (changes.asOf < this.#asOf) throw new Error('it went back')
      this.#asOf = changes.asOf
      return changes.more || fresh.messages.length === limit
    } finally {
      this.#isAsking = false
    }
  }

  #take(message: StampedMessage): void {
    const revision = this.#messages.get(message.seq)?.revision ?? -1
    if (message.revision >= revision) this.#messages.set(message.seq, message)
  }
}

class Crowd {
  readonly node: SyncNode
  readonly random: Random
  readonly copies = new Map<string, Copy>()
  readonly #places: Place[] = []

  constructor(node: SyncNode, random: Random) {
    this.node = node
    this.random = random
  }

  /** Everybody asks for it at once, and somebody else asks what is there. */
  async begin(): Promise<void> {
    const id = parseConversationId(forgedUuidV7(this.random))
    if (id === undefined) throw new Error('not a UUIDv7')
    this.#places.push({ id, said: [] })
    if (this.#places.length > conversationsAtOnce) this.#places.shift()
    const members = people.map((user) => ({ user, access: 'admin' as const }))
    const { conversations } = this.node
    let isBegun = false
    const begun = Promise.allSettled(people.map((user) => conversations.create(user, { id, members })))
    const done = begun.then(() => (isBegun = true))
    while (!isBegun) {
      await conversations.get(ann, id).catch(onlyUsual)
      await turn()
    }
    await done
    for (const outcome of await begun) if (outcome.status === 'rejected') onlyUsual(outcome.reason)
  }

  /** One request of somebody. */
  async ask(): Promise<void> {
    const { random, node } = this
    const { conversations, registry } = node
    const [user, place] = [random.pick(people), random.pick(this.#places)]
    const { id, said } = place
    const of = random.pick([...said.slice(-40), messageEntry('').id])
    const through = random.below(60)
    const ways: readonly (() => Promise<unknown>)[] = [
      () => this.#post(user, place, of),
      () => this.#post(user, place, of),
      () => this.#post(user, place, of),
      () => conversations.apply(user, id, { kind: 'edit', of, content: `edit ${random.below(1000)}`, at: 1 }),
      () => conversations.apply(user, id, { kind: 'redact', of }),
      () =>
        conversations.apply(user, id, { kind: 'react', of, emoji: random.pick(['a', 'b']), on: random.chance(0.7) }),
      () => conversations.apply(user, id, { kind: 'pin', of, on: random.chance(0.6) }),
      () => conversations.apply(user, id, this.#membership()),
      () => conversations.change(user, id, new Map([[random.pick(['title', 'tags']), random.pick(['value', null])]])),
      () => conversations.read(user, id, { through }),
      () => conversations.read(user, id, { through, thread: of }),
      () => conversations.read(user, id, { through, private: true }),
      () => conversations.get(user, id),
      () => conversations.own(user, id),
      () => conversations.list(user, { limit: 5, cursor: undefined }),
      () => conversations.messages(user, id, { limit: 1 + random.below(20), around: through }),
      () => conversations.messages(user, id, { limit: 5, thread: of }),
      () => conversations.message(user, id, of),
      () => conversations.thread(user, id, of),
      () => conversations.events(user, id, { limit: 10 }),
      () => conversations.versions(user, id, of),
      () => conversations.pins(user, id),
      () => conversations.members(user, id),
      () => conversations.peopleAt(user, id, [0, 1, 2, through]),
      () => conversations.privateState(user),
      () => this.#copyOf(user, place).ask(5),
      () => this.#copyOf(user, place).ask(5),
      () => this.#catchUp(user, id),
      () => this.#catchUp(user, id),
      () => this.begin(),
      () => this.#rarely(0.05, () => conversations.delete(user, id)),
      () => this.#rarely(0.1, () => this.#beginEpoch(id)),
      // All that nobody uses just now is loaded anew.
      async () => registry.sweep(Number.MAX_SAFE_INTEGER),
    ]
    await random.pick(ways)().catch(onlyUsual)
  }

  async #post(user: UserId, { id, said }: Place, of: MessageId): Promise<void> {
    const { random, node } = this
    const entry = messageEntry('hello', random.chance(0.3) ? { thread: of } : { mentions: [random.pick(people)] })
    const key = random.chance(0.2) ? `key ${random.below(1e6)}` : undefined
    const times = random.chance(0.2) ? 2 : 1
    const posted = Array.from({ length: times }, () => node.conversations.post(user, id, entry, key))
    const made = (await Promise.all(posted)).filter(({ created }) => created)
    if (made.length > 1) throw new Error('a message was made twice')
    said.push(entry.id)
  }

  #membership(): { readonly kind: 'member'; readonly user: UserId; readonly access: 'writer' | 'admin' | null } {
    return { kind: 'member', user: this.random.pick(people), access: this.random.pick(['writer', 'admin', null]) }
  }

  #copyOf(user: UserId, place: Place): Copy {
    const name = `${user} ${place.id}`
    const copy = this.copies.get(name) ?? new Copy(this.node.conversations, user, place)
    this.copies.set(name, copy)
    return copy
  }

  /** A device that has nothing yet. */
  async #catchUp(user: UserId, id: ConversationId): Promise<void> {
    const device = new FakeDevice(user, id, createDoc(this.random.between(1, 0xffff_fff0)))
    await device.connect(this.node)
    await until('a device is brought up to date', () => {
      device.deliverUp()
      device.deliverDown()
      return device.isSynced || !device.isConnected
    })
    for (const code of device.closes) onlyUsual(new Fault(code))
    device.disconnect()
  }

  async #beginEpoch(id: ConversationId): Promise<void> {
    await this.node.registry.use(id, async (live) => {
      const { durable } = await live.serially(async () => {
        await live.commit()
        await live.beginEpoch()
        return { durable: live.commit() }
      })
      await durable
    })
  }

  async #rarely(probability: number, job: () => Promise<void>): Promise<void> {
    if (this.random.chance(probability)) await job()
  }
}

/** Throws an error that none of these requests may be answered with. */
function onlyUsual(error: unknown): undefined {
  if (error instanceof Refused || error instanceof Conflict) return
  const usual = ['not-found', 'deleted', 'no-access', 'restart']
  if (!(error instanceof Fault) || !usual.includes(error.code)) throw error
}

/** Puts turns around each read, so that others come in between. */
function slowReads(store: ConversationStore, random: Random): ConversationStore {
  const others = ['commit', 'recover', 'condemn', 'condemned', 'close', 'erased', 'entriesNewestFirst', 'records']
  const pause = async (): Promise<void> => {
    for (let left = random.below(4); left > 0; left--) await turn()
  }
  const slowly = async (ask: () => unknown): Promise<unknown> => {
    await pause()
    const answer = await ask()
    await pause()
    return answer
  }
  return storeAround(store, (name, ask) => (others.includes(name) ? ask() : slowly(ask)))
}

async function lookAtCopies({ copies, node }: Crowd, anew: Conversations): Promise<number> {
  let count = 0
  for (const copy of copies.values()) {
    const { user, place } = copy
    const look = async (): Promise<void> => {
      while (await copy.ask(200));
      const all = await node.conversations.messages(user, place.id, { limit: 100_000 })
      const first = copy.messages[0]?.seq ?? 0
      expect(copy.messages).toEqual(all.messages.filter(({ seq }) => seq >= first))
      expect(await node.conversations.own(user, place.id)).toEqual(await anew.own(user, place.id))
      for (const { id, thread } of copy.messages) {
        if (thread !== undefined || !copy.messages.some((answer) => answer.thread === id)) continue
        expect(await node.conversations.thread(user, place.id, id)).toEqual(await anew.thread(user, place.id, id))
      }
      count++
    }
    await look().catch(onlyUsual)
  }
  return count
}

test.each(['as fast as they are', 'slow'])(
  '[STORE9][PAGE2][UNREAD1] while all of it changes, with reads %s: nothing is condemned, and whoever asks again has what there is',
  async (pace) => {
    const random = createRandom(announceSeed(`asked meanwhile, reads ${pace}`))
    await inFolder(async (location) => {
      const damages: StoreError[] = []
      const store = await openLevelStore({ location, onDamage: (error) => void damages.push(error) })
      try {
        const node = createSyncNode({
          store: pace === 'slow' ? slowReads(store, random) : store,
          random,
          window: smallWindow,
          now: Date.now,
        })
        const crowd = new Crowd(node, random)
        await crowd.begin()
        // Which take two to three times as long.
        let left = pace === 'slow' ? requests / 3 : requests
        await Promise.all(
          Array.from({ length: askers }, async () => {
            while (left-- > 0) await crowd.ask()
          }),
        )
        await node.settled()
        // Counts that were kept are those of a server that was just started.
        const { registry } = node
        const anew = createConversations({ store, registry, drawConversationId: () => fail() })
        expect(await lookAtCopies(crowd, anew)).toBeGreaterThan(0)
        expect([damages, node.errors, node.recovered]).toEqual([[], [], []])
      } finally {
        await store.close()
      }
    })
  },
  deadlineMs,
)

function fail(): never {
  throw new Error('not to be asked for')
}
