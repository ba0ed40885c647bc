// One conversation twice: as the server keeps it, and as the plain model says it must be; with the devices of its members.
// Says every difference as a thrown error. Knows no test runner.
import * as Y from 'yjs'

import { takeUpdate } from '../../server/chat/intake.ts'
import type { LiveConversation } from '../../server/chat/live-conversation.ts'
import { applyEntry, postMessage } from '../../server/chat/posting.ts'
import { Conflict, Refused } from '../../server/conversations.ts'
import { encodeMissing } from '../../server/sync/projection.ts'
import { type KnownEntry, parseEntry } from '../../shared/chat/entry.ts'
import { Fault } from '../../shared/fault.ts'
import { crc32 } from '../../shared/sync/crc32.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import { encodeStateVector, parseStateVector } from '../../shared/sync/state-vector.ts'
import { parseRecord } from '../../shared/sync/record.ts'
import type { AcceptanceModel, ModelAnswer, ModelEntry, ModelReply } from '../helpers/acceptance-model.ts'
import { append, clientId, createDoc, docOf, hex, isSettled, rootContents, userId } from '../helpers/chain-doc.ts'
import { deliverAll, FakeDevice } from '../helpers/fake-device.ts'
import type { Fields } from '../helpers/model-rules.ts'
import type { SyncNode } from '../helpers/sync-node.ts'

/** Not a clientID of anybody's: a document takes it while it is told of what it may have written itself. */
const nobody = 0x7777_7777

export interface ModelDevice {
  readonly user: string
  /** The chain it writes on. */
  readonly client: number
  doc: Y.Doc
  isOnline: boolean
  /** What it ever sent. */
  readonly sent: Uint8Array[]
  /** The document as it was before each thing that was written. */
  readonly saves: Uint8Array[]
  /** It did what no honest device does, so that its document may contradict the server's. */
  isOdd: boolean
}

export class ModelRoom {
  readonly id: ConversationId
  readonly model: AcceptanceModel
  readonly devices: ModelDevice[] = []
  /** Message ids that were ever used. */
  readonly messageIds: string[] = []
  /** How often the server said what. */
  readonly faults = new Map<string, number>()
  readonly #observer: FakeDevice
  #node: SyncNode
  #live: LiveConversation
  #release: () => void
  #checked = 0

  constructor(
    node: SyncNode,
    lease: { live: LiveConversation; release: () => void },
    owner: string,
    model: AcceptanceModel,
  ) {
    this.#node = node
    this.#live = lease.live
    this.#release = lease.release
    this.id = lease.live.id
    this.model = model
    this.#observer = new FakeDevice(owner, this.id, createDoc(nobody))
  }

  get serverClient(): number {
    return this.#live.ledger.durable().serverClient
  }

  addDevice(user: string, client: number, doc = new Y.Doc()): ModelDevice {
    const device: ModelDevice = { user, client, doc, isOnline: false, sent: [], saves: [], isOdd: false }
    doc.clientID = client
    this.devices.push(device)
    return device
  }

  /** The updates that a change of the document makes. */
  change(device: ModelDevice, work: (doc: Y.Doc) => void): Uint8Array[] {
    const updates: Uint8Array[] = []
    const note = (update: Uint8Array): void => void updates.push(update)
    device.doc.on('update', note)
    work(device.doc)
    device.doc.off('update', note)
    return updates
  }

  /** Appends to the device's chain, all in one transaction; the update that tells of it. */
  write(device: ModelDevice, payloads: readonly Uint8Array[], inOnePush: boolean): Uint8Array[] {
    device.saves.push(Y.encodeStateAsUpdate(device.doc))
    const next = Y.getState(device.doc.store, device.client)
    // Whoever writes where something is already, or where another copy may write too, contradicts somebody.
    if (next < (this.model.chain(device.client)?.next ?? 0)) device.isOdd = true
    return this.change(device, (doc) => {
      if (inOnePush) doc.getArray(`chain/${device.client}/${device.user}`).push([...payloads])
      else append(doc, device.user, payloads)
    })
  }

  /** Applies what somebody else wrote. */
  receive(device: ModelDevice, update: Uint8Array): Uint8Array[] {
    return this.change(device, (doc) => {
      // Else Yjs gives the document another id when it is told of its own chain.
      doc.clientID = nobody
      Y.applyUpdate(doc, update)
      doc.clientID = device.client
    })
  }

  /** Sends while the socket lasts. */
  async send(device: ModelDevice, updates: readonly Uint8Array[]): Promise<void> {
    for (const update of updates) {
      if (!device.isOnline) return
      device.sent.push(update)
      const answer = await this.take(device.user, update)
      if (answer.kind === 'fault') device.isOnline = false
      // The answer to the SyncStep1 that a gap makes.
      else if (answer.gap) device.isOnline = (await this.#sendLacking(device)).kind === 'taken'
    }
  }

  /** A socket opens: each side tells the other what it lacks, in either order. */
  async connect(device: ModelDevice, sendsFirst: boolean): Promise<void> {
    device.isOnline = this.#live.accessOf(userId(device.user)) !== undefined
    if (!device.isOnline) return
    if (!sendsFirst) await this.pull(device)
    const answer = await this.#sendLacking(device)
    device.isOnline = answer.kind === 'taken'
    if (device.isOnline) await this.pull(device)
  }

  async #sendLacking(device: ModelDevice): Promise<ModelAnswer> {
    const known = encodeStateVector(new Map(Y.decodeStateVector(await this.#serverVector())))
    return this.take(device.user, Y.encodeStateAsUpdate(device.doc, known))
  }

  async #serverVector(): Promise<Uint8Array> {
    return Y.encodeStateVector(docOf(await this.#missing(new Map())))
  }

  async pull(device: ModelDevice): Promise<void> {
    const known = parseStateVector(Y.encodeStateVector(device.doc))
    if (known.kind === 'malformed') throw new Error(known.why)
    this.receive(device, await this.#missing(known.clocks))
  }

  #missing(known: ReadonlyMap<number, number>): Promise<Uint8Array> {
    return encodeMissing(this.#node.gate.store, this.id, this.#live.ledger.durable(), known)
  }

  /** The server and the model are sent the same; what they say must be the same. */
  async take(user: string, update: Uint8Array): Promise<ModelAnswer> {
    return (await this.takeAtOnce([{ user, update }]))[0] ?? { kind: 'taken', gap: false }
  }

  /** Several at once, from several sockets, while the disk is busy. */
  async takeAtOnce(frames: readonly { readonly user: string; readonly update: Uint8Array }[]): Promise<ModelAnswer[]> {
    this.#noteHeld()
    if (frames.length > 1) this.#node.gate.hold()
    const nowMs = this.#live.deps.now()
    const under = frames.map(({ user, update }) => takeUpdate(this.#live, userId(user), update))
    const wanted = frames.map(({ user, update }) => this.model.take(user, update, nowMs))
    await this.#node.settled()
    this.#node.gate.open()
    const taken = await Promise.all(under)
    await this.#node.commits.idle()
    for (const [index, real] of taken.entries()) {
      const model = wanted[index]
      if (real.kind === 'fault') this.faults.set(real.code, (this.faults.get(real.code) ?? 0) + 1)
      const isSame =
        real.kind === 'fault'
          ? model?.kind === 'fault' && model.codes.has(real.code)
          : model?.kind === 'taken' && model.gap === real.gap
      const said = model?.kind === 'fault' ? `fault ${[...model.codes].join(' or ')}` : JSON.stringify(model)
      const frame = frames[index]
      if (!isSame)
        throw new Error(
          `${frame?.user} sent ${hex(frame?.update ?? new Uint8Array())}: server ${JSON.stringify(real)}, model ${said}`,
        )
    }
    return wanted
  }

  /** The same over REST. */
  async request(user: string, fields: Fields): Promise<void> {
    const parsed = parseEntry(Buffer.concat([Uint8Array.of(1), Buffer.from(JSON.stringify(fields))]))
    if (parsed.kind !== 'entry' || parsed.entry.kind === 'unknown') throw new Error('a request that REST cannot make')
    const wanted = this.model.request(user, fields)
    const real = await this.#requestReal(user, parsed.entry)
    if (JSON.stringify(real) !== JSON.stringify(wanted)) {
      throw new Error(
        `${user} asks ${JSON.stringify(fields)}: server ${JSON.stringify(real)}, model ${JSON.stringify(wanted)}`,
      )
    }
  }

  async #requestReal(user: string, entry: KnownEntry): Promise<ModelReply> {
    try {
      if (entry.kind === 'message') await postMessage(this.#live, userId(user), entry, undefined)
      else await applyEntry(this.#live, userId(user), entry)
      return { kind: 'done' }
    } catch (error) {
      if (error instanceof Refused) return { kind: 'refused', reason: error.reason }
      if (error instanceof Conflict) return { kind: 'conflict', code: error.code }
      if (error instanceof Fault && error.code === 'no-access') return { kind: 'fault', code: error.code }
      throw error
    }
  }

  /** The process ends and starts on the same disk. */
  async restart(node: SyncNode): Promise<void> {
    this.#release()
    this.#observer.disconnect()
    this.#node = node
    ;({ live: this.#live, release: this.#release } = await node.registry.acquire(this.id))
    this.model.restart()
    for (const device of this.devices) device.isOnline = false
  }

  /** One without entries is drawn again after a restart. */
  #noteHeld(): void {
    this.model.heldClients.clear()
    for (const { client, user, held } of this.#live.ledger.chains()) if (held) this.model.heldClients.set(client, user)
  }

  /** Compares all there is to compare; the log from where it was compared last. */
  async check(): Promise<void> {
    this.#noteHeld()
    await this.#checkLog()
    const fresh = docOf(await this.#missing(new Map()))
    this.#checkProjection(fresh)
    await this.#checkObserver(fresh)
    for (const device of this.devices) if (device.isOnline) await this.#checkDevice(device, fresh)
    for (const user of new Set([...this.devices.map((device) => device.user), ...this.model.access.keys()])) {
      expectSame(`access of ${user}`, this.#live.accessOf(userId(user)), this.model.access.get(user))
    }
    if (this.#node.errors.length > 0) throw new Error(`the server says: ${String(this.#node.errors[0])}`)
  }

  async #checkLog(): Promise<void> {
    const rows: string[] = []
    const from = this.#checked
    for await (const row of this.#node.gate.store.entriesNewestFirst(this.id, { after: from - 1 })) {
      const { seq, client, clock, crc, voidReason, payload } = row
      const kept = payload === undefined ? 'gone' : 'kept'
      rows.unshift(`${seq}: ${this.#chainOf(client)}/${clock} ${crc} ${voidReason ?? 'accepted'} ${kept}`)
    }
    const entries = this.model.log.slice(from)
    const wanted = entries.map(
      ({ chain, clock, crc, reason, payload }, index) =>
        `${from + index}: ${chain}/${clock} ${crc} ${reason ?? 'accepted'} ${payload === undefined ? 'gone' : 'kept'}`,
    )
    expectSame('the log', rows.join('\n'), wanted.join('\n'))
    this.#checked = this.model.log.length
    const stored = await this.#node.gate.store.head(this.id)
    if (stored?.kind === 'head') expectSame('the title', stored.head.title, this.model.title)
  }

  #chainOf(client: number): string {
    const holder = this.model.heldClients.get(client)
    return holder === undefined ? `${client}` : `held/${holder}`
  }

  #clientOf({ chain }: ModelEntry): number {
    for (const [client, user] of this.model.heldClients) if (chain === `held/${user}`) return client
    return Number(chain)
  }

  /** The document that a new device gets says what the model says: chains, deletions, stamps and voids. */
  #checkProjection(fresh: Y.Doc): void {
    const chains = new Map<string, string[]>()
    const gone: string[] = []
    for (const entry of this.model.log) {
      const client = this.#clientOf(entry)
      const root = `chain/${client}/${entry.user}`
      const contents = chains.get(root) ?? []
      chains.set(root, contents)
      if (entry.payload === undefined) gone.push(`${client}/${entry.clock}`)
      else contents.push(hex(entry.payload))
    }
    const server = `server/${this.serverClient}`
    const contents = rootContents(fresh)
    const shown = [...contents].filter(([name]) => name !== server).map(([name, list]) => `${name}: ${list.join()}`)
    const wanted = [...chains].map(([name, list]) => `${name}: ${list.join()}`)
    expectSame('the document', shown.toSorted().join('\n'), wanted.toSorted().join('\n'))
    const deleted: string[] = []
    for (const [client, ranges] of Y.createDeleteSetFromStructStore(fresh.store).clients) {
      for (const { clock, len } of ranges) for (let at = clock; at < clock + len; at++) deleted.push(`${client}/${at}`)
    }
    expectSame('the deleted entries', deleted.toSorted().join(), gone.toSorted().join())
    this.#checkRecords(contents.get(server) ?? [])
  }

  #checkRecords(records: readonly string[]): void {
    const voids = new Map<string, string>()
    const places: string[] = []
    for (const record of records) {
      const parsed = parseRecord(Buffer.from(record, 'hex'))
      if (parsed?.kind === 'void') voids.set(`${parsed.client}/${parsed.clock}`, parsed.reason)
      if (parsed?.kind !== 'stamp') continue
      expectSame('the seq of a stamp', parsed.seq, places.length)
      for (const { client, clock, crcs } of parsed.runs) {
        for (const [index, crc] of crcs.entries()) {
          const place = `${client}/${clock + index}`
          // A void record stands before the stamp that covers its entry.
          places.push(`${place} ${crc} ${voids.get(place) ?? 'accepted'}`)
        }
      }
    }
    const wanted = this.model.log.map(
      (entry) => `${this.#clientOf(entry)}/${entry.clock} ${entry.crc} ${entry.reason ?? 'accepted'}`,
    )
    expectSame('the stamps', places.join('\n'), wanted.join('\n'))
  }

  /** A device that was there all the time heard of everything. */
  async #checkObserver(fresh: Y.Doc): Promise<void> {
    const isMember = this.model.access.has(this.#observer.user)
    if (!this.#observer.isConnected && isMember) await this.#observer.connect(this.#node)
    await deliverAll(this.#node, [this.#observer])
    if (!isMember) return
    expectSame('the observer', this.#shown(this.#observer.doc), this.#shown(fresh))
  }

  #shown(doc: Y.Doc): string {
    return hex(Y.encodeStateAsUpdate(doc))
  }

  async #checkDevice(device: ModelDevice, fresh: Y.Doc): Promise<void> {
    await this.pull(device)
    if (this.#shown(device.doc) === this.#shown(fresh)) return
    const against = this.#contradicted(device.doc)
    if (against.length > 0 && (device.isOdd || against.every((client) => this.#isDisputed(client)))) return
    const name = `the document of ${device.user} ${device.client}`
    expectSame(`${name}, what waits`, isSettled(device.doc), true)
    const own = rootContents(device.doc)
    for (const [root, contents] of rootContents(fresh)) {
      // Behind it stands what was not sent, of this device or of another that it knows.
      expectSame(`${name}, ${root}`, (own.get(root) ?? []).slice(0, contents.length).join(), contents.join())
    }
  }

  /** The clientID of a device is the chain of another user, who was faster; or others have heard of what it wrote in vain. */
  #isDisputed(client: number): boolean {
    const owner = this.model.chain(client)?.user
    return this.devices.some((device) => device.client === client && (device.isOdd || device.user !== owner))
  }

  /** Chains of which it holds other bytes than the server, or has deleted what the server has. */
  #contradicted(doc: Y.Doc): number[] {
    const against = this.model.log.filter((entry) => {
      const client = clientId(this.#clientOf(entry))
      if (Y.getState(doc.store, client) <= entry.clock) return !isSettled(doc)
      const structs = doc.store.clients.get(client) ?? []
      const struct = structs[Y.findIndexSS(structs, entry.clock)]
      // What is void, erased or superseded is deleted everywhere.
      if (!(struct instanceof Y.Item) || struct.deleted) return entry.payload !== undefined
      return struct.content instanceof Y.ContentBinary && crc32(struct.content.content) !== entry.crc
    })
    return against.map((entry) => this.#clientOf(entry))
  }
}

function expectSame(what: string, real: unknown, model: unknown): void {
  if (real === model) return
  throw new Error(`${what}: server ${shortened(real)}\nmodel ${shortened(model)}`)
}

function shortened(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined')
  return text.length > 4000 ? `…${text.slice(-4000)}` : text
}
