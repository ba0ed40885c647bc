/** The first byte of every payload: how the rest is to be read. */
export const format = {
  /** UTF-8 JSON. */
  json: 1,
  /** Sealed for end-to-end encryption; reserved. */
  sealed: 2,
  /** A stamp, on the server's chain only. */
  stamp: 3,
  /** Of superseded entries, on the server's chain only. */
  superseded: 4,
} as const
