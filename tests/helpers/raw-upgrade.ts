// An upgrade with a request line of one's own: for targets that no client library would send. Knows no test runner.
import { once } from 'node:events'
import { connect } from 'node:net'

/** Sends the upgrade and reads until the server closes or has answered; the status, 0 when there was none. */
export async function rawUpgrade(url: string, target: string): Promise<{ readonly status: number }> {
  const { hostname, port, host } = new URL(url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  const lines = [
    `GET ${target} HTTP/1.1`,
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    'Sec-WebSocket-Protocol: yjs',
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  const [head] = await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => [''])])
  socket.destroy()
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(String(head))?.[1] ?? 0) }
}
