// Arbitrary ids for property tests, drawn so that equal ones and neighbours are frequent.
import * as fc from 'fast-check'

import { clientId, conversationId, invitationAt, messageId, userId } from '../../contract/store-rows.ts'

/** Safe integers from 0, with the borders of bytes and words among them. */
export const count = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.constantFrom(255, 256, 65_535, 65_536, 0xffff_ffff, 0x1_0000_0000, Number.MAX_SAFE_INTEGER),
  fc.maxSafeNat(),
)

const near = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom(0xff, 0x100, 0xffff_ffff_fffe, 0xffff_ffff_ffff))
export const conversation = near.map(conversationId)
export const message = near.map(messageId)
export const invitation = near.map((number) => invitationAt(number).id)

export const client = fc
  .oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom(255, 256, 0xffff_ffff), fc.nat())
  .map(clientId)

/** Visible ASCII without the slash; short ones of few letters are often prefixes of each other. */
const visible = Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index)).filter((char) => char !== '/')
export const user = fc
  .oneof(
    fc.string({ unit: fc.constantFrom('!', 'a', '~'), minLength: 1, maxLength: 3 }),
    fc.string({ unit: fc.constantFrom(...visible), minLength: 1, maxLength: 128 }),
  )
  .map(userId)

/** An `Idempotency-Key`: visible ASCII, slashes included. */
export const requestKey = fc.oneof(
  fc.string({ unit: fc.constantFrom('!', '/', '~'), minLength: 1, maxLength: 3 }),
  fc.string({ unit: fc.constantFrom('/', ...visible), minLength: 1, maxLength: 255 }),
)

/** Any UTF-16, halves of pairs included; short ones of few letters are often prefixes of each other. */
export const settingKey = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', '\0', '\u00ff', '\u0100', '\uffff', '\ud83d'), minLength: 1, maxLength: 3 }),
  fc.array(fc.nat({ max: 0xffff }), { minLength: 1 }).map((codes) => String.fromCharCode(...codes)),
)

/** Plain objects; fast-check's own may lack a prototype. */
export function record<T>(fields: { [Key in keyof T]: fc.Arbitrary<T[Key]> }): fc.Arbitrary<T> {
  return fc.record(fields, { noNullPrototype: true })
}
