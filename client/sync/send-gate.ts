/**
 * Holds back what a socket sends while own entries are on their way to the outbox (SPEC OUTBOX1): nothing may reach the
 * server that a crash could make this device forget. Order is kept.
 */

export interface SendGate {
  /** Holds everything that is sent from now on until `kept` settles; failure opens it too, for there is no better copy. */
  readonly hold: (kept: Promise<void>) => void
  /** Whether something that was said already has not left yet. */
  readonly hasWaiting: () => boolean
  /** Sends now, or as soon as nothing is held. */
  readonly pass: (send: () => void) => void
}

export function createSendGate(): SendGate {
  let holds = 0
  let waiting: (() => void)[] = []

  function release(): void {
    holds--
    if (holds > 0) return
    const ready = waiting
    waiting = []
    for (const send of ready) send()
  }

  return {
    hold: (kept) => {
      holds++
      kept.then(release, release)
    },
    hasWaiting: () => waiting.length > 0,
    pass: (send) => {
      if (holds > 0) waiting.push(send)
      else send()
    },
  }
}

/** `Base` with `send` behind the gate: what the provider gets as its WebSocket. */
export function gatedWebSocket(Base: typeof WebSocket, gate: SendGate): typeof WebSocket {
  return class GatedWebSocket extends Base {
    override send(data: Parameters<WebSocket['send']>[0]): void {
      gate.pass(() => {
        if (this.readyState === this.OPEN) super.send(data)
      })
    }
  }
}
