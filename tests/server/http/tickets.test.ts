import { describe, expect, test } from 'vitest'

import { createTickets } from '../../../server/http/tickets.ts'
import type { Identity } from '../../../server/identity.ts'
import { Fault } from '../../../shared/fault.ts'
import { parseUserId } from '../../../shared/sync/ids.ts'

function identity(name: string, expiresMs = Number.MAX_SAFE_INTEGER): Identity {
  const user = parseUserId(name)
  if (user === undefined) throw new Error(`no user id: ${name}`)
  return { user, expiresMs }
}

function start() {
  let nowMs = 1_000_000
  let drawn = 0
  const random = (bytes: number): Uint8Array => {
    const result = new Uint8Array(bytes)
    new DataView(result.buffer).setUint32(0, drawn++)
    return result
  }
  return {
    tickets: createTickets({ now: () => nowMs, random }),
    pass: (ms: number): void => {
      nowMs += ms
    },
  }
}

describe('createTickets', () => {
  test('[AUTH2] a ticket is good once, for whom it was issued to', () => {
    const { tickets } = start()
    const ann = identity('ann')
    const [one, two] = [tickets.issue(ann), tickets.issue(identity('bob'))]
    expect(one).toEqual({ ticket: expect.stringMatching(/^[\w-]{43}$/), expiresMs: 1_030_000 })
    expect(one.ticket).not.toBe(two.ticket)
    expect(tickets.redeem(one.ticket)).toEqual(ann)
    expect(tickets.redeem(one.ticket)).toBeUndefined()
    expect(tickets.redeem(two.ticket)?.user).toBe('bob')
  })

  test('[AUTH2] a ticket ends after 30 seconds', () => {
    const { tickets, pass } = start()
    const [early, late] = [tickets.issue(identity('ann')), tickets.issue(identity('ann'))]
    pass(29_999)
    expect(tickets.redeem(early.ticket)).toBeDefined()
    pass(1)
    expect(tickets.redeem(late.ticket)).toBeUndefined()
  })

  test('[AUTH2] a ticket does not outlive the token it was given for', () => {
    const { tickets, pass } = start()
    const { ticket } = tickets.issue(identity('ann', 1_010_000))
    pass(10_000)
    expect(tickets.redeem(ticket)).toBeUndefined()
  })

  test.each(['', 'nonsense', '__proto__', `${'A'.repeat(42)}E`])('[AUTH2] "%s" is no ticket', (text) => {
    const { tickets } = start()
    expect(tickets.issue(identity('ann')).ticket).toBe('A'.repeat(43))
    expect(tickets.redeem(text)).toBeUndefined()
  })

  test('[AUTH2] one user has at most 1,000 unspent, which ends with them and costs nobody else', () => {
    const { tickets, pass } = start()
    const [ann, bob] = [identity('ann'), identity('bob')]
    const [first] = Array.from({ length: 1000 }, () => tickets.issue(ann))
    expect(() => tickets.issue(ann)).toThrow(new Fault('overloaded'))
    expect(tickets.issue(bob)).toBeDefined()
    expect(tickets.redeem(first?.ticket ?? '')).toEqual(ann)
    expect(tickets.issue(ann)).toBeDefined()
    expect(() => tickets.issue(ann)).toThrow(Fault)
    pass(30_000)
    for (let n = 0; n < 1000; n++) tickets.issue(ann)
    expect(() => tickets.issue(ann)).toThrow(Fault)
  })
})
