// Hocuspocus with SQLite as its documentation starts it. Copied into the folder of the peers and run there, for only
// there are its packages.
import { SQLite } from '@hocuspocus/extension-sqlite'
import { Server } from '@hocuspocus/server'

const [database] = process.argv.slice(2)
const server = new Server({ port: 0, address: '127.0.0.1', quiet: true, extensions: [new SQLite({ database })] })
await server.listen()
console.log(`listening on port ${server.address.port}`)
