/** Requests that `fetch` refuses to make: with any Host, any target, or none of HTTP's rules. */

import { once } from 'node:events'
import { type IncomingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

export interface RawAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export function rawRequest(
  url: string,
  options: { readonly method?: string; readonly path: string; readonly headers?: Readonly<Record<string, string>> },
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { ...options, headers: options.headers ?? {} }, (answer) => {
      text(answer).then((body) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }), reject)
    })
    outgoing.once('error', reject)
    outgoing.end()
  })
}

/** What comes back for these bytes until the server closes. */
export async function rawBytes(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  socket.write(bytes)
  return await text(socket)
}
