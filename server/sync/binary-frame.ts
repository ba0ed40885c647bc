/**
 * WebSocket frames as a server sends them (RFC 6455): binary, whole, unmasked. `ws` makes a header for each receiver and
 * writes header and payload apart; what goes to a whole conversation is framed once here and written in one piece.
 */

const finBinary = 0b1000_0010
/** Lengths that fit the header's own byte; above them come two, above those eight further bytes. */
const longestShort = 125
const longestMedium = 0xffff
const mediumMark = 126
const longMark = 127

export function encodeBinaryFrame(payload: Uint8Array): Buffer {
  const { length } = payload
  const headerBytes = length <= longestShort ? 2 : length <= longestMedium ? 4 : 10
  const frame = Buffer.allocUnsafe(headerBytes + length)
  frame[0] = finBinary
  if (headerBytes === 2) {
    frame[1] = length
  } else if (headerBytes === 4) {
    frame[1] = mediumMark
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = longMark
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.set(payload, headerBytes)
  return frame
}

/** Frames payloads, and those in a row that are the same object once. */
export function createFramer(): (payload: Uint8Array) => Buffer {
  let last: { readonly payload: Uint8Array; readonly frame: Buffer } | undefined
  return (payload) => {
    if (last?.payload !== payload) last = { payload, frame: encodeBinaryFrame(payload) }
    return last.frame
  }
}
