/**
 * Frames of the multiplexed protocol `parley.1`: one socket, many conversations.
 *
 *     frame = varUint channel • content
 *
 * Channel 0 carries one control message as UTF-8 JSON (control.ts); every other channel one message of the stock
 * y-websocket protocol (wire.ts). A frame has at most `limits.frameBytes`.
 */

import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { limits } from '../limits.ts'
import { readUint } from './read-uint.ts'

export type Frame =
  | { readonly kind: 'frame'; readonly channel: number; readonly content: Uint8Array }
  | { readonly kind: 'malformed'; readonly why: string }

/** The channel of control messages. */
export const controlChannel = 0

/** Reads a frame; total. The content is a view of `bytes`. */
export function parseFrame(bytes: Uint8Array): Frame {
  if (bytes.length > limits.frameBytes) return { kind: 'malformed', why: 'frame: too long' }
  const decoder = decoding.createDecoder(bytes)
  try {
    const channel = readUint(decoder)
    if (channel > limits.highestChannel) return { kind: 'malformed', why: 'frame: no such channel' }
    return { kind: 'frame', channel, content: bytes.subarray(decoder.pos) }
  } catch (error) {
    return { kind: 'malformed', why: `frame: ${error instanceof Error ? error.message : String(error)}` }
  }
}

export function encodeFrame(channel: number, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, channel)
  encoding.writeUint8Array(encoder, content)
  return encoding.toUint8Array(encoder)
}
