// `npm run bench:peers`: the same work on the servers that people use for Yjs today, in the same run as the floor and Parley.
import { installPeers } from './peers/install.ts'
import { startHocuspocus, startYWebsocketServer } from './peers/start.ts'
import { createSigner, startFloor, startParley, withTargets } from './processes.ts'
import { runBench } from './run.ts'
import { coldOpen } from './scenarios/cold-open.ts'
import { fanOut } from './scenarios/fan-out.ts'
import { storm } from './scenarios/storm.ts'

const signer = createSigner()
const peers = await installPeers()
const floor = () => startFloor(signer)
const servers = [() => startParley(signer), () => startYWebsocketServer(peers), () => startHocuspocus(peers)]

await runBench({
  'fan-out': () => withTargets([floor, ...servers], fanOut),
  storm: () => withTargets([floor, ...servers], storm),
  'cold-open': () => withTargets(servers, coldOpen),
})
