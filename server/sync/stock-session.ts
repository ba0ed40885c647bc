/** A socket of the stock y-websocket protocol: one conversation, one message per frame. */

import type { FaultCode } from '../../shared/fault.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import { heartbeat } from '../../shared/sync/wire.ts'
import { Channel } from './channel.ts'
import { Flow } from './flow.ts'
import type { Session, SessionDeps, SocketPort } from './session.ts'
import type { SyncTarget } from './sync-target.ts'

export class StockSession implements Session {
  readonly hasToken = true
  readonly #channel: Channel
  readonly #port: SocketPort
  readonly #flow: Flow

  constructor(user: UserId, target: SyncTarget, port: SocketPort, deps: SessionDeps) {
    this.#port = port
    const flow = new Flow(port)
    this.#flow = flow
    const { send } = port
    const channelPort = { send, opened: () => undefined, close: (code: FaultCode) => this.#closed(code), flow }
    this.#channel = new Channel({ user, opening: Promise.resolve(target), port: channelPort, deps })
  }

  get isBusy(): boolean {
    return this.#flow.isBusy
  }

  receive(frame: Uint8Array): void {
    this.#channel.receive(frame)
  }

  beat(): void {
    if (!this.#channel.hasJoined) return
    this.#channel.beat()
    this.#port.send(heartbeat)
  }

  close(code: FaultCode): void {
    this.#channel.close(code)
  }

  end(): void {
    this.#channel.end()
    this.#flow.end()
  }

  #closed(code: FaultCode): void {
    this.#flow.end()
    this.#port.close(code)
  }
}
