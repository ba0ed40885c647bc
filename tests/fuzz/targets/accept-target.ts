// Whole acceptance, from bytes to rows and documents, held against the plain model: a script is what several people send,
// one after another or at once, to a conversation that has begun.
import { createMemoryDisk } from '../../../server/storage/memory/memory-disk.ts'
import { createMemoryStore } from '../../../server/storage/memory/memory-store.ts'
import { ModelRoom } from '../../convergence/model-room.ts'
import { AcceptanceModel } from '../../helpers/acceptance-model.ts'
import { type Cast, type CastChain, forgedUuidV7, inventCast, rootOf } from '../../helpers/adversarial-cast.ts'
import { forgeUpdate } from '../../helpers/adversarial-corpus.ts'
import { adversarialUpdates } from '../../helpers/adversarial-updates.ts'
import type { Fields } from '../../helpers/model-rules.ts'
import { createRandom } from '../../helpers/seeded-random.ts'
import { createSyncNode, endlessWindow, steppingClock, type SyncNode } from '../../helpers/sync-node.ts'
import { chainItems, content, section, update } from '../../helpers/update-forge.ts'
import type { FuzzTarget } from '../fuzz-target.ts'
import { mutateScript, readScript, type ScriptStep, writeScript } from '../script.ts'

const owner = 'ann'
const senders = ['mallory', 'mallory', 'alice', owner, 'eve'] as const
/** Tags from here on: the server starts again first. */
const restartTags = 240
/** Bit of a tag: at once with the step behind it. */
const togetherBit = 64
const longestSeedBytes = 1024
const startMs = 1_700_000_000_000
/** Everything is drawn alike in every run, so that an input says all. */
const serverSeed = 5

/** What has happened before every run. */
type Before = { readonly user: string } & ({ readonly fields: Fields } | { readonly update: Uint8Array })

export async function createAcceptTarget(): Promise<FuzzTarget> {
  const invented = inventCast(createRandom(1))
  const before = historyOf(invented)
  const disk = createMemoryDisk()
  const first = startNode(disk)
  const id = await first.create(owner)
  const room = await enter(first, id, (server) => new AcceptanceModel(owner, server))
  for (const one of before) {
    if ('fields' in one) await room.request(one.user, one.fields)
    else await room.take(one.user, one.update)
  }
  await room.check()
  const heldEntry = [...room.model.heldClients].find(([, user]) => user === invented.own.user)
  const held = { ...invented.held, client: heldEntry?.[0] ?? 0 }
  const cast: Cast = { ...invented, held, serverClient: room.serverClient }
  const { length } = room.model.log

  async function begin(): Promise<{ room: ModelRoom; restart: () => Promise<void> }> {
    const copy = structuredClone(disk)
    const model = (server: number): AcceptanceModel => replay(new AcceptanceModel(owner, server), before)
    const copied = await enter(startNode(copy), id, model)
    return { room: copied, restart: () => copied.restart(startNode(copy)) }
  }

  return {
    name: 'accept',
    *seeds(random) {
      for (const { bytes, expected } of adversarialUpdates(random, cast)) {
        const isTelling = expected.kind !== 'fault' || random.chance(0.2)
        if (isTelling && bytes.length <= longestSeedBytes) yield writeScript([{ tag: 0, bytes }])
      }
      for (let left = 100; left > 0; left--) {
        const steps = Array.from({ length: random.between(1, 4) }, () => ({
          tag: random.below(senders.length) + (random.chance(0.2) ? togetherBit : 0),
          bytes: forgeUpdate(random, cast),
        }))
        yield writeScript(steps)
      }
    },
    mutate: mutateScript,
    run: async (input) => {
      const world = await begin()
      const said = new Set<string>()
      for (const batch of batchesOf(readScript(input))) {
        if (batch.some(({ tag }) => tag >= restartTags)) await world.restart()
        const frames = batch.map(({ tag, bytes }) => ({ user: senders[tag % senders.length] ?? owner, update: bytes }))
        for (const answer of await world.room.takeAtOnce(frames)) {
          said.add(answer.kind === 'fault' ? [...answer.codes].toSorted().join('|') : answer.gap ? 'gap' : 'taken')
        }
      }
      await world.room.check()
      const fresh = world.room.model.log.slice(length).map(({ reason = 'accepted' }) => reason)
      return [[...said].toSorted().join(), [...new Set(fresh)].toSorted().slice(0, 3).join()].join(' → ')
    },
  }
}

function startNode(disk: ReturnType<typeof createMemoryDisk>): SyncNode {
  return createSyncNode({
    window: endlessWindow,
    store: createMemoryStore({ disk }),
    random: createRandom(serverSeed),
    now: steppingClock(startMs),
  })
}

async function enter(
  node: SyncNode,
  id: ModelRoom['id'],
  modelOf: (server: number) => AcceptanceModel,
): Promise<ModelRoom> {
  const lease = await node.registry.acquire(id)
  return new ModelRoom(node, lease, owner, modelOf(lease.live.ledger.durable().serverClient))
}

function replay(model: AcceptanceModel, before: readonly Before[]): AcceptanceModel {
  for (const one of before) {
    if ('fields' in one) model.request(one.user, one.fields)
    else model.take(one.user, one.update, startMs)
  }
  return model
}

/** Members, their chains, and something over REST. */
function historyOf({ own, victim, held }: Cast): Before[] {
  const random = createRandom(2)
  const whole = ({ user, client, payloads }: CastChain): Uint8Array => {
    const contents = payloads.map((bytes) => content.binary(bytes))
    return update([section(client, 0, chainItems(rootOf({ user, client }), client, 0, contents))])
  }
  const said = held.payloads.map((_payload, index): Before => {
    const fields = { kind: 'message', id: forgedUuidV7(random), role: 'user', content: `${index}`, at: startMs }
    return { user: own.user, fields }
  })
  return [
    ...[own.user, victim.user].map((user): Before => ({
      user: owner,
      fields: { kind: 'member', user, access: 'writer' },
    })),
    { user: own.user, update: whole(own) },
    { user: victim.user, update: whole(victim) },
    ...said,
  ]
}

function batchesOf(steps: readonly ScriptStep[]): ScriptStep[][] {
  const batches: ScriptStep[][] = []
  let isOpen = false
  for (const step of steps) {
    if (isOpen) batches.at(-1)?.push(step)
    else batches.push([step])
    isOpen = (step.tag & togetherBit) > 0
  }
  return batches
}
