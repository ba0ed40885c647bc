// Where a device of the bench sits: which server, which room, whose token. Plain data, for it goes to the generators.

/**
 * What is spoken on the socket: `relay` is the floor (frames, nothing else), `stock` the y-websocket protocol,
 * `hocuspocus` the same with the document's name before each message and a token inside, `mux` the same on a channel of
 * `parley.1`.
 */
export type Dialect = 'relay' | 'stock' | 'hocuspocus' | 'mux'

export interface Seat {
  readonly dialect: Dialect
  readonly port: number
  /** Of the upgrade request. */
  readonly path: string
  readonly protocols: readonly string[]
  /** Shown in the first frame, where the upgrade request shows none. */
  readonly token?: string
  readonly room: string
  readonly user: string
}
