// A TCP proxy before a server that can cut its users off: the page still loads, but every connection for data is destroyed
// and refused. Reads the first request of a connection and lets it have no second one. Knows no test runner.
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** What a cut takes away; everything else is the page. */
const dataPath = /^(\/sync|\/api)([/?]|$)/

/** Longer heads are no browser's. */
const maxHeadBytes = 64 * 1024

const endOfHead = Buffer.from('\r\n\r\n')

export interface ProxyCounts {
  /** Connections made to the server for sockets, ever. */
  readonly sockets: number
  /** Connections made to the server for the REST API, ever. */
  readonly api: number
  /** Connections made to the server for the page, ever. */
  readonly page: number
  /** Connections for data that were destroyed by a cut or refused while cut, ever. */
  readonly cut: number
  /** Connections for data that are open now. */
  readonly open: number
}

type Kind = 'sockets' | 'api' | 'page'

export class CuttingProxy {
  readonly #target: () => string
  readonly #server: Server
  readonly #connections = new Set<Socket>()
  readonly #data = new Map<Socket, Socket>()
  readonly #made: Record<Kind, number> = { sockets: 0, api: 0, page: 0 }
  #cuts = 0
  #isCut = false
  #port = 0

  private constructor(target: () => string) {
    this.#target = target
    this.#server = createServer((socket) => this.#serve(socket))
  }

  /** `target` is the address of the server, asked for at every connection: it may move. */
  static async start(target: () => string): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(target)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    const bound = proxy.#server.address()
    if (bound === null || typeof bound === 'string') throw new Error('not listening on a port')
    proxy.#port = bound.port
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  get counts(): ProxyCounts {
    return { ...this.#made, cut: this.#cuts, open: this.#data.size }
  }

  /** Destroys all connections for data and refuses new ones, until `heal`. */
  cut(): void {
    this.#isCut = true
    for (const [inner, outer] of this.#data) {
      this.#cuts++
      inner.resetAndDestroy()
      outer.resetAndDestroy()
    }
  }

  heal(): void {
    this.#isCut = false
  }

  async close(): Promise<void> {
    for (const socket of this.#connections) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #keep(socket: Socket): void {
    this.#connections.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => this.#connections.delete(socket))
  }

  /** Waits for the head of the first request. */
  #serve(outer: Socket): void {
    this.#keep(outer)
    let head = Buffer.alloc(0)
    const read = (bytes: Buffer): void => {
      head = Buffer.concat([head, bytes])
      const end = head.indexOf(endOfHead)
      if (end < 0 && head.length > maxHeadBytes) return void outer.destroy()
      if (end < 0) return
      outer.off('data', read)
      outer.pause()
      this.#forward(outer, head.subarray(0, end), head.subarray(end + endOfHead.length))
    }
    outer.on('data', read)
  }

  #forward(outer: Socket, head: Buffer, rest: Buffer): void {
    const [requestLine = '', ...headers] = head.toString('latin1').split('\r\n')
    const path = requestLine.split(' ')[1] ?? ''
    const kind = kindOf(path)
    if (kind !== 'page' && this.#isCut) {
      this.#cuts++
      outer.resetAndDestroy()
      return
    }
    const { hostname, port } = new URL(this.#target())
    const inner = connect(Number(port), hostname)
    this.#keep(inner)
    // After an honest end the pipe ends `outer` too, with all that is still to be written.
    inner.once('error', () => outer.destroy())
    inner.once('close', () => this.#data.delete(inner))
    outer.once('close', () => inner.destroy())
    if (kind !== 'page') this.#data.set(inner, outer)
    inner.once('connect', () => {
      this.#made[kind]++
      inner.write([requestLine, ...withoutKeepAlive(headers), '', ''].join('\r\n'), 'latin1')
      inner.write(rest)
      outer.pipe(inner)
      inner.pipe(outer)
    })
  }
}

function kindOf(path: string): Kind {
  if (!dataPath.test(path)) return 'page'
  return path.startsWith('/sync') ? 'sockets' : 'api'
}

/** One request for each connection, except where it becomes a socket: a later request would go by unseen. */
function withoutKeepAlive(headers: readonly string[]): string[] {
  const isUpgrade = headers.some((header) => /^connection:.*\bupgrade\b/i.test(header))
  if (isUpgrade) return [...headers]
  return [...headers.filter((header) => !/^(connection|keep-alive):/i.test(header)), 'Connection: close']
}
