/** What the SDK throws and rejects with, beside TypeError for what nobody could do. */

import type { VoidReason } from '../shared/chat/policy.ts'

/** What was written on this device and not sent would be lost. */
export class UnsentWork extends Error {
  /** As `ChatClient.unsent` counts. */
  readonly count: number

  constructor(count: number) {
    super(`Not sent yet, and kept nowhere but on this device: ${count}.`)
    this.name = 'UnsentWork'
    this.count = count
  }
}

/** Another tab does not let go of what this device keeps: what is to be deleted goes when that tab is closed. */
export class StillOpen extends Error {
  constructor() {
    super('Another tab has it open, and does not close it.')
    this.name = 'StillOpen'
  }
}

/** What this device keeps was written by a later version of this program, which alone may touch it. Nothing is lost. */
export class NewerSchema extends Error {
  /** Of the local schema. */
  readonly known: number

  constructor(known: number, options?: ErrorOptions) {
    super('A later version of this program was used on this device: what it keeps needs that version again.', options)
    this.name = 'NewerSchema'
    this.known = known
  }
}

/** It is not on this device, and the server could not be asked: `cause` says why. */
export class OutOfReach extends Error {
  constructor(what: string, cause: unknown) {
    super(`${what} is not on this device, and the server could not be asked.`, { cause })
    this.name = 'OutOfReach'
  }
}

/** What only the server can do, and it could not be asked: `cause` says why. Nothing has changed on this device. */
export class NoConnection extends Error {
  constructor(cause: unknown) {
    super('It needs a connection, and the server could not be asked.', { cause })
    this.name = 'NoConnection'
  }
}

/** An export ended before its end: what came of it is not all. */
export class ExportCutOff extends Error {
  constructor(options?: ErrorOptions) {
    super('The export was cut off before its end.', options)
    this.name = 'ExportCutOff'
  }
}

/** An entry that the rules, as known on this device, do not allow. */
export class Refusal extends Error {
  readonly reason: VoidReason

  constructor(reason: VoidReason) {
    super(`The rules do not allow it: ${reason}.`)
    this.name = 'Refusal'
    this.reason = reason
  }
}
