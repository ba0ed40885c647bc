/**
 * Holds back what a device has of its own until it has taken in what the server has (SPEC FORK1). The server asks for what
 * it lacks of a chain by length alone: where another copy of the device has written to the same chain, it would take the
 * end of what was written here behind the beginning of what was written there, before anybody could notice.
 */

import { parseWireMessage } from '../../shared/sync/wire.ts'

type Data = Parameters<WebSocket['send']>[0]

export interface HoldingWebSocket {
  /** It is in sync: sends what was held back, and everything from now on at once. */
  readonly release: () => void
}

/** `Base` that holds back; what a provider gets as its WebSocket. */
export function sendAfterSync(Base: typeof WebSocket): typeof WebSocket {
  return class extends Base implements HoldingWebSocket {
    #held: Data[] | undefined = []

    override send(data: Data): void {
      if (this.#held !== undefined && hasOwn(data)) this.#held.push(data)
      else super.send(data)
    }

    release(): void {
      const held = this.#held ?? []
      this.#held = undefined
      for (const data of held) super.send(data)
    }
  }
}

export function isHolding(socket: unknown): socket is HoldingWebSocket {
  return typeof socket === 'object' && socket !== null && 'release' in socket
}

function hasOwn(data: Data): boolean {
  if (!(data instanceof Uint8Array)) return false
  const { kind } = parseWireMessage(data)
  return kind === 'step2' || kind === 'update'
}
