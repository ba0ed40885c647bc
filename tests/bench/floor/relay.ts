// The floor: the least a chat server can do. It checks tokens as the server does (with the server's own code, so what a
// token proved is remembered here too), and sends the same Buffer on to everybody else in the room. It stores nothing, reads
// nothing and answers nothing.
import { createServer } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'

import { createAuthenticate } from '../../../server/http/auth.ts'
import { rememberProved } from '../../../server/http/proved-tokens.ts'

const [secret = ''] = process.argv.slice(2)
const key = new TextEncoder().encode(secret)
const authenticate = rememberProved(createAuthenticate({ secret: key, now: Date.now }), Date.now)
const rooms = new Map<string, Set<WebSocket>>()
const server = createServer()
const wss = new WebSocketServer({
  noServer: true,
  perMessageDeflate: false,
  handleProtocols: (offered) => (offered.has('yjs') ? 'yjs' : false),
})

server.on('upgrade', (request, socket: Duplex, head) => {
  wss.handleUpgrade(request, socket, head, (ws) => {
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
    const token = offered.find((name) => name.startsWith('bearer.'))?.slice('bearer.'.length) ?? ''
    ws.pause()
    ws.on('error', () => ws.terminate())
    authenticate(token).then(
      () => join(ws, request.url ?? ''),
      () => ws.close(4401),
    )
  })
})

function join(ws: WebSocket, name: string): void {
  const room = rooms.get(name) ?? new Set()
  rooms.set(name, room)
  room.add(ws)
  ws.on('message', (data: Buffer) => {
    for (const other of room) if (other !== ws) other.send(data)
  })
  ws.once('close', () => room.delete(ws))
  ws.resume()
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') console.log(`listening on port ${address.port}`)
})
