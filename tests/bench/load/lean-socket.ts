// The client side of a WebSocket, as small as a load generator needs it: prepared frames out, whole frames in, no copies
// but for frames that come in pieces. Knows no protocol above it.
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

const opcodes = { continuation: 0, binary: 2, close: 8, ping: 9, pong: 10 } as const
const finBit = 0b1000_0000
const maskBit = 0b1000_0000
const short16 = 126
const short64 = 127
const readBytes = 16 * 1024
const endOfHead = '\r\n\r\n'

/** The payload is a view that is good until the call returns. */
export interface SocketEvents {
  readonly onMessage: (payload: Buffer) => void
  /** It ended, and not by `close`. */
  readonly onLost: (why: string) => void
}

/** A frame for the wire, masked as a client's must be; made once, sent as it is. */
export function frameOf(payload: Uint8Array, opcode: number = opcodes.binary): Buffer {
  const { length } = payload
  const lengthBytes = length < short16 ? 0 : length < 0x1_0000 ? 2 : 8
  const frame = Buffer.allocUnsafe(6 + lengthBytes + length)
  frame[0] = finBit | opcode
  if (lengthBytes === 0) frame[1] = maskBit | length
  else if (lengthBytes === 2) {
    frame[1] = maskBit | short16
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = maskBit | short64
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  const maskAt = 2 + lengthBytes
  // A mask of zeros would spare the server its work.
  frame.writeUInt32BE(0x37fa_213d, maskAt)
  for (let index = 0; index < length; index++) {
    frame[maskAt + 4 + index] = (payload[index] ?? 0) ^ (frame[maskAt + (index & 3)] ?? 0)
  }
  return frame
}

export class LeanSocket {
  readonly #socket: Socket
  readonly #events: SocketEvents
  readonly #buffer = Buffer.allocUnsafe(readBytes)
  readonly #opened: Promise<void>
  readonly #ended: Promise<void>
  #onUpgraded: (error?: Error) => void = () => undefined
  #phase: 'upgrading' | 'open' | 'closing' = 'upgrading'
  /** What is not a whole head yet. */
  #rest: Buffer | undefined
  /** A frame that came in part. */
  #partial: { readonly payload: Buffer; readonly opcode: number; filled: number } | undefined
  #upgradeRead = 0
  #upgradeWritten = 0
  #closedWith = 'the connection was cut'

  constructor(port: number, path: string, protocols: readonly string[], events: SocketEvents) {
    this.#events = events
    const socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: this.#buffer,
        callback: (count) => {
          this.#read(this.#buffer.subarray(0, count))
          return true
        },
      },
    })
    this.#socket = socket
    this.#opened = new Promise((resolve, reject) => {
      this.#onUpgraded = (error) => (error === undefined ? resolve() : reject(error))
    })
    this.#ended = new Promise((resolve) => socket.once('close', () => resolve()))
    socket.on('error', (error) => this.#onUpgraded(error))
    socket.once('end', () => socket.destroy())
    socket.once('close', () => {
      this.#onUpgraded(new Error('the upgrade was not answered'))
      if (this.#phase !== 'closing') events.onLost(this.#closedWith)
    })
    const offer = protocols.length === 0 ? '' : `Sec-WebSocket-Protocol: ${protocols.join(', ')}\r\n`
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n${offer}\r\n`,
    )
  }

  /** Resolves when the upgrade was accepted. */
  opened(): Promise<void> {
    return this.#opened
  }

  /** Resolves when it has ended, whoever ended it. */
  closed(): Promise<void> {
    return this.#ended
  }

  /** Bytes of frames, heads included; not those of the upgrade. */
  get receivedBytes(): number {
    return this.#socket.bytesRead - this.#upgradeRead
  }

  get sentBytes(): number {
    return this.#socket.bytesWritten - this.#upgradeWritten
  }

  /** Sends what `frameOf` made. */
  send(frame: Buffer): void {
    this.#socket.write(frame)
  }

  /** Says good-bye and waits for the end. */
  async close(): Promise<void> {
    if (this.#phase === 'open') this.#socket.write(frameOf(Uint8Array.of(3, 232), opcodes.close))
    this.#phase = 'closing'
    await this.#ended
  }

  #read(chunk: Buffer): void {
    if (this.#phase !== 'upgrading') return this.#readFrames(chunk)
    const seen = this.#rest === undefined ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk])
    const end = seen.indexOf(endOfHead)
    if (end < 0) {
      this.#rest = seen
      return
    }
    this.#rest = undefined
    const frames = seen.subarray(end + endOfHead.length)
    const status = seen.toString('latin1', 0, seen.indexOf('\r\n'))
    if (!status.startsWith('HTTP/1.1 101 ')) {
      this.#onUpgraded(new Error(`the upgrade was refused: ${status}`))
      this.#phase = 'closing'
      this.#socket.destroy()
      return
    }
    this.#phase = 'open'
    this.#upgradeRead = this.#socket.bytesRead - frames.length
    this.#upgradeWritten = this.#socket.bytesWritten
    this.#onUpgraded()
    if (frames.length > 0) this.#readFrames(frames)
  }

  #readFrames(chunk: Buffer): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk])
    this.#rest = undefined
    let at = this.#fillPartial(bytes)
    while (at < bytes.length) {
      const head = readHead(bytes, at)
      if (head === undefined) {
        this.#rest = Buffer.from(bytes.subarray(at))
        return
      }
      const start = at + head.headBytes
      const end = start + head.length
      if (end > bytes.length) {
        const payload = Buffer.allocUnsafe(head.length)
        this.#partial = { payload, opcode: head.opcode, filled: bytes.copy(payload, 0, start) }
        return
      }
      this.#take(head.opcode, bytes.subarray(start, end))
      at = end
    }
  }

  /** How many of the bytes belong to the frame that had come in part. */
  #fillPartial(bytes: Buffer): number {
    const partial = this.#partial
    if (partial === undefined) return 0
    const copied = bytes.copy(partial.payload, partial.filled)
    partial.filled += copied
    if (partial.filled === partial.payload.length) {
      this.#partial = undefined
      this.#take(partial.opcode, partial.payload)
    }
    return copied
  }

  #take(opcode: number, payload: Buffer): void {
    if (opcode === opcodes.binary) this.#events.onMessage(payload)
    else if (opcode === opcodes.ping) this.#socket.write(frameOf(payload, opcodes.pong))
    else if (opcode === opcodes.close) {
      this.#closedWith = `closed with ${payload.length >= 2 ? payload.readUInt16BE(0) : 'no code'} ${payload.toString('utf8', 2)}`
      this.#socket.end()
    } else if (opcode !== opcodes.pong) throw new Error(`a frame of opcode ${opcode}`)
  }
}

interface Head {
  readonly opcode: number
  readonly headBytes: number
  readonly length: number
}

/** Undefined when the bytes do not reach. Servers do not mask, and none of these fragments or compresses. */
function readHead(bytes: Buffer, at: number): Head | undefined {
  const left = bytes.length - at
  if (left < 2) return undefined
  const first = bytes[at] ?? 0
  const short = bytes[at + 1] ?? 0
  if ((first & 0b1111_0000) !== finBit) throw new Error('a frame that is fragmented or compressed')
  const headBytes = short < short16 ? 2 : short === short16 ? 4 : 10
  if (left < headBytes) return undefined
  const length =
    short < short16 ? short : short === short16 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
  return { opcode: first & 0b1111, headBytes, length }
}
