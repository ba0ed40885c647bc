// Writes Yjs updates (V1) byte by byte, lies included: what no honest writer emits. Written from the format, not with
// the code under test. Knows no test runner.

export type Bytes = Uint8Array | readonly number[]

export interface Place {
  readonly client: number
  readonly clock: number
}

export function concat(...pieces: readonly Bytes[]): Uint8Array {
  return joined(pieces)
}

/** For more pieces than a call can have arguments. */
export function joined(pieces: readonly Bytes[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0))
  let position = 0
  for (const piece of pieces) {
    whole.set(piece, position)
    position += piece.length
  }
  return whole
}

/** A varUint of any size; a BigInt for what a double cannot hold. */
export function varUint(value: number | bigint): Uint8Array {
  const bytes: number[] = []
  let rest = BigInt(value)
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Uint8Array.from([...bytes, Number(rest)])
}

/** The same number in `width` bytes, padded as no honest writer does. */
export function paddedVarUint(value: number, width: number): Uint8Array {
  const bytes = new Uint8Array(width).fill(128)
  for (const [index, byte] of varUint(value).entries()) bytes[index] = byte | 128
  bytes[width - 1] = (bytes[width - 1] ?? 0) & 127
  return bytes
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function varBytes(bytes: Bytes): Uint8Array {
  return concat(varUint(bytes.length), bytes)
}

export function varText(text: string): Uint8Array {
  return varBytes(utf8(text))
}

/** Contents of an item: the reference in the info byte, and the bytes that follow. */
export interface Content {
  readonly ref: number
  readonly bytes: Uint8Array
}

export const content = {
  deleted: (length: number | bigint): Content => ({ ref: 1, bytes: varUint(length) }),
  json: (...texts: readonly string[]): Content => ({
    ref: 2,
    bytes: concat(varUint(texts.length), ...texts.map(varText)),
  }),
  binary: (payload: Bytes): Content => ({ ref: 3, bytes: varBytes(payload) }),
  string: (text: string): Content => ({ ref: 4, bytes: varText(text) }),
  embed: (json: string): Content => ({ ref: 5, bytes: varText(json) }),
  format: (key: string, json: string): Content => ({ ref: 6, bytes: concat(varText(key), varText(json)) }),
  type: (typeRef: number, name?: string): Content => ({
    ref: 7,
    bytes: concat(varUint(typeRef), name === undefined ? [] : varText(name)),
  }),
  any: (...values: readonly Bytes[]): Content => ({ ref: 8, bytes: joined([varUint(values.length), ...values]) }),
  doc: (guid: string, options: Bytes): Content => ({ ref: 9, bytes: concat(varText(guid), options) }),
} as const

/** Values of lib0's `any` encoding. */
export const any = {
  undefined: [127],
  null: [126],
  integer: (value: number): Uint8Array => concat([125], [value & 63]),
  float32: [124, 0, 0, 0, 0],
  float64: [123, 0, 0, 0, 0, 0, 0, 0, 0],
  bigint: [122, 0, 0, 0, 0, 0, 0, 0, 0],
  false: [121],
  true: [120],
  string: (text: string): Uint8Array => concat([119], varText(text)),
  object: (fields: readonly (readonly [string, Bytes])[]): Uint8Array =>
    concat([118], varUint(fields.length), ...fields.map(([key, value]) => concat(varText(key), value))),
  array: (values: readonly Bytes[]): Uint8Array => concat([117], varUint(values.length), ...values),
  bytes: (bytes: Bytes): Uint8Array => concat([116], varBytes(bytes)),
} as const

export interface ForgedItem {
  readonly content: Content
  readonly origin?: Place
  readonly rightOrigin?: Place
  /** A root's name (bytes when it is not UTF-8) or the id of the item that holds the type; only without origins. */
  readonly parent?: string | Uint8Array | Place
  readonly parentSub?: string
  /** Replaces the info byte that would be right. */
  readonly info?: number
}

function place({ client, clock }: Place): Uint8Array {
  return concat(varUint(client), varUint(clock))
}

function parentBytes(parent: string | Uint8Array | Place): Uint8Array {
  if (typeof parent === 'string') return concat([1], varText(parent))
  return parent instanceof Uint8Array ? concat([1], varBytes(parent)) : concat([0], place(parent))
}

export function item(forged: ForgedItem): Uint8Array {
  const { origin, rightOrigin, parent, parentSub } = forged
  const bits =
    (origin === undefined ? 0 : 128) | (rightOrigin === undefined ? 0 : 64) | (parentSub === undefined ? 0 : 32)
  return concat(
    [forged.info ?? forged.content.ref | bits],
    origin === undefined ? [] : place(origin),
    rightOrigin === undefined ? [] : place(rightOrigin),
    parent === undefined ? [] : parentBytes(parent),
    parent === undefined || parentSub === undefined ? [] : varText(parentSub),
    forged.content.bytes,
  )
}

export function gc(length: number | bigint): Uint8Array {
  return concat([0], varUint(length))
}

export function skipStruct(length: number | bigint): Uint8Array {
  return concat([10], varUint(length))
}

/** The structs of a chain as `Y.Array.push` writes them, from `clock` on. */
export function chainItems(root: string, client: number, clock: number, contents: readonly Content[]): Uint8Array[] {
  return contents.map((one, index) =>
    clock + index === 0
      ? item({ parent: root, content: one })
      : item({ origin: { client, clock: clock + index - 1 }, content: one }),
  )
}

/** A section; `count` lies when it is given. */
export function section(
  client: number | bigint,
  clock: number | bigint,
  structs: readonly Bytes[],
  count?: number,
): Uint8Array {
  return joined([varUint(count ?? structs.length), varUint(client), varUint(clock), ...structs])
}

export interface DeletedRange extends Place {
  readonly length: number
}

/** A delete set, every range a client of its own. */
export function deleteSet(ranges: readonly DeletedRange[] = []): Uint8Array {
  const clients = ranges.map(({ client, clock, length }) =>
    concat(varUint(client), [1], varUint(clock), varUint(length)),
  )
  return joined([varUint(clients.length), ...clients])
}

/** An update; `count` lies about its sections when it is given. */
export function update(sections: readonly Bytes[], deletes: Bytes = deleteSet(), count?: number): Uint8Array {
  return joined([varUint(count ?? sections.length), ...sections, deletes])
}

export function stateVector(
  clocks: readonly (readonly [number | bigint, number | bigint])[],
  count?: number,
): Uint8Array {
  return joined([
    varUint(count ?? clocks.length),
    ...clocks.map(([client, clock]) => concat(varUint(client), varUint(clock))),
  ])
}
