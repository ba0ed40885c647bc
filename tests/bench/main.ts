// `npm run bench`: what the server costs and what a person waits for, each figure against the floor of the same run or against its budget.
import { createLongStore } from './long-store.ts'
import { createSigner, startFloor, startParley, withTargets } from './processes.ts'
import { runBench } from './run.ts'
import { acceptOnly } from './scenarios/accept-only.ts'
import { coldOpen } from './scenarios/cold-open.ts'
import { coldStart } from './scenarios/cold-start.ts'
import { crash } from './scenarios/crash.ts'
import { fanOut, fanOutMux } from './scenarios/fan-out.ts'
import { fold } from './scenarios/fold.ts'
import { idleMemory } from './scenarios/idle-memory.ts'
import { localOpen } from './scenarios/local-open.ts'
import { longMemory } from './scenarios/long-memory.ts'
import { longOpen } from './scenarios/long-open.ts'
import { longRest } from './scenarios/long-rest.ts'
import { rest } from './scenarios/rest.ts'
import { search } from './scenarios/search.ts'
import { storm } from './scenarios/storm.ts'

const signer = createSigner()
const floor = () => startFloor(signer)
const parley = () => startParley(signer)
const longStore = createLongStore(signer)
const parleyMux = () => startParley(signer, { dialect: 'mux' })

await runBench({
  'fan-out': () => withTargets([floor, parley], fanOut),
  'fan-out-mux': () => withTargets([floor, parleyMux], fanOutMux),
  storm: () => withTargets([floor, parley], storm),
  'cold-open': () => withTargets([parley], coldOpen),
  'idle-memory': () => idleMemory(signer),
  crash,
  rest: () => rest(signer),
  'accept-only': acceptOnly,
  'long-open': async ({ messages }) => longOpen(signer, await longStore(messages)),
  'long-rest': async ({ messages }) => longRest(signer, await longStore(messages)),
  'long-memory': async ({ messages }) => longMemory(signer, await longStore(messages)),
  'local-open': async ({ messages }) => localOpen(await longStore(messages)),
  'cold-start': coldStart,
  fold,
  search,
})
