/** Answers what is not even HTTP: Node gives us the socket, and closes it after. */

import type { Socket } from 'node:net'
import { STATUS_CODES } from 'node:http'
import type { ConnectionError } from 'fastify'
import { Problem, problemBody } from './problem.ts'

const statuses: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

export function answerBrokenRequest(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy(error)
    return
  }
  const status = statuses[error.code] ?? 400
  const text = STATUS_CODES[status] ?? 'Bad Request'
  const problem = new Problem(status, 'bad-request', `${text}.`)
  const body = JSON.stringify(problemBody(problem))
  const head = [
    `HTTP/1.1 ${status} ${text}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
