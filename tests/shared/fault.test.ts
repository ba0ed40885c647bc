import { expect, test } from 'vitest'

import { Fault, type FaultCode, faults, isPermanent } from '../../shared/fault.ts'

/** DESIGN §5: close code, HTTP status. Written out, so that a changed code is a changed test. */
const table: Readonly<Record<FaultCode, readonly [closeCode: number, httpStatus: number]>> = {
  malformed: [4400, 422],
  unauthenticated: [4401, 401],
  expired: [4401, 401],
  'no-access': [4403, 403],
  'not-found': [4404, 404],
  forked: [4409, 409],
  'client-taken': [4409, 409],
  'server-behind': [4409, 409],
  deleted: [4410, 410],
  restart: [1012, 503],
  overloaded: [1013, 429],
  'unknown-ticket': [4502, 401],
  unavailable: [4503, 503],
}

const codes = Object.keys(faults) as FaultCode[]

test('[FAULT1] every fault has its codes, and there is no other', () => {
  const found = Object.fromEntries(codes.map((code) => [code, [faults[code].closeCode, faults[code].httpStatus]]))
  expect(found).toEqual(table)
})

test('[FAULT1] no fault has a close code at which stock clients would stop for ever by mistake', () => {
  for (const code of codes) {
    const { closeCode, text } = faults[code]
    expect([4408, 4429]).not.toContain(closeCode)
    expect(text).toMatch(/^[A-Z].*\.$/)
  }
  const retried = codes.filter((code) => !isPermanent(faults[code].closeCode))
  expect(retried).toEqual(['restart', 'overloaded', 'unknown-ticket', 'unavailable'])
})

test('[FAULT1] 44xx is for good, all else is to be tried again', () => {
  expect([1000, 1006, 1012, 1013, 4000, 4399, 4500, 4502, 4503].filter(isPermanent)).toEqual([])
  expect([4400, 4401, 4410, 4499].filter(isPermanent)).toEqual([4400, 4401, 4410, 4499])
})

test('[FAULT1] a fault is an error that knows its code', () => {
  const cause = new Error('disk')
  const fault = new Fault('unavailable', undefined, { cause })
  expect(fault).toBeInstanceOf(Error)
  expect(fault).toMatchObject({ name: 'Fault', code: 'unavailable', message: faults.unavailable.text, cause })
  expect(fault.facts).toBe(faults.unavailable)
  expect(new Fault('malformed', 'trailing bytes')).toMatchObject({
    message: 'trailing bytes',
    facts: { closeCode: 4400 },
  })
})
