// Any number of restores of any copies, at any moment, under stock devices that come and go: nothing of their own is lost.
import { expect, test } from 'vitest'

import { createMemoryDisk, type MemoryDisk } from '../../../server/storage/memory/memory-disk.ts'
import { createMemoryStore } from '../../../server/storage/memory/memory-store.ts'
import { encodeEntry } from '../../../shared/chat/entry.ts'
import type { StampedMessage } from '../../../shared/chat/message.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { createDoc, isSettled, userId } from '../../helpers/chain-doc.ts'
import { bringTogether, deliverAll, FakeDevice } from '../../helpers/fake-device.ts'
import { announceSeed, createRandom, type Random } from '../../helpers/seeded-random.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode, steppingClock, type SyncNode } from '../../helpers/sync-node.ts'

const users = ['ann', 'ann', 'bob', 'bob', 'cid'] as const
const rounds = 30
const steps = 60

interface Copy {
  readonly disk: MemoryDisk
  readonly messages: readonly StampedMessage[]
}

class World {
  readonly #random: Random
  readonly #now = steppingClock()
  #disk = createMemoryDisk()
  node: SyncNode
  devices: readonly FakeDevice[] = []
  /** What devices said, and what of the server's own no copy can take away any more. */
  readonly said: string[] = []
  kept: readonly StampedMessage[] = []
  restores = 0
  /** What no node should have met. */
  readonly strange: unknown[] = []
  readonly #copies: Copy[] = []
  #id: ConversationId | undefined

  constructor(random: Random) {
    this.#random = random
    this.node = this.#start()
  }

  async begin(): Promise<void> {
    const id = await this.node.create('ann', 'bob', 'cid')
    this.#id = id
    this.devices = users.map((user, index) => new FakeDevice(user, id, createDoc(index + 1)))
  }

  async history(): Promise<readonly StampedMessage[]> {
    return (await this.node.conversations.messages(userId('ann'), this.id, { limit: 10_000 })).messages
  }

  get id(): ConversationId {
    if (this.#id === undefined) throw new Error('not begun')
    return this.#id
  }

  async step(): Promise<void> {
    const random = this.#random
    const device = random.pick(this.devices)
    const act = random.below(100)
    if (act < 30) this.#say(device)
    else if (act < 45) await this.#turn(device)
    else if (act < 75) await this.#deliver(device)
    else if (act < 83) await this.node.conversations.post(userId(device.user), this.id, messageEntry('rest'), undefined)
    else if (act < 88) this.#copies.push({ disk: structuredClone(this.#disk), messages: await this.history() })
    else if (act < 92) this.node.registry.sweep(Number.MAX_SAFE_INTEGER)
    else if (act < 95) await this.#restart(this.#disk)
    else await this.#restore()
  }

  #say(device: FakeDevice): void {
    for (let left = this.#random.between(1, 3); left > 0; left--) {
      if (this.#random.chance(0.15)) device.append(Uint8Array.of(9, left))
      else {
        this.said.push(`said ${this.said.length}`)
        device.append(encodeEntry(messageEntry(this.said.at(-1) ?? '')))
      }
    }
  }

  async #turn(device: FakeDevice): Promise<void> {
    if (device.isConnected) device.disconnect()
    else await device.connect(this.node)
  }

  async #deliver(device: FakeDevice): Promise<void> {
    device.deliverUp(this.#random.between(0, 3))
    if (this.#random.chance(0.7)) await this.node.settled()
    device.deliverDown(this.#random.between(0, 3))
  }

  async #restore(): Promise<void> {
    if (this.#copies.length === 0) return
    const { disk, messages } = this.#random.pick(this.#copies)
    const copied = structuredClone(disk)
    await createMemoryStore({ disk: copied }).markRestored(this.#now() + 1_000_000 * ++this.restores)
    await this.#restart(copied)
    this.kept = messages
  }

  async #restart(disk: MemoryDisk): Promise<void> {
    for (const device of this.devices) device.disconnect()
    await this.node.settled()
    this.strange.push(...this.node.errors, ...this.node.behind.warnings())
    this.#disk = disk
    this.node = this.#start()
  }

  #start(): SyncNode {
    const random = createRandom(this.#random.below(0x7fff_ffff))
    return createSyncNode({ store: createMemoryStore({ disk: this.#disk }), random, now: this.#now })
  }
}

async function play(seed: number): Promise<number> {
  const world = new World(createRandom(seed))
  await world.begin()
  for (let step = 0; step < steps; step++) await world.step()
  await deliverAll(world.node, world.devices)
  await bringTogether(world.node, world.devices)

  const messages = await world.history()
  const contents = messages.map(({ content }) => content)
  expect(messages.slice(0, world.kept.length)).toEqual(world.kept)
  expect(contents.filter((content) => content !== 'rest').toSorted()).toEqual(world.said.toSorted())
  for (const device of world.devices) {
    expect(device.folded.view().sent).toEqual(messages)
    expect([device.closes, device.folded.fold().fork, isSettled(device.doc)]).toEqual([[], undefined, true])
  }
  expect([...world.strange, ...world.node.errors, ...world.node.behind.warnings()]).toEqual([])
  return world.restores
}

test('[EPOCH2][EPOCH1][SYNC4] whatever is restored and when, what devices wrote is there once, and all show the same', async () => {
  const seed = announceSeed('EPOCH2 restores')
  let restores = 0
  for (let round = 0; round < rounds; round++) {
    try {
      restores += await play(seed + round)
    } catch (error) {
      throw new Error(`EPOCH2 restores failed with PARLEY_SEED=${seed + round}`, { cause: error })
    }
  }
  // Else it has shown nothing.
  expect(restores).toBeGreaterThan(rounds / 2)
  console.log(`${restores} restores`)
})
