// Random lives of a device: away and back, reading here and there, in two tabs, writing and changing, closed and opened again,
// while the server archives.
import * as fc from 'fast-check'
import { expect, test, vi } from 'vitest'

import { type ChatMessage, type Conversation, Refusal } from '../../client/api.ts'
import { countUnread, readSoFar } from '../../client/unread.ts'
import type { MessageId } from '../../shared/chat/entry.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import { actions, ArchiveModel, type Step } from '../helpers/archive-model.ts'
import type { RestChain } from '../../shared/rest.ts'
import type { ClientId } from '../../shared/sync/ids.ts'
import { ann } from '../helpers/client-rows.ts'
import { bring, keepingMemory, openRig, type OpenRig, rigId } from '../helpers/open-rig.ts'
import { announceSeed } from '../helpers/seeded-random.ts'
import { createServerArchive, type ServerArchive } from '../helpers/server-archive.ts'

type Life =
  | { readonly kind: 'server'; readonly step: Step }
  | { readonly kind: 'device'; readonly act: number; readonly a: number }

const life = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        fc.constantFrom(0, 0, 0, 0, 0, 9, 12, 12, 11, ...Array.from({ length: actions }, (_, index) => index)),
        fc.nat(2),
        fc.nat(30),
        fc.nat(30),
      )
      .map((step): Life => ({ kind: 'server', step })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(0, 0, 1, 2, 2, 3, 3, 4, 5, 6, 6, 6, 6, 7, 7, 8, 8, 9, 10, 11), fc.nat(60))
      .map(([act, a]): Life => ({ kind: 'device', act, a })),
  },
)

/** As a view has it. */
function asShown({ seq, createdAt, revision: _revision, ...rest }: StampedMessage): object {
  return { ...rest, own: rest.user === ann, delivery: { state: 'sent', seq, createdAt } }
}

/** However far the others have come. */
function asSent(message: ChatMessage): ChatMessage {
  const { delivery } = message
  return 'seq' in delivery ? { ...message, delivery: { ...delivery, state: 'sent' } } : message
}

function seqsOf(messages: readonly ChatMessage[]): readonly number[] {
  return messages.flatMap(({ delivery }) => ('seq' in delivery ? [delivery.seq] : []))
}

/* oxlint-disable vitest/no-standalone-expect -- the device looks at itself, within the test */
/** One device: two tabs at most, on one storage, that hear of each other. */
class Device {
  readonly tabs: OpenRig[] = []
  changes = 0
  readonly #model: ArchiveModel
  readonly #archive: ServerArchive
  readonly #storage = keepingMemory()
  readonly #sent = new Set<MessageId>()
  /** Before the device saw their stamps: where their bytes had gone out, nothing is shown until they are erased. */
  readonly #takenBack = new Set<MessageId>()
  #drawn = 100
  #isLive = false

  constructor(model: ArchiveModel) {
    this.#model = model
    this.#archive = createServerArchive(model.server)
    this.#archive.isOffline = true
  }

  async openTab(): Promise<void> {
    const { server } = this.#model
    const rig = await openRig({
      storage: this.#storage,
      server,
      archive: this.#archive,
      counts: () => this.#archive.counts(ann),
      lookUpChain: (client, from) => this.#lookUp(client, from),
      firstClient: (this.#drawn += 10),
    })
    this.tabs.push(rig)
    this.exchange()
    if (this.#isLive) rig.connections.at(-1)?.status({ phase: 'live' })
  }

  /** What providers do all the time. */
  exchange(): void {
    for (const from of this.tabs) for (const to of this.tabs) if (from !== to) bring(from.doc(), to.doc())
    for (const rig of this.#isLive ? this.tabs : []) {
      rig.upload()
      rig.download()
    }
  }

  /** Tells how many messages were paged. */
  async act(what: number, a: number): Promise<number> {
    const rig = this.tabs[a % this.tabs.length]
    if (rig === undefined) throw new Error('no tab')
    const { conversation } = rig
    const shown = conversation.messages.getSnapshot()
    const target = shown[a % Math.max(1, shown.length)]
    switch (what) {
      case 0:
        this.goLive()
        break
      case 1:
        this.#isLive = false
        this.#archive.isOffline = true
        for (const each of this.tabs) each.connections.at(-1)?.status({ phase: 'offline', reason: '' })
        break
      case 2:
        this.tabs.splice(this.tabs.indexOf(rig), 1)
        await conversation.close()
        if (this.tabs.length === 0) await this.openTab()
        break
      case 3:
        await conversation.loadAround(a, 8)
        break
      case 4:
        conversation.showNewest()
        break
      case 5:
        await conversation.loadNewer(5)
        break
      case 7:
        this.#change(() => target && conversation.react(target.id, a % 2 === 0 ? '👍' : '🎉', a % 3 > 0))
        break
      case 8:
        this.#change(
          () => target && (a % 4 === 0 ? this.#redact(conversation, target.id) : conversation.edit(target.id, `${a}`)),
        )
        break
      case 9:
        this.#change(() => this.#sent.add(conversation.send(`of the device ${a}`)))
        break
      case 10:
        this.#change(() => (a % 2 === 0 ? conversation.markRead() : conversation.markRead(a)))
        break
      case 11:
        if (this.tabs.length < 2) await this.openTab()
        break
      default:
        return conversation.loadOlder(1 + (a % 9))
    }
    return 0
  }

  #redact(conversation: Conversation, id: MessageId): void {
    conversation.redact(id)
    // What is taken back before it is sent never comes to be one.
    this.#sent.delete(id)
    this.#takenBack.add(id)
  }

  #change(job: () => unknown): void {
    try {
      job()
      this.changes++
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
    }
    this.exchange()
  }

  goLive(): void {
    this.#archive.isOffline = false
    this.#isLive = true
    this.exchange()
    for (const rig of this.tabs) rig.connections.at(-1)?.status({ phase: 'live' })
  }

  /** All is sent, and stamped. */
  async settle(): Promise<void> {
    this.goLive()
    for (const { conversation } of this.tabs) conversation.tellReceipts()
    await vi.waitFor(() => {
      this.exchange()
      this.#model.stamp()
      this.exchange()
      for (const { conversation } of this.tabs) expect(conversation.unsent).toBe(0)
    })
    for (const id of this.#sent) expect(this.#model.messages.has(id)).toBe(true)
  }

  check(): void {
    for (const rig of this.tabs) {
      const messages = rig.conversation.messages.getSnapshot()
      expect(new Set(messages.map(({ id }) => id)).size).toBe(messages.length)
      const seqs = seqsOf(messages)
      for (const [index, seq] of seqs.entries()) expect(seq).toBeGreaterThan(seqs[index - 1] ?? -1)
      const [first, last] = [seqs[0], seqs.at(-1)]
      if (first === undefined || last === undefined) continue
      const between = this.#model.all().filter(({ seq }) => seq >= first && seq <= last)
      const isGone = ({ id, redactedAt }: StampedMessage): boolean =>
        this.#takenBack.has(id) && redactedAt === undefined
      const there = between.filter((message) => !isGone(message) || seqs.includes(message.seq))
      expect(seqs).toEqual(there.map(({ seq }) => seq))
    }
  }

  /** All that is shown is as the server has it. */
  checkContents(rig: OpenRig): void {
    this.check()
    expect(rig.conversation.document.replica.folded.pendingTouches.size).toBe(0)
    const shown = rig.conversation.messages.getSnapshot()
    const seqs = new Set(seqsOf(shown))
    expect(seqs.size).toBe(shown.length)
    const known = this.#model.all().filter(({ seq }) => seqs.has(seq))
    expect(shown.map(asSent)).toEqual(known.map(asShown))
  }

  /** The thread with the most answers, from whatever is here of it. */
  async checkThread(rig: OpenRig): Promise<void> {
    const [root] = this.#model.all().toSorted((a, b) => (b.replies?.count ?? 0) - (a.replies?.count ?? 0))
    if (root?.replies === undefined) return
    const thread = rig.conversation.thread(root.id)
    while ((await thread.loadOlder(3)) > 0);
    const known = this.#model.all().filter((message) => message.thread === root.id)
    expect(known).toHaveLength(root.replies.count)
    expect(thread.messages.getSnapshot().map(asSent)).toEqual(known.map(asShown))
    expect(thread.info.getSnapshot()).toMatchObject({ ...root.replies, hasOlder: false, phase: 'idle' })
  }

  unread(): object {
    const { roster } = this.#model
    return countUnread(this.#model.all(), ann, readSoFar(roster, ann))
  }

  /** What was redacted is on the device no more. */
  async checkPages(): Promise<void> {
    for (const { messages } of await this.#storage.pages.read(rigId, { from: 0, to: 100_000 }))
      for (const { id, content } of messages)
        if (this.#model.messages.get(id)?.redactedAt !== undefined) expect(content).toBe('')
  }

  async #lookUp(client: ClientId, from: number): Promise<RestChain | undefined> {
    if (this.#archive.isOffline) throw new Error('offline')
    const all = this.#model.server.accepted.flatMap((entry, seq) =>
      entry.client === client ? [{ ...entry, seq }] : [],
    )
    if (all.length === 0) return undefined
    const entries = all
      .filter(({ clock }) => clock >= from)
      .map(({ clock, crc, seq, voidReason: reason }): RestChain['entries'][number] =>
        reason === undefined ? { clock, crc, state: 'accepted', seq } : { clock, crc, state: 'void', reason },
      )
    return { client, next_clock: all.length, entries }
  }
}

/** On a machine that is busy. */
const longMs = 120_000

test(
  '[PAGE1][PAGE2][PAGE3][ARCH2][TOUCH1][UNREAD1] pages and window join without seam, duplicate or jump, and end as the server has it',
  { timeout: longMs },
  async () => {
    let [paged, changed] = [0, 0]
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 100, maxLength: 200 }), async (lives) => {
        const model = new ArchiveModel()
        const device = new Device(model)
        await device.openTab()
        for (const each of lives) {
          if (each.kind === 'device') paged += await device.act(each.act, each.a)
          else {
            model.take(each.step)
            device.exchange()
          }
          device.check()
        }
        await device.settle()
        for (const rig of device.tabs) {
          // Behind what brings it up to date.
          await rig.conversation.loadOlder(1)
          device.checkContents(rig)
          rig.conversation.showNewest()
          while ((await rig.conversation.loadOlder(7)) > 0) device.check()
          await rig.conversation.loadOlder(1)
          device.checkContents(rig)
          expect(seqsOf(rig.conversation.messages.getSnapshot())).toHaveLength(model.all().length)
          const history = rig.conversation.history.getSnapshot()
          expect(history).toMatchObject({ hasOlder: false, hasNewer: false, phase: 'idle' })
          await device.checkThread(rig)
          await vi.waitFor(() => expect(rig.conversation.unread).toEqual(device.unread()), 5000)
        }
        await vi.waitFor(() => device.checkPages())
        changed += device.changes
        for (const rig of device.tabs) await rig.conversation.close()
      }),
      // A life is long: making it shorter would take many minutes.
      { seed: announceSeed('PAGE3 lives'), numRuns: 40, endOnFailure: true },
    )
    expect(paged).toBeGreaterThan(150)
    expect(changed).toBeGreaterThan(150)
  },
)
