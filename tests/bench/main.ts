// `npm run bench`: what the server costs and what a person waits for, each figure against the floor of the same run or against its budget.
import { createSigner, startFloor, startParley, withTargets } from './processes.ts'
import { runBench } from './run.ts'
import { acceptOnly } from './scenarios/accept-only.ts'
import { coldOpen } from './scenarios/cold-open.ts'
import { crash } from './scenarios/crash.ts'
import { fanOut, fanOutMux } from './scenarios/fan-out.ts'
import { idleMemory } from './scenarios/idle-memory.ts'
import { localOpen } from './scenarios/local-open.ts'
import { rest } from './scenarios/rest.ts'
import { storm } from './scenarios/storm.ts'

const signer = createSigner()
const floor = () => startFloor(signer)
const parley = () => startParley(signer)
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
  'local-open': localOpen,
})
